"""Who may use what, and until when: approvals of terminal sessions, and who inherits them.

Nothing here asks or waits: it is a table of who may, with limits on the boot-time clock. Grants, for
programs without a terminal, are in `agent/grants.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Set
from dataclasses import dataclass, field
from enum import StrEnum

from keyturn.agent.callers import Caller
from keyturn.agent.grants import Grant, Grants
from keyturn.agent.uses import Program, Use
from keyturn.ground.clock import Clock
from keyturn.ground.settings import Approval as Limits
from keyturn.ground.settings import Preset
from keyturn.processes import identity
from keyturn.processes.facts import Process
from keyturn.processes.identity import TerminalSession


class How(StrEnum):
    """By what somebody may use an account."""

    APPROVED = "approved"
    INHERITED = "inherited"
    GRANTED = "granted"


@dataclass(frozen=True)
class Scope:
    """What one approval is for. The preset decides how much that is: no terminal means all of the user's.

    An approval that was given under another preset than the present one counts for nothing.
    """

    preset: Preset
    terminal: TerminalSession | None
    account: str
    item: str = ""
    program: Program | None = None


@dataclass
class Approval:
    """A person agreed. Times are seconds on the boot-time clock; `programs` were agreed to by name."""

    since: float
    used: float
    programs: set[Program] = field(default_factory=set)


@dataclass(frozen=True)
class Yes:
    """Why a caller may: the approval or the grant it comes under."""

    how: How
    source: Approval | Grant


class Approvals:
    """All approvals and grants of one keeper."""

    def __init__(
        self,
        clock: Clock,
        agent: Set[int] = frozenset(),
        read: Callable[[int], Process | None] = identity.read,
    ) -> None:
        """`agent`: its own processes, from which nobody inherits; `read` gives a process by pid."""
        self._clock = clock
        self._agent = agent
        self._read = read
        self._approvals: dict[Scope, Approval] = {}
        self._last: dict[TerminalSession, str] = {}
        # Told when approvals are ended, not when they run out (`until`).
        self.ended: Callable[[], None] = lambda: None
        self.grants = Grants(clock, read)

    def approve(self, terminal: TerminalSession, use: Use, limits: Limits) -> Approval:
        """The person at this terminal agreed to this use; an approval that is there starts anew."""
        now = self._clock.boot()
        scope = _scope(terminal, use, limits)
        old = self._approvals.get(scope)
        approval = Approval(since=now, used=now, programs=old.programs if old is not None else set())
        self._approvals[scope] = approval
        self.remember(terminal, use.account)
        return approval

    def remember(self, terminal: TerminalSession, account: str) -> None:
        """This terminal has signed in to this account last."""
        self._last[terminal] = account

    def find(self, caller: Caller, use: Use, limits: Limits) -> Yes | None:
        """What lets `caller` do this now. A use renews the approval of its own terminal, and no other."""
        if caller.terminal is not None:
            approval = self._live(_scope(caller.terminal, use, limits), limits)
            if approval is not None:
                approval.used = self._clock.boot()
                return Yes(How.APPROVED, approval)
        if caller.process is None:
            return None
        family = self._family(caller.process)
        if caller.terminal is None and limits.inherit:
            inherited = self._inherited(family, use, limits)
            if inherited is not None:
                return Yes(How.INHERITED, inherited)
        grant = self.grants.find(use, family, has_terminal=caller.terminal is not None)
        return Yes(How.GRANTED, grant) if grant is not None else None

    def is_approved(self, caller: Caller, account: str, limits: Limits) -> bool:
        """Whether the caller's terminal may list what is in the account. To have asked renews nothing."""
        if caller.terminal is None:
            return False
        return self._live(_scope(caller.terminal, Use(account), limits), limits) is not None

    def descends_from_agent(self, process: Process) -> bool:
        """Whether the agent started it, or what started it: no person did, so no person's yes is its."""
        return any(each.pid in self._agent for each in identity.ancestors(process, self._read))

    def _family(self, process: Process) -> list[Process]:
        """The process and those above it; empty for what the agent itself started."""
        family = list(identity.ancestors(process, self._read))
        return [] if any(each.pid in self._agent for each in family) else family

    def _inherited(self, family: list[Process], use: Use, limits: Limits) -> Approval | None:
        """The approval of the nearest approved ancestor that is near enough."""
        changes, before = 0, None
        for each in family:
            changes += before is not None and each.session != before.session
            if changes > identity.SESSION_CHANGES:
                return None
            terminal = identity.terminal_session(each, self._read)
            if terminal is not None:
                approval = self._live(_scope(terminal, use, limits), limits)
                if approval is not None:
                    return approval
            before = each
        return None

    def _live(self, scope: Scope, limits: Limits) -> Approval | None:
        approval = self._approvals.get(scope)
        if approval is not None and ends(scope, approval, limits) <= self._clock.boot():
            del self._approvals[scope]
            return None
        return approval

    def end(self, terminal: TerminalSession | None) -> None:
        """End what one terminal session has, and with it what it shares with the user's other terminals."""
        if terminal is not None:
            kept = {key: value for key, value in self._approvals.items() if key.terminal is not None}
            self._approvals = {key: value for key, value in kept.items() if key.terminal != terminal}
            self.ended()

    def end_all(self) -> None:
        """End every approval; grants stay."""
        self._approvals.clear()
        self.ended()

    def end_account(self, account: str) -> None:
        """End all that concerns one account."""
        self._approvals = {key: value for key, value in self._approvals.items() if key.account != account}
        self._last = {key: value for key, value in self._last.items() if value != account}
        self.grants.end_account(account)

    def until(self, account: str, limits: Limits) -> float:
        """Until when somebody may use the account if nobody uses it again (boot-time seconds; minus infinity:
        nobody may)."""
        approvals = [
            ends(scope, each, limits)
            for scope, each in self._approvals.items()
            if scope.account == account and scope.preset is limits.preset
        ]
        grants = [grant.ends for grant, _ in self.grants.listed() if grant.account == account]
        return max([*approvals, *grants], default=-math.inf)

    def listed(self, limits: Limits) -> list[tuple[Scope, float]]:
        """The approvals that hold now, with the seconds left (infinite: until lock)."""
        now = self._clock.boot()
        rows = [(scope, ends(scope, each, limits) - now) for scope, each in self._approvals.items()]
        return [(scope, left) for scope, left in rows if left > 0 and scope.preset is limits.preset]

    def last_account(self, terminal: TerminalSession) -> str | None:
        """The account that this terminal was approved for last, whether the approval still holds or not."""
        return self._last.get(terminal)


def _scope(terminal: TerminalSession, use: Use, limits: Limits) -> Scope:
    """What an approval of this use at this terminal is for, by the preset."""
    if limits.preset is Preset.STRICT:
        return Scope(limits.preset, terminal, use.account, use.item, use.program)
    shared = limits.preset is Preset.LOGIN_SESSION
    return Scope(limits.preset, None if shared else terminal, use.account)


def ends(scope: Scope, approval: Approval, limits: Limits) -> float:
    """When an approval ends if it is not used again (boot-time seconds)."""
    if scope.terminal is None:
        return math.inf
    return min(approval.used + limits.idle_minutes * 60, approval.since + limits.hard_hours * 3600)

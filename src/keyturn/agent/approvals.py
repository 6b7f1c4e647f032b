"""Approvals of terminal sessions and grants without a terminal.

Nothing here asks or waits: it is a table of who may, and until when, on the boot-time clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from keyturn.agent.callers import Caller
from keyturn.ground.clock import Clock
from keyturn.ground.settings import Approval as Limits
from keyturn.processes import identity
from keyturn.processes.identity import TerminalSession

# `signin` without a terminal: an hour at most.
GRANT_SECONDS = 3600.0


@dataclass(frozen=True)
class Program:
    """An executable as it was approved; a replaced file is another program."""

    plugin: str
    path: str
    device: int
    inode: int


@dataclass
class Approval:
    """One terminal session may use one account. Times are seconds on the boot-time clock."""

    since: float
    used: float
    programs: set[Program] = field(default_factory=set)


@dataclass
class Grant:
    """A process and its descendants may use one account until `ends`."""

    account: str
    pid: int
    start: int
    ends: float
    programs: set[Program] = field(default_factory=set)


class Approvals:
    """All approvals and grants of one keeper."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._approvals: dict[tuple[TerminalSession, str], Approval] = {}
        self._grants: list[Grant] = []

    def approve(self, terminal: TerminalSession, account: str) -> Approval:
        """This terminal session may use the account from now on; an approval that is there starts anew."""
        now = self._clock.boot()
        old = self._approvals.get((terminal, account))
        approval = Approval(since=now, used=now, programs=old.programs if old is not None else set())
        self._approvals[terminal, account] = approval
        return approval

    def grant(self, account: str, pid: int, start: int) -> Grant:
        """The process with this pid and start time, and its descendants, may use the account for an hour."""
        grant = Grant(account, pid, start, self._clock.boot() + GRANT_SECONDS)
        self._grants = [each for each in self._grants if (each.account, each.pid) != (account, pid)]
        self._grants.append(grant)
        return grant

    def find(self, caller: Caller, account: str, limits: Limits) -> Approval | Grant | None:
        """What lets `caller` use the account now; a use renews the approval it falls under."""
        now = self._clock.boot()
        if caller.terminal is not None:
            approval = self._approvals.get((caller.terminal, account))
            if approval is not None:
                if ends(approval, limits) > now:
                    approval.used = now
                    return approval
                del self._approvals[caller.terminal, account]
        self._grants = [grant for grant in self._grants if grant.ends > now]
        if caller.process is not None:
            for grant in self._grants:
                if grant.account == account and identity.is_descendant(
                    caller.process, grant.pid, grant.start
                ):
                    return grant
        return None

    def end(self, terminal: TerminalSession | None, *, everywhere: bool = False) -> None:
        """End one terminal session's approvals, or all approvals and grants."""
        if everywhere:
            self._approvals.clear()
            self._grants.clear()
        elif terminal is not None:
            self._approvals = {key: value for key, value in self._approvals.items() if key[0] != terminal}

    def end_account(self, account: str) -> None:
        """End all that concerns one account."""
        self._approvals = {key: value for key, value in self._approvals.items() if key[1] != account}
        self._grants = [grant for grant in self._grants if grant.account != account]

    def listed(self, limits: Limits) -> list[tuple[TerminalSession, str, float]]:
        """The approvals that hold now: terminal session, account, seconds left."""
        now = self._clock.boot()
        rows = ((key, ends(approval, limits) - now) for key, approval in self._approvals.items())
        return [(terminal, account, left) for (terminal, account), left in rows if left > 0]

    def listed_grants(self) -> list[tuple[Grant, float]]:
        """The grants that hold now, with the seconds left."""
        now = self._clock.boot()
        self._grants = [grant for grant in self._grants if grant.ends > now and _is_there(grant)]
        return [(grant, grant.ends - now) for grant in self._grants]

    def accounts(self, terminal: TerminalSession) -> list[str]:
        """The accounts this terminal was approved for, the last one first."""
        mine = [(value.since, key[1]) for key, value in self._approvals.items() if key[0] == terminal]
        return [account for _, account in sorted(mine, reverse=True)]


def _is_there(grant: Grant) -> bool:
    root = identity.read(grant.pid)
    return root is not None and root.start == grant.start


def ends(approval: Approval, limits: Limits) -> float:
    """When an approval ends if it is not used again (boot-time seconds)."""
    return min(approval.used + limits.idle_minutes * 60, approval.since + limits.hard_hours * 3600)

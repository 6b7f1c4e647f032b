"""From “somebody wants to use an account” to a permission, asking a person where one is needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from keyturn.agent import codes, programs
from keyturn.agent.accounts import Accounts, Unlocked
from keyturn.agent.agreement import Agreement
from keyturn.agent.approvals import Approval, Approvals, How
from keyturn.agent.callers import Caller
from keyturn.agent.questions import Matter, Purpose, Questions, nobody_to_ask
from keyturn.agent.registry import Entry
from keyturn.agent.uses import Use
from keyturn.auth.protocol import Asking
from keyturn.ground.clock import Clock
from keyturn.ground.errors import LockedError, MissingError, UnusableError
from keyturn.ground.names import printable
from keyturn.ground.settings import Preset, Settings
from keyturn.sdk.codes import TypedCodes
from keyturn.sdk.printed import Outputs
from keyturn.sdk.sign_in import Browsing

# From a person's yes to the launcher that it was for, which has to come back first.
COME_BACK_SECONDS = 60.0


@dataclass(frozen=True)
class Permission:
    """The keeper's single-use yes: this account, for one request."""

    entry: Entry
    unlocked: Unlocked
    how: How


class Asker(Protocol):
    """One request that may have to wait for a person."""

    caller: Caller
    may_ask: bool
    # Whether commands of the caller's own configuration can be run through it.
    may_execute: bool

    async def waiting(self) -> None:
        """The client is told, once, that its answer depends on a person."""

    async def has_window(self) -> bool:
        """Whether its person could be asked in a window of the desktop, having no terminal."""

    async def elected(
        self, permissions: Permissions, matter: Matter, ticket: str, *, asks_nobody: bool = False
    ) -> None:
        """This one is to ask: hold the conversation, or raise to make the client come back for it.

        `asks_nobody`: a command of the caller's is run instead, so that a window is of no use.
        """

    async def tell(self, line: str) -> None:
        """Show its person, if they look at a terminal, what it waits for, until something else comes."""


class Permissions:
    """Joins accounts, approvals and questions."""

    def __init__(
        self,
        accounts: Accounts,
        approvals: Approvals,
        questions: Questions,
        agreement: Agreement,
        clock: Clock,
        used: Callable[[], None],
        typed: TypedCodes,
        outputs: Outputs | None = None,
    ) -> None:
        """`used` is told each time an account is used or agreed to; codes that are typed go to `typed`, what
        programs of the callers' print to `outputs`."""
        self.accounts = accounts
        self.approvals = approvals
        self.questions = questions
        self._agreement = agreement
        self._clock = clock
        self._used = used
        self._typed = typed
        self._outputs = outputs or Outputs(clock)
        # Who has just agreed to which item: pid, start time and item, and until when that counts.
        self._just_agreed: dict[tuple[int, int, str], float] = {}

    async def obtain(self, asker: Asker, entry: Entry, purpose: Purpose, settings: Settings) -> Permission:
        """Wait until the caller may use it. Raises LockedError, DeniedError, CancelledByPersonError."""
        while True:
            missing = self._missing(asker.caller, entry, purpose.use, settings)
            if isinstance(missing, Permission):
                self._used()
                return missing
            unlock = Matter("unlock", entry.id)
            if self.questions.is_settling(unlock):
                # Open already, perhaps, but the yes of who opens it is not written down yet: it may be this
                # terminal's, and nobody expects a second question there.
                missing = unlock
            await self._ask_for(asker, missing, purpose)

    def at_once(self, caller: Caller, entry: Entry, use: Use, settings: Settings) -> Permission | None:
        """The permission that the caller has already, without anybody being asked; None if it has none."""
        missing = self._missing(caller, entry, use, settings)
        return missing if isinstance(missing, Permission) else None

    async def obtain_anew(self, asker: Asker, entry: Entry, purpose: Purpose, typed: str = "") -> None:
        """For an item that always asks: a yes to this very process, on top of a permission.

        `typed` is what the person called the item, if not by its id. Raises as `obtain`; whoever inherits or
        has a grant is refused.
        """
        caller = asker.caller
        if caller.terminal is None and not await asker.has_window():
            raise LockedError(
                "this item asks each time, and there is no terminal to ask on",
                f"to change that: keyturn item edit {purpose.use.item} --no-always-ask",
            )
        while not self._has_just_agreed(caller, purpose.use.item, typed):
            detail = f"{purpose.use.item} by {caller.pid}"
            await self._ask_for(asker, Matter("approve", entry.id, caller.terminal, detail), purpose)

    async def obtain_code(self, asker: Asker, purpose: Purpose) -> None:
        """Wait until somebody has typed the code that `purpose` speaks of, or somebody else is done with it.

        Raises LockedError, DeniedError, CancelledByPersonError, and what its command ended with.
        """
        assert purpose.code is not None
        await self._ask_for(asker, Matter("code", "", detail=purpose.code.device), purpose)

    async def obtain_sign_in(self, asker: Asker, purpose: Purpose) -> None:
        """Wait until somebody has signed in to what `purpose` speaks of. Raises as `obtain_code`."""
        assert purpose.sign_in is not None
        matter = Matter("sign-in", purpose.use.account, detail=purpose.sign_in.key)
        await self._ask_for(asker, matter, purpose)

    async def obtain_output(self, asker: Asker, purpose: Purpose) -> None:
        """Wait until the program that `purpose` speaks of has printed something. Raises as `obtain_code`."""
        assert purpose.process is not None
        await self._ask_for(asker, Matter("process", "", detail=purpose.process.name), purpose)

    async def _ask_for(self, asker: Asker, matter: Matter, purpose: Purpose) -> None:
        if asker.caller.process is not None and self.approvals.descends_from_agent(asker.caller.process):
            raise LockedError("what the agent itself has started gets no approval")
        # No page is opened for a program without a terminal: nobody would know what it is for.
        may_have_window = asker.caller.terminal is None and matter.kind != "sign-in"
        has_window = may_have_window and await asker.has_window()
        if matter.kind == "approve" and asker.caller.terminal is None and not has_window:
            raise nobody_to_ask(matter, purpose.use)
        await asker.waiting()
        may_ask = asker.may_execute if purpose.asks_nobody else asker.may_ask
        ticket = await self.questions.wait(
            matter, asker.caller, purpose, may_ask=may_ask, has_window=has_window
        )
        if ticket is not None:
            await asker.elected(self, matter, ticket, asks_nobody=purpose.asks_nobody)

    def _missing(self, caller: Caller, entry: Entry, use: Use, settings: Settings) -> Permission | Matter:
        unlocked = self.accounts.unlocked(entry.id)
        if unlocked is None:
            return Matter("unlock", entry.id)
        yes = self.approvals.find(caller, use, settings.approval)
        if yes is not None and (not use.doubt or use.program in yes.source.programs):
            return Permission(entry, unlocked, yes.how)
        if caller.terminal is None:
            # In a window the person agrees to one command of one process.
            if self._has_just_agreed(caller, use.item):
                return Permission(entry, unlocked, How.APPROVED)
            return Matter("approve", entry.id, detail=f"process {caller.pid}")
        return self._approval_of(caller, use, settings.approval.preset, named=yes is not None)

    def _has_just_agreed(self, caller: Caller, *names: str) -> bool:
        """Whether the person at this very process agreed to the item, called by one of these names."""
        if caller.process is None:
            return False
        marks = [(caller.pid, caller.process.start, name) for name in names if name]
        return any(self._just_agreed.get(mark, 0.0) > self._clock.boot() for mark in marks)

    @staticmethod
    def _approval_of(caller: Caller, use: Use, preset: Preset, *, named: bool) -> Matter:
        """What has to be agreed to; `named`: it is the program alone that is missing."""
        path = use.program.path if use.program is not None else ""
        if preset is Preset.STRICT:
            return Matter("approve", use.account, caller.terminal, f"{use.item} {path}")
        shared = preset is Preset.LOGIN_SESSION and not named
        return Matter("approve", use.account, None if shared else caller.terminal, path if named else "")

    async def ask(self, asking: Asking, matter: Matter, purpose: Purpose) -> None:
        """Have the person agree to `matter`. Raises DeniedError or CancelledByPersonError for a no."""
        if purpose.code is not None:
            self._typed.offer(purpose.code.device, await codes.obtain(asking, purpose.code))
            return
        if purpose.process is not None:
            self._outputs.offer(purpose.process.name, await programs.obtain(asking, purpose.process))
            return
        if purpose.sign_in is not None:
            if not isinstance(asking, Browsing):
                raise UnusableError("nobody can be sent to a sign-in page from here")
            await purpose.sign_in.carry_out(asking)
            return
        entry = self.accounts.registry.find(matter.account)
        if self.accounts.unlocked(entry.id) is None:
            await self._agreement.unlock(asking, entry, purpose.lines)
        else:
            await self._agreement.approve(asking, entry, purpose.lines)

    def agreed(self, matter: Matter, purpose: Purpose, caller: Caller, settings: Settings) -> None:
        """The person said yes to `matter`: everybody who waited for it goes on."""
        if purpose.code or purpose.sign_in or purpose.process:
            # Who types a code has answered that, and agreed to nothing.
            self.questions.settle(matter)
            return
        self.allow(caller, purpose.use, settings)
        now = self._clock.boot()
        self._just_agreed = {mark: until for mark, until in self._just_agreed.items() if until > now}
        if caller.process is not None and purpose.use.item:
            mark = (caller.pid, caller.process.start, purpose.use.item)
            self._just_agreed[mark] = now + COME_BACK_SECONDS
        self.questions.settle(matter)

    def allow(self, caller: Caller, use: Use, settings: Settings) -> Approval | None:
        """Record that the person at the caller's terminal agreed. None without a terminal."""
        self._used()
        if caller.terminal is None:
            return None
        approval = self.approvals.approve(caller.terminal, use, settings.approval)
        if use.doubt and use.program is not None:
            approval.programs.add(use.program)
        return approval

    def choose(self, wanted: str, caller: Caller) -> Entry:
        """The account that a request means: the one named, the last of this terminal, the only one."""
        last = self.approvals.last_account(caller.terminal) if caller.terminal is not None else None
        return self.accounts.choose(wanted, [last] if last is not None else [])

    def entry(self, account: str, title: str) -> Entry:
        """The account of a default. Raises MissingError naming the item if it is not listed any more."""
        for entry in self.accounts.registry.entries():
            if entry.id == account:
                return entry
        raise MissingError(
            f"the account of the default item “{printable(title)}” is not listed here",
            "add it again: keyturn account add DIRECTORY",
            "or choose another item: keyturn plugin init",
        )

"""From “somebody wants to use an account” to a permission, asking a person where one is needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from keyturn.agent.accounts import Accounts, Unlocked
from keyturn.agent.approvals import Approval, Approvals, Grant, Program
from keyturn.agent.callers import Caller
from keyturn.agent.questions import Matter, Purpose, Questions, nobody_to_ask
from keyturn.agent.registry import Entry
from keyturn.auth.password import Password
from keyturn.auth.protocol import Asking, Authenticator
from keyturn.ground.errors import MissingError
from keyturn.ground.names import printable
from keyturn.ground.secret import Secret
from keyturn.ground.settings import Settings


@dataclass(frozen=True)
class Permission:
    """The keeper's single-use yes: this account, for one request."""

    entry: Entry
    unlocked: Unlocked


class Asker(Protocol):
    """One request that may have to wait for a person."""

    caller: Caller
    may_ask: bool

    async def waiting(self) -> None:
        """The client is told, once, that its answer depends on a person."""

    async def elected(self, permissions: Permissions, matter: Matter, ticket: str) -> None:
        """This one is to ask: hold the conversation, or raise to make the client come back for it."""


class Permissions:
    """Joins accounts, approvals and questions."""

    def __init__(
        self, accounts: Accounts, approvals: Approvals, questions: Questions, used: Callable[[], None]
    ) -> None:
        """`used` is told each time an account is used or agreed to."""
        self.accounts = accounts
        self.approvals = approvals
        self.questions = questions
        self._used = used

    async def obtain(self, asker: Asker, entry: Entry, purpose: Purpose, settings: Settings) -> Permission:
        """Wait until the caller may use it. Raises LockedError, DeniedError, CancelledByPersonError."""
        while True:
            missing = self._missing(asker.caller, entry, purpose.program, settings)
            if isinstance(missing, Permission):
                self._used()
                return missing
            await asker.waiting()
            ticket = await self.questions.wait(missing, asker.caller, purpose, may_ask=asker.may_ask)
            if ticket is not None:
                await asker.elected(self, missing, ticket)

    def _missing(
        self, caller: Caller, entry: Entry, program: Program | None, settings: Settings
    ) -> Permission | Matter:
        unlocked = self.accounts.unlocked(entry.id)
        if unlocked is None:
            return Matter("unlock", entry.id)
        approval = self.approvals.find(caller, entry.id, settings.approval)
        if approval is None or (program is not None and program not in approval.programs):
            named = program.path if approval is not None and program is not None else ""
            if caller.terminal is None:
                raise nobody_to_ask(Matter("approve", entry.id))
            return Matter("approve", entry.id, caller.terminal, named)
        return Permission(entry, unlocked)

    async def ask(self, asking: Asking, matter: Matter, purpose: Purpose) -> None:
        """Ask the person about `matter`. Raises DeniedError or CancelledByPersonError for a no."""
        entry = self.accounts.registry.find(matter.account)
        await self._authenticator(entry, matter).approve(asking)

    def agreed(self, matter: Matter, purpose: Purpose, caller: Caller) -> None:
        """The person said yes to `matter`: everybody who waited for it goes on."""
        self.allow(caller, self.accounts.registry.find(matter.account), purpose.program)
        self.questions.settle(matter)

    def _authenticator(self, entry: Entry, matter: Matter) -> Authenticator:
        """Who is to agree, and how. System authentication will be chosen here, before the password."""
        prompt = f"password of account “{printable(entry.title)}”"

        async def check(secret: Secret) -> None:
            if self.accounts.unlocked(entry.id) is not None:
                await self.accounts.verify(entry, secret)
            else:
                await self.accounts.unlock(entry, secret)

        return Password(f"{prompt}: ", check)

    def allow(self, caller: Caller, entry: Entry, program: Program | None) -> Approval | Grant | None:
        """Record that the person at the caller's terminal agreed. None without a terminal."""
        self._used()
        if caller.terminal is None:
            return None
        approval = self.approvals.approve(caller.terminal, entry.id)
        if program is not None:
            approval.programs.add(program)
        return approval

    def choose(self, wanted: str, caller: Caller) -> Entry:
        """The account that a request means: the one named, the last of this terminal, the only one."""
        last = self.approvals.accounts(caller.terminal) if caller.terminal is not None else []
        return self.accounts.choose(wanted, last)

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

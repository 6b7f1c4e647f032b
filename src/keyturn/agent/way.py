"""What a way to open a locked account is, and what all kinds of accounts share: something to be typed."""

from __future__ import annotations

from typing import Protocol

from keyturn.agent.accounts import Accounts, Unlocked
from keyturn.agent.registry import Entry
from keyturn.auth.password import RECOVERY, Password
from keyturn.auth.protocol import Asking
from keyturn.ground.errors import LockedError
from keyturn.ground.secret import Secret


class Way(Protocol):
    """One way to open one account."""

    @property
    def name(self) -> str:
        """What it is for the person: “password”, “SSH key ~/.ssh/id_ed25519”."""

    @property
    def needs_approval(self) -> bool:
        """It opens without the person doing anything: only after somebody has agreed otherwise."""

    def unavailable(self) -> str:
        """Why it cannot be used on this machine or now; empty if it can. Starts no process."""

    async def look(self) -> None:
        """Find out what only a try can tell, before `needs_approval` is asked. Raises as `open`."""

    async def open(self, asking: Asking) -> Unlocked:
        """Open the account. Waits for the person, perhaps for long: cancel it to give up.

        Raises UnusableError for the next way to be tried, DeniedError for a no, and what a damaged, rolled
        back or foreign account raises.
        """


def hints_of(entry: Entry) -> tuple[str, ...]:
    """What an account's prompt takes besides; another program's vault has no recovery code."""
    return (RECOVERY,) if entry.place is None else ()


async def typed(accounts: Accounts, entry: Entry, prompt: str, asking: Asking) -> Unlocked:
    """Open an account by what the person types. Raises DeniedError after three wrong ones."""

    async def check(secret: Secret) -> None:
        await accounts.unlock(entry, secret)

    await Password(prompt, check, hints=hints_of(entry)).approve(asking)
    unlocked = accounts.unlocked(entry.id)
    if unlocked is None:
        raise LockedError("the account was locked again at once", "try again")
    return unlocked

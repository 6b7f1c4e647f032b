"""The ways in which an account in another program's vault opens."""

from __future__ import annotations

from keyturn.agent.accounts import Accounts, Unlocked
from keyturn.agent.registry import Entry
from keyturn.agent.way import Way, typed
from keyturn.auth.protocol import Asking
from keyturn.ground.errors import UnusableError
from keyturn.ground.names import printable
from keyturn.vaults.operations import KeyWanted, Opened
from keyturn.vaults.places import KINDS, Place


class Look:
    """An account, and whether its vault opens by itself; looked at once, for it may open a window of that
    program's."""

    def __init__(self, accounts: Accounts, entry: Entry, place: Place) -> None:
        self.accounts = accounts
        self.entry = entry
        self.place = place
        self._found: Opened | KeyWanted | None = None

    @property
    def program(self) -> str:
        return KINDS[self.place.backend].title

    async def found(self) -> Opened | KeyWanted:
        if self._found is None:
            self._found = await self.accounts.foreign.unlock(self.place, None)
        return self._found

    async def opened(self) -> Opened:
        """Raises UnusableError if something has to be typed."""
        found = await self.found()
        if isinstance(found, KeyWanted):
            raise UnusableError("it does not open by itself")
        return found

    async def prompt(self) -> str:
        """What the program asks for. Raises UnusableError if there is nothing to be typed."""
        prompt = (await self.found()).prompt
        if not prompt:
            raise UnusableError("there is nothing to be typed that opens it")
        return prompt


class ByItself:
    """The vault is open already, or that program has asked its person by itself. What it asked them is not
    known, so somebody has to agree besides."""

    needs_approval = True

    def __init__(self, look: Look) -> None:
        self._look = look

    @property
    def name(self) -> str:
        return self._look.program

    def unavailable(self) -> str:
        return ""

    async def look(self) -> None:
        """Raises UnusableError if something has to be typed."""
        await self._look.opened()

    async def open(self, asking: Asking) -> Unlocked:
        found = await self._look.opened()
        return self._look.accounts.adopt_foreign(self._look.entry, self._look.place, found)


class ByApprovalPassword:
    """As `ByItself`, and the person agrees by a password that is for that alone."""

    needs_approval = False
    name = "approval password"

    def __init__(self, look: Look) -> None:
        self._look = look

    def unavailable(self) -> str:
        is_there = self._look.accounts.passwords.exists(self._look.entry.id)
        return "" if is_there else "there is none"

    async def look(self) -> None:
        """Raises UnusableError if something else has to be typed."""
        await self._look.opened()

    async def open(self, asking: Asking) -> Unlocked:
        entry = self._look.entry
        prompt = f"password of account “{printable(entry.title)}”: "
        return await typed(self._look.accounts, entry, prompt, asking)


class ByKey:
    """What the person types opens it: its password, its key's passphrase, a token."""

    needs_approval = False

    def __init__(self, look: Look) -> None:
        self._look = look

    @property
    def name(self) -> str:
        return f"password of {self._look.program}"

    def unavailable(self) -> str:
        return ""

    async def look(self) -> None:
        """Raises UnusableError if there is nothing to be typed."""
        await self._look.prompt()

    async def open(self, asking: Asking) -> Unlocked:
        return await typed(self._look.accounts, self._look.entry, await self._look.prompt(), asking)


def ways(accounts: Accounts, entry: Entry, place: Place) -> list[Way]:
    """By itself, with somebody's agreement; else by what the person types."""
    look = Look(accounts, entry, place)
    return [ByItself(look), ByApprovalPassword(look), ByKey(look)]

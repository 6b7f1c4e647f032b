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
    """Whether the vault opens by itself; looked at once, for it may open a window of that program's."""

    def __init__(self, accounts: Accounts, place: Place) -> None:
        self._accounts = accounts
        self._place = place
        self._found: Opened | KeyWanted | None = None

    async def found(self) -> Opened | KeyWanted:
        if self._found is None:
            self._found = await self._accounts.foreign.unlock(self._place, None)
        return self._found


class ByItself:
    """The vault is open already, or that program has asked its person by itself. What it asked them is not
    known, so somebody has to agree besides."""

    needs_approval = True

    def __init__(self, accounts: Accounts, entry: Entry, place: Place, look: Look) -> None:
        self._accounts = accounts
        self._entry = entry
        self._place = place
        self._look = look

    @property
    def name(self) -> str:
        return KINDS[self._place.backend].title

    def unavailable(self) -> str:
        return ""

    async def look(self) -> None:
        """Raises UnusableError if something has to be typed."""
        if isinstance(await self._look.found(), KeyWanted):
            raise UnusableError("it does not open by itself")

    async def open(self, asking: Asking) -> Unlocked:
        found = await self._look.found()
        if isinstance(found, KeyWanted):
            raise UnusableError("it does not open by itself")
        return self._accounts.adopt_foreign(self._entry, self._place, found)


class ByApprovalPassword:
    """As `ByItself`, and the person agrees by a password that is for that alone."""

    needs_approval = False
    name = "approval password"

    def __init__(self, accounts: Accounts, entry: Entry, look: Look) -> None:
        self._accounts = accounts
        self._entry = entry
        self._look = look

    def unavailable(self) -> str:
        return "" if self._accounts.passwords.exists(self._entry.id) else "there is none"

    async def look(self) -> None:
        """Raises UnusableError if something else has to be typed."""
        if isinstance(await self._look.found(), KeyWanted):
            raise UnusableError("it does not open by itself")

    async def open(self, asking: Asking) -> Unlocked:
        prompt = f"password of account “{printable(self._entry.title)}”: "
        return await typed(self._accounts, self._entry, prompt, asking)


class ByKey:
    """What the person types opens it: its password, its key's passphrase, a token."""

    needs_approval = False

    def __init__(self, accounts: Accounts, entry: Entry, place: Place, look: Look) -> None:
        self._accounts = accounts
        self._entry = entry
        self._place = place
        self._look = look

    @property
    def name(self) -> str:
        return f"password of {KINDS[self._place.backend].title}"

    def unavailable(self) -> str:
        return ""

    async def look(self) -> None:
        """Raises UnusableError if there is nothing to be typed."""
        await self._prompt()

    async def open(self, asking: Asking) -> Unlocked:
        return await typed(self._accounts, self._entry, await self._prompt(), asking)

    async def _prompt(self) -> str:
        prompt = (await self._look.found()).prompt
        if not prompt:
            raise UnusableError("there is nothing to be typed that opens it")
        return prompt


def ways(accounts: Accounts, entry: Entry, place: Place) -> list[Way]:
    """By itself, with somebody's agreement; else by what the person types."""
    look = Look(accounts, place)
    return [
        ByItself(accounts, entry, place, look),
        ByApprovalPassword(accounts, entry, look),
        ByKey(accounts, entry, place, look),
    ]

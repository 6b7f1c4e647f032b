"""The ways in which a locked account opens, in the order in which a person should meet them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from keyturn.agent import foreign_unlocking
from keyturn.agent.accounts import Accounts, Unlocked
from keyturn.agent.registry import Entry
from keyturn.agent.way import Way, typed
from keyturn.auth.protocol import Asking
from keyturn.ground.errors import DeniedError, KeyturnError, KeyUnusableError, UnusableError
from keyturn.ground.names import printable
from keyturn.vaults.age import identities, slots
from keyturn.vaults.age.documents import SlotRecord
from keyturn.vaults.age.openers import KeyringOpener, Opener, PluginOpener, SshOpener
from keyturn.vaults.age.opening import read_slots
from keyturn.vaults.age.slots import Kind, Slot

# What is opened from outside; of those that want something of the person, plugins come before SSH keys.
OUTSIDE = (Kind.KEYRING, Kind.PLUGIN, Kind.SSH)


class PasswordWay:
    """The account's password; a recovery code is taken at the same prompt."""

    name = "password"
    needs_approval = False

    def __init__(self, accounts: Accounts, entry: Entry, *, has_slot: bool = True) -> None:
        self._accounts = accounts
        self._entry = entry
        self._has_slot = has_slot

    def unavailable(self) -> str:
        return "" if self._has_slot else "the account has no password and no recovery code"

    async def look(self) -> None:
        """There is nothing to find out."""

    async def open(self, asking: Asking) -> Unlocked:
        return await typed(
            self._accounts, self._entry, f"password of account “{printable(self._entry.title)}”: ", asking
        )


class SlotWay:
    """A slot that is opened from outside, by the opener that this machine knows (None: it knows none)."""

    def __init__(self, accounts: Accounts, entry: Entry, slot: Slot, opener: Opener | None) -> None:
        self._accounts = accounts
        self._entry = entry
        self._slot = slot
        self._opener = opener

    @property
    def name(self) -> str:
        title = f"“{printable(self._slot.header.title)}”"
        return title if self._opener is None else f"{title}, {describe(self._opener)}"

    @property
    def kind(self) -> Kind:
        return self._slot.header.kind

    @property
    def is_known(self) -> bool:
        return self._opener is not None

    @property
    def needs_approval(self) -> bool:
        if isinstance(self._opener, SshOpener):
            return self._opener.unprotected
        return not isinstance(self._opener, PluginOpener) or self._opener.silent

    def unavailable(self) -> str:
        if self._opener is None:
            return "its key is not known on this machine (keyturn account slot use)"
        return self._accounts.keys.unavailable(self._opener)

    async def look(self) -> None:
        """There is nothing to find out."""

    async def open(self, asking: Asking) -> Unlocked:
        if self._opener is None:
            raise UnusableError(self.unavailable())
        block = self._slot.locked if self._slot.header.kind.is_locked else b""
        try:
            identity = await self._accounts.keys.open(self._opener, self._entry.id, block, asking)
            return await self._accounts.unlock_with_key(self._entry, self._slot.mark, identity)
        except KeyUnusableError as error:
            raise UnusableError(error.message, *error.hints) from None


class TouchAgain:
    """Implements `Authenticator`: a key that wants a touch opens its slot again, and nothing comes of it."""

    name = "slot"

    def __init__(self, accounts: Accounts, entry: Entry) -> None:
        self._accounts = accounts
        self._entry = entry

    async def unavailable(self) -> str:
        if self._accounts.unlocked(self._entry.id) is None:
            return "the account is locked"
        if self._entry.place is not None:
            return "the account has no slots"
        reason = "no slot of the account wants a touch on this machine"
        for _, opener in await self._candidates():
            reason = self._accounts.keys.unavailable(opener)
            if not reason:
                return ""
        return reason

    async def approve(self, asking: Asking) -> None:
        reason = await self.unavailable()
        for record, opener in await self._candidates() if not reason else ():
            try:
                block = record.block.encode()
                identity = await self._accounts.keys.open(opener, self._entry.id, block, asking)
            except KeyUnusableError as error:
                reason = error.message
                continue
            # By the account's own list, which nobody without a slot can have written.
            if identities.recipient_of(identity) != record.recipient:
                raise DeniedError("the key opened something else than its slot")
            return
        raise UnusableError(reason)

    async def _candidates(self) -> list[tuple[SlotRecord, PluginOpener]]:
        unlocked = self._accounts.unlocked(self._entry.id)
        if unlocked is None:
            return []

        def look() -> list[tuple[SlotRecord, PluginOpener]]:
            openers = self._accounts.openers.of(self._entry.id)
            found = []
            for record in unlocked.own("slots").file.load().slots:
                opener = openers.get(
                    slots.mark_of(record.kind, record.title, record.created, record.block.encode())
                )
                if isinstance(opener, PluginOpener) and not opener.silent:
                    found.append((record, opener))
            return found

        return await unlocked.run(look)


def ways(accounts: Accounts, entry: Entry) -> list[Way]:
    """The ways to open an account: first what opens by itself, then plugins and protected keys, the password
    last.

    Reads the slots' files. Those that cannot be used here are among them, with their reason. An account that
    cannot be read has the password alone, which then says why.
    """
    if entry.place is not None:
        return foreign_unlocking.ways(accounts, entry, entry.place)
    try:
        found, unreadable = read_slots(Path(entry.directory))
    except KeyturnError:
        return [PasswordWay(accounts, entry)]
    outside = sorted(_outside(accounts, entry, found), key=_order)
    typed = any(slot.header.kind in (Kind.PASSWORD, Kind.RECOVERY) for slot in found)
    return [*outside, PasswordWay(accounts, entry, has_slot=typed or bool(unreadable) or not outside)]


def _outside(accounts: Accounts, entry: Entry, found: list[Slot]) -> Iterator[SlotWay]:
    # During a change there is an old and a new slot with the same mark: one key, one way.
    marked = {slot.mark: slot for slot in reversed(found) if slot.header.kind in OUTSIDE}
    try:
        openers = accounts.openers.of(entry.id) if marked else {}
    except KeyturnError:
        openers = {}
    for mark, slot in marked.items():
        yield SlotWay(accounts, entry, slot, openers.get(mark))


def _order(way: SlotWay) -> tuple[bool, bool, int, str]:
    return not way.is_known, not way.needs_approval, OUTSIDE.index(way.kind), way.name


def describe(opener: Opener) -> str:
    """An opener in a few words, without its secret."""
    if isinstance(opener, SshOpener):
        return f"SSH key {printable(opener.path, 300)}"
    if isinstance(opener, KeyringOpener):
        return "login keyring"
    return f"age-plugin-{opener.name}"

"""An unlocked account: a directory of age files, and the backend over it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import msgspec

from keyturn.ground import files
from keyturn.ground.errors import ConflictError, KeyturnError
from keyturn.ground.names import new_id, printable
from keyturn.ground.secret import Secret
from keyturn.items import Item, VaultReference
from keyturn.vaults.age import identities, slots
from keyturn.vaults.age.contents import empty_vault, new_record
from keyturn.vaults.age.directory import AccountDirectory, storage
from keyturn.vaults.age.documents import AccountDocument, Codec, SlotRecord
from keyturn.vaults.age.pins import Machine
from keyturn.vaults.age.sealed import KeyRing, SealedFile
from keyturn.vaults.age.slots import Header, Kind, SlotKey
from keyturn.vaults.age.store import ItemStore
from keyturn.vaults.backend import Availability, Available, Unavailable


@dataclass(frozen=True)
class SlotState:
    """A slot that the account lists; `present`: whether its file is there."""

    id: str
    kind: Kind
    title: str
    created: str
    present: bool


class AgeAccount(ItemStore):
    """A `Backend` over the account in one directory, opened with the account identity.

    Made by `creation.create` and by `opening.Opening.account`. Safe for several threads; other processes
    are kept apart by the lock in the directory.
    """

    def __init__(self, place: AccountDirectory, account_id: str, ring: KeyRing, machine: Machine) -> None:
        super().__init__(place, account_id, ring, machine)
        self.unfinished: list[str] = []  # what a change of identity left to do, and why it could not
        self.file = SealedFile(place, account_id, "account", Codec(AccountDocument), ring, machine)

    @property
    def id(self) -> str:
        return self._id

    @property
    def title(self) -> str:
        return self.file.load().title

    @property
    def directory(self) -> Path:
        return self.place.path

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the account identity, as this machine pins it."""
        return identities.fingerprint(self.ring.current)

    def availability(self) -> Availability:
        try:
            self.file.load()
        except KeyturnError as error:
            return Unavailable(error.message, error.hints)
        return Available()

    def read_back(self, item_id: str) -> tuple[Item, VaultReference]:
        """As `get`, but through files opened and decrypted anew, whatever is held in memory."""
        return AgeAccount(self.place, self.id, self.ring, self.machine).get(item_id)

    def create_vault(self, name: str) -> VaultReference:
        slots.check_title(name)
        with self.place.locked():
            # A keeper that holds the identity from before a change finds that out here, not after writing.
            self.file.load()
            if any(vault.name == name for vault in self.vaults()):
                raise ConflictError(f"the account has a vault “{name}” already", "see: keyturn vault list")
            return self.write_vault(name)

    def slots(self) -> list[SlotState]:
        """The slots that the account lists, in the order in which they were added."""
        listed = self.file.load().slots
        with storage(self.place.slots, "read"):
            present = {slot.id for slot in listed if self._slot_path(slot.id).exists()}
        return [
            SlotState(slot.id, slot.kind, slot.title, slot.created, slot.id in present) for slot in listed
        ]

    def unlisted_slots(self) -> list[str]:
        """The names of files among the slots that the account does not list; nothing is done with them."""
        listed = {slots.file_name(slot.id) for slot in self.file.load().slots}
        with storage(self.place.slots, "read"):
            names = os.listdir(self.place.slots) if self.place.slots.exists() else []
        return sorted(name for name in names if name not in listed and not name.startswith("."))

    def notes(self) -> list[str]:
        """What a person should be told about the account, one line each; usually nothing."""
        lines = [
            f"the slot “{slot.title}” is listed, but its file {self._slot_path(slot.id)} is missing"
            for slot in self.slots()
            if not slot.present
        ]
        lines += [
            f"the file {printable(name)} among the slots is none of the account's"
            for name in self.unlisted_slots()
        ]
        pinned = self.machine.pinned(self.id)
        there = {"account", *self.place.vault_ids()}
        lines += [
            f"a vault that was here is gone: {self.place.vault(name)}"
            for name in sorted(pinned.files if pinned else ())
            if name not in there
        ]
        return lines + self.unfinished

    def add_slot(self, key: SlotKey) -> SlotState:
        """Another way to open the account.

        The slot's file is written first: if the list is not reached, the slot opens and is reported
        as unlisted. Raises ConflictError for a title that is taken.
        """
        with self.place.locked():
            if any(slot.title == key.title for slot in self.file.load().slots):
                raise ConflictError(f"the account has a slot “{key.title}” already")
            record = new_record(key, self._moment())
            self.machine.pinned(self.id)  # unreadable pins are found out before anything is written
            self.write_slot(record, self.ring.current)
            self.file.update(lambda was: msgspec.structs.replace(was, slots=[*was.slots, record]))
        return SlotState(record.id, record.kind, record.title, record.created, present=True)

    def rename(self, title: str) -> None:
        """Give the account another title. Raises UsageError for one that is no printable line."""
        slots.check_title(title)
        self.file.update(lambda was: msgspec.structs.replace(was, title=title))

    def write_vault(self, name: str) -> VaultReference:
        """Write the file of a new vault; under the lock."""
        vault_id = new_id()
        self.place.make()  # git, for one, keeps no empty directory
        self._file(vault_id).create(empty_vault(self.id, vault_id, name, self._moment(), self.machine.id))
        return VaultReference(vault_id, name)

    def write_slot(self, record: SlotRecord, account_identity: Secret) -> None:
        """Write the file of a slot, for this identity; under the lock."""
        slot = slots.wrap(
            Header(self.id, record.id, record.kind, record.title, record.created),
            account_identity,
            record.recipient,
            record.block.encode(),
        )
        self.place.make()
        path = self._slot_path(record.id)
        # What could not be read again must not be counted on.
        slots.parse_at(path, slot.encode())
        with storage(path, "write"):
            files.write_atomically(path, slot.encode())

    def _slot_path(self, slot_id: str) -> Path:
        return self.place.slots / slots.file_name(slot_id)

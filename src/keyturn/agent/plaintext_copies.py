"""Where copies of plaintext files are kept: encrypted, in the account that took their credentials over.

In an account of Keyturn's they lie in its `versions`, sealed for its identity: where the kept versions of
vaults are, so a change of identity seals them anew together with these. In another program's vault each is an
item with the tag `keyturn/copy`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from keyturn.agent.accounts import Unlocked
from keyturn.ground import files
from keyturn.ground.errors import DamagedError, MissingError, StorageError
from keyturn.ground.names import is_id, new_id, printable
from keyturn.ground.secret import Secret
from keyturn.items import CREDENTIAL_TAG, FieldType, ItemSummary, new_field, new_item, required_field
from keyturn.plaintext import backups
from keyturn.plaintext.backups import PREFIX, Backup
from keyturn.vaults.age import identities
from keyturn.vaults.age.account import AgeAccount
from keyturn.vaults.age.directory import SEALED_SUFFIX, storage
from keyturn.vaults.backend import Backend

TAG = f"{CREDENTIAL_TAG}copy"
LABEL = "content"
TITLE = "copy of "


class Copies(Protocol):
    """The copies of one account. Every method may block."""

    def ids(self) -> list[str]: ...

    def read(self, name: str) -> Backup:
        """Raises MissingError, DamagedError."""

    def keep(self, backup: Backup) -> str:
        """The id of the new copy, which was read back. Raises StorageError if it is not what it was."""


def of(unlocked: Unlocked) -> Copies:
    """The copies of an account."""
    backend = unlocked.backend
    return SealedCopies(backend) if isinstance(backend, AgeAccount) else ItemCopies(backend)


class SealedCopies:
    """Files of the account's directory."""

    def __init__(self, account: AgeAccount) -> None:
        self._account = account

    def ids(self) -> list[str]:
        folder = self._account.place.versions
        with storage(folder, "read"):
            names = os.listdir(folder) if folder.is_dir() else []
        found = (
            name.removeprefix(PREFIX).removesuffix(SEALED_SUFFIX)
            for name in names
            if name.startswith(PREFIX) and name.endswith(SEALED_SUFFIX)
        )
        return sorted(name for name in found if is_id(name))

    def keep(self, backup: Backup) -> str:
        account, content, name = self._account, backups.encode(backup), new_id()
        with account.place.locked():
            # A keeper that holds the identity from before a change finds that out here.
            account.file.load()
            account.place.make()
            path = self._path(name)
            with storage(path, "write"):
                sealed = identities.seal(content, identities.recipient_of(account.ring.current))
                files.write_atomically(path, sealed)
        if backups.encode(self.read(name)) != content:
            raise StorageError(
                f"{path} is not what was written to it", "look at the disk before you try again"
            )
        return name

    def read(self, name: str) -> Backup:
        account, path = self._account, self._path(name)
        account.place.check_file(path)
        with storage(path, "read"):
            try:
                sealed, _ = files.read(path)
            except FileNotFoundError:
                sealed = None
        if sealed is None:
            raise _missing(name)
        for identity in (account.ring.current, account.ring.previous):
            payload = None if identity is None else identities.unseal(sealed, identity)
            if payload is not None:
                return backups.decode(payload)
        raise DamagedError(f"{path} does not open with the account's identity")

    def _path(self, name: str) -> Path:
        return self._account.place.versions / f"{PREFIX}{name}{SEALED_SUFFIX}"


class ItemCopies:
    """Items of another program's vault, in the first vault that there is."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def ids(self) -> list[str]:
        return sorted(summary.id for summary, _ in self._backend.items() if self._is_copy(summary))

    def _is_copy(self, summary: ItemSummary) -> bool:
        """Some vaults tell no tags without opening the item."""
        if summary.tags or not summary.title.startswith(TITLE):
            return TAG in summary.tags
        return TAG in self._backend.get(summary.id)[0].tags

    def keep(self, backup: Backup) -> str:
        content = backups.encode(backup).decode()
        field = new_field(LABEL, FieldType.CONCEALED, Secret(content))
        # In some vaults a title is a path, and no two are the same.
        title = f"{TITLE}{printable(os.path.basename(backup.path), 60)} {new_id()[:6]}"
        item = new_item(title, [field], backup.moment, [TAG])
        vaults = self._backend.vaults()
        if not vaults:
            raise MissingError("the account has no vault to keep the copy in", "see: keyturn vault list")
        made = self._backend.create(vaults[0].id, item)
        stored, _ = self._backend.read_back(made.id)
        if required_field(stored, LABEL).value.reveal() != content:
            raise StorageError(
                "the copy read back from the vault is not what was written", "the file was left alone"
            )
        return made.id

    def read(self, name: str) -> Backup:
        if name not in self.ids():
            raise _missing(name)
        item, _ = self._backend.get(name)
        return backups.decode(required_field(item, LABEL).value.reveal().encode())


def _missing(name: str) -> MissingError:
    return MissingError(f"there is no copy {name}", "see: keyturn plaintext restore --list")

"""One sealed file, account.age or vaults/ID.age: read with care, and written whole or not at all.

The order of a save is what crash safety rests on: everything under the account's lock; read, change,
keep the old version, rename the new one into place, and only then tell the pins. A pin that lags is
caught up at the next reading; a pin that ran ahead would refuse an honest file.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic

import msgspec

from keyturn.ground import files
from keyturn.ground.errors import (
    ConflictError,
    DamagedError,
    FormerIdentityError,
    MisplacedError,
    MissingError,
    StorageError,
    UsageError,
)
from keyturn.ground.files import FileIdentity
from keyturn.ground.secret import Secret
from keyturn.vaults.age import identities
from keyturn.vaults.age.directory import SEALED_SUFFIX, AccountDirectory, storage
from keyturn.vaults.age.documents import HISTORY, Codec, Document, account_title, place_of
from keyturn.vaults.age.pins import Machine, Sighting


@dataclass
class KeyRing:
    """The account identity; `previous` only while a change of identity is under way."""

    current: Secret
    previous: Secret | None = None


@dataclass(frozen=True)
class Seen(Generic[Document]):
    """A file as it was last read or written here: with the format and the identity that it has there."""

    document: Document
    digest: str
    file: FileIdentity
    format: int
    identity: Secret


class SealedFile(Generic[Document]):
    """The file called `name` (`account`, or a vault's id) of the account with id `account`."""

    def __init__(
        self,
        place: AccountDirectory,
        account: str,
        name: str,
        codec: Codec[Document],
        ring: KeyRing,
        machine: Machine,
    ) -> None:
        self.name = name
        self.path = place.account if name == "account" else place.vault(name)
        self._place = place
        self._account = account
        self._codec = codec
        self._ring = ring
        self._machine = machine
        self._seen: Seen[Document] | None = None

    def load(self) -> Document:
        """The document; read again only if the file on the disk is not the one last read or written.

        Raises MissingError, DamagedError and its kinds, FormerIdentityError if the account's identity
        was changed elsewhere meanwhile.
        """
        seen = self._seen
        if seen is not None and seen.file == self._on_disk():
            return seen.document
        with self._place.locked(reading=True):
            return self._fresh().document

    @property
    def is_current(self) -> bool:
        """Whether the file last seen was sealed for the ring's current identity, not the previous one."""
        return self._seen is not None and self._seen.identity == self._ring.current

    def verify(self) -> None:
        """Read the file from the disk again and make sure that the current identity alone opens it.

        Raises DamagedError if it does not, and what `load` raises.
        """
        with self._place.locked(reading=True):
            self._seen = None
            self._fresh()
        if not self.is_current:
            raise DamagedError(f"{self.path} is still sealed for the former identity")

    def create(self, document: Document) -> Document:
        """Write the first generation. Raises ConflictError if the file is there."""
        with self._place.locked():
            if self._on_disk() is not None:
                raise ConflictError(f"{self.path} exists already")
            return self._write(document, None)

    def update(self, change: Callable[[Document], Document], *, always: bool = False) -> Document:
        """Read, change and write, all under the account's lock; the document as written.

        A `change` that returns what it got writes nothing, unless `always`. What it raises is passed on,
        and nothing is written.
        """
        with self._place.locked():
            seen = self._fresh()
            document = change(seen.document)
            if document is seen.document and not always:
                return document
            return self._write(document, seen)

    def _on_disk(self) -> FileIdentity | None:
        with storage(self.path, "read"):
            return files.identity(self.path)

    def _fresh(self) -> Seen[Document]:
        if self._seen is None or self._seen.file != self._on_disk():
            self._seen = self._read()
        return self._seen

    def _read(self) -> Seen[Document]:
        self._place.check_file(self.path)
        with storage(self.path, "read"):
            try:
                content, file = files.read(self.path)
            except FileNotFoundError:
                content, file = None, None
        if content is None or file is None:
            raise MissingError(f"{self.path} is gone")
        payload, identity = self._open(content)
        try:
            document, version = self._codec.decode(payload)
        except DamagedError as error:
            raise type(error)(f"{self.path}: {error.message}", *error.hints) from None
        self._check_place(document)
        seen = Seen(document, hashlib.sha256(content).hexdigest(), file, version, identity)
        # On a full or read-only disk reading must go on; the pin is caught up at the next reading.
        with contextlib.suppress(StorageError):
            self._witness(seen)
        return seen

    def _open(self, content: bytes) -> tuple[bytes, Secret]:
        payload = identities.unseal(content, self._ring.current)
        if payload is not None:
            return payload, self._ring.current
        if self._ring.previous is not None:
            payload = identities.unseal(content, self._ring.previous)
            if payload is not None:
                return payload, self._ring.previous
        pinned = self._machine.pinned(self._account)
        newest = pinned and (pinned.change.identity if pinned.change else pinned.identity)
        if newest is not None and newest != identities.fingerprint(self._ring.current):
            raise FormerIdentityError(
                "the account's identity was changed since it was unlocked here",
                "lock it and unlock it again: keyturn lock",
            )
        raise DamagedError(
            f"{self.path} does not open with the account's identity: it is damaged, or of another account",
            f"older versions are in {self._place.versions}",
        )

    def _check_place(self, document: Document) -> None:
        if document.account != self._account:
            raise MisplacedError(f"{self.path} belongs to another account: {document.account}")
        if place_of(document) != self.name:
            raise MisplacedError(f"{self.path} is the vault {place_of(document)} under another name")

    def _write(self, document: Document, before: Seen[Document] | None) -> Document:
        generation, history = 1, list[tuple[int, str]]()
        # What this machine remembers must be readable before anything is written, not only afterwards.
        if before is None:
            self._machine.pinned(self._account)
        else:
            self._witness(before)
            generation = before.document.generation + 1
            history = [*before.document.history, (before.document.generation, before.digest)]
        document = msgspec.structs.replace(
            document, generation=generation, history=history[-HISTORY:], writer=self._machine.id
        )
        payload = self._codec.encode(document)
        try:
            document, _ = self._codec.decode(payload)
        except DamagedError:
            raise UsageError(f"{self.path} would not be readable with this content") from None
        content = identities.seal(payload, identities.recipient_of(self._ring.current))
        if len(content) > files.LARGEST:
            raise UsageError(f"{self.path} would be larger than {files.LARGEST} bytes, more than is read")
        if before is not None:
            self._keep(before)

        def check_unchanged() -> None:
            if self._on_disk() != (before.file if before is not None else None):
                raise self._meddled()

        with storage(self.path, "write"):
            file = files.write_atomically(self.path, content, before_rename=check_unchanged)
        self._seen = Seen(
            document, hashlib.sha256(content).hexdigest(), file, self._codec.format, self._ring.current
        )
        try:
            self._witness(self._seen)
        except StorageError as error:
            raise StorageError(
                f"{self.path} was saved, but not all that belongs to it: {error.message}",
                "look at what is there before you do it again",
                *error.hints,
            ) from None
        return document

    def _meddled(self) -> ConflictError:
        """Somebody writes here without our lock (git, a synchroniser). Theirs is not overwritten."""
        return ConflictError(f"{self.path} was changed by another program just now", "try again")

    def _witness(self, seen: Seen[Document]) -> None:
        document = seen.document
        self._machine.witness(
            Sighting(
                account=self._account,
                title=account_title(document),
                directory=self._place.path,
                identity=identities.fingerprint(self._ring.current),
                name=self.name,
                path=self.path,
                generation=document.generation,
                digest=seen.digest,
                history=document.history,
            )
        )

    def _keep(self, before: Seen[Document]) -> None:
        """Copy the file that is about to be replaced into `versions`, and drop the oldest copies there."""
        with storage(self._place.versions, "write"):
            content, _ = files.read(self.path)
            if hashlib.sha256(content).hexdigest() != before.digest:
                raise self._meddled()
            # What another format wrote is kept until a person deletes it: the name lets no pruning find it.
            mark = "" if before.format == self._codec.format else f".format-{before.format}"
            name = f"{self.name}.{before.document.generation}{mark}{SEALED_SUFFIX}"
            if self._machine.versions_kept or mark:
                os.makedirs(self._place.versions, mode=0o700, exist_ok=True)
                files.write_atomically(self._place.versions / name, content)
            for path in kept_versions(self._place, self.name)[self._machine.versions_kept :]:
                os.unlink(path)


def kept_versions(place: AccountDirectory, name: str) -> list[Path]:
    """The older versions of the file called `name`, newest first."""
    pattern = re.compile(re.escape(name) + r"\.([1-9][0-9]*)" + re.escape(SEALED_SUFFIX))
    names = os.listdir(place.versions) if place.versions.exists() else []
    found = [(int(match[1]), match[0]) for match in map(pattern.fullmatch, names) if match]
    return [place.versions / name for _, name in sorted(found, reverse=True)]

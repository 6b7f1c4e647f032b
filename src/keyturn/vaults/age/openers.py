"""What this machine needs to open slots from outside: where the SSH key lies, which plugin is run.

Kept in the state directory and never in the account's own, which other machines share: their keys and
plugins lie elsewhere. A plugin's identity is usually a mere reference to the hardware, but may be more, so it
counts as a secret; the file has mode 0600.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import msgspec

from keyturn.ground import files
from keyturn.ground.errors import DamagedError
from keyturn.ground.secret import Secret, decode_secret, encode_secret
from keyturn.items import Id
from keyturn.vaults.age.directory import storage
from keyturn.vaults.age.documents import Digest
from keyturn.vaults.age.pins import Machine

FORMAT: Literal[1] = 1
LARGEST = 1024 * 1024


class SshOpener(msgspec.Struct, tag="ssh", forbid_unknown_fields=True, frozen=True):
    """The private key at `path`. `unprotected`: it has no passphrase, and that was agreed to."""

    path: str
    unprotected: bool


class PluginOpener(msgspec.Struct, tag="plugin", forbid_unknown_fields=True, frozen=True):
    """The age plugin `name` at `path`, whose content has the SHA-256 `digest`.

    `silent`: it opens without a touch, a fingerprint or a PIN.
    """

    name: str
    path: str
    digest: Digest
    identity: Secret
    silent: bool


class KeyringOpener(msgspec.Struct, tag="keyring", forbid_unknown_fields=True, frozen=True):
    """The entry `item` in the login keyring that the D-Bus session bus at `bus` leads to."""

    bus: str
    item: Id


Opener = SshOpener | PluginOpener | KeyringOpener


class _File(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """`slots` has a slot's mark (slots.Slot.mark) as its key."""

    format: Literal[1]
    account: Id
    slots: dict[Digest, Opener]


_decoder = msgspec.json.Decoder(_File, dec_hook=decode_secret)


class Openers:
    """The openers that the machine knows."""

    def __init__(self, machine: Machine) -> None:
        self._directory = machine.state / "openers"
        self._uid = machine.uid

    def of(self, account: str) -> dict[str, Opener]:
        """The openers of the account's slots, by the slots' marks.

        Raises DamagedError for a file that does not parse: that is not the same as none.
        """
        return self._load(account)

    def keep(self, account: str, mark: str, opener: Opener) -> None:
        """Remember the opener of a slot, in the place of what was known of it."""
        self._change(account, lambda was: {**was, mark: opener})

    def keep_only(self, account: str, marks: set[str]) -> None:
        """Forget the openers of slots that are no more."""
        self._change(account, lambda was: {mark: was[mark] for mark in was if mark in marks})

    def forget(self, account: str) -> None:
        """Forget all openers of an account; nothing happens if there are none."""
        path = self._path(account)
        if self._directory.is_dir():
            with self._locked(), storage(path, "remove"), contextlib.suppress(FileNotFoundError):
                os.unlink(path)

    def _change(self, account: str, change: Callable[[dict[str, Opener]], dict[str, Opener]]) -> None:
        before = self._load(account)
        if change(before) == before:
            return
        with self._locked(), storage(self._path(account), "write"):
            found = _File(FORMAT, account, change(self._load(account)))
            files.write_atomically(self._path(account), _encode(found))

    def _load(self, account: str) -> dict[str, Opener]:
        path = self._path(account)
        with storage(path, "read"):
            try:
                content, _ = files.read(path, LARGEST)
            except FileNotFoundError:
                return {}
        found = decode(content)
        if found is None or found.account != account:
            raise DamagedError(
                f"{path} is damaged: how this machine opens the account's slots cannot be read",
                "delete that file, then make each slot known again: keyturn account slot use SLOT",
            )
        return found.slots

    def _path(self, account: str) -> Path:
        return self._directory / f"{account}.json"

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        files.private_directory(self._directory, self._uid)
        with storage(self._directory, "lock"), files.exclusively(self._directory / ".lock"):
            files.remove_leftovers(self._directory)
            yield


def decode(content: bytes) -> _File | None:
    """The file in `content`; None for anything but what is written here, byte by byte."""
    try:
        found = _decoder.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return found if _encode(found) == content else None


def _encode(value: _File) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value, enc_hook=encode_secret), indent=1) + b"\n"

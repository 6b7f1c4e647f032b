"""The Keychain of macOS as a vault's store, through the package `keyring` (an extra).

That package reads and writes entries whose names are known, and lists none. So beside an entry for each item
there is one that lists them; entries of other programs are not seen.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import msgspec

from keyturn.ground import files
from keyturn.ground.clock import Clock, SystemClock
from keyturn.ground.errors import (
    ConfigurationError,
    ConflictError,
    DamagedError,
    MissingError,
    UnreachableError,
    UnsupportedError,
)
from keyturn.ground.secret import Secret
from keyturn.items import Item, ItemSummary, VaultReference
from keyturn.vaults import operations
from keyturn.vaults.keyrings import contents
from keyturn.vaults.operations import Answer, Got, Listed, Listing, Nothing, Opened, Operation
from keyturn.vaults.places import Place

SERVICE, INDEX = "keyturn", "index"
VAULT = VaultReference("keychainkeychainkeychainke", "Keychain")
SECONDS = 30.0


class Keyring(Protocol):
    """What is used of a backend of `keyring` (keyring.readthedocs.io, “Developer's guide”)."""

    def get_password(self, service: str, username: str) -> str | None: ...

    def set_password(self, service: str, username: str, password: str) -> None: ...

    def delete_password(self, service: str, username: str) -> None: ...


def open_store(place: Place, key: Secret | None, environment: Mapping[str, str]) -> Keychain:
    """A store for one task. Raises ConfigurationError elsewhere than on macOS."""
    return Keychain(_backend(place.path), Path(environment.get("HOME", "/")), SystemClock())


class Keychain:
    """Implements `Store`; `directory` is locked while something is changed, to keep other Keyturns out."""

    def __init__(self, keyring: Keyring, directory: Path, clock: Clock) -> None:
        self._keyring = keyring
        self._directory = directory
        self._clock = clock

    def do(self, operation: Operation) -> Answer:
        # The errors of its backends have no common base besides this one.
        failed = False
        try:
            return self._do(operation)
        except (OSError, RuntimeError) as error:
            failed = not isinstance(error, NotImplementedError)
            if not failed:
                raise
        raise UnreachableError("the keychain does not answer", "unlock it in its own program, then try again")

    def _do(self, operation: Operation) -> Answer:
        match operation:
            case operations.Unlock():
                self._index()
                return Opened()
            case operations.ListItems():
                return Listing([VAULT], [Listed(each, VAULT.id) for each in self._index()], seconds=SECONDS)
            case operations.GetItem(item=item):
                return self._got(self._item(item))
            case operations.CreateItem(vault=vault, content=item):
                _check(vault)
                return self._create(item)
            case operations.EditItem(content=item):
                with files.holding(self._directory):
                    changed = contents.following(self._item(item.id), item, self._clock)
                    return self._store(changed)
            case operations.MoveItem(item=item, vault=vault):
                _check(vault)
                return self._got(self._item(item))
            case operations.DeleteItem(item=item):
                return self._delete(item)
            case operations.CreateVault():
                raise UnsupportedError("all items in the keychain are in one vault")
            case _:
                raise UnsupportedError("the keychain keeps no archive and no former versions")

    def _create(self, item: Item) -> Got:
        with files.holding(self._directory):
            if any(each.id == item.id for each in self._index()):
                raise ConflictError("the keychain has an item with this id already")
            return self._store(item)

    def _store(self, item: Item) -> Got:
        """The item first: one that is not listed is only lost space, one that is listed must be there."""
        self._keyring.set_password(SERVICE, item.id, contents.encode(item))
        summary = ItemSummary(item.id, item.title, item.category, tuple(item.tags), item.updated_at)
        self._write([*(each for each in self._index() if each.id != item.id), summary])
        return self._got(self._item(item.id))

    def _delete(self, item_id: str) -> Nothing:
        with files.holding(self._directory):
            self._item(item_id)
            self._write([each for each in self._index() if each.id != item_id])
            self._keyring.delete_password(SERVICE, item_id)
        return Nothing()

    def _index(self) -> list[ItemSummary]:
        content = self._keyring.get_password(SERVICE, INDEX)
        try:
            return msgspec.json.decode(content, type=list[ItemSummary]) if content else []
        except (msgspec.DecodeError, UnicodeError):
            pass
        raise DamagedError(
            "the keychain's list of Keyturn's items does not parse", "look at its entry keyturn, index"
        )

    def _write(self, index: list[ItemSummary]) -> None:
        self._keyring.set_password(SERVICE, INDEX, msgspec.json.encode(index).decode())

    def _item(self, item_id: str) -> Item:
        content = self._keyring.get_password(SERVICE, item_id)
        if content is None or item_id == INDEX:
            raise contents.gone()
        item = contents.decode(content)
        if item is None:
            raise DamagedError("the keychain's entry does not parse", f"look at its entry keyturn, {item_id}")
        return item

    def _got(self, item: Item) -> Got:
        return Got(item, VAULT, seconds=SECONDS)


def _check(vault: str) -> None:
    if vault != VAULT.id:
        raise MissingError("the keychain is one vault", "see it: keyturn vault list")


def _backend(path: str) -> Keyring:
    if sys.platform != "darwin":
        raise ConfigurationError("the keychain is macOS's", "on Linux: --backend secret-service")
    try:
        module: Any = importlib.import_module("keyring.backends.macOS")
    except ImportError:
        raise ConfigurationError(
            "the keychain needs the Python package keyring, which is not installed",
            "install it beside Keyturn: pip install 'keyturn[keychain]'",
        ) from None
    backend = module.Keyring()
    if path:
        backend.keychain = path
    found: Keyring = backend
    return found

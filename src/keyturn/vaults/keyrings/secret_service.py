"""The Secret Service (GNOME Keyring, KWallet) as a vault's store: collections are vaults, entries items.

An item of ours is one entry whose secret is the item as JSON. Entries of other programs are read too: their
secret is the password, their attributes are open fields. It needs the package `secretstorage`, an extra.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from keyturn.ground.clock import Clock, SystemClock, timestamp
from keyturn.ground.errors import (
    ConfigurationError,
    ConflictError,
    MissingError,
    UnreachableError,
    UnsupportedError,
    UnusableError,
    UsageError,
)
from keyturn.ground.secret import Secret
from keyturn.items import Field, FieldType, Item, ItemSummary, VaultReference
from keyturn.vaults import operations
from keyturn.vaults.keyrings import contents
from keyturn.vaults.operations import Answer, Got, Listed, Listing, Nothing, Opened, Operation
from keyturn.vaults.places import BUS, Place

OURS = {"application": "keyturn", "kind": "item"}
# The service tells of changes by signals alone, and no helper lives to hear them.
SECONDS = 30.0


def open_store(place: Place, key: Secret | None, environment: Mapping[str, str]) -> SecretService:
    """A store for one task."""
    return SecretService(
        place.path, environment.get(BUS, ""), SystemClock(), has_display="DISPLAY" in environment
    )


class SecretService:
    """Implements `Store`, on the bus at an address; `collection` names one by its label, empty for all."""

    def __init__(self, collection: str, bus: str, clock: Clock, *, has_display: bool) -> None:
        self._wanted = collection
        self._bus = bus
        self._clock = clock
        self._has_display = has_display

    def do(self, operation: Operation) -> Answer:
        with _talking(self._bus) as service:
            collections = [each for each in service if self._wanted in ("", each.get_label())]
            if not collections:
                raise MissingError(
                    "the keyring has no such collection", "see them in its own program (Seahorse)"
                )
            return self._do(operation, collections)

    def _do(self, operation: Operation, collections: list[Any]) -> Answer:
        match operation:
            case operations.Unlock():
                self._unlock(collections)
                return Opened()
            case operations.ListItems():
                return self._list(collections)
            case operations.GetItem(item=item):
                return self._got(*self._find(collections, item))
            case operations.CreateItem(vault=vault, content=item):
                if any(_id(entry) == item.id for each in collections for entry in each.get_all_items()):
                    raise ConflictError("the keyring has an entry with this id already")
                collection = self._collection(collections, vault)
                return self._got(collection, _store(collection, item))
            case operations.EditItem(content=item):
                collection, entry = self._find(collections, item.id)
                stored = _own(entry)
                if stored is None:
                    raise UnsupportedError(
                        "the entry is another program's: it is only read here", "change it there"
                    )
                changed = contents.following(stored, item, self._clock)
                return self._got(collection, _store(collection, changed))
            case operations.MoveItem(item=item, vault=vault):
                collection, entry = self._find(collections, item)
                target = self._collection(collections, vault)
                found = self._got(collection, entry).item
                if _own(entry) is None:
                    raise UnsupportedError("the entry is another program's: it stays where that put it")
                made = _store(target, found)
                entry.delete()
                return self._got(target, made)
            case operations.DeleteItem(item=item):
                self._find(collections, item)[1].delete()
                return Nothing()
            case operations.CreateVault():
                raise UnsupportedError(
                    "a new keyring wants a password of its own", "make it in its own program (Seahorse)"
                )
            case _:
                raise UnsupportedError("a keyring keeps no archive and no former versions of its entries")

    def _unlock(self, collections: list[Any]) -> None:
        """By the keyring's own window, where there is a display. Raises UnusableError."""
        for each in collections:
            if each.is_locked() and self._has_display:
                each.unlock()
        if all(each.is_locked() for each in collections):
            raise _locked()

    def _list(self, collections: list[Any]) -> Listing:
        vaults = [VaultReference(_vault_id(each), each.get_label()) for each in collections]
        items = [
            Listed(_summary(entry), _vault_id(each))
            for each in collections
            if not each.is_locked()
            for entry in each.get_all_items()
        ]
        return Listing(vaults, items, seconds=SECONDS)

    def _find(self, collections: list[Any], item_id: str) -> tuple[Any, Any]:
        for each in collections:
            for entry in each.get_all_items():
                if _id(entry) == item_id:
                    if entry.is_locked():
                        raise UnusableError(
                            "the keyring is locked", "unlock it in its own program, or log in again"
                        )
                    return each, entry
        raise contents.gone()

    def _collection(self, collections: list[Any], vault: str) -> Any:
        for each in collections:
            if _vault_id(each) == vault:
                if each.is_locked():
                    raise UnusableError(
                        "the keyring is locked", "unlock it in its own program, or log in again"
                    )
                return each
        raise MissingError("there is no such keyring", "see them: keyturn vault list")

    def _got(self, collection: Any, entry: Any) -> Got:
        vault = VaultReference(_vault_id(collection), collection.get_label())
        return Got(_own(entry) or _foreign(entry), vault, seconds=SECONDS)


@contextlib.contextmanager
def _talking(bus: str) -> Iterator[list[Any]]:
    """The collections. Raises ConfigurationError, UnreachableError."""
    try:
        import secretstorage
        from jeepney.io.blocking import open_dbus_connection
        from secretstorage.exceptions import SecretStorageException
    except ImportError:
        raise ConfigurationError(
            "the Secret Service needs the Python package secretstorage, which is not installed",
            "install it beside Keyturn: pip install 'keyturn[keyring]'",
        ) from None
    try:
        connection = open_dbus_connection(bus=bus)
        try:
            found = secretstorage.get_all_collections(connection)
            # What is in the one called session is gone at logout.
            yield [each for each in found if not each.collection_path.endswith("/session")]
        finally:
            connection.close()
    except (SecretStorageException, OSError, KeyError, EOFError):
        raise UnreachableError(
            "there is no Secret Service on the session bus, or it does not answer", "is a keyring running?"
        ) from None


def _locked() -> UnusableError:
    return UnusableError("the keyring is locked", "unlock it in its own program, or log in again")


def _store(collection: Any, item: Item) -> Any:
    json = msgspec.json.encode(item.tags).decode()
    if any("\0" in text for text in (item.title, item.category)):
        raise UsageError("the title of a keyring's entry cannot hold a NUL")
    attributes = {**OURS, "id": item.id, "category": item.category, "tags": json}
    # Replaced by their attributes: an entry whose tags are other ones would stay beside the new one.
    before = [entry for entry in collection.get_all_items() if _id(entry) == item.id]
    made = collection.create_item(item.title, attributes, contents.encode(item).encode(), replace=True)
    for entry in before:
        if entry.item_path != made.item_path:
            entry.delete()
    return made


def _is_ours(entry: Any) -> bool:
    attributes = entry.get_attributes()
    return all(attributes.get(name) == value for name, value in OURS.items())


def _own(entry: Any) -> Item | None:
    """The item of an entry of ours; None for another program's, whatever stands in it."""
    return contents.decode(_secret(entry)) if _is_ours(entry) else None


def _id(entry: Any) -> str:
    if _is_ours(entry):
        return str(entry.get_attributes().get("id", ""))
    return _derived(entry.item_path)


def _vault_id(collection: Any) -> str:
    return _derived(collection.collection_path)


def _derived(path: str) -> str:
    digest = hashlib.sha256(b"keyturn secret service " + path.encode()).digest()[:16]
    return base64.b32encode(digest).decode().rstrip("=").lower()


def _secret(entry: Any) -> str:
    return str(entry.get_secret().decode("utf-8", "replace"))


def _summary(entry: Any) -> ItemSummary:
    attributes = entry.get_attributes()
    tags = _tags(attributes.get("tags", "")) if _is_ours(entry) else ()
    category = attributes.get("category", "") if _is_ours(entry) else "PASSWORD"
    return ItemSummary(_id(entry), entry.get_label(), category, tags, _moment(entry.get_modified()))


def _tags(content: str) -> tuple[str, ...]:
    try:
        return msgspec.json.decode(content, type=tuple[str, ...])
    except (msgspec.DecodeError, UnicodeError):
        return ()


def _foreign(entry: Any) -> Item:
    """Another program's entry; its attributes are no secrets to anybody on the bus."""
    fields = [Field("password", FieldType.CONCEALED, "password", Secret(_secret(entry)))]
    for name, value in sorted(entry.get_attributes().items()):
        if not name.startswith("xdg:"):
            fields.append(Field(name, FieldType.TEXT, name, Secret(value)))
    modified = entry.get_modified()
    return Item(
        id=_id(entry),
        title=entry.get_label(),
        category="PASSWORD",
        version=int(modified),
        created_at=_moment(entry.get_created()),
        updated_at=_moment(modified),
        fields=fields,
    )


def _moment(seconds: int) -> str:
    return timestamp(datetime.fromtimestamp(seconds, UTC))

"""What stands between a keyring and harm: whose entries, which are listed, and who may be asked."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from keyturn.ground import files
from keyturn.ground.clock import SystemClock
from keyturn.ground.errors import (
    ConflictError,
    DamagedError,
    KeyturnError,
    MissingError,
    UnreachableError,
    UnsupportedError,
    UnusableError,
)
from keyturn.ground.secret import Secret
from keyturn.items import VaultReference, required_field
from keyturn.vaults import operations
from keyturn.vaults.keyrings import contents, secret_service
from keyturn.vaults.keyrings.keychain import INDEX, SERVICE, VAULT, Keychain
from keyturn.vaults.keyrings.secret_service import SecretService
from keyturn.vaults.operations import Got, Listing, Operation
from tests.vaults.templates import make_item


class Entries:
    """Implements the Keychain's `Keyring` in memory; `fails`: what its next call raises."""

    def __init__(self) -> None:
        self.content: dict[tuple[str, str], str] = {}
        self.fails: Exception | None = None

    def get_password(self, service: str, username: str) -> str | None:
        if self.fails is not None:
            raise self.fails
        return self.content.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.content[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.content[service, username]


@pytest.fixture
def entries() -> Entries:
    return Entries()


@pytest.fixture
def keychain(entries: Entries, tmp_path: Path) -> Keychain:
    return Keychain(entries, tmp_path, SystemClock())


def refused(store: Keychain | SecretService, operation: Operation) -> KeyturnError:
    with pytest.raises(KeyturnError) as caught:
        store.do(operation)
    return caught.value


def test_the_list_of_items_is_no_item(keychain: Keychain, entries: Entries) -> None:
    keychain.do(operations.CreateItem(VAULT.id, make_item()))
    entries.content[SERVICE, INDEX] = contents.encode(make_item("planted"))
    for operation in (operations.GetItem(INDEX), operations.DeleteItem(INDEX)):
        assert isinstance(refused(keychain, operation), (MissingError, DamagedError))
    assert type(refused(keychain, operations.GetItem(INDEX))) is MissingError
    assert (SERVICE, INDEX) in entries.content


def test_an_entry_of_the_keychain_that_does_not_parse_is_named(keychain: Keychain, entries: Entries) -> None:
    item = make_item()
    keychain.do(operations.CreateItem(VAULT.id, item))
    entries.content[SERVICE, item.id] = "no item"
    assert isinstance(refused(keychain, operations.GetItem(item.id)), DamagedError)


def test_a_keychain_has_one_vault_and_an_item_once(keychain: Keychain) -> None:
    item = make_item()
    keychain.do(operations.CreateItem(VAULT.id, item))
    assert isinstance(refused(keychain, operations.CreateItem(VAULT.id, item)), ConflictError)
    for operation in (
        operations.CreateItem("a" * 26, make_item()),
        operations.MoveItem(item.id, "a" * 26),
        operations.DeleteItem("a" * 26),
    ):
        assert isinstance(refused(keychain, operation), MissingError)


def test_a_keychain_that_fails_is_one_line_and_a_fault_of_ours_is_none(
    keychain: Keychain, entries: Entries
) -> None:
    for error in (OSError("x"), RuntimeError("Can't get password from keychain: hunter2")):
        entries.fails = error
        found = refused(keychain, operations.ListItems())
        assert isinstance(found, UnreachableError)
        assert "hunter2" not in found.message
    entries.fails = NotImplementedError("x")
    with pytest.raises(NotImplementedError):
        keychain.do(operations.ListItems())


def test_two_keyturns_do_not_write_a_keychain_at_once(
    keychain: Keychain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = make_item()
    keychain.do(operations.CreateItem(VAULT.id, item))
    monkeypatch.setattr(files, "HOLD_SECONDS", 0.05)
    with files.holding(tmp_path):
        for operation in (
            operations.CreateItem(VAULT.id, make_item()),
            operations.EditItem(item),
            operations.DeleteItem(item.id),
        ):
            assert isinstance(refused(keychain, operation), ConflictError)
    assert isinstance(keychain.do(operations.GetItem(item.id)), Got)


def test_what_was_read_is_what_is_replaced(keychain: Keychain) -> None:
    item = make_item()
    keychain.do(operations.CreateItem(VAULT.id, item))
    keychain.do(operations.EditItem(item))
    assert isinstance(refused(keychain, operations.EditItem(item)), ConflictError)


class Entry:
    """An entry of a Secret Service, as the package secretstorage has it."""

    def __init__(self, path: str, attributes: dict[str, str], secret: str) -> None:
        self.item_path, self._attributes, self._secret = path, attributes, secret

    def get_attributes(self) -> dict[str, str]:
        return self._attributes

    def get_secret(self) -> bytes:
        return self._secret.encode()

    def get_label(self) -> str:
        return "label"

    def get_modified(self) -> int:
        return 1

    get_created = get_modified

    def is_locked(self) -> bool:
        return False


class Collection:
    """A collection; unlocking it is a window that somebody has to answer."""

    def __init__(self, name: str, *found: Entry, is_locked: bool = False) -> None:
        self.collection_path, self._found, self._is_locked = f"/collection/{name}", found, is_locked
        self.windows = 0

    def get_label(self) -> str:
        return self.collection_path

    def is_locked(self) -> bool:
        return self._is_locked

    def unlock(self) -> None:
        self.windows += 1
        self._is_locked = False

    def get_all_items(self) -> Iterator[Entry]:
        assert not self._is_locked, "a locked one shows nothing that can be relied on"
        return iter(self._found)


@pytest.fixture
def collections(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is on the bus; that a test puts there."""
    found: list[Any] = []

    class Talking:
        def __init__(self, bus: str) -> None:
            pass

        def __enter__(self) -> list[Any]:
            return found

        def __exit__(self, *error: object) -> None:
            pass

    monkeypatch.setattr(secret_service, "_talking", Talking)
    return found


def service(*, has_display: bool = False) -> SecretService:
    return SecretService("", "", SystemClock(), has_display=has_display)


def test_a_window_opens_only_where_there_is_a_display(collections: list[Any]) -> None:
    collections.append(Collection("login", is_locked=True))
    assert isinstance(refused(service(), operations.Unlock()), UnusableError)
    assert collections[0].windows == 0
    service(has_display=True).do(operations.Unlock())
    service(has_display=True).do(operations.Unlock())
    assert collections[0].windows == 1


def test_a_locked_collection_beside_an_open_one_is_left_out(collections: list[Any]) -> None:
    collections += [Collection("login"), Collection("other", is_locked=True)]
    service().do(operations.Unlock())
    listing = service().do(operations.ListItems())
    assert isinstance(listing, Listing)
    assert len(listing.vaults) == 2
    assert listing.items == []


def test_another_programs_entry_is_never_taken_for_ours(collections: list[Any]) -> None:
    """Even if its secret has the looks of an item: what it says of itself is not for us to believe."""
    item = make_item("planted")
    theirs = Entry("/1", {"application": "other", "id": item.id}, contents.encode(item))
    collections += [Collection("login", theirs), Collection("other")]
    listing = service().do(operations.ListItems())
    assert isinstance(listing, Listing)
    [found] = listing.items
    assert found.summary.id != item.id
    got = service().do(operations.GetItem(found.summary.id))
    assert isinstance(got, Got)
    assert (got.item.title, got.item.category) == ("label", "PASSWORD")
    assert required_field(got.item, "password").value == Secret(contents.encode(item))
    other: VaultReference = listing.vaults[1]
    for operation in (operations.EditItem(got.item), operations.MoveItem(found.summary.id, other.id)):
        assert isinstance(refused(service(), operation), UnsupportedError)

"""What stands between a KeePassXC database and harm: locks, formats, limits, and what it cannot hold."""

import errno
import fcntl
import os
import shutil
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest

from keyturn.ground import files
from keyturn.ground.errors import (
    ConfigurationError,
    ConflictError,
    DamagedError,
    KeyturnError,
    MissingError,
    StorageError,
    UsageError,
    WrongPasswordError,
)
from keyturn.ground.secret import Secret
from keyturn.items import FieldType, Item, Url, new_field, required_field
from keyturn.vaults import operations
from keyturn.vaults.failed import Failed
from keyturn.vaults.foreign import ForeignAccount
from keyturn.vaults.keepassxc import database
from keyturn.vaults.keepassxc.database import Database, writing
from keyturn.vaults.operations import Answer, Got, KeyWanted, Opened, Operation
from keyturn.vaults.places import Place
from tests.vaults.databases import cli, make_database
from tests.vaults.foreign import make_account
from tests.vaults.templates import MOMENT, PASSWORD, make_item


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return make_database(tmp_path / "secrets.kdbx")


@pytest.fixture
def account(path: Path) -> ForeignAccount:
    return make_account(Place("keepassxc", str(path)), Secret(PASSWORD))


def perform(path: Path, operation: Operation, key: str | None = PASSWORD, key_file: str = "") -> Answer:
    """Do an operation on the database itself; nothing is remembered."""
    place = Place("keepassxc", str(path), key_file)
    return operations.perform(operations.Task(place, operation, None if key is None else Secret(key)))


def refused(answer: Answer) -> KeyturnError:
    assert isinstance(answer, Failed)
    return answer.error()


def create(path: Path) -> operations.CreateItem:
    listing = perform(path, operations.ListItems())
    assert isinstance(listing, operations.Listing)
    return operations.CreateItem(listing.vaults[0].id, make_item())


def test_who_holds_it_is_waited_for_but_not_for_ever(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "HOLD_SECONDS", 0.1)
    made, before = create(path), path.read_bytes()
    with path.open() as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        assert isinstance(refused(perform(path, made)), ConflictError)
    assert path.read_bytes() == before
    assert isinstance(perform(path, made), Got)


def test_who_waited_for_a_file_that_was_replaced_waits_for_the_new_one(path: Path, tmp_path: Path) -> None:
    """Another Keyturn writes by renaming: the lock that was waited for is on a file of no name by then."""
    other = tmp_path / "other"
    shutil.copy(path, other)
    is_waiting, entered = threading.Event(), list[bool]()
    take = files.take_lock

    def take_lock(descriptor: int, target: Path) -> None:
        is_waiting.set()
        take(descriptor, target)

    def wait() -> None:
        with writing(str(path)):
            entered.append(is_free(path))

    with pytest.MonkeyPatch.context() as patch, path.open() as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        patch.setattr(files, "take_lock", take_lock)
        waiter = threading.Thread(target=wait)
        waiter.start()
        assert is_waiting.wait(10)
        other.replace(path)
        fcntl.flock(stream, fcntl.LOCK_UN)
        waiter.join(10)
    assert entered == [False], "it holds the lock of the file that is there now"


def is_free(path: Path) -> bool:
    with path.open() as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def test_an_older_format_is_refused_with_what_to_do(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = database._library()

    class Older(library):  # type: ignore[misc, valid-type]  # the library has no types
        version = (3, 1)

    monkeypatch.setattr(database, "_library", lambda: Older)
    error = refused(perform(path, operations.ListItems()))
    assert isinstance(error, ConfigurationError)
    assert "KDBX 3" in error.message


def test_a_write_that_fails_says_so_and_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, before = create(path), path.read_bytes()

    def fail(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    error = refused(perform(path, made))
    assert isinstance(error, StorageError)
    assert "no space left" in error.message
    assert path.read_bytes() == before


def test_what_was_written_is_done_when_it_opens(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, save = create(path), Database.save

    def save_badly(self: Database) -> None:
        save(self)
        path.write_bytes(path.read_bytes()[:-50])

    monkeypatch.setattr(Database, "save", save_badly)
    assert isinstance(refused(perform(path, made)), DamagedError)


def test_a_huge_file_is_not_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "LARGEST", 1000)
    error = refused(perform(path, operations.ListItems()))
    assert isinstance(error, DamagedError)
    assert "larger than 1000" in error.message


def test_what_is_no_file_is_named_and_nothing_hangs(path: Path, tmp_path: Path) -> None:
    made = create(path)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "text").write_text("no database")
    for place, kind, text in (
        (tmp_path / "pipe", DamagedError, "not a regular file"),
        (tmp_path / "gone", MissingError, "there is no file"),
        (tmp_path / "text", DamagedError, "is no KeePass database"),
        (path / "below", StorageError, "cannot read"),
        (tmp_path, StorageError, "is a directory"),
    ):
        error = refused(perform(place, made))
        assert isinstance(error, kind), place
        assert text in error.message


def test_a_key_file_alone_opens_and_proves_nothing(path: Path, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_bytes(b"k" * 32)
    alone = tmp_path / "alone.kdbx"
    opened = Database(str(path), Secret(PASSWORD), "")
    opened.kdbx.keyfile = str(key)
    opened.kdbx.save(str(path))
    opened.kdbx.password = None
    opened.kdbx.save(str(alone))
    unlock = operations.Unlock()
    assert perform(alone, unlock, None, str(key)) == Opened()
    assert isinstance(perform(alone, operations.ListItems(), "", str(key)), operations.Listing)
    assert isinstance(perform(path, unlock, None, str(key)), KeyWanted), "both are wanted"
    assert isinstance(refused(perform(path, unlock, "", str(key))), WrongPasswordError)
    assert isinstance(refused(perform(path, unlock, PASSWORD, str(tmp_path / "gone"))), MissingError)


def test_an_archived_item_is_got_only_where_that_is_asked(path: Path, account: ForeignAccount) -> None:
    vault = account.create_vault("Cloud")
    item = account.create(vault.id, make_item("AWS"))
    assert item.created_at == MOMENT
    account.archive(item.id)
    error = refused(perform(path, operations.GetItem(item.id)))
    assert "archived" in error.message
    assert account.find_archived("AWS")[1] == vault, "with the vault that it was in"
    cli(path, "rmdir", str(path), "Cloud")
    assert account.find_archived("AWS")[1] == account.vaults()[0], "or the outermost, if that is gone"
    account.restore(item.id)
    assert account.get(item.id)[1] == account.vaults()[0]


def test_a_group_is_no_path(account: ForeignAccount) -> None:
    with pytest.raises(UsageError, match="without /"):
        account.create_vault("a/b")


def odd(**changes: Any) -> Item:
    return msgspec.structs.replace(make_item(), **changes)


@pytest.mark.parametrize(
    ("item", "text"),
    [
        (odd(urls=[Url("https://one.example"), Url("https://two.example")]), "one address"),
        (odd(tags=["a;b"]), "tag"),
        (odd(tags=["a,b"]), "tag"),
        (odd(tags=["a\x00b"]), "control characters"),
    ],
)
def test_what_it_cannot_hold_is_refused_and_nothing_is_lost(
    path: Path, account: ForeignAccount, item: Item, text: str
) -> None:
    vault = account.vaults()[0]
    stored, before = account.create(vault.id, make_item("before")), path.read_bytes()
    with pytest.raises(UsageError, match=text):
        account.create(vault.id, item)
    with pytest.raises(UsageError, match=text):
        account.edit(msgspec.structs.replace(item, id=stored.id, version=stored.version))
    assert path.read_bytes() == before


def test_a_bare_seed_becomes_what_keepassxc_counts_codes_from(path: Path, account: ForeignAccount) -> None:
    item = make_item("AWS")
    item.fields.append(new_field("one-time password", FieldType.OTP, Secret("JBSWY3DPEHPK3PXP")))
    stored = account.create(account.vaults()[0].id, item)
    assert cli(path, "show", "-t", str(path), "AWS").strip().isdigit()
    assert cli(path, "show", "-a", "otp", str(path), "AWS").startswith("otpauth://totp/")
    assert required_field(account.read_back(stored.id)[0], "one-time password").value == Secret(
        "JBSWY3DPEHPK3PXP"
    )


def test_somebodys_own_attribute_of_our_name_says_nothing(path: Path, account: ForeignAccount) -> None:
    stored = account.create(account.vaults()[0].id, make_item("AWS"))
    opened = Database(str(path), Secret(PASSWORD), "")
    entry = opened.kdbx.find_entries(title="AWS", first=True)
    entry.set_custom_property("keyturn.fields", "no list of ours")
    opened.save()
    assert [field.label for field in account.get(stored.id)[0].fields] == [
        field.label for field in stored.fields
    ]


def test_nobody_is_asked_to_open_what_is_not_there(path: Path) -> None:
    unlock = operations.Unlock()
    assert isinstance(perform(path, unlock, None), KeyWanted)
    path.write_text("no database")
    assert isinstance(refused(perform(path, unlock, None)), DamagedError)
    path.unlink()
    error = refused(perform(path, unlock, None))
    assert isinstance(error, MissingError)
    assert "keyturn account forget" in error.hints[0]

"""KeePassXC databases: the contract, and KeePassXC's own program reading and editing the same file."""

import importlib.metadata
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from keyturn.ground.errors import (
    ConfigurationError,
    ConflictError,
    DamagedError,
    MissingError,
    WrongPasswordError,
)
from keyturn.ground.secret import Secret
from keyturn.items import FieldType, new_field, new_item, required_field
from keyturn.vaults import operations
from keyturn.vaults.backend import Backend
from keyturn.vaults.failed import Failed
from keyturn.vaults.foreign import ForeignAccount
from keyturn.vaults.keepassxc.database import Database
from keyturn.vaults.keepassxc.entries import UNWRITABLE
from keyturn.vaults.operations import Answer, KeyWanted, Opened
from keyturn.vaults.places import Place
from tests.vaults.contract import BackendContract
from tests.vaults.databases import cli, make_database
from tests.vaults.foreign import make_account
from tests.vaults.templates import MOMENT, PASSWORD, error_of, make_item

SEED = "JBSWY3DPEHPK3PXP"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return make_database(tmp_path / "secrets.kdbx")


@pytest.fixture
def account(path: Path) -> ForeignAccount:
    return open_account(path)


def open_account(path: Path, password: str = PASSWORD, key_file: str = "") -> ForeignAccount:
    return make_account(Place("keepassxc", str(path), key_file), Secret(password))


class TestKeePassXC(BackendContract):
    is_exact = False

    @pytest.fixture
    def backend(self, path: Path) -> ForeignAccount:
        return open_account(path)

    @pytest.fixture
    def reopened(self, backend: Backend, path: Path) -> ForeignAccount:
        return open_account(path)

    def can_hold(self, text: str) -> bool:
        return not UNWRITABLE.search(text)


def test_keepassxc_reads_what_was_written_here(account: ForeignAccount, path: Path) -> None:
    item = make_item("AWS", "wJalr/EXAMPLE")
    item.fields.append(new_field("one-time password", FieldType.OTP, Secret(SEED)))
    vault = account.create_vault("Cloud")
    account.create(vault.id, item)
    assert "AWS" in cli(path, "ls", "-R", str(path))
    shown = cli(path, "show", "-s", "-a", "secret access key", "-a", "access key id", str(path), "Cloud/AWS")
    assert shown.split() == ["wJalr/EXAMPLE", "AKIAIOSFODNN7EXAMPLE"]
    assert re.fullmatch(r"\d{6}\n", cli(path, "show", "-t", str(path), "Cloud/AWS"))
    assert required_field(account.find("AWS")[0], "one-time password").value == Secret(SEED)


def test_what_keepassxc_writes_is_read_here(account: ForeignAccount, path: Path) -> None:
    item = account.create(account.create_vault("Cloud").id, make_item("AWS", "first EXAMPLE"))
    cli(path, "edit", "-u", "alice", "-p", str(path), "Cloud/AWS", stdin="pass EXAMPLE\n")
    found, vault = account.get(item.id)
    assert vault.name == "Cloud"
    assert required_field(found, "username").value == Secret("alice")
    assert required_field(found, "password").value == Secret("pass EXAMPLE")
    assert required_field(found, "secret access key").value == Secret("first EXAMPLE")
    assert [each.version for each in account.history(item.id)][-1] == found.version
    found.title = "AWS 2"
    account.edit(found)
    assert cli(path, "show", "-s", "-a", "Password", str(path), "Cloud/AWS 2") == "pass EXAMPLE\n"


def test_keepassxc_edits_after_us_and_we_after_it(account: ForeignAccount, path: Path) -> None:
    cli(path, "add", "-u", "bob", "-p", str(path), "Own entry", stdin="EXAMPLE\n")
    item, vault = account.find("own entry")
    assert required_field(item, "password").value == Secret("EXAMPLE")
    required_field(item, "password").value = Secret("changed EXAMPLE")
    account.edit(item)
    cli(path, "edit", "-t", "Other title", str(path), "Own entry")
    assert account.find("other title")[0].id == item.id
    assert cli(path, "show", "-s", "-a", "Password", str(path), "Other title") == "changed EXAMPLE\n"
    account.archive(item.id)
    assert "Recycle Bin" in cli(path, "ls", "-R", str(path))
    assert account.restore(item.id).id == item.id
    assert account.get(item.id)[1] == vault


def test_two_who_write_at_once_both_count(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program saves between our reading and our writing: ours is done anew on what is there then."""
    account = open_account(path)
    vault = account.vaults()[0]
    save, times = Database.save, list[int]()

    def later(self: Database) -> None:
        if not times:
            times.append(1)
            cli(path, "add", str(path), "theirs")
        save(self)

    monkeypatch.setattr(Database, "save", later)
    account.create(vault.id, make_item("ours"))
    assert times
    assert sorted(summary.title for summary, _ in account.items()) == ["ours", "theirs"]


def test_one_who_always_writes_is_left_alone(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    account = open_account(path)
    save = Database.save

    def later(self: Database) -> None:
        path.write_bytes(path.read_bytes())
        save(self)

    monkeypatch.setattr(Database, "save", later)
    before = path.read_bytes()
    with pytest.raises(ConflictError, match="nothing was changed"):
        account.create(account.vaults()[0].id, make_item())
    assert path.read_bytes() == before


def test_an_item_that_was_changed_meanwhile_is_not_overwritten(account: ForeignAccount, path: Path) -> None:
    item = account.create(account.vaults()[0].id, make_item("AWS"))
    mine, _ = account.get(item.id)
    # Its times are whole seconds: at least the next one.
    other = open_account(path)
    theirs, _ = other.get(item.id)
    theirs.title = "theirs"
    other.edit(theirs)
    mine.title = "mine"
    with pytest.raises(ConflictError):
        account.edit(mine)
    assert account.get(item.id)[0].title == "theirs"


def test_mode_link_and_neighbours_stay(path: Path, tmp_path: Path) -> None:
    path.chmod(0o640)
    link = tmp_path / "link.kdbx"
    link.symlink_to(path)
    account = open_account(link)
    account.create(account.vaults()[0].id, make_item())
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640
    assert sorted(each.name for each in tmp_path.iterdir()) == ["link.kdbx", "secrets.kdbx"]


def test_seeds_are_new_with_every_save(account: ForeignAccount, path: Path) -> None:
    heads = set()
    for number in range(3):
        account.create(account.vaults()[0].id, make_item(f"{number}"))
        heads.add(path.read_bytes()[:200])
    assert len(heads) == 3


def test_a_key_file_is_the_other_half(path: Path, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_bytes(b"k" * 32)
    with_key = tmp_path / "with-key.kdbx"
    shutil.copy(path, with_key)
    database = Database(str(with_key), Secret(PASSWORD), "")
    database.kdbx.keyfile = str(key)
    database.kdbx.save(str(with_key))
    with pytest.raises(WrongPasswordError):
        open_account(with_key).vaults()
    account = open_account(with_key, key_file=str(key))
    account.create(account.vaults()[0].id, make_item("AWS"))
    account.create(account.vaults()[0].id, make_item("AWS 2"))
    assert len(open_account(with_key, key_file=str(key)).items()) == 2
    assert "AWS" in cli(with_key, "ls", "-k", str(key), str(with_key))


def test_unlock_wants_the_password_and_takes_no_other(path: Path) -> None:
    place = Place("keepassxc", str(path))

    def unlock(key: Secret | None) -> Answer:
        return operations.perform(operations.Task(place, operations.Unlock(), key))

    wanted = unlock(None)
    assert isinstance(wanted, KeyWanted)
    assert wanted.prompt == "password of the database secrets.kdbx: "
    assert unlock(Secret(PASSWORD)) == Opened(Secret(PASSWORD), typed=True)
    wrong = unlock(Secret("wrong"))
    assert isinstance(wrong, Failed)
    assert isinstance(wrong.error(), WrongPasswordError)


def _truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def _flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _text(path: Path) -> None:
    path.write_text("no database")


def _empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("harm", [_truncated, _flipped, _text, _empty])
def test_a_damaged_database_is_named_and_never_empty(path: Path, harm: Callable[[Path], None]) -> None:
    account = open_account(path)
    item = account.create(account.vaults()[0].id, make_item("AWS", "hunter2 EXAMPLE"))
    harm(path)
    before = path.read_bytes()
    for work in (account.items, account.vaults, lambda: account.create(item.id, make_item())):
        with pytest.raises(DamagedError) as caught:
            work()
        assert "hunter2" not in error_of(caught.value)
    assert path.read_bytes() == before


def test_one_that_is_gone_is_missing(account: ForeignAccount, path: Path) -> None:
    account.items()
    path.unlink()
    with pytest.raises(MissingError, match=r"secrets\.kdbx"):
        account.items()


def test_an_old_library_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "4.1.1")
    with pytest.raises(ConfigurationError, match="the same seeds"):
        open_account(path).items()


def test_fields_that_attributes_cannot_name_come_back(account: ForeignAccount) -> None:
    fields = [
        new_field(label, kind, Secret(value))
        for label, kind, value in [
            ("Password", FieldType.TEXT, "open"),
            ("password", FieldType.CONCEALED, "EXAMPLE"),
            ("x", FieldType.CONCEALED, "one"),
            ("x", FieldType.TEXT, "two"),
            ("", FieldType.URL, "https://example.com"),
            ("a'b\"c", FieldType.OTP, f"otpauth://totp/x?secret={SEED}"),
            ("another", FieldType.OTP, SEED),
            ("keyturn.fields", FieldType.TEXT, "[]"),
        ]
    ]
    stored = account.create(account.vaults()[0].id, new_item("odd", fields, MOMENT))
    found = account.read_back(stored.id)[0]
    assert sorted((each.label, each.type, each.value.reveal()) for each in found.fields) == sorted(
        (each.label, each.type, each.value.reveal()) for each in fields
    )

"""The account directory: private, or made so, or refused; and its lock."""

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from keyturn.ground import files
from keyturn.ground.errors import (
    ConfigurationError,
    ConflictError,
    DamagedError,
    MissingError,
    StorageError,
    UsageError,
)
from keyturn.vaults.age import creation, slots
from keyturn.vaults.age.directory import AccountDirectory
from keyturn.vaults.age.opening import Opening
from keyturn.vaults.backend import Available
from tests.vaults.templates import Made, make_item, make_machine


def modes(directory: Path) -> set[tuple[bool, int]]:
    found = [directory, *directory.rglob("*")]
    return {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in found}


def test_everything_is_private(made: Made) -> None:
    assert modes(made.directory) == {(True, 0o700), (False, 0o600)}


def test_names_are_ids_alone(made: Made) -> None:
    names = {path.name for path in made.directory.rglob("*") if path.is_file()}
    vault, listed = made.vault.id, {f"{slot.id}.slot" for slot in made.account.slots()}
    assert names == {"account.age", ".lock", f"{vault}.age", f"{vault}.1.age", *listed}


def test_loose_modes_are_mended(made: Made) -> None:
    for path in [made.directory, *made.directory.rglob("*")]:
        path.chmod(0o777 if path.is_dir() else 0o644)
    made.recover()
    assert modes(made.directory) == {(True, 0o700), (False, 0o600)}


def test_a_loosened_file_is_mended_when_it_is_read(made: Made) -> None:
    path = made.directory / "vaults" / f"{made.vault.id}.age"
    path.chmod(0o644)
    made.account.items()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_account_that_is_gone_is_no_empty_account(made: Made) -> None:
    """A disk that is not mounted any more, while the account is unlocked."""
    made.account.items()
    made.directory.rename(made.directory.with_name("elsewhere"))
    steps: list[Callable[[], object]] = [
        made.account.items,
        made.account.vaults,
        lambda: made.account.find("AWS"),
        lambda: made.account.create(made.vault.id, make_item()),
        lambda: made.account.rename("other"),
    ]
    for step in steps:
        with pytest.raises(MissingError, match="any more"):
            step()
    made.directory.mkdir(mode=0o700)  # the place where the disk is mounted otherwise
    with pytest.raises(MissingError, match="any more"):
        made.account.items()


def test_a_vault_that_is_gone_is_no_empty_vault(two_vaults: Made) -> None:
    """Its items are not said to be missing, those of the other vault are there, and it can be given up."""
    account = two_vaults.account
    here, gone = (account.find(title)[0].id for title in ("AWS EXAMPLE", "in the other"))
    other = next(vault for vault in account.vaults() if vault.name == "Other")
    lost = two_vaults.directory / "vaults" / f"{other.id}.age"
    lost.unlink()
    for step in (account.items, lambda: account.get(gone), lambda: account.find("in the other")):
        with pytest.raises(DamagedError, match="a vault that was here is gone") as caught:
            step()
        assert str(lost) in caught.value.message
    assert account.get(here)[0].id == here
    assert account.find("AWS EXAMPLE")[0].id == here
    assert [item.id for item, _ in account.items(two_vaults.vault.id)] == [here]
    account.machine.trust(account.id, two_vaults.directory, account.fingerprint)
    assert [item.id for item, _ in account.items()] == [here]


def test_modes_that_cannot_be_mended_are_refused(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    (made.directory / "account.age").chmod(0o640)

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "chmod", refuse)
    with pytest.raises(ConfigurationError, match="open to other users"):
        made.recover()


@pytest.mark.needs("root")
@pytest.mark.parametrize("part", [".", "account.age", "slots", "vaults"])
def test_what_belongs_to_another_user_is_refused(made: Made, part: str) -> None:
    os.chown(made.directory / part, 12345, -1)
    with pytest.raises(ConfigurationError, match="another user"):
        made.recover()


def test_a_symlink_inside_is_refused(made: Made) -> None:
    path = made.directory / "account.age"
    path.rename(made.directory.parent / "moved.age")
    path.symlink_to(made.directory.parent / "moved.age")
    with pytest.raises(ConfigurationError, match="symlink"):
        made.recover()


def test_no_account_is_made_over_something(made: Made, tmp_path: Path) -> None:
    key = slots.recovery_key(slots.new_recovery_code(), "code")
    with pytest.raises(ConfigurationError, match="already") as caught:
        creation.create(made.directory, "Test", [key], made.machine)
    assert "keyturn account add" in caught.value.hints[0]
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(ConfigurationError):
        creation.create(tmp_path / "link", "Test", [key], made.machine)
    (tmp_path / "file").write_text("x")
    with pytest.raises((ConfigurationError, StorageError)):
        creation.create(tmp_path / "file", "Test", [key], made.machine)


def test_an_empty_directory_will_do_and_is_closed(tmp_path: Path) -> None:
    (tmp_path / "account").mkdir(mode=0o755)
    key = slots.recovery_key(slots.new_recovery_code(), "code")
    creation.create(tmp_path / "account", "Test", [key], make_machine(tmp_path / "state"))
    assert modes(tmp_path / "account") == {(True, 0o700), (False, 0o600)}


def test_the_directory_itself_may_be_a_symlink(made: Made, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(made.directory)
    assert made.recovery_code is not None
    opened = Opening.with_recovery_code(tmp_path / "link", made.recovery_code).account(made.machine)
    opened.create_vault("Other")
    assert len(made.account.vaults()) == 2


def test_an_account_needs_a_slot_and_a_title(tmp_path: Path) -> None:
    machine = make_machine(tmp_path / "state")
    key = slots.recovery_key(slots.new_recovery_code(), "code")
    with pytest.raises(UsageError, match="slot"):
        creation.create(tmp_path / "account", "Test", [], machine)
    with pytest.raises(UsageError, match="title"):
        creation.create(tmp_path / "account", "Te\nst", [key], machine)
    assert not (tmp_path / "account").exists()


def test_a_creation_that_was_cut_short_is_no_account_and_can_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = slots.recovery_key(slots.new_recovery_code(), "code")
    machine, write = make_machine(tmp_path / "state"), files.write_atomically

    def fail(path: Path, content: bytes, mode: int = 0o600, **more: Any) -> files.FileIdentity:
        if path.name == "account.age":
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, content, mode, **more)

    monkeypatch.setattr(files, "write_atomically", fail)
    with pytest.raises(StorageError, match="no space left"):
        creation.create(tmp_path / "account", "Test", [key], machine, "Private")
    assert not (tmp_path / "account" / "account.age").exists()
    assert len(list((tmp_path / "account").rglob("*.slot"))) == 1
    monkeypatch.undo()
    made = creation.create(tmp_path / "account", "Test", [key], machine, "Private")
    assert [vault.name for vault in made.vaults()] == ["Private"]
    assert made.notes() == []
    pins = [path.stem for path in (tmp_path / "state" / "pins").glob("*.json")]
    assert pins == [made.id], "what was pinned for the first try is forgotten"


@pytest.mark.parametrize("there", ["slots/a.slot", "vaults/a.age", "versions/a.age", "notes", ".git/config"])
def test_only_what_a_creation_left_is_taken_away(tmp_path: Path, there: str) -> None:
    """Slots alone may be an account whose other files are still on their way."""
    path = tmp_path / "account" / there
    path.parent.mkdir(parents=True)
    path.write_text("x")
    key = slots.recovery_key(slots.new_recovery_code(), "code")
    with pytest.raises(ConfigurationError, match="not empty"):
        creation.create(tmp_path / "account", "Test", [key], make_machine(tmp_path / "state"))
    assert path.read_text() == "x"
    (tmp_path / "account" / creation.MARK).write_text("a" * 26)
    stranger = tmp_path / "account" / "slots" / "stranger.txt"
    stranger.parent.mkdir(exist_ok=True)
    stranger.write_text("x")
    with pytest.raises(ConfigurationError, match="not empty"):
        creation.create(tmp_path / "account", "Test", [key], make_machine(tmp_path / "state"))
    assert path.read_text() == stranger.read_text() == "x"


def test_a_bad_title_of_the_vault_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    key = slots.recovery_key(slots.new_recovery_code(), "code")
    with pytest.raises(UsageError, match="title"):
        creation.create(tmp_path / "account", "Test", [key], make_machine(tmp_path / "state"), "Pri\nvate")
    assert not (tmp_path / "account").exists()


@pytest.mark.parametrize(
    ("name", "error"),
    [
        (".account.age.x.new", None),
        (f".{creation.MARK}.x.new", None),
        (".account.age.x", "not empty"),
        (".other.age.x.new", "not empty"),
    ],
)
def test_temporary_files_of_a_creation_are_no_content(tmp_path: Path, name: str, error: str | None) -> None:
    path = tmp_path / "account" / name
    path.parent.mkdir()
    path.touch()
    key = slots.recovery_key(slots.new_recovery_code(), "code")
    machine = make_machine(tmp_path / "state")
    if error is None:
        creation.create(tmp_path / "account", "Test", [key], machine)
        assert not path.exists()
        return
    with pytest.raises(ConfigurationError, match=error):
        creation.create(tmp_path / "account", "Test", [key], machine)
    assert path.exists()


def test_the_mark_of_a_creation_is_the_last_to_go_and_names_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, key = tmp_path / "account", slots.recovery_key(slots.new_recovery_code(), "code")
    machine = make_machine(tmp_path / "state")
    assert machine.id
    for name in ("slots/a.slot", ".account.age.x.new"):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).touch()
    # Not an id, but the way to another file of this machine's.
    (place / creation.MARK).write_text("../machine")
    gone: list[str] = []
    unlink = os.unlink

    def note(path: Path) -> None:
        gone.append(Path(path).name)
        unlink(path)

    monkeypatch.setattr(os, "unlink", note)
    creation.create(place, "Test", [key], machine)
    assert gone == ["a.slot", ".account.age.x.new", creation.MARK, creation.MARK]
    assert (tmp_path / "state" / "machine.json").exists()


def test_the_lock_is_reentrant_and_needed_for_writing(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    with made.account.place.locked(), made.account.place.locked():
        made.account.create(made.vault.id, make_item())

    def refuse(path: Path) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(files, "exclusively", refuse)
    assert made.recover(make_machine(made.directory.parent / "state")).availability() == Available()
    place = AccountDirectory(made.directory, os.getuid())
    with place.locked(reading=True), pytest.raises(StorageError, match="read-only"), place.locked():
        pass
    with pytest.raises(StorageError, match="read-only"), place.locked():
        pass


def test_titles_can_be_changed_and_are_checked(made: Made) -> None:
    made.account.rename("Other")
    assert made.recover().title == "Other"
    pinned = made.machine.pinned(made.account.id)
    assert pinned is not None
    assert pinned.title == "Other"
    with pytest.raises(UsageError):
        made.account.rename("")


def test_a_slot_title_is_used_once(made: Made) -> None:
    with pytest.raises(ConflictError):
        made.account.add_slot(slots.recovery_key(slots.new_recovery_code(), "password"))


def test_no_account_is_there(tmp_path: Path) -> None:
    with pytest.raises(MissingError):
        AccountDirectory(tmp_path, os.getuid()).check()

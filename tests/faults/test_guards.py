"""Guards of several modules that no other test would miss: each was found by taking it out."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from keyturn.ground import files
from keyturn.ground.errors import ConfigurationError, ConflictError, DamagedError, StorageError
from keyturn.ground.files import UnconfirmedError
from keyturn.vaults.age import slots
from keyturn.vaults.age.account import AgeAccount
from tests.parts import absent
from tests.vaults.templates import Made, make_account, make_item, make_machine


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return make_account(tmp_path / "account", tmp_path / "state", items=[make_item()], recovery=True)


def fail_syncing(monkeypatch: pytest.MonkeyPatch, where: Path) -> None:
    sync = files.sync_directory

    def fail(directory: Path) -> None:
        if directory == where:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        sync(directory)

    monkeypatch.setattr(files, "sync_directory", fail)


def test_what_was_replaced_and_not_confirmed_is_said_to_be_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_syncing(monkeypatch, tmp_path)
    with pytest.raises(UnconfirmedError, match="Input/output error"):
        files.write_atomically(tmp_path / "x", b"new")
    assert (tmp_path / "x").read_bytes() == b"new"
    with (
        pytest.raises(ConfigurationError, match="was changed, but") as caught,
        files.changing(tmp_path / "x"),
    ):
        files.write_atomically(tmp_path / "x", b"newer")
    assert "nothing was changed" not in caught.value.hints


def test_a_save_that_the_disk_does_not_confirm_is_told_as_that(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_syncing(monkeypatch, made.directory)
    with pytest.raises(StorageError, match="did not confirm"):
        made.account.rename("New")
    monkeypatch.undo()
    assert made.recover().title == "New"


def test_a_save_whose_pin_cannot_be_written_is_said_to_be_saved(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = files.write_atomically

    def fail(path: Path, content: bytes, *rest: Any, **more: Any) -> files.FileIdentity:
        if path.parent.name == "pins":
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, content, *rest, **more)

    monkeypatch.setattr(files, "write_atomically", fail)
    with pytest.raises(StorageError, match="was saved, but") as caught:
        made.account.rename("New")
    assert any("before you do it again" in hint for hint in caught.value.hints)
    assert any("free some space" in hint for hint in caught.value.hints)
    monkeypatch.undo()
    assert made.recover().title == "New"


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EDQUOT, "free some space"),
        (errno.EROFS, "make it writable"),
        (errno.EIO, "system's log"),
        (errno.EACCES, "ls -ld"),
    ],
)
def test_each_failure_of_a_disk_has_its_remedy(tmp_path: Path, number: int, words: str) -> None:
    with pytest.raises(ConfigurationError) as caught, files.changing(tmp_path / "x"):
        raise OSError(number, os.strerror(number))
    assert any(words in hint for hint in caught.value.hints)
    assert "nothing was changed" in caught.value.hints


def test_only_the_leftovers_of_the_file_in_hand_are_swept(tmp_path: Path) -> None:
    for name in (".x.a.new", ".y.b.new", ".x.c.old", "x.d.new"):
        (tmp_path / name).touch()
    with files.changing(tmp_path / "x"):
        pass
    assert sorted(os.listdir(tmp_path)) == [".x.c.old", ".x.lock", ".y.b.new", "x.d.new"]


@pytest.mark.parametrize("is_new", [False, True], ids=["a save", "a new vault"])
def test_what_appears_at_the_last_moment_is_not_overwritten(
    made: Made, monkeypatch: pytest.MonkeyPatch, is_new: bool
) -> None:
    """A program that takes no lock writes while ours syncs the new content."""
    theirs: list[Path] = []
    fsync = os.fsync

    def meddle(descriptor: int) -> None:
        fsync(descriptor)
        written = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        if written.name.endswith(".new") and written.parent.name == "vaults":
            path = written.parent / (written.name.split(".")[1] + ".age")
            path.write_bytes(b"theirs")
            theirs.append(path)

    if not Path("/proc/self/fd").is_dir():
        absent("/proc")
    monkeypatch.setattr(os, "fsync", meddle)
    account, vault = made.account, made.vault.id
    with pytest.raises((ConflictError, DamagedError)):
        account.create_vault("New") if is_new else account.create(vault, make_item())
    assert [path.read_bytes() for path in theirs] == [b"theirs"]


def test_pins_that_cannot_be_read_keep_everything_from_being_written(made: Made) -> None:
    account = made.account
    account.items()
    path = made.directory.parent / "state" / "pins" / f"{account.id}.json"
    path.write_bytes(path.read_bytes()[:-3])
    before = {each: each.read_bytes() for each in made.directory.rglob("*") if each.is_file()}
    key = slots.recovery_key(slots.new_recovery_code(), "another")
    for attempt in (
        lambda: account.create(made.vault.id, make_item()),
        lambda: account.create_vault("New"),
        lambda: account.rename("New"),
        lambda: account.add_slot(key),
    ):
        with pytest.raises(DamagedError, match="is damaged"):
            attempt()
    assert {each: each.read_bytes() for each in made.directory.rglob("*") if each.is_file()} == before


def test_a_full_disk_that_takes_no_lock_file_can_be_read(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    exclusively = files.exclusively

    def fail(path: Path) -> Any:
        if path.parent == made.directory:
            raise OSError(errno.ENOSPC, "No space left on device")
        return exclusively(path)

    monkeypatch.setattr(files, "exclusively", fail)
    account: AgeAccount = made.recover()
    assert len(account.items()) == 1
    with pytest.raises(StorageError, match="cannot lock"):
        account.rename("New")


def test_a_state_directory_on_a_read_only_disk_does_not_keep_from_reading(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even where there is none yet."""

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "makedirs", fail)
    account = made.recover(make_machine(made.directory.parent / "elsewhere"))
    assert len(account.items()) == 1
    assert account.unfinished == [], "nothing was under way"


def test_only_a_directory_of_ours_is_mended(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "file").chmod(0o644)
    with pytest.raises(ConfigurationError):
        files.private_directory(tmp_path / "file", os.getuid(), mend=True)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o644
    (tmp_path / "there").mkdir()
    (tmp_path / "there").chmod(0o755)
    with pytest.raises(ConfigurationError):
        files.private_directory(tmp_path / "there", os.getuid() + 1, mend=True)
    assert (tmp_path / "there").stat().st_mode & 0o777 == 0o755

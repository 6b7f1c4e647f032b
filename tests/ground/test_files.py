"""Files written whole or not at all."""

import errno
import fcntl
import multiprocessing
import os
import stat
import threading
from pathlib import Path

import pytest

from keyturn.ground import files
from keyturn.ground.errors import ConfigurationError, ConflictError, DamagedError


def test_writing_replaces_the_whole_and_leaves_nothing_beside(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    identity = files.write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert identity == files.identity(path)
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("call", ["write", "fsync", "replace", "fchmod"])
def test_any_failure_leaves_the_old_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail(*arguments: object, **more: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    if call == "write":
        monkeypatch.setattr(
            "tempfile.mkstemp", lambda **more: (os.open("/dev/full", os.O_WRONLY), str(tmp_path / "t"))
        )
        monkeypatch.setattr(os, "fchmod", lambda *arguments: None)
    else:
        monkeypatch.setattr(os, call, fail)
    with pytest.raises(OSError, match="No space left"):
        files.write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_what_cannot_be_written_is_named_and_not_the_temporary_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "gone" / "file"
    with pytest.raises(FileNotFoundError) as caught:
        files.write_atomically(path, b"")
    assert caught.value.filename == str(path)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as failed:
        files.write_atomically(tmp_path / "file", b"")
    assert failed.value.filename == str(tmp_path / "file")


def test_reading_does_not_hang_on_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DamagedError, match="not a regular file"):
        files.read(tmp_path / "pipe")


def test_reading_has_a_limit(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert files.read(path, 5)[0] == b"12345"
    with pytest.raises(DamagedError, match="larger than 4 bytes"):
        files.read(path, 4)


def test_a_changed_file_has_another_identity(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert files.identity(path) is None
    seen = {files.write_atomically(path, content) for content in (b"one", b"two", b"two")}
    assert len(seen) == 3


def test_a_private_directory_is_made_or_refused(tmp_path: Path) -> None:
    uid = os.getuid()
    made = files.private_directory(tmp_path / "a/b/c", uid)
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    assert files.private_directory(made, uid) == made
    made.chmod(0o755)
    with pytest.raises(ConfigurationError, match="not a private directory"):
        files.private_directory(made, uid)
    assert files.private_directory(made, uid, mend=True) == made
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    made.chmod(0o720)
    with pytest.raises(ConfigurationError, match="not a private directory"):
        files.private_directory(made, uid, mend=True)
    made.chmod(0o700)
    (tmp_path / "link").symlink_to(made)
    with pytest.raises(ConfigurationError, match="not a private directory"):
        files.private_directory(tmp_path / "link", uid)
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError):
        files.private_directory(tmp_path / "file", uid)
    with pytest.raises(ConfigurationError, match="cannot create"):
        files.private_directory(tmp_path / "file/below", uid)


def _hold(path: Path, ready: "multiprocessing.synchronize.Event") -> None:
    with files.exclusively(path):
        ready.set()
        os.kill(os.getpid(), 9)


def test_the_lock_goes_with_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    ready = multiprocessing.get_context("fork").Event()
    child = multiprocessing.get_context("fork").Process(target=_hold, args=(path, ready))
    child.start()
    child.join(10)
    assert child.exitcode == -9
    with files.exclusively(path), open(path) as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_planted_link_in_place_of_the_lock_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"), files.exclusively(tmp_path / "lock"):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_leftovers_of_killed_writers_are_removed(tmp_path: Path) -> None:
    (tmp_path / ".vault.abc.new").touch()
    (tmp_path / "kept").touch()
    (tmp_path / ".hidden").touch()
    files.remove_leftovers(tmp_path)
    assert sorted(os.listdir(tmp_path)) == [".hidden", "kept"]
    files.remove_leftovers(tmp_path / "absent")


def test_a_directory_is_held_by_one_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "HOLD_SECONDS", 0.1)
    before = os.listdir(tmp_path)
    with files.holding(tmp_path):
        with pytest.raises(ConflictError, match="held"), files.holding(tmp_path):
            raise AssertionError("two hold it")
        assert os.listdir(tmp_path) == before, "nothing lies in it for that"
    with files.holding(tmp_path):
        pass


def test_who_waits_for_a_directory_gets_it_next(tmp_path: Path) -> None:
    first, waiting = threading.Event(), threading.Event()

    def hold() -> None:
        with files.holding(tmp_path):
            first.set()
            assert waiting.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    assert first.wait(10)
    threading.Timer(0.05, waiting.set).start()
    with files.holding(tmp_path):
        assert waiting.is_set(), "not before the other one was done"
    holder.join()

"""Writing a file anew in its place: what stays of it, and when it is left alone."""

import os
import stat
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from keyturn.ground import files
from keyturn.ground.errors import ConfigurationError
from keyturn.plaintext import replacing
from keyturn.plaintext.replacing import replace
from tests.parts import absent

BEFORE, AFTER = b"before\n", b"after\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "credentials"
    path.write_bytes(BEFORE)
    path.chmod(0o640)
    return path


def put(path: Path, found: os.stat_result | None = None) -> None:
    replace(path, found or os.stat(path), AFTER, os.geteuid())


def left(directory: Path) -> list[str]:
    return [name for name in os.listdir(directory) if name.endswith(".new")]


def test_the_mode_stays(file: Path) -> None:
    os.utime(file, ns=(1, 1))
    put(file)
    assert file.read_bytes() == AFTER
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert file.stat().st_mtime_ns > 1, "the time is that of the change"
    assert left(file.parent) == []


def test_attributes_stay(file: Path) -> None:
    if sys.platform != "linux":
        absent("extended attributes as Linux has them")
    try:
        os.setxattr(file, "user.keyturn", b"x")
    except OSError:
        absent("a file system with extended attributes")
    put(file)
    assert os.getxattr(file, "user.keyturn") == b"x"


@pytest.mark.needs("root")
def test_owner_and_group_stay(file: Path) -> None:
    os.chown(file, 1234, 4321)
    replace(file, os.stat(file), AFTER, 1234)
    assert (file.stat().st_uid, file.stat().st_gid) == (1234, 4321)


def test_links_stay(file: Path) -> None:
    link, second = file.with_name("link"), file.with_name("second")
    second.symlink_to("credentials")
    link.symlink_to(second)
    put(link)
    assert (link.is_symlink(), second.is_symlink(), os.readlink(second)) == (True, True, "credentials")
    assert file.read_bytes() == AFTER


def changed(path: Path) -> None:
    path.write_bytes(b"changed\n")


def swapped(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(BEFORE)
    os.replace(other, path)


def touched(path: Path) -> None:
    os.utime(path, ns=(1, 1))


@pytest.mark.parametrize("change", [changed, swapped, touched, os.unlink])
def test_another_file_by_now(change: Callable[[Path], object], file: Path) -> None:
    found = os.stat(file)
    change(file)
    before = file.read_bytes() if file.exists() else None
    with pytest.raises(ConfigurationError) as caught:
        put(file, found)
    assert caught.value.hints == (replacing.UNCHANGED,)
    assert (file.read_bytes() if file.exists() else None) == before
    assert left(file.parent) == []


def test_changed_in_the_last_moment(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between writing the new file and putting it in place."""
    fsync = os.fsync

    def meddle(descriptor: int) -> None:
        fsync(descriptor)
        changed(file)

    monkeypatch.setattr(os, "fsync", meddle)
    with pytest.raises(ConfigurationError, match="it was changed meanwhile"):
        put(file)
    assert file.read_bytes() == b"changed\n"
    assert left(file.parent) == []


def test_a_link_that_leads_elsewhere_by_now(file: Path) -> None:
    link, other = file.with_name("link"), file.with_name("other")
    link.symlink_to(file)
    found = os.stat(link)
    other.write_bytes(BEFORE)
    link.unlink()
    link.symlink_to(other)
    with pytest.raises(ConfigurationError, match="it was changed meanwhile"):
        put(link, found)
    assert (file.read_bytes(), other.read_bytes()) == (BEFORE, BEFORE)


def test_a_hard_link(file: Path) -> None:
    os.link(file, file.with_name("other"))
    with pytest.raises(ConfigurationError, match="another hard link"):
        put(file)
    assert file.read_bytes() == BEFORE


def test_read_only(file: Path) -> None:
    file.chmod(0o440)
    with pytest.raises(ConfigurationError, match="it is read-only"):
        put(file)
    assert file.read_bytes() == BEFORE


def test_somebody_elses(file: Path) -> None:
    with pytest.raises(ConfigurationError, match="it is not your file"):
        replace(file, os.stat(file), AFTER, os.geteuid() + 1)
    assert file.read_bytes() == BEFORE


@pytest.mark.needs("root")
def test_a_link_into_somebody_elses_directory(file: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    target = theirs / "file"
    target.write_bytes(BEFORE)
    link = tmp_path / "link"
    link.symlink_to(target)
    os.chown(theirs, 1234, 1234)
    with pytest.raises(ConfigurationError, match="a link into a directory of somebody else"):
        put(link)
    assert target.read_bytes() == BEFORE


def test_no_regular_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigurationError, match="it is not a regular file"):
        put(tmp_path / "pipe")


@pytest.mark.needs("root")
def test_a_directory_that_cannot_be_written() -> None:
    # Not below pytest's own directory, which an ordinary user cannot pass.
    with tempfile.TemporaryDirectory() as name:
        file = Path(name, "credentials")
        file.write_bytes(BEFORE)
        for path in (file, file.parent):
            os.chown(path, 1234, 1234)
        file.parent.chmod(0o555)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                os.setreuid(1234, 1234)
                replace(file, os.stat(file), AFTER, 1234)
            except ConfigurationError as error:
                status = 0 if "permission denied" in error.message else 2
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert file.read_bytes() == BEFORE


def test_what_a_killed_writer_left_goes(file: Path) -> None:
    dead, alive = (
        f".credentials.{replacing.MARK}4194305-x.new",
        f".credentials.{replacing.MARK}{os.getpid()}-x.new",
    )
    others = ".credentials.other.new"
    for name in (dead, alive, others):
        (file.parent / name).write_bytes(BEFORE)
    put(file)
    assert sorted(left(file.parent)) == sorted([alive, others])


def test_what_is_not_what_was_written(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "read", lambda path: (b"other", None))
    with pytest.raises(ConfigurationError, match="could not be read back"):
        put(file)
    assert file.read_bytes() == BEFORE
    assert left(file.parent) == []

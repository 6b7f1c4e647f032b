"""Taking two keys out of the credentials file: these two, and no other byte."""

from __future__ import annotations

import os
import stat
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keyturn.aws import plaintext
from keyturn.aws.config import parse_file
from keyturn.aws.plaintext import remove_keys, without_keys
from keyturn.ground.errors import ConfigurationError
from keyturn.ground.secret import Secret
from keyturn.sdk.importers import FilePlace

EXPECTED = {"access key id": Secret("AKIA"), "secret access key": Secret("s/e+c=")}
ID, KEY = b"aws_access_key_id = AKIA\n", b"aws_secret_access_key = s/e+c=\n"


def take(path: Path, profile: str = "p") -> None:
    remove_keys(FilePlace(path, profile), EXPECTED, os.geteuid())


@pytest.fixture
def file(home: Path) -> Path:
    (home / ".aws").mkdir()
    path = home / ".aws/credentials"
    path.write_bytes(b"[p]\n" + ID + KEY)
    path.chmod(0o600)
    return path


# before → after; `p` is the profile.
FILES: dict[str, tuple[bytes, bytes]] = {
    "alone": (b"[p]\n" + ID + KEY, b"[p]\n"),
    "no final newline": (b"[p]\n" + ID + KEY.strip(), b"[p]\n"),
    "crlf": (b"[p]\r\naws_access_key_id=AKIA\r\naws_secret_access_key=s/e+c=\r\nx=y\r\n", b"[p]\r\nx=y\r\n"),
    "carriage returns": (b"[p]\raws_access_key_id=AKIA\raws_secret_access_key=s/e+c=\rx=y", b"[p]\rx=y"),
    "mixed line ends": (b"[p]\r\n" + ID + b"x=y\r" + KEY + b"[q]\n", b"[p]\r\nx=y\r[q]\n"),
    "comments": (b"# a\n[p] # b\n# c\n" + ID + b"; d\n" + KEY + b"# e\n", b"# a\n[p] # b\n# c\n; d\n# e\n"),
    "tabs and spaces": (b"[p]\n\t aws_access_key_id\t=\tAKIA \n aws_secret_access_key=s/e+c=\n", b"[p]\n"),
    "colon and capitals": (b"[p]\nAWS_Access_Key_ID: AKIA\nAWS_SECRET_ACCESS_KEY:s/e+c=\n", b"[p]\n"),
    "other keys between": (b"[p]\na=1\n" + ID + b"b=2\n" + KEY + b"c=3\n", b"[p]\na=1\nb=2\nc=3\n"),
    "other profiles": (
        b"[a]\n" + ID + KEY + b"[p]\n" + ID + KEY + b"[b]\n" + KEY + ID,
        b"[a]\n" + ID + KEY + b"[p]\n[b]\n" + KEY + ID,
    ),
    "continued lines of others": (
        b"[p]\ns3 =\n  aws_access_key_id = AKIA\n  x = y\n" + ID + KEY + b"z = 1\n  2\n",
        b"[p]\ns3 =\n  aws_access_key_id = AKIA\n  x = y\nz = 1\n  2\n",
    ),
    "blank lines": (b"\n[p]\n\n" + ID + b"\n\n" + KEY + b"\n[q]\n", b"\n[p]\n\n\n\n\n[q]\n"),
    "an indented comment behind": (b"[p]\n" + ID + b"   # c\n" + KEY + b"x=y\n", b"[p]\n   # c\nx=y\n"),
    "unicode": ("[p]\né = ü\u2028\n".encode() + ID + KEY, "[p]\né = ü\u2028\n".encode()),
    "long": (b"[p]\n" + ID + KEY + b"#" * 100_000, b"[p]\n" + b"#" * 100_000),
}


@pytest.mark.parametrize("name", FILES)
def test_exactly_two_lines_go(name: str, file: Path) -> None:
    before, after = FILES[name]
    file.write_bytes(before)
    take(file)
    assert file.read_bytes() == after
    assert os.listdir(file.parent) == ["credentials"]


LINES = [
    ID,
    KEY,
    b"aws_session_token = t\n",
    b"region = r\r\n",
    b"s3 =\n  aws_access_key_id = AKIA\n",
    b"x = 1\n  2\n\n   3\n",
    b"# comment\n",
    b"   ; comment\n",
    b"\n",
    b"  indented = x\n",
    b"[p]\n",
    b"[q]\r",
    b"[DEFAULT]\n",
    b"broken\n",
    b"empty =\n",
]


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(st.sampled_from(LINES), max_size=9))
def test_nothing_else_ever_changes(lines: list[bytes], file: Path) -> None:
    """Refused and untouched, or botocore reads all of it but the two keys as before."""
    before = b"".join(lines)
    file.write_bytes(before)
    try:
        old = parse_file(str(file), "file").sections
    except ConfigurationError:
        old = {}
    try:
        take(file)
    except ConfigurationError:
        assert file.read_bytes() == before
        # Not refused without a reason: the profile lacks these keys, or inherits them from [DEFAULT].
        there = {label: old.get("p", {}).get(key) for key, label in plaintext.KEYS.items()}
        values = {label: value.reveal() for label, value in EXPECTED.items()}
        assert there != values or b"[DEFAULT]" in before
        return
    wanted = {name: dict(section) for name, section in old.items()}
    for key in plaintext.KEYS:
        del wanted["p"][key]
    assert parse_file(str(file), "file").sections == wanted
    # Line by line the rest is what it was.
    assert sorted(before.splitlines()) == sorted([*file.read_bytes().splitlines(), ID.strip(), KEY.strip()])


def test_mode_and_owner_stay(file: Path) -> None:
    for mode in (0o600, 0o640, 0o644):
        file.write_bytes(b"[p]\n" + ID + KEY)
        file.chmod(mode)
        before = os.stat(file)
        take(file)
        after = os.stat(file)
        assert stat.S_IMODE(after.st_mode) == mode
        assert (after.st_uid, after.st_gid) == (before.st_uid, before.st_gid)


@pytest.mark.needs("root")
def test_the_group_stays(file: Path) -> None:
    os.chown(file, -1, 12)
    take(file)
    assert os.stat(file).st_gid == 12


def test_a_symlink_stays_and_its_target_is_edited(file: Path, home: Path) -> None:
    real = home / "dotfiles/credentials"
    real.parent.mkdir()
    file.rename(real)
    file.symlink_to("../dotfiles/credentials")
    take(file)
    assert os.readlink(file) == "../dotfiles/credentials"
    assert real.read_bytes() == b"[p]\n"
    assert os.listdir(file.parent) == ["credentials"]


def refused(path: Path, why: str, profile: str = "p") -> None:
    before = path.read_bytes()
    entries = sorted(os.listdir(path.parent))
    with pytest.raises(ConfigurationError) as caught:
        take(path, profile)
    assert why in caught.value.message
    assert "AKIA" not in caught.value.message
    assert "s/e+c=" not in caught.value.message
    assert path.read_bytes() == before
    assert sorted(os.listdir(path.parent)) == entries


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"[p]\naws_access_key_id = OTHER\n" + KEY, "aws_access_key_id of profile “p” is not what was"),
        (b"[p]\n" + ID + b"aws_secret_access_key = other\n", "aws_secret_access_key of profile “p” is not"),
        (b"[p]\n" + ID, "aws_secret_access_key of profile “p” is not"),
        (b"[q]\n" + ID + KEY, "aws_access_key_id of profile “p” is not"),
        (b"", "aws_access_key_id of profile “p” is not"),
        (b"[DEFAULT]\n" + ID + KEY + b"[p]\nx = y\n", "they cannot be taken out without changing more"),
        (b"[DEFAULT]\n" + ID + b"[p]\n" + ID + KEY, "they cannot be taken out without changing more"),
        (b"[p]\n" + ID + KEY + b"  continued\n", "aws_secret_access_key of profile “p” is not"),
        (b"[p]\n" + ID + KEY + b"[p]\n", "a section stands here twice"),
        (b"[p]\n" + ID + KEY + ID, "a key stands twice"),
        (b"\xef\xbb\xbf[p]\n" + ID + KEY, "text before the first section"),
        (b"[p]\n" + ID + KEY + b"x = \xff\n", "not UTF-8"),
    ],
)
def test_what_is_not_as_imported_is_left_alone(content: bytes, why: str, file: Path) -> None:
    file.write_bytes(content)
    refused(file, why)


def test_a_hard_link_would_keep_the_keys(file: Path, home: Path) -> None:
    os.link(file, home / "backup")
    refused(file, "it has another hard link")


def test_another_person_s_file(file: Path) -> None:
    with pytest.raises(ConfigurationError, match="it is not your file"):
        remove_keys(FilePlace(file, "p"), EXPECTED, os.geteuid() + 1)
    assert ID in file.read_bytes()


def test_no_file(file: Path) -> None:
    file.unlink()
    with pytest.raises(ConfigurationError, match="it is not there any more"):
        take(file)


@pytest.mark.timeout(10)
def test_a_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(ConfigurationError, match="is not a regular file"):
        take(file)


def test_a_read_only_file(file: Path) -> None:
    file.chmod(0o400)
    refused(file, "it is read-only")


def test_a_read_only_directory() -> None:
    """As a user without root's power over modes."""
    user = os.geteuid() or 65534
    # Not below the test's own directory: that one is closed to other users.
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        path = Path(name) / "credentials"
        path.write_bytes(b"[p]\n" + ID + KEY)
        for each in (path, path.parent):
            os.chown(each, user, -1)
        os.chmod(path.parent, 0o555)
        before = os.geteuid()
        os.seteuid(user)
        try:
            with pytest.raises(ConfigurationError, match="permission denied"):
                remove_keys(FilePlace(path, "p"), EXPECTED, user)
        finally:
            os.seteuid(before)
            os.chmod(path.parent, 0o755)
        assert path.read_bytes() == b"[p]\n" + ID + KEY
        assert os.listdir(path.parent) == ["credentials"]


def test_a_file_that_changes_meanwhile(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write_and_edit(content: bytes, profile: str) -> bytes:
        edited = without_keys(content, profile)
        file.write_bytes(content + b"[new]\n")
        return edited

    monkeypatch.setattr(plaintext, "without_keys", write_and_edit)
    with pytest.raises(ConfigurationError, match="it was changed meanwhile"):
        take(file)
    assert file.read_bytes() == b"[p]\n" + ID + KEY + b"[new]\n"
    assert os.listdir(file.parent) == ["credentials"]


def test_an_edit_that_takes_more_is_not_written(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_bytes(b"[p]\nx = y\n" + ID + KEY)
    monkeypatch.setattr(plaintext, "without_keys", lambda content, profile: b"[p]\n")
    refused(file, "they cannot be taken out without changing more")


@pytest.mark.parametrize("call", ["fsync", "replace", "fchmod"])
def test_a_failing_disk_leaves_the_old_file(call: str, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, fail)
    refused(file, "no space left on device")


def test_a_reader_sees_the_old_file_or_the_new_one(file: Path) -> None:
    before = b"[p]\n" + ID + KEY + b"#" * 50_000
    seen: set[bytes] = set()
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            seen.add(file.read_bytes())

    file.write_bytes(before)
    reader = threading.Thread(target=read)
    reader.start()
    try:
        take(file)
    finally:
        stop.set()
        reader.join()
    assert seen <= {before, b"[p]\n" + b"#" * 50_000}

"""A password that is for agreeing alone: what is kept of it, and that nothing else counts."""

import json
import os
from pathlib import Path

import pytest

from keyturn.auth.approval_password import ApprovalPasswords
from keyturn.ground.errors import ConfigurationError, DamagedError, UsageError
from keyturn.ground.names import new_id
from keyturn.ground.secret import Secret

TYPED = Secret("agreed EXAMPLE")


@pytest.fixture
def passwords(tmp_path: Path) -> ApprovalPasswords:
    return ApprovalPasswords(tmp_path / "approval", os.getuid())


def test_only_the_right_one_of_the_right_account_matches(
    passwords: ApprovalPasswords, tmp_path: Path
) -> None:
    account, other = new_id(), new_id()
    assert not passwords.exists(account)
    assert not passwords.matches(account, TYPED)
    passwords.keep(account, TYPED)
    assert passwords.matches(account, TYPED)
    assert not passwords.matches(account, Secret("agreed"))
    assert not passwords.matches(other, TYPED)
    [path] = (tmp_path / "approval").iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert b"agreed" not in path.read_bytes()
    passwords.forget(account)
    assert not passwords.matches(account, TYPED)


def test_an_empty_one_is_none(passwords: ApprovalPasswords) -> None:
    with pytest.raises(UsageError):
        passwords.keep(new_id(), Secret(" "))


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"format": 2}'])
def test_a_damaged_file_is_no_yes(passwords: ApprovalPasswords, tmp_path: Path, content: bytes) -> None:
    account = new_id()
    passwords.keep(account, TYPED)
    (tmp_path / "approval" / f"{account}.json").write_bytes(content)
    with pytest.raises(DamagedError, match="is damaged"):
        passwords.matches(account, TYPED)


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"log_n": 13},
        {"log_n": 21},
        {"salt": "00"},
        {"salt": "0" * 63 + "\n"},
        {"hash": "ab" * 16},
        {"hash": "AB" * 32},
        {"more": 1},
        {"hash": "0" * 66},
    ],
)
def test_a_file_that_was_changed_is_no_yes(
    passwords: ApprovalPasswords, tmp_path: Path, change: dict[str, object]
) -> None:
    account = new_id()
    passwords.keep(account, TYPED)
    path = tmp_path / "approval" / f"{account}.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(DamagedError, match="is damaged"):
        passwords.matches(account, TYPED)


def test_what_is_larger_than_such_a_file_is_not_read(passwords: ApprovalPasswords, tmp_path: Path) -> None:
    account = new_id()
    passwords.keep(account, TYPED)
    path = tmp_path / "approval" / f"{account}.json"
    path.write_text(path.read_text() + " " * 5000)
    with pytest.raises(DamagedError):
        passwords.matches(account, TYPED)


def test_the_same_password_is_kept_otherwise_each_time(passwords: ApprovalPasswords, tmp_path: Path) -> None:
    for _ in range(2):
        passwords.keep(new_id(), TYPED)
    found = [json.loads(path.read_text()) for path in (tmp_path / "approval").iterdir()]
    assert len({each["salt"] for each in found}) == 2
    assert len({each["hash"] for each in found}) == 2


def test_a_directory_that_others_can_write_is_refused(passwords: ApprovalPasswords, tmp_path: Path) -> None:
    (tmp_path / "approval").mkdir(mode=0o755)
    with pytest.raises(ConfigurationError, match="not a private directory"):
        passwords.keep(new_id(), TYPED)


def test_one_that_is_not_there_is_forgotten_in_silence(passwords: ApprovalPasswords) -> None:
    passwords.forget(new_id())

"""A password that is for agreeing alone: what is kept of it, and that nothing else counts."""

import os
from pathlib import Path

import pytest

from keyturn.auth.approval_password import ApprovalPasswords
from keyturn.ground.errors import DamagedError, UsageError
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

"""What a backup holds, and that it opens to the same bytes, also after a change of identity."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyturn.agent.plaintext_copies import SealedCopies
from keyturn.ground.errors import DamagedError, MissingError
from keyturn.plaintext import backups
from keyturn.plaintext.backups import Backup
from keyturn.vaults.age import rotation
from tests.vaults import age_scrypt
from tests.vaults.templates import Made, make_account

MOMENT = "2024-05-06T07:08:09Z"
CONTENT = b"[default]\r\naws_secret_access_key = CANARYEXAMPLE\xff\x00"


def make(content: bytes, path: str = "/home/ada/.aws/credentials") -> Backup:
    return backups.from_parts(
        path, path, MOMENT, 0o100640, ["aws"], backups.digest(b"left"), backups.encoded(content)
    )


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return make_account(tmp_path / "account", tmp_path / "state", recovery=True)


@settings(max_examples=200)
@given(st.binary(max_size=2000), st.text(max_size=20))
def test_every_file_comes_back(content: bytes, path: str) -> None:
    try:
        path.encode()
    except UnicodeEncodeError:
        return
    backup = make(content, path)
    again = backups.decode(backups.encode(backup))
    assert again == backup
    assert backups.decoded(again.content) == content
    assert again.mode == 0o640


@given(st.binary(max_size=100))
def test_noise_is_refused(content: bytes) -> None:
    with pytest.raises(DamagedError):
        backups.decode(content)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"format":1', b'"format":2'),
        (b'"keyturn":"plaintext"', b'"keyturn":"vault"'),
        (b'{"keyturn"', b'{ "keyturn"'),
        (b'"mode":416', b'"mode":"x"'),
        (b'=="}', b'="}'),
        (b'"content":"', b'"content":"*'),
        (b'"tools"', b'"more":1,"tools"'),
    ],
)
def test_what_was_changed_is_refused_without_a_word_of_it(old: bytes, new: bytes) -> None:
    content = backups.encode(make(b"CANARY"))
    if old == b'=="}':
        content = backups.encode(make(b"CANARYX"))
    assert old in content
    with pytest.raises(DamagedError) as caught:
        backups.decode(content.replace(old, new))
    assert "CANARY" not in repr(caught.value)


def test_it_is_sealed_in_the_account(made: Made) -> None:
    name = SealedCopies(made.account).keep(make(CONTENT))
    [path] = made.directory.rglob("plaintext.*")
    assert path.parent == made.account.place.versions
    assert path.stat().st_mode & 0o777 == 0o600
    assert b"CANARY" not in path.read_bytes()
    assert b"credentials" not in path.read_bytes(), "nor is its name there"
    assert SealedCopies(made.account).ids() == [name]
    for account in (made.account, made.open(), made.recover()):
        assert backups.decoded(SealedCopies(account).read(name).content) == CONTENT
    assert made.open().notes() == []


def test_a_change_of_password_leaves_it_readable(made: Made) -> None:
    name = SealedCopies(made.account).keep(make(CONTENT))
    slot = next(slot.id for slot in made.account.slots() if slot.title == "password")
    rotation.change_password(made.account, slot, age_scrypt.wrapped("another EXAMPLE"))
    for account in (made.account, made.open("another EXAMPLE")):
        assert backups.decoded(SealedCopies(account).read(name).content) == CONTENT


def test_one_that_is_damaged_or_not_there(made: Made) -> None:
    name = SealedCopies(made.account).keep(make(CONTENT))
    with pytest.raises(MissingError):
        SealedCopies(made.account).read("a" * 26)
    path = SealedCopies(made.account)._path(name)
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(DamagedError, match="does not open"):
        SealedCopies(made.account).read(name)


def test_files_that_are_none_are_not_listed(made: Made) -> None:
    SealedCopies(made.account).keep(make(CONTENT))
    for name in ("plaintext.x.age", "plaintext.age", f"{'a' * 26}.age", "plaintext..age"):
        (made.account.place.versions / name).write_bytes(b"x")
    assert len(SealedCopies(made.account).ids()) == 1

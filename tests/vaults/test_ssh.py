"""SSH keys as keys of slots, with keys of ssh-keygen's."""

from collections.abc import Callable
from pathlib import Path

import pytest

from keyturn.ground.errors import DeniedError, KeyturnError, KeyUnusableError, UsageError
from keyturn.ground.secret import Secret
from keyturn.ground.wire import WireError
from keyturn.vaults.age import armor, derive, identities, ssh
from keyturn.vaults.age.derive import Unwrapped, Wrapped
from keyturn.vaults.failed import Failed
from tests.vaults.people import Person
from tests.vaults.ssh_keys import PASSPHRASE, make_key


def wrap(path: Path) -> Wrapped:
    task = ssh.encode_task(ssh.WrapForSsh(ssh.look_at(str(path)).public))
    result = derive.decode_result(ssh.work(task, Person()))
    assert isinstance(result, Wrapped)
    return result


def unwrap(block: bytes, path: Path, person: Person, *, unprotected: bool = False) -> derive.Result:
    task = ssh.encode_task(ssh.UnwrapBySsh(block, str(path), unprotected))
    return derive.decode_result(ssh.work(task, person))


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_a_protected_key_opens_with_its_passphrase(tmp_path: Path, kind: str) -> None:
    path = make_key(tmp_path / "key", kind)
    before = {each: each.read_bytes() for each in tmp_path.iterdir()}
    wrapped = wrap(path)
    for _ in range(20):  # the library sets meaningless stanzas beside it, at random
        armor.check_ssh(wrap(path).block)
    assert wrap(path.with_suffix(".pub")).recipient != wrapped.recipient, "each slot has a key of its own"
    person = Person("wrong EXAMPLE", "", PASSPHRASE)
    result = unwrap(wrapped.block, path, person)
    assert isinstance(result, Unwrapped)
    assert identities.recipient_of(result.identity) == wrapped.recipient
    warnings = ["", "wrong passphrase (1 of 3)", "wrong passphrase (2 of 3)"]
    assert person.asked == [(f"passphrase of {path}: ", warning) for warning in warnings]
    assert {each: each.read_bytes() for each in tmp_path.iterdir()} == before, "nothing was written"


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_an_unprotected_key_opens_only_if_that_is_wanted(tmp_path: Path, kind: str) -> None:
    path = make_key(tmp_path / "key", kind, "")
    wrapped = wrap(path)
    refused = unwrap(wrapped.block, path, Person())
    assert isinstance(refused, Failed)
    assert "has no passphrase" in refused.message
    result = unwrap(wrapped.block, path, Person(), unprotected=True)
    assert isinstance(result, Unwrapped)
    assert identities.recipient_of(result.identity) == wrapped.recipient


def test_three_wrong_passphrases_are_a_no(tmp_path: Path) -> None:
    path = make_key(tmp_path / "key")
    person = Person("one EXAMPLE", "two EXAMPLE", "\udcff", PASSPHRASE)
    result = unwrap(wrap(path).block, path, person)
    assert isinstance(result, Failed)
    assert type(result.error()) is DeniedError
    assert "EXAMPLE" not in repr(result)
    assert len(person.asked) == 3


def test_another_key_does_not_open(tmp_path: Path) -> None:
    block = wrap(make_key(tmp_path / "one")).block
    for kind in ("ed25519", "rsa"):
        result = unwrap(block, make_key(tmp_path / kind, kind), Person(PASSPHRASE))
        assert isinstance(result, Failed)
        assert isinstance(result.error(), KeyUnusableError)
        assert "is not the key of the slot" in result.message


def test_the_private_file_shows_the_public_key(tmp_path: Path) -> None:
    for kind in ("ed25519", "rsa"):
        path = make_key(tmp_path / kind, kind)
        public = path.with_suffix(".pub")
        assert ssh.look_at(str(path)) == ssh.KeyFile(" ".join(public.read_text().split()[:2]), True, True)
        assert ssh.look_at(str(public)).public == ssh.look_at(str(path)).public
        assert not ssh.look_at(str(public)).has_private


def cut(path: Path) -> None:
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join((lines[0], lines[1][:20] + "\n", lines[-1])))


def pem(path: Path) -> None:
    path.write_text("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n")


@pytest.mark.parametrize(
    ("kind", "spoil", "error", "message"),
    [
        ("ecdsa", lambda path: None, UsageError, "is not a key that can open a slot"),
        ("ed25519", cut, UsageError, "is damaged"),
        ("ed25519", pem, UsageError, "is not in OpenSSH's format"),
        ("ed25519", lambda path: path.write_bytes(b""), UsageError, "is not a key"),
        ("ed25519", lambda path: path.write_bytes(b"\xff" * 100_000), KeyUnusableError, "larger than"),
        ("ed25519", lambda path: path.unlink(), KeyUnusableError, "no such file"),
    ],
)
def test_what_is_no_key_for_a_slot(
    tmp_path: Path, kind: str, spoil: Callable[[Path], object], error: type[KeyturnError], message: str
) -> None:
    path = make_key(tmp_path / "key", kind)
    spoil(path)
    with pytest.raises(error, match=message):
        ssh.look_at(str(path))


def test_a_short_rsa_key_is_refused(tmp_path: Path) -> None:
    path = make_key(tmp_path / "key", "rsa", PASSPHRASE, "-b", "1024")
    task = ssh.encode_task(ssh.WrapForSsh(ssh.look_at(str(path)).public))
    result = derive.decode_result(ssh.work(task, Person()))
    assert isinstance(result, Failed)
    assert isinstance(result.error(), UsageError)


def test_the_public_key_opens_nothing(tmp_path: Path) -> None:
    path = make_key(tmp_path / "key")
    result = unwrap(wrap(path).block, path.with_suffix(".pub"), Person(PASSPHRASE))
    assert isinstance(result, Failed)
    assert "is a public key" in result.message


def test_what_is_no_task() -> None:
    for content in (b"", b"\x80", derive.encode_task(derive.WrapPassword(Secret("x")))):
        with pytest.raises(WireError):
            ssh.decode_task(content)

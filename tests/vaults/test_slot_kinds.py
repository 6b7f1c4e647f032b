"""Slots that are opened from outside, through changes of the account identity."""

from itertools import islice
from pathlib import Path

import pytest

from keyturn.ground.errors import KeyUnusableError, MissingError, UsageError
from keyturn.ground.secret import Secret
from keyturn.vaults.age import derive, identities, rotation, slots, ssh
from keyturn.vaults.age.opening import Opening, read_slots
from keyturn.vaults.age.slots import Kind
from tests.vaults import age_scrypt
from tests.vaults.changes import NEW, STEPS, check_whole, slot_of
from tests.vaults.people import Person
from tests.vaults.ssh_keys import make_key
from tests.vaults.templates import Made, make_machine


def add_ssh(made: Made, place: Path) -> tuple[str, Secret]:
    """Add a slot for an SSH key; its mark, and its own identity as the key gives it."""
    key = make_key(place / "key", passphrase="")
    wrapped = ssh.perform(ssh.WrapForSsh(ssh.look_at(str(key)).public), Person())
    assert isinstance(wrapped, derive.Wrapped)
    made.account.add_slot(slots.locked_key(Kind.SSH, wrapped, "laptop"))
    opened = ssh.perform(ssh.UnwrapBySsh(wrapped.block, str(key), unprotected=True), Person())
    assert isinstance(opened, derive.Unwrapped)
    return slots.mark_of(Kind.SSH, "laptop", "", wrapped.block), opened.identity


@pytest.mark.parametrize("stop", [0, 1, 2, 3, *range(STEPS.index("account"), len(STEPS) + 2)])
def test_the_key_opens_after_a_change_that_was_cut_short(made: Made, tmp_path: Path, stop: int) -> None:
    mark, identity = add_ssh(made, tmp_path)
    keyring = identities.generate()
    state = made.account.add_slot(slots.identity_key(Kind.KEYRING, keyring, "login keyring"))
    other = slots.mark_of(Kind.KEYRING, state.title, state.created, b"")
    key = slots.password_key(age_scrypt.wrapped(NEW), "password")
    steps = rotation.steps(made.account, slot_of(made.account, "password"), key)
    list(islice(steps, stop))
    steps.close()  # type: ignore[attr-defined]  # it is a generator; closing it frees the lock, as a death does
    for number, (each, own) in enumerate(((mark, identity), (other, keyring))):
        opening = Opening.with_slot_identity(made.directory, each, own)
        check_whole(opening.account(made.machine), ["AWS EXAMPLE", *["saved afterwards"] * number])


def test_a_removed_key_opens_nothing_new(made: Made, tmp_path: Path) -> None:
    mark, identity = add_ssh(made, tmp_path)
    old = {path: path.read_bytes() for path in made.directory.rglob("*") if path.is_file()}
    report = rotation.remove_slot(made.account, slot_of(made.account, "ssh"))
    assert report.to_rotate == [("AWS EXAMPLE", "Private")]
    with pytest.raises(KeyUnusableError):
        Opening.with_slot_identity(made.directory, mark, identity).account(made.machine)
    # As the report says: a copy from before still opens.
    copy = tmp_path / "copy"
    for path, content in old.items():
        target = copy / path.relative_to(made.directory)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        target.write_bytes(content)
    opening = Opening.with_slot_identity(copy, mark, identity)
    check_whole(opening.account(make_machine(tmp_path / "another")), ["AWS EXAMPLE"])


def test_another_key_or_mark_opens_nothing(made: Made, tmp_path: Path) -> None:
    mark, identity = add_ssh(made, tmp_path)
    for each, own in ((mark, identities.generate()), ("0" * 64, identity)):
        with pytest.raises(KeyUnusableError):
            Opening.with_slot_identity(made.directory, each, own).account(made.machine)


def test_the_mark_stays_through_a_change(made: Made, tmp_path: Path) -> None:
    add_ssh(made, tmp_path)
    made.account.add_slot(slots.identity_key(Kind.KEYRING, identities.generate(), "login keyring"))

    def marks() -> dict[str, str]:
        return {slot.mark: slot.header.kind for slot in read_slots(made.directory)[0]}

    before = marks()
    rotation.change_password(made.account, slot_of(made.account, "password"), age_scrypt.wrapped(NEW))
    after = marks()
    assert {kind for mark, kind in after.items() if mark in before} >= {"ssh", "keyring"}
    assert sorted(after.values()) == sorted(before.values())


def test_a_recovery_code_is_replaced(made: Made) -> None:
    code = slots.new_recovery_code()
    slot = slot_of(made.account, "recovery")
    report = rotation.replace_recovery_code(made.account, slot, code)
    assert report.to_rotate == [("AWS EXAMPLE", "Private")]
    check_whole(Opening.with_recovery_code(made.directory, code).account(made.machine), ["AWS EXAMPLE"])
    with pytest.raises(Exception, match="wrong password"):
        made.recover()
    check_whole(made.open(), ["AWS EXAMPLE", "saved afterwards"])
    with pytest.raises(UsageError, match="has no recovery code to change"):
        rotation.replace_recovery_code(made.account, slot_of(made.account, "password"), code)
    with pytest.raises(MissingError):
        rotation.replace_recovery_code(made.account, slot, code)

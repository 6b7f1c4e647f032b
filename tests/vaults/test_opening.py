"""From a password to an account: the right slots tried, each failure told as what it is."""

import shutil
from pathlib import Path

import pytest

from keyturn.ground.errors import (
    DamagedError,
    ForgedError,
    MisplacedError,
    MissingError,
    RolledBackError,
    UsageError,
    WorkFactorError,
    WrongPasswordError,
)
from keyturn.ground.names import new_id
from keyturn.ground.secret import Secret
from keyturn.vaults.age import derive, identities, opening, slots
from keyturn.vaults.age.opening import Opening
from tests.vaults import age_scrypt
from tests.vaults.templates import Made, derive_here, error_of, make_account, make_item, make_machine


def slot_path(made: Made, kind: str) -> Path:
    [found] = [slot for slot in made.account.slots() if slot.kind == kind]
    return made.directory / "slots" / f"{found.id}.slot"


def test_password_and_recovery_code_open_the_same(made: Made) -> None:
    assert made.open().items() == made.recover().items() == made.account.items()
    assert opening.account_of(made.directory) == made.account.id


def test_a_wrong_password_says_so_and_nothing_more(made: Made) -> None:
    with pytest.raises(WrongPasswordError) as caught:
        made.open("hunter2")
    assert "hunter2" not in error_of(caught.value)


def test_a_wrong_recovery_code_opens_nothing(made: Made) -> None:
    with pytest.raises(WrongPasswordError):
        Opening.with_recovery_code(made.directory, slots.new_recovery_code()).account(made.machine)
    with pytest.raises(UsageError):
        Opening.with_recovery_code(made.directory, Secret("hunter2"))


def test_a_recovery_code_is_not_tried_on_other_slots(made: Made) -> None:
    """Nor is the account identity itself a recovery code."""
    with pytest.raises(WrongPasswordError):
        Opening.with_recovery_code(made.directory, made.account.ring.current).account(made.machine)


def test_several_passwords_each_open(made: Made) -> None:
    made.account.add_slot(slots.password_key(age_scrypt.wrapped("second"), "second"))
    for password in (made.password.reveal(), "second"):
        assert made.open(password).items() == made.account.items()
    second = made.account.slots()[-1]
    kept = Opening.with_password(made.directory, made.password, slot=second.id)
    with pytest.raises(WrongPasswordError):
        derive_here(kept).account(made.machine)


def test_the_same_first_block_is_derived_once(made: Made) -> None:
    path = slot_path(made, "password")
    slot = slots.parse(path.read_bytes())
    header = slots.Header(made.account.id, new_id(), slots.Kind.PASSWORD, "copy", slot.header.created)
    (path.parent / f"{header.slot}.slot").write_bytes(slots.Slot(header, slot.blocks).encode())
    one = Opening.with_password(made.directory, Secret("wrong"))
    assert one.next_task() is not None
    assert one.next_task() is None


def test_no_more_is_derived_once_it_opens(made: Made) -> None:
    made.account.add_slot(slots.password_key(age_scrypt.wrapped("second"), "second"))
    asked = Opening.with_password(made.directory, Secret("")).next_task()
    assert asked is not None
    first = "second" if asked.block == age_scrypt.wrapped("second").block else made.password.reveal()
    one = Opening.with_password(made.directory, Secret(first))
    task = one.next_task()
    assert task is not None
    one.take(derive.perform(task))
    assert one.next_task() is None


def test_an_unknown_slot_file_and_a_missing_one_are_reported_not_refused(made: Made) -> None:
    folder = made.directory / "slots"
    (folder / "notes.txt").write_text("x")
    (folder / f"{'q' * 26}.slot").write_text("nonsense")
    slot_path(made, "recovery").unlink()
    account = made.open()
    assert account.unlisted_slots() == ["notes.txt", f"{'q' * 26}.slot"]
    assert [slot.present for slot in account.slots()] == [True, False]
    assert len(account.notes()) == 3
    with pytest.raises(WrongPasswordError) as caught:
        made.open("wrong")
    assert "q" * 26 in "".join(caught.value.hints), "a damaged slot may be why the password does not fit"


def test_a_slot_whose_recording_was_cut_short_opens_and_is_reported(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(made.account.file, "update", crash)
    with pytest.raises(KeyboardInterrupt):
        made.account.add_slot(slots.password_key(age_scrypt.wrapped("second"), "second"))
    monkeypatch.undo()
    assert len(made.open("second").unlisted_slots()) == 1


def test_a_slot_under_another_name_is_named(made: Made) -> None:
    path = slot_path(made, "password")
    path.rename(path.with_name("c" * 26 + ".slot"))
    with pytest.raises(MisplacedError, match="under another name"):
        made.open()


def test_a_slot_of_another_account_is_named(made: Made, tmp_path: Path) -> None:
    other = make_account(tmp_path / "other", tmp_path / "state", password="other")
    shutil.copy(slot_path(other, "password"), made.directory / "slots")
    with pytest.raises(MisplacedError, match="more than one account"):
        made.open("other")
    with pytest.raises(MisplacedError, match="more than one account"):
        opening.account_of(made.directory)
    assert made.open().items() == made.account.items()


def test_a_work_factor_out_of_bounds_is_named_before_deriving(made: Made) -> None:
    path = slot_path(made, "password")
    slot = slots.parse(path.read_bytes())
    path.write_bytes(slots.Slot(slot.header, (age_scrypt.header_only("22"), slot.blocks[1])).encode())
    with pytest.raises(WorkFactorError, match=r"2\^22"):
        Opening.with_password(made.directory, made.password)


def test_an_edited_title_is_damage(made: Made) -> None:
    path = slot_path(made, "password")
    path.write_bytes(path.read_bytes().replace(b"title: password", b"title: passw0rd"))
    with pytest.raises(DamagedError, match="changed since it was written"):
        made.open()


def test_a_directory_without_an_account(tmp_path: Path) -> None:
    for directory in (tmp_path, tmp_path / "absent"):
        with pytest.raises(MissingError):
            opening.account_of(directory)
        with pytest.raises(MissingError):
            Opening.with_password(directory, Secret("x"))


def test_a_missing_or_damaged_account_file_is_damage(made: Made) -> None:
    path = made.directory / "account.age"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DamagedError, match=r"account\.age is damaged"):
        made.open()
    path.unlink()
    with pytest.raises(DamagedError, match="is missing"):
        made.open()


def test_leftovers_of_killed_writers_are_swept(made: Made) -> None:
    left = [made.directory / ".account.age.x.new", made.directory / "slots" / ".y.slot.z.new"]
    for path in left:
        path.write_text("half")
    assert made.open().notes() == []
    assert not any(path.exists() for path in left)


def test_trust_takes_another_identity_after_showing_both(made: Made, tmp_path: Path) -> None:
    stranger = identities.generate()
    for record in made.account.file.load().slots:
        made.account.write_slot(record, stranger)
    for path in (made.directory / "account.age", *(made.directory / "vaults").iterdir()):
        payload = identities.unseal(path.read_bytes(), made.account.ring.current)
        assert payload is not None
        path.write_bytes(identities.seal(payload, identities.recipient_of(stranger)))
    assert made.recovery_code is not None
    one = Opening.with_recovery_code(made.directory, made.recovery_code)
    with pytest.raises(ForgedError):
        one.account(made.machine)
    both = (made.account.fingerprint, identities.fingerprint(stranger))
    assert one.fingerprints(made.machine) == both
    assert one.trust(made.machine) == both
    assert one.account(made.machine).items() != []
    assert made.recover().items() != []
    assert one.fingerprints(make_machine(tmp_path / "elsewhere")) == (None, both[1])


def test_trust_accepts_a_backup_that_was_put_back(made: Made) -> None:
    path = made.directory / "vaults" / f"{made.vault.id}.age"
    old = path.read_bytes()
    made.account.create(made.vault.id, make_item())
    path.write_bytes(old)
    with pytest.raises(RolledBackError) as caught:
        made.open().items()
    assert "keyturn account trust" in "".join(caught.value.hints)
    opened = derive_here(Opening.with_password(made.directory, made.password))
    opened.trust(made.machine)
    account = opened.account(made.machine)
    assert len(account.items()) == 1
    account.create(made.vault.id, make_item())


def test_the_result_of_another_task_is_a_mistake(made: Made) -> None:
    with pytest.raises(TypeError):
        Opening.with_password(made.directory, made.password).take(age_scrypt.wrapped("x"))

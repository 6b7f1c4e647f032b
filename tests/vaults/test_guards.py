"""Guards of the vault that no other test would miss: each was found by taking it out (scripts/mutate.py)."""

import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

from keyturn.ground import files
from keyturn.ground.errors import (
    ConflictError,
    DamagedError,
    FormerIdentityError,
    MissingError,
    StorageError,
    UsageError,
    WrongPasswordError,
)
from keyturn.ground.secret import Secret
from keyturn.vaults.age import identities, opening, rotation, slots
from keyturn.vaults.age.contents import empty_vault
from keyturn.vaults.age.opening import Opening
from keyturn.vaults.age.sealed import SealedFile
from keyturn.vaults.age.slots import Header, Kind
from keyturn.vaults.failed import Failed
from tests.vaults import age_scrypt
from tests.vaults.changes import NEW, as_first_format
from tests.vaults.templates import MOMENT, Made, derive_here, make_account, make_item


def vault_file(made: Made) -> Path:
    return made.directory / "vaults" / f"{made.vault.id}.age"


def slot_path(made: Made, kind: str) -> Path:
    [found] = [slot for slot in made.account.slots() if slot.kind == kind]
    return made.directory / "slots" / f"{found.id}.slot"


def test_a_file_that_is_there_is_not_created(made: Made) -> None:
    [file] = made.account.vault_files()
    with pytest.raises(ConflictError, match="exists already"):
        file.create(empty_vault(made.account.id, made.vault.id, "x", MOMENT, made.machine.id))


def test_a_vault_that_goes_while_it_is_open_is_missing(made: Made) -> None:
    [file] = made.account.vault_files()
    file.load()
    vault_file(made).unlink()
    with pytest.raises(MissingError, match="is gone"):
        file.load()
    with pytest.raises(MissingError, match="is gone"):
        file.update(lambda was: was, always=True)


def test_what_could_not_be_read_back_is_not_saved(made: Made) -> None:
    [file] = made.account.vault_files()
    before = vault_file(made).read_bytes()
    with pytest.raises(UsageError, match="would not be readable"):
        file.update(lambda was: msgspec.structs.replace(was, account="no id"))
    assert vault_file(made).read_bytes() == before


def test_other_content_under_the_same_size_and_times_is_not_overwritten(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is written in place twice within one tick of the clock looks the same from outside."""
    [file] = made.account.vault_files()
    file.load()
    seen = file._seen
    assert seen is not None
    monkeypatch.setattr(SealedFile, "_on_disk", lambda self: seen.file)
    vault_file(made).write_bytes(b"theirs")
    with pytest.raises(ConflictError, match="another program"):
        file.update(lambda was: msgspec.structs.replace(was, title="New"))
    assert vault_file(made).read_bytes() == b"theirs"


def test_what_changes_nothing_writes_nothing(made: Made) -> None:
    [file] = made.account.vault_files()
    before = vault_file(made).stat()
    file.update(lambda was: was)
    assert vault_file(made).stat() == before


def test_a_damaged_file_that_was_never_seen_here_is_damage(made: Made) -> None:
    account = made.recover()
    made.machine.forget(account.id)
    vault_file(made).write_bytes(b"x")
    with pytest.raises(DamagedError, match="does not open"):
        account.items()


def test_what_is_migrated_is_kept_though_no_versions_are(tmp_path: Path) -> None:
    made = make_account(tmp_path / "account", tmp_path / "state", versions_kept=0)
    as_first_format(made)
    [file] = made.open().vault_files()
    file.update(lambda was: msgspec.structs.replace(was, title="after"))
    kept = [path.name for path in (made.directory / "versions").iterdir()]
    assert kept == [f"{made.vault.id}.1.format-1.age"]


def test_a_save_needs_no_directory_of_versions(tmp_path: Path) -> None:
    made = make_account(tmp_path / "account", tmp_path / "state", versions_kept=0)
    shutil.rmtree(made.directory / "versions")
    made.account.create(made.vault.id, make_item())


@pytest.mark.parametrize("title", ["", " x", "a\nb", "x" * 121])
def test_a_title_is_one_line(title: str) -> None:
    with pytest.raises(UsageError, match="a title is"):
        slots.check_title(title)


def test_a_version_in_other_digits_is_damage() -> None:
    with pytest.raises(DamagedError):
        slots.parse("keyturn-slot: ²\nwhatever\n\n".encode())


def test_an_account_without_a_slot_that_parses_has_no_id(made: Made) -> None:
    for path in (made.directory / "slots").iterdir():
        path.write_bytes(b"nonsense")
    with pytest.raises(DamagedError, match="header"):
        opening.account_of(made.directory)


def test_a_slots_own_identity_is_no_recovery_code(made: Made) -> None:
    """Nobody should have it, but who does has a password slot's inside and not a recovery code."""
    own = identities.generate()
    header = Header(made.account.id, "b" * 26, Kind.PASSWORD, "mine", MOMENT)
    locked = slots.parse(slot_path(made, "password").read_bytes()).locked
    slot = slots.wrap(header, made.account.ring.current, identities.recipient_of(own), locked)
    (made.directory / "slots" / slots.file_name("b" * 26)).write_bytes(slot.encode())
    with pytest.raises(WrongPasswordError):
        Opening.with_recovery_code(made.directory, own).account(made.machine)


def test_the_only_recovery_slot_being_damaged_is_said(made: Made) -> None:
    slot_path(made, "recovery").write_bytes(b"nonsense")
    with pytest.raises(DamagedError, match="header"):
        made.recover()


def test_a_damaged_slot_keeps_no_sound_one_from_opening(made: Made) -> None:
    slot_path(made, "password").write_bytes(b"nonsense")
    assert made.recover().items() != []


def test_no_recovery_slot_beside_sound_ones_is_a_wrong_code(made: Made) -> None:
    slot_path(made, "recovery").unlink()
    with pytest.raises(WrongPasswordError):
        made.recover()


def test_what_kept_a_password_from_being_tried_is_told(made: Made) -> None:
    one = Opening.with_password(made.directory, made.password)
    while one.next_task() is not None:
        one.take(Failed("storage", "this machine is too slow"))
    with pytest.raises(StorageError, match="too slow"):
        one.account(made.machine)
    other = Opening.with_password(made.directory, made.password)
    while other.next_task() is not None:
        other.take(Failed("wrong-password", "wrong password"))
    with pytest.raises(WrongPasswordError, match="opens no slot"):
        other.account(made.machine)


def test_the_slot_that_opened_is_known_afterwards(made: Made) -> None:
    one = Opening.with_password(made.directory, made.password)
    assert one.slot_id == ""
    derive_here(one).account(made.machine)
    assert one.slot_id == slot_path(made, "password").stem


def test_a_change_whose_account_file_cannot_be_written_is_not_told_to_be_done(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk fails once, just there, and works again: the change must not go on as if nothing were."""
    write = files.write_atomically
    failed: list[Path] = []

    def fail_once(path: Path, content: bytes, *rest: Any, **more: Any) -> files.FileIdentity:
        if path.name == "account.age" and not failed:
            failed.append(path)
            raise OSError(28, "No space left on device")
        return write(path, content, *rest, **more)

    monkeypatch.setattr(files, "write_atomically", fail_once)
    with pytest.raises(StorageError, match="no space left"):
        rotation.change_password(made.account, slot_path(made, "password").stem, age_scrypt.wrapped(NEW))
    assert made.open().notes() == []
    with pytest.raises(WrongPasswordError):
        made.open(NEW)


def test_an_identity_can_be_changed_where_the_pins_were_forgotten(made: Made) -> None:
    made.machine.forget(made.account.id)
    rotation.change_password(made.account, slot_path(made, "password").stem, age_scrypt.wrapped(NEW))
    assert made.open(NEW).notes() == []
    pinned = made.machine.pinned(made.account.id)
    assert pinned is not None
    assert (pinned.identity, pinned.change) == (made.account.fingerprint, None)


def test_a_slot_for_another_identity_is_no_damage_of_the_account(made: Made) -> None:
    stranger: Secret = identities.generate()
    for record in made.account.file.load().slots:
        made.account.write_slot(record, stranger)
    with pytest.raises(FormerIdentityError, match="not for the identity in it"):
        made.recover()

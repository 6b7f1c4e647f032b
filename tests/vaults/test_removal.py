"""Changes of identity that go through, or are refused before anything changes."""

import os
import shutil
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from keyturn.ground.errors import (
    DamagedError,
    FormerIdentityError,
    KeyturnError,
    MissingError,
    UsageError,
)
from keyturn.ground.names import new_id
from keyturn.vaults.age import identities, rotation, slots
from keyturn.vaults.age.account import AgeAccount
from keyturn.vaults.age.sealed import SealedFile
from tests.vaults import age_scrypt
from tests.vaults.changes import (
    NEW,
    TAKES_EFFECT,
    change,
    check_whole,
    removal,
    slot_of,
)
from tests.vaults.templates import Made, make_account, make_item


def test_archived_items_are_to_be_rotated_too_and_stay(two_vaults: Made) -> None:
    account = two_vaults.account
    [item] = [summary.id for summary, vault in account.items() if vault.name == "Other"]
    account.edit(account.get(item)[0])
    account.archive(item)
    report = rotation.change_password(account, slot_of(account, "password"), age_scrypt.wrapped(NEW))
    assert ("in the other", "Other") in report.to_rotate
    assert [each.version for each in two_vaults.recover().history(item)] == [1, 2]


def test_a_change_of_password_reports_what_to_rotate(two_vaults: Made) -> None:
    account = two_vaults.account
    before = account.fingerprint
    old = {path.name: path.read_bytes() for path in (two_vaults.directory / "slots").iterdir()}
    report = rotation.change_password(account, slot_of(account, "password"), age_scrypt.wrapped(NEW))
    assert report.removed == "password"
    assert sorted(report.to_rotate) == [("AWS EXAMPLE", "Private"), ("in the other", "Other")]
    assert any("older copies" in line for line in report.lines)
    assert account.fingerprint != before
    assert not old.keys() & {path.name for path in (two_vaults.directory / "slots").iterdir()}
    check_whole(account, ["AWS EXAMPLE", "in the other"])
    check_whole(two_vaults.open(NEW), ["AWS EXAMPLE", "in the other", "saved afterwards"])


def test_the_removed_slot_opens_nothing_that_was_saved_since(two_vaults: Made, tmp_path: Path) -> None:
    """Whoever kept the old slot file, and so the old identity, is locked out of every file that is there."""
    old = two_vaults.account.ring.current
    rotation.remove_slot(two_vaults.account, slot_of(two_vaults.account, "recovery"))
    sealed = list(two_vaults.directory.rglob("*.age"))
    assert len(sealed) > 3
    assert [path for path in sealed if identities.unseal(path.read_bytes(), old) is not None] == []
    for path in (two_vaults.directory / "slots").iterdir():
        assert slots.parse(path.read_bytes()).header.kind is slots.Kind.PASSWORD


def test_a_kept_password_is_not_derived_again(made: Made) -> None:
    path = made.directory / "slots" / f"{slot_of(made.account, 'password')}.slot"
    block = slots.parse(path.read_bytes()).locked
    rotation.remove_slot(made.account, slot_of(made.account, "recovery"))
    [after] = [slots.parse(path.read_bytes()) for path in (made.directory / "slots").iterdir()]
    assert after.locked == block
    assert made.open().items() != []


def test_a_missing_slot_file_is_written_anew(made: Made) -> None:
    """The account remembers what it takes; a file that somebody deleted is no removal."""
    made.account.add_slot(slots.password_key(age_scrypt.wrapped(NEW), "second"))
    (made.directory / "slots" / f"{slot_of(made.account, 'password')}.slot").unlink()
    rotation.remove_slot(made.account, slot_of(made.account, "recovery"))
    assert made.open().notes() == []


def test_what_cannot_be_is_refused_before_anything_changes(made: Made) -> None:
    account = made.account
    password, recovery = slot_of(account, "password"), slot_of(account, "recovery")
    before = account.fingerprint
    with pytest.raises(MissingError):
        rotation.remove_slot(account, new_id())
    with pytest.raises(UsageError, match="no password to change"):
        rotation.change_password(account, recovery, age_scrypt.wrapped(NEW))
    vault = made.directory / "vaults" / f"{made.vault.id}.age"
    content = vault.read_bytes()
    vault.write_bytes(b"damaged")
    with pytest.raises(DamagedError):
        rotation.remove_slot(account, recovery)
    with pytest.raises(DamagedError):
        next(removal(made))
    vault.write_bytes(content)
    assert account.fingerprint == before
    assert account.machine.pinned(account.id).change is None  # type: ignore[union-attr]  # it is pinned
    rotation.remove_slot(account, recovery)
    with pytest.raises(UsageError, match="last slot"):
        rotation.remove_slot(account, slot_of(account, "password"))
    assert password not in [slot.id for slot in account.slots()]


def test_a_vault_that_is_damaged_half_way_keeps_the_old_identity(
    two_vaults: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Giving up the old identity would lose a vault that comes back from a backup."""
    steps = change(two_vaults)
    list(islice(steps, TAKES_EFFECT))
    steps.close()  # type: ignore[attr-defined]  # as above
    path = two_vaults.directory / "vaults" / f"{two_vaults.vault.id}.age"
    content = path.read_bytes()
    path.write_bytes(b"damaged")
    account = two_vaults.open(NEW)
    assert any("not finished" in line for line in account.notes())
    with pytest.raises(DamagedError):
        account.items(two_vaults.vault.id)
    with pytest.raises(KeyturnError):
        rotation.remove_slot(account, slot_of(account, "recovery"))
    path.write_bytes(content)
    # Whatever kept it from being finished, another change must not take the place of the old identity.
    monkeypatch.setattr(rotation, "settle", lambda account: None)
    with pytest.raises(DamagedError, match="earlier change is not finished"):
        rotation.remove_slot(account, slot_of(account, "recovery"))
    monkeypatch.undo()
    check_whole(two_vaults.open(NEW), ["AWS EXAMPLE", "in the other"])


def test_the_old_identity_is_not_given_up_for_a_vault_that_was_left_out(
    two_vaults: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistake of ours in sealing the vaults must not cost one."""
    update = SealedFile.update

    def skip(file: Any, change: Any, *, always: bool = False) -> Any:
        return file.load() if always else update(file, change)

    monkeypatch.setattr(SealedFile, "update", skip)
    account = two_vaults.account
    with pytest.raises(DamagedError, match="still sealed for the former identity"):
        rotation.remove_slot(account, slot_of(account, "recovery"))
    monkeypatch.undo()
    assert account.file.load().previous is not None
    check_whole(two_vaults.open(), ["AWS EXAMPLE", "in the other"])


def without_vault(account: AgeAccount) -> None:
    """The person agrees that the vault which this machine saw is gone."""
    with pytest.raises(DamagedError, match="is gone"):
        account.items()
    account.machine.trust(account.id, account.directory, account.fingerprint)


def test_a_keeper_with_the_old_identity_makes_no_vault(tmp_path: Path) -> None:
    """Not even where there is no other vault that would not open."""
    made = make_account(tmp_path / "account", tmp_path / "state", recovery=True)
    (made.directory / "vaults" / f"{made.vault.id}.age").unlink()
    without_vault(made.account)
    stale = made.open()
    rotation.remove_slot(made.account, slot_of(made.account, "recovery"))
    with pytest.raises(FormerIdentityError):
        stale.create_vault("Other")


def test_a_keeper_with_the_old_identity_writes_nothing(made: Made) -> None:
    stale = made.open()
    rotation.change_password(made.account, slot_of(made.account, "password"), age_scrypt.wrapped(NEW))
    before = sorted(path.name for path in made.directory.rglob("*"))
    for attempt in (
        lambda: stale.create_vault("Other"),
        lambda: stale.create(made.vault.id, make_item()),
        lambda: stale.rename("Other"),
        lambda: stale.add_slot(slots.recovery_key(slots.new_recovery_code(), "x")),
        lambda: rotation.remove_slot(stale, "x" * 26),
        stale.items,
    ):
        with pytest.raises(FormerIdentityError, match="since it was unlocked"):
            attempt()
    assert sorted(path.name for path in made.directory.rglob("*")) == before


def test_directories_that_git_does_not_keep_are_made_again(made: Made) -> None:
    shutil.rmtree(made.directory / "vaults")
    shutil.rmtree(made.directory / "versions")
    account = made.recover()
    without_vault(account)
    assert account.items() == []
    account.create_vault("Again")
    rotation.change_password(account, slot_of(account, "password"), age_scrypt.wrapped(NEW))
    assert os.stat(made.directory / "vaults").st_mode & 0o077 == 0

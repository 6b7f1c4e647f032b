"""Changes of identity that are cut short after any step: the account opens, and nothing is half-done."""

from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from keyturn.ground import files
from keyturn.ground.errors import (
    FormerIdentityError,
    StorageError,
)
from keyturn.vaults.age import rotation, slots
from tests.vaults import age_scrypt
from tests.vaults.changes import (
    NEW,
    STEPS,
    TAKES_EFFECT,
    Copies,
    change,
    check_whole,
    outcome,
    removal,
    slot_of,
)
from tests.vaults.templates import Made, make_item


@pytest.mark.parametrize("stop", range(len(STEPS) + 1))
def test_a_change_of_password_cut_short_opens(two_vaults: Made, tmp_path: Path, stop: int) -> None:
    steps = change(two_vaults)
    assert list(islice(steps, stop)) == STEPS[:stop]
    steps.close()  # type: ignore[attr-defined]  # it is a generator; closing it frees the lock, as a death does
    copies = Copies(two_vaults, tmp_path)
    took_effect = stop >= TAKES_EFFECT
    for how in ("new" if took_effect else "old", "recovery"):
        account = copies.open(how)
        check_whole(account, ["AWS EXAMPLE", "in the other"])
        assert outcome(copies.again, "new", account.machine, account.directory) == (
            "opens" if took_effect else "wrong-password"
        )
        assert outcome(copies.again, "old", account.machine, account.directory) == (
            "wrong-password" if took_effect else "opens"
        )
    # The password's slot is the first of two, in writing and in deleting.
    old_slot_is_there = stop < STEPS.index("old slot") + 1
    expected = {"old": "opens", "new": "wrong-password" if stop < 2 else "former-identity"}
    if took_effect:
        expected = {"old": "former-identity" if old_slot_is_there else "wrong-password", "new": "opens"}
    for how in ("old", "new"):
        assert (how, outcome(copies.open, how)) == (how, expected[how])


@pytest.mark.parametrize("stop", range(len(STEPS) + 1))
def test_a_removal_cut_short_opens(two_vaults: Made, tmp_path: Path, stop: int) -> None:
    two_vaults.account.add_slot(slots.password_key(age_scrypt.wrapped(NEW), "second"))
    steps = removal(two_vaults)
    list(islice(steps, stop))
    steps.close()  # type: ignore[attr-defined]  # as above
    copies = Copies(two_vaults, tmp_path)
    for how in ("old", "new"):
        check_whole(copies.open(how), ["AWS EXAMPLE", "in the other"])
    removed = outcome(copies.open, "recovery")
    assert removed == "opens" if stop < TAKES_EFFECT else removed in ("former-identity", "wrong-password")


@pytest.mark.parametrize("stop", range(len(STEPS) + 1))
def test_another_machine_finds_an_account_that_opens(two_vaults: Made, tmp_path: Path, stop: int) -> None:
    """The directory reaches a machine without pins in whatever state the crash left."""
    steps = change(two_vaults)
    list(islice(steps, stop))
    steps.close()  # type: ignore[attr-defined]  # as above
    account = Copies(two_vaults, tmp_path).open("recovery", pinned=False)
    assert len(account.items()) == 2
    assert account.file.load().previous is None


def test_messages_say_which_password_to_use(made: Made, tmp_path: Path) -> None:
    steps = change(made)
    list(islice(steps, TAKES_EFFECT - 1))
    steps.close()  # type: ignore[attr-defined]  # as above
    with pytest.raises(FormerIdentityError) as caught:
        Copies(made, tmp_path / "a").open("new")
    assert "from before" in caught.value.hints[0]
    with pytest.raises(FormerIdentityError) as caught:
        Copies(made, tmp_path / "b").open("new", pinned=False)
    assert "before or after" in caught.value.hints[0]

    made.open()  # undoes it
    steps = change(made)
    list(islice(steps, TAKES_EFFECT))
    steps.close()  # type: ignore[attr-defined]  # as above
    with pytest.raises(FormerIdentityError) as caught:
        Copies(made, tmp_path / "c").open("old")
    assert "use the new one" in caught.value.hints[0]


@pytest.mark.parametrize("nth", range(14))
def test_a_disk_that_fails_at_any_write_leaves_an_account_that_opens(
    two_vaults: Made, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    write, count = files.write_atomically, 0

    def fail(path: Path, content: bytes, mode: int = 0o600, **more: Any) -> files.FileIdentity:
        nonlocal count
        count += 1
        if count > nth:
            raise OSError(28, "No space left on device")
        return write(path, content, mode, **more)

    monkeypatch.setattr(files, "write_atomically", fail)
    with pytest.raises(StorageError, match="no space left"):
        rotation.change_password(
            two_vaults.account, slot_of(two_vaults.account, "password"), age_scrypt.wrapped(NEW)
        )
    monkeypatch.undo()
    assert len(two_vaults.recover().items()) == 2
    works = [outcome(two_vaults.open, password) for password in (NEW, None)]
    assert sorted(works) == ["opens", "wrong-password"]
    # What the failed change left in memory works, or asks for an unlock; it never writes for a lost identity.
    try:
        two_vaults.account.create(two_vaults.vault.id, make_item("after"))
    except FormerIdentityError:
        return
    assert len(two_vaults.recover().items()) == 3

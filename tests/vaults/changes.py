"""Changes of identity for tests: begun, cut short, and looked at from copies."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from keyturn.ground.errors import (
    KeyturnError,
)
from keyturn.vaults.age import identities, rotation, slots
from keyturn.vaults.age.account import AgeAccount
from keyturn.vaults.age.opening import Opening
from keyturn.vaults.age.pins import Machine
from tests.vaults import age_scrypt
from tests.vaults.templates import Made, make_item, make_machine, open_account

NEW = "the new password EXAMPLE"
STEPS = [
    "pin",
    "slot",
    "slot",
    "account",
    "vault",
    "vault",
    "versions",
    "old slot",
    "old slot",
    "previous",
    "old pin",
]
TAKES_EFFECT = STEPS.index("account") + 1


def as_first_format(made: Made) -> bytes:
    """Put the vault as format 1 had it in the place of its file, seen by no machine yet; its content."""
    account = made.account
    path = made.directory / "vaults" / f"{made.vault.id}.age"
    payload = identities.unseal(path.read_bytes(), account.ring.current)
    assert payload is not None
    first = payload.replace(b'"format":2', b'"format":1', 1).replace(b',"archived":{},"versions":{}}', b"}")
    content = identities.seal(first, identities.recipient_of(account.ring.current))
    path.write_bytes(content)
    made.machine.forget(account.id)
    return content


def slot_of(account: AgeAccount, kind: str) -> str:
    return next(slot.id for slot in account.slots() if slot.kind == kind)


def change(made: Made) -> Iterator[str]:
    """The password is replaced by NEW; the recovery code stays."""
    key = slots.password_key(age_scrypt.wrapped(NEW), "password")
    return rotation.steps(made.account, slot_of(made.account, "password"), key)


def removal(made: Made) -> Iterator[str]:
    """The recovery code goes, another password stays."""
    return rotation.steps(made.account, slot_of(made.account, "recovery"), None)


class Copies:
    """Copies of an account as a crash left it: each opening starts from the same state."""

    def __init__(self, made: Made, base: Path) -> None:
        self.made, self.base, self.count = made, base, 0

    def open(self, how: str, *, pinned: bool = True) -> AgeAccount:
        self.count += 1
        place = self.base / f"copy {self.count}"
        shutil.copytree(self.made.directory, place / "account")
        if pinned:
            shutil.copytree(self.made.directory.parent / "state", place / "state")
        return self.again(how, make_machine(place / "state"), place / "account")

    def again(self, how: str, machine: Machine, directory: Path) -> AgeAccount:
        if how == "recovery":
            assert self.made.recovery_code is not None
            return Opening.with_recovery_code(directory, self.made.recovery_code).account(machine)
        password = NEW if how == "new" else self.made.password.reveal()
        return open_account(directory, password, machine)


def check_whole(account: AgeAccount, titles: list[str]) -> None:
    """Nothing is left of a change, and everything is there for the identity that the account has."""
    assert sorted(summary.title for summary, _ in account.items()) == titles
    assert account.notes() == []
    assert account.unlisted_slots() == []
    assert account.file.load().previous is None
    pinned = account.machine.pinned(account.id)
    assert pinned is not None
    assert (pinned.identity, pinned.change) == (account.fingerprint, None)
    for path in account.directory.rglob("*.age"):
        assert identities.unseal(path.read_bytes(), account.ring.current) is not None, path
    account.create(account.vaults()[0].id, make_item("saved afterwards"))


def outcome(open_it: Callable[..., object], *arguments: object) -> str:
    try:
        open_it(*arguments)
    except KeyturnError as error:
        return error.code
    return "opens"

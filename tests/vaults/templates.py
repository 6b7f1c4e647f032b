"""Accounts made quickly, for the tests of every room."""

import functools
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from keyturn.ground.clock import Clock
from keyturn.ground.errors import KeyturnError
from keyturn.ground.secret import Secret
from keyturn.items import FieldType, Item, VaultReference, new_field, new_item
from keyturn.vaults.age import creation, derive, slots
from keyturn.vaults.age.account import AgeAccount
from keyturn.vaults.age.opening import Opening
from keyturn.vaults.age.pins import Machine
from tests.vaults import age_scrypt

PASSWORD = "correct horse battery staple EXAMPLE"
MOMENT = "2024-05-06T07:08:09Z"


class StoppedClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.moment = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
        self.seconds = 1000.0
        self.asleep = 0.0

    def now(self) -> datetime:
        return self.moment

    def boot(self) -> float:
        return self.seconds

    def awake(self) -> float:
        return self.seconds - self.asleep


@dataclass(frozen=True)
class Made:
    """An account as `make_account` left it: open, and what opens it again."""

    account: AgeAccount
    directory: Path
    machine: Machine
    vault: VaultReference
    password: Secret
    recovery_code: Secret | None

    def open(self, password: str | None = None, machine: Machine | None = None) -> AgeAccount:
        """Open it anew with the password, as a new agent would."""
        text = self.password.reveal() if password is None else password
        return open_account(self.directory, text, machine or self.machine)

    def recover(self, machine: Machine | None = None) -> AgeAccount:
        """Open it anew with the recovery code."""
        assert self.recovery_code is not None
        return Opening.with_recovery_code(self.directory, self.recovery_code).account(machine or self.machine)


def make_account(
    directory: Path,
    state: Path,
    password: str = PASSWORD,
    items: Sequence[Item] = (),
    vault: str = "Private",
    title: str = "Test",
    recovery: bool = False,
    clock: Clock | None = None,
    uid: int | None = None,
    versions_kept: int = 5,
) -> Made:
    """An account in `directory`, pinned in `state`, with one vault that holds `items`.

    Takes about 0.2 s: the password's work factor is the least that is accepted.
    """
    machine = make_machine(state, clock, uid, versions_kept)
    keys = [slots.password_key(age_scrypt.wrapped(password), "password")]
    code = slots.new_recovery_code() if recovery else None
    if code is not None:
        keys.append(slots.recovery_key(code, "recovery code"))
    made = creation.create(directory, title, keys, machine)
    reference = made.create_vault(vault)
    for item in items:
        made.create(reference.id, item)
    return Made(made, directory, machine, reference, Secret(password), code)


def make_machine(
    state: Path, clock: Clock | None = None, uid: int | None = None, versions_kept: int = 5
) -> Machine:
    """A machine whose memory is in `state`."""
    return Machine(state, clock or StoppedClock(), os.getuid() if uid is None else uid, versions_kept)


def make_item(title: str = "AWS EXAMPLE", value: str = "wJalrXUtnFEMIEXAMPLEKEY") -> Item:
    """An item with one text field and one secret one."""
    fields = [
        new_field("access key id", FieldType.TEXT, Secret("AKIAIOSFODNN7EXAMPLE")),
        new_field("secret access key", FieldType.CONCEALED, Secret(value)),
    ]
    return new_item(title, fields, MOMENT, ["keyturn/aws/access-key"])


def derive_here(opening: Opening) -> Opening:
    """Do an opening's tasks in this process, as bytes, as the helper would; each task once a run."""
    while (task := opening.next_task()) is not None:
        opening.take(derive.decode_result(_perform(derive.encode_task(task))))
    return opening


@functools.cache
def _perform(task: bytes) -> bytes:
    return derive.encode_result(derive.perform(derive.decode_task(task)))


def open_account(directory: Path, password: str, machine: Machine) -> AgeAccount:
    """Open an account with a password."""
    return derive_here(Opening.with_password(directory, Secret(password))).account(machine)


@functools.cache
def really_wrapped(password: str) -> derive.Wrapped:
    """What the helper makes with age's own choice of work; takes about two seconds, once a run."""
    result = derive.decode_result(_perform(derive.encode_task(derive.WrapPassword(Secret(password)))))
    assert isinstance(result, derive.Wrapped)
    return result


def error_of(error: KeyturnError) -> str:
    """All that a person could see of an error."""
    return "\n".join((error.message, *error.hints, str(error), repr(error)))

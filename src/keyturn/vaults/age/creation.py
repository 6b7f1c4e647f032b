"""A new account, made so that a creation which was cut short can be begun anew in the same directory."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from keyturn.ground import files
from keyturn.ground.clock import timestamp
from keyturn.ground.errors import ConfigurationError, UsageError
from keyturn.ground.names import is_id, new_id
from keyturn.vaults.age import identities, slots
from keyturn.vaults.age.account import AgeAccount
from keyturn.vaults.age.contents import first_account, new_record
from keyturn.vaults.age.directory import PARTS, SEALED_SUFFIX, AccountDirectory, storage
from keyturn.vaults.age.pins import Machine
from keyturn.vaults.age.sealed import KeyRing
from keyturn.vaults.age.slots import SlotKey

# There from before the first slot until account.age is written; it holds the account's id. Its name lets
# every opening sweep it away, like all that killed writers leave.
MARK = ".creating.new"


def create(
    directory: Path, title: str, keys: Sequence[SlotKey], machine: Machine, vault: str | None = None
) -> AgeAccount:
    """A new account in `directory`, with a vault called `vault` if one is named.

    The directory must be empty, not there yet, or hold what a creation left that was cut short; that is
    taken away. account.age is written last: before it is there, there is no account. Raises UsageError
    without a slot or for a bad title, ConfigurationError for a directory that is not usable, StorageError.
    """
    for text in (title,) if vault is None else (title, vault):
        slots.check_title(text)
    if not keys:
        raise UsageError("an account needs a slot to be opened with")
    place = AccountDirectory(directory, machine.uid)
    # Before anything is made in a directory that is somebody else's.
    _remains(place)
    place.make()
    moment = timestamp(machine.clock.now())
    records = [new_record(key, moment) for key in keys]
    account = AgeAccount(place, new_id(), KeyRing(identities.generate()), machine)
    mark = place.path / MARK
    with place.locked():
        _clear(place, machine)
        with storage(mark, "write"):
            files.write_atomically(mark, account.id.encode())
        for record in records:
            account.write_slot(record, account.ring.current)
        if vault is not None:
            account.write_vault(vault)
        account.file.create(first_account(account.id, title, records, moment, machine.id))
        with storage(mark, "remove"):
            os.unlink(mark)
    return account


def _clear(place: AccountDirectory, machine: Machine) -> None:
    """Take away what a creation left that was cut short; under the lock."""
    remains = _remains(place)
    mark = place.path / MARK
    with storage(mark, "read"):
        unfinished = files.read(mark, 100)[0].decode("ascii", "replace") if mark.exists() else ""
    for path in remains:
        with storage(path, "remove"):
            os.unlink(path)
    if is_id(unfinished):
        machine.forget(unfinished)


def _remains(place: AccountDirectory) -> list[Path]:
    """The files of a creation that was cut short, its mark last.

    Raises ConfigurationError if there is an account, or anything that no such creation left. Slots without
    a mark are an account whose other files are still on their way (git, a synchroniser), and are refused.
    """
    with storage(place.path, "read"):
        names = set(os.listdir(place.path)) if place.path.exists() else set()
        parts = [place.path / part for part in PARTS if (place.path / part).is_dir()]
        inside = [path for part in parts for path in part.iterdir()]
    if place.account.name in names:
        raise ConfigurationError(
            f"there is an account in {place.path} already",
            f"to use it: keyturn account add {place.path}",
            "or choose another directory for the new one",
        )
    top = {MARK, *(name for name in names if _is_temporary(name))} & names
    strange = names - top - {".lock", *(part.name for part in parts)}
    ours = (slots.SUFFIX, SEALED_SUFFIX, ".new")
    if strange or (inside and MARK not in names) or not all(path.name.endswith(ours) for path in inside):
        raise ConfigurationError(f"{place.path} is not empty", "choose another directory for the account")
    return [*inside, *(place.path / name for name in sorted(top, key=lambda name: name == MARK))]


def _is_temporary(name: str) -> bool:
    return name.startswith((".account.age.", f".{MARK}.")) and name.endswith(".new")

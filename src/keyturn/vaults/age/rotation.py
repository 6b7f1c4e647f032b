"""A new account identity: what removing a slot and changing a password come down to.

Whoever had the removed slot may still hold the old identity. So the account gets a new one, wrapped
for the slots that stay without asking anybody, and everything is sealed for it. The order is that
of the functions below; each step can be the last before a crash:

    pin the new identity beside the old          the old slots open; the change is undone
    write new slots beside the old ones          the old slots open; the change is undone
    account.age, for the new identity            the new slots open; the change is finished
    the vaults and their kept versions           the same
    delete the old slots                         the same
    drop *previous* from account.age             the same
    drop the old pin                             the same
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from keyturn.ground import files
from keyturn.ground.clock import timestamp
from keyturn.ground.errors import DamagedError, KeyturnError, MissingError, UsageError
from keyturn.ground.names import printable
from keyturn.ground.secret import Secret
from keyturn.vaults.age import identities, slots
from keyturn.vaults.age.account import AgeAccount, SlotState
from keyturn.vaults.age.contents import new_record
from keyturn.vaults.age.derive import Wrapped
from keyturn.vaults.age.directory import SEALED_SUFFIX, storage
from keyturn.vaults.age.documents import AccountDocument, Previous, SlotRecord
from keyturn.vaults.age.pins import Change, Pinned
from keyturn.vaults.age.slots import SlotKey

WARNING = (
    "older copies of the account (backups, synchronised versions) still open with what was removed",
    "replace the credentials listed at the services that issued them",
)

_WORDS = {slots.Kind.PASSWORD: "password", slots.Kind.RECOVERY: "recovery code"}


@dataclass(frozen=True)
class Report:
    """What a person must be told. `to_rotate`: the title of each item and its vault's name."""

    removed: str
    slots: list[SlotState]
    to_rotate: list[tuple[str, str]]
    lines: tuple[str, ...] = WARNING


def remove_slot(account: AgeAccount, slot_id: str) -> Report:
    """Make a slot useless for everything that is saved from now on.

    Raises MissingError for an unknown slot, UsageError for the last one, and whatever keeps a vault from
    being read: then nothing has changed. A StorageError half-way leaves a state that the next opening
    finishes or undoes.
    """
    return _replace(account, slot_id, None)


def change_password(account: AgeAccount, slot_id: str, wrapped: Wrapped) -> Report:
    """Put `wrapped`, which holds a new password, in the place of the password slot; else as `remove_slot`."""
    return _replace(account, slot_id, lambda record: slots.password_key(wrapped, record.title))


def replace_recovery_code(account: AgeAccount, slot_id: str, code: Secret) -> Report:
    """Put a new recovery code in the place of the one of the slot; else as `remove_slot`."""
    return _replace(account, slot_id, lambda record: slots.recovery_key(code, record.title))


def _replace(account: AgeAccount, slot_id: str, new_key: Callable[[SlotRecord], SlotKey] | None) -> Report:
    with account.place.locked():
        record = _listed(account, slot_id)
        key = None if new_key is None else new_key(record)
        if key is not None and record.kind is not key.kind:
            raise UsageError(f"the slot “{record.title}” has no {_WORDS[key.kind]} to change")
        listed = [*account.items(), *account.items(archived=True)]
        to_rotate = [(summary.title, vault.name) for summary, vault in listed]
        for _ in steps(account, slot_id, key):
            pass
    return Report(record.title, account.slots(), to_rotate)


def _listed(account: AgeAccount, slot_id: str) -> SlotRecord:
    for record in account.file.load().slots:
        if record.id == slot_id:
            return record
    raise MissingError(f"the account lists no slot {printable(slot_id)}")


def steps(account: AgeAccount, without: str, key: SlotKey | None) -> Iterator[str]:
    """Do the change step by step, yielding each step's name when it is done.

    The slot with id `without` goes; `key` takes its place, if given. The account's lock is held until
    the iterator ends or is closed: a change that is abandoned is what a crash leaves.
    """
    with account.place.locked():
        settle(account)
        before = account.file.load()
        if before.previous is not None:
            raise DamagedError("an earlier change is not finished", *account.unfinished)
        # Everything must open before anything is changed.
        for vault in account.vault_files():
            vault.load()
        moment = timestamp(account.machine.clock.now())
        records = [_renewed(account, slot, without, key, moment) for slot in before.slots]
        kept = [record for record in records if record is not None]
        if not kept:
            raise UsageError("the last slot cannot be removed: nothing would open the account")
        identity = identities.generate()

        _pin(account, identity, kept)
        yield "pin"
        for record in kept:
            account.write_slot(record, identity)
            yield "slot"
        _seal_account(account, identity, kept, before)
        yield "account"
        yield from _finish(account)


def settle(account: AgeAccount) -> None:
    """Finish, or undo, a change of identity that was cut short; under the lock, account.age loaded.

    What cannot be finished now (a read-only disk, a damaged vault) stays as it is, is told in
    `account.unfinished`, and keeps nobody from the rest of the account.
    """
    account.unfinished.clear()
    document = account.file.load()
    pinned = account.machine.pinned(account.id)
    under_way = pinned is not None and pinned.change is not None
    if document.previous is None and not under_way:
        return
    try:
        if document.previous is None and pinned is not None and pinned.change is not None:
            if pinned.change.identity == account.fingerprint:
                _drop_pin(account)
            else:
                _undo(account, pinned.change, document)
        else:
            for _ in _finish(account):
                pass
    except KeyturnError as error:
        account.unfinished.append(f"a change of the account is not finished: {error.message}")


def _renewed(
    account: AgeAccount, record: SlotRecord, without: str, key: SlotKey | None, moment: str
) -> SlotRecord | None:
    """The slot that stands for `record` afterwards; a new id, for the old file stays beside it a while."""
    if record.id == without:
        return None if key is None else new_record(key, moment)
    same = SlotKey(record.kind, record.title, record.recipient, record.block.encode())
    return new_record(same, record.created)


def _pin(account: AgeAccount, identity: Secret, kept: Sequence[SlotRecord]) -> None:
    change = Change(identities.fingerprint(identity), [record.id for record in kept])

    def begin(pinned: Pinned | None) -> Pinned | None:
        return None if pinned is None else msgspec.structs.replace(pinned, change=change)

    account.machine.update(account.id, begin)


def _seal_account(
    account: AgeAccount, identity: Secret, kept: list[SlotRecord], before: AccountDocument
) -> None:
    previous = Previous(account.ring.current, [slot.id for slot in before.slots])
    account.ring.current, account.ring.previous = identity, previous.identity
    try:
        account.file.update(lambda was: msgspec.structs.replace(was, slots=kept, previous=previous))
    except BaseException:
        # Whether the file was replaced is not known. With the old identity, nothing can be saved for the
        # wrong one: if it was replaced, the next reading fails and asks for an unlock, which finishes.
        account.ring.current, account.ring.previous = previous.identity, None
        raise


def _finish(account: AgeAccount) -> Iterator[str]:
    previous = account.file.load().previous
    if previous is not None:
        for vault in account.vault_files():
            vault.load()
            if not vault.is_current:
                vault.update(lambda was: was, always=True)
                yield "vault"
        _reseal_versions(account, previous.identity)
        yield "versions"
        # Last look before the old identity is given up: what it alone opens would be lost.
        for vault in account.vault_files():
            vault.verify()
        for slot_id in previous.slots:
            _delete_slot(account, slot_id)
            yield "old slot"
        account.file.update(lambda was: msgspec.structs.replace(was, previous=None))
        account.ring.previous = None
        yield "previous"
    _drop_pin(account)
    yield "old pin"


def _reseal_versions(account: AgeAccount, old: Secret) -> None:
    """Seal the kept versions for the new identity: no slot that stays could open them otherwise."""
    folder = account.place.versions
    with storage(folder, "write"):
        paths = sorted(folder.glob("*" + SEALED_SUFFIX)) if folder.is_dir() else []
        for path in paths:
            content, _ = files.read(path)
            payload = identities.unseal(content, old)
            if payload is not None:
                recipient = identities.recipient_of(account.ring.current)
                files.write_atomically(path, identities.seal(payload, recipient))


def _undo(account: AgeAccount, change: Change, document: AccountDocument) -> None:
    listed = {slot.id for slot in document.slots}
    for slot_id in change.slots:
        if slot_id not in listed:
            _delete_slot(account, slot_id)

    def end(pinned: Pinned | None) -> Pinned | None:
        return None if pinned is None else msgspec.structs.replace(pinned, change=None)

    account.machine.update(account.id, end)


def _delete_slot(account: AgeAccount, slot_id: str) -> None:
    path: Path = account.place.slots / slots.file_name(slot_id)
    with storage(path, "remove"), contextlib.suppress(FileNotFoundError):
        os.unlink(path)
        files.sync_directory(path.parent)


def _drop_pin(account: AgeAccount) -> None:
    identity = account.fingerprint

    def end(pinned: Pinned | None) -> Pinned | None:
        return None if pinned is None else msgspec.structs.replace(pinned, identity=identity, change=None)

    account.machine.update(account.id, end)

"""Requests about credentials that leave plaintext files: which item has one, and backups of the files.

Backups lie in the account's `versions`, sealed for the account's identity. So they are where the kept
versions of vaults are, and a change of identity seals them anew together with these.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from keyturn.agent import requests, results
from keyturn.agent.audit import Audit
from keyturn.agent.conversation import Conversation
from keyturn.agent.item_access import ItemAccess
from keyturn.agent.permission import Permission, Permissions
from keyturn.agent.questions import Purpose
from keyturn.agent.uses import Use
from keyturn.ground import files
from keyturn.ground.clock import Clock, timestamp
from keyturn.ground.errors import DamagedError, KeyturnError, MissingError, StorageError, UsageError
from keyturn.ground.names import is_id, new_id, plain_label, printable
from keyturn.ground.settings import Settings
from keyturn.items import Item, ItemReference
from keyturn.plaintext import backups
from keyturn.plaintext.backups import PREFIX, Backup
from keyturn.vaults.age import identities
from keyturn.vaults.age.account import AgeAccount
from keyturn.vaults.age.directory import SEALED_SUFFIX, storage


class PlaintextRequests:
    """Handlers; each takes the client, its request and the settings, and returns what Done carries."""

    def __init__(self, permissions: Permissions, access: ItemAccess, audit: Audit, clock: Clock) -> None:
        self._permissions = permissions
        self._access = access
        self._audit = audit
        self._clock = clock

    async def match(self, client: Conversation, request: requests.MatchItem, settings: Settings) -> object:
        permission = await self._access.permit(client, request, settings, "look for a credential in")
        return await permission.unlocked.run(lambda: _match(permission, request))

    async def keep(self, client: Conversation, request: requests.KeepBackup, settings: Settings) -> object:
        verb = f"keep a copy of {printable(request.path)} in"
        permission = await self._access.permit(client, request, settings, verb)
        moment = timestamp(self._clock.now())
        backup = backups.from_parts(
            request.path, request.link, moment, request.mode, request.tools, request.left, request.content
        )
        return await permission.unlocked.run(lambda: _keep(permission.unlocked.backend, backup))

    async def list(self, client: Conversation, request: requests.ListBackups, settings: Settings) -> object:
        permission = await self._access.permit(
            client, request, settings, "list the copies of plaintext files in"
        )
        backend = permission.unlocked.backend

        def rows() -> Sequence[results.BackupRow]:
            found = [(name, _read(backend, name)) for name in _ids(backend)]
            shown = [_row(name, backup) for name, backup in found]
            return sorted(shown, key=lambda row: (row.moment, row.id), reverse=True)

        return await permission.unlocked.run(rows)

    async def get(self, client: Conversation, request: requests.GetBackup, settings: Settings) -> object:
        entry = self._permissions.choose(request.account, client.caller)
        line = f"keyturn is to put a plaintext file back from account “{printable(entry.title)}”"
        purpose = Purpose((line,), Use(entry.id, request.backup), "keyturn plaintext restore", "named")
        how = ""
        try:
            permission = await self._permissions.obtain(client, entry, purpose, settings)
            how = permission.how
            if not is_id(request.backup):
                raise UsageError("a copy is named by its id", "see: keyturn plaintext restore --list")
            backend = permission.unlocked.backend
            backup = await permission.unlocked.run(lambda: _read(backend, request.backup))
        except KeyturnError as error:
            self._audit.write(client.caller, purpose, error, how)
            raise
        self._audit.write(client.caller, purpose, None, how)
        return results.BackupContent(_row(request.backup, backup), backup.left, backup.mode, backup.content)


def _match(permission: Permission, request: requests.MatchItem) -> results.MatchedItem | None:
    """The item that has all these values, the one with the wanted tag first; None if there is none."""
    backend = permission.unlocked.backend
    found: list[tuple[bool, str, results.MatchedItem]] = []
    for summary, vault in backend.items(None):
        item, _ = backend.get(summary.id)
        labels = _labels(item, request)
        if labels is not None:
            reference = ItemReference(permission.entry.id, vault.id, item.id, item.title)
            row = results.MatchedItem(reference, vault.name, labels)
            found.append((request.tag not in item.tags, item.id, row))
    return min(found, key=lambda each: each[:2])[2] if found else None


def _labels(item: Item, request: requests.MatchItem) -> dict[str, str] | None:
    """By the labels that were asked for those of the item's fields with these values; None if one lacks."""
    labels: dict[str, str] = {}
    for label, value in request.fields.items():
        same = [field for field in item.fields if field.value == value]
        if not same:
            return None
        called = [field for field in same if plain_label(field.label) == plain_label(label)]
        labels[label] = (called or same)[0].label
    return labels or None


def _ids(account: AgeAccount) -> list[str]:
    folder = account.place.versions
    with storage(folder, "read"):
        names = os.listdir(folder) if folder.is_dir() else []
    found = (
        name.removeprefix(PREFIX).removesuffix(SEALED_SUFFIX)
        for name in names
        if name.startswith(PREFIX) and name.endswith(SEALED_SUFFIX)
    )
    return sorted(name for name in found if is_id(name))


def _path(account: AgeAccount, name: str) -> Path:
    return account.place.versions / f"{PREFIX}{name}{SEALED_SUFFIX}"


def _keep(account: AgeAccount, backup: Backup) -> results.BackupRow:
    """Seal and write it, and read it back from the disk. Raises StorageError if that is not what it was."""
    content = backups.encode(backup)
    name = new_id()
    with account.place.locked():
        # A keeper that holds the identity from before a change finds that out here.
        account.file.load()
        account.place.make()
        path = _path(account, name)
        with storage(path, "write"):
            sealed = identities.seal(content, identities.recipient_of(account.ring.current))
            files.write_atomically(path, sealed)
    if backups.encode(_read(account, name)) != content:
        raise StorageError(f"{path} is not what was written to it", "look at the disk before you try again")
    return _row(name, backup)


def _read(account: AgeAccount, name: str) -> Backup:
    path = _path(account, name)
    account.place.check_file(path)
    with storage(path, "read"):
        try:
            sealed, _ = files.read(path)
        except FileNotFoundError:
            sealed = None
    if sealed is None:
        raise MissingError(f"there is no copy {name}", "see: keyturn plaintext restore --list")
    for identity in (account.ring.current, account.ring.previous):
        payload = None if identity is None else identities.unseal(sealed, identity)
        if payload is not None:
            return backups.decode(payload)
    raise DamagedError(f"{path} does not open with the account's identity")


def _row(name: str, backup: Backup) -> results.BackupRow:
    return results.BackupRow(name, backup.path, backup.link, backup.moment, list(backup.tools), backup.left)

"""Requests about credentials that leave plaintext files: which item has one, and copies of the files."""

from __future__ import annotations

from collections.abc import Sequence

from keyturn.agent import plaintext_copies, requests, results
from keyturn.agent.audit import Audit
from keyturn.agent.conversation import Conversation
from keyturn.agent.item_access import ItemAccess
from keyturn.agent.permission import Permission, Permissions
from keyturn.agent.questions import Purpose
from keyturn.agent.uses import Use
from keyturn.ground.clock import Clock, timestamp
from keyturn.ground.errors import KeyturnError, UsageError
from keyturn.ground.names import is_id, plain_label, printable
from keyturn.ground.settings import Settings
from keyturn.items import Item, ItemReference
from keyturn.plaintext import backups
from keyturn.plaintext.backups import Backup


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
        copies = plaintext_copies.of(permission.unlocked)
        return _row(await permission.unlocked.run(lambda: copies.keep(backup)), backup)

    async def list(self, client: Conversation, request: requests.ListBackups, settings: Settings) -> object:
        permission = await self._access.permit(
            client, request, settings, "list the copies of plaintext files in"
        )
        copies = plaintext_copies.of(permission.unlocked)

        def rows() -> Sequence[results.BackupRow]:
            found = [(name, copies.read(name)) for name in copies.ids()]
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
            copies = plaintext_copies.of(permission.unlocked)
            backup = await permission.unlocked.run(lambda: copies.read(request.backup))
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


def _row(name: str, backup: Backup) -> results.BackupRow:
    return results.BackupRow(name, backup.path, backup.link, backup.moment, list(backup.tools), backup.left)

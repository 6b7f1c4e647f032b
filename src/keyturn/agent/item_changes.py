"""Requests that change items."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from keyturn.agent import field_changes, item_access, requests
from keyturn.agent.conversation import Conversation
from keyturn.agent.item_access import Finder, ItemAccess
from keyturn.agent.permission import Permission
from keyturn.ground.clock import Clock, timestamp
from keyturn.ground.errors import UsageError
from keyturn.ground.names import printable
from keyturn.ground.settings import Settings
from keyturn.items import ALWAYS_ASK, CREDENTIAL_TAG, Item, VaultReference, find_field, new_item
from keyturn.vaults.backend import Backend


class ItemChanges:
    """Handlers; each takes the client, its request and the settings, and returns what Done carries."""

    def __init__(self, access: ItemAccess, clock: Clock) -> None:
        self._access = access
        self._clock = clock

    async def create(self, client: Conversation, request: requests.CreateItem, settings: Settings) -> object:
        verb = f"create an item “{printable(request.title)}” in"
        permission = await self._access.permit(client, request, settings, verb)
        item = new_item(request.title, [], timestamp(self._clock.now()), list(request.tags))
        item.urls = list(request.urls)
        field_changes.apply(item, request.fields)
        _check(item)

        def create() -> tuple[Item, VaultReference]:
            vault = item_access.find_vault(permission, request.vault)
            return permission.unlocked.backend.create(vault.id, item), vault

        return item_access.view(permission, *await permission.unlocked.run(create))

    async def edit(self, client: Conversation, request: requests.EditItem, settings: Settings) -> object:
        finder = _named(request.item, request.vault)
        permission, _ = await self._agreed(client, request, settings, "change", finder)

        def edit() -> tuple[Item, VaultReference]:
            item, vault = finder(permission)
            if request.title:
                item.title = request.title
            if request.tags is not None:
                item.tags = _tagged(item.tags, request.tags)
            if request.always_ask is not None:
                kept = [tag for tag in item.tags if tag != ALWAYS_ASK]
                item.tags = [*kept, ALWAYS_ASK] if request.always_ask else kept
            field_changes.apply(item, request.fields)
            return permission.unlocked.backend.edit(item), vault

        return item_access.view(permission, *await permission.unlocked.run(edit))

    async def replace(
        self, client: Conversation, request: requests.ReplaceItem, settings: Settings
    ) -> object:
        wanted = request.item
        finder = _named(wanted.id, "")
        permission, before = await self._agreed(client, request, settings, "change", finder)
        was = {field.id: field for field in before.fields}
        _check(wanted)
        for field in wanted.fields:
            find_field(wanted, field.label)
            if was.get(field.id) != field:
                field_changes.check(wanted, field)

        def replace() -> tuple[Item, VaultReference]:
            item, vault = finder(permission)
            changed = msgspec.structs.replace(
                item, version=wanted.version, title=wanted.title, tags=wanted.tags, fields=wanted.fields
            )
            return permission.unlocked.backend.edit(changed), vault

        return item_access.view(permission, *await permission.unlocked.run(replace))

    async def delete(self, client: Conversation, request: requests.DeleteItem, settings: Settings) -> object:
        def finder(permission: Permission) -> tuple[Item, VaultReference]:
            find = item_access.find_anywhere if request.permanently else item_access.find
            return find(permission, request.item, request.vault)

        def work(backend: Backend, item: Item) -> None:
            if request.permanently:
                backend.delete(item.id)
            else:
                backend.archive(item.id)

        verb = "delete for good" if request.permanently else "archive"
        return await self._changed(client, request, settings, verb, finder, work)

    async def restore(
        self, client: Conversation, request: requests.RestoreItem, settings: Settings
    ) -> object:
        def finder(permission: Permission) -> tuple[Item, VaultReference]:
            if request.version is not None:
                return item_access.find_anywhere(permission, request.item, request.vault)
            place = item_access.vault_id(permission, request.vault)
            return permission.unlocked.backend.find_archived(request.item, place)

        def work(backend: Backend, item: Item) -> None:
            backend.restore(item.id, request.version)

        return await self._changed(client, request, settings, "restore", finder, work)

    async def move(self, client: Conversation, request: requests.MoveItem, settings: Settings) -> object:
        permission, item = await self._agreed(
            client, request, settings, "move", _named(request.item, request.vault)
        )

        def move() -> tuple[Item, VaultReference]:
            target = item_access.find_vault(permission, request.to)
            return permission.unlocked.backend.move(item.id, target.id), target

        return item_access.view(permission, *await permission.unlocked.run(move))

    async def _changed(
        self,
        client: Conversation,
        request: requests.DeleteItem | requests.RestoreItem,
        settings: Settings,
        verb: str,
        finder: Finder,
        work: Callable[[Backend, Item], None],
    ) -> object:
        """Find an item, have it agreed to, do `work`; a row of what it is called and where it is."""
        permission, _ = await self._agreed(client, request, settings, verb, finder)

        def change() -> tuple[Item, VaultReference]:
            item, vault = finder(permission)
            work(permission.unlocked.backend, item)
            return item, vault

        item, vault = await permission.unlocked.run(change)
        return item_access.row(item, vault)

    async def _agreed(
        self, client: Conversation, request: _Naming, settings: Settings, verb: str, finder: Finder
    ) -> tuple[Permission, Item]:
        """The yes to change an item, and the item as it is now; one that asks each time has asked."""
        named = request.item if isinstance(request.item, str) else request.item.title
        said = f"{verb} the item “{printable(named)}” of"
        permission = await self._access.permit(client, request, settings, said)
        item, _ = await permission.unlocked.run(lambda: finder(permission))
        await self._access.agree_anew(client, permission, item, verb)
        return permission, item


_Naming = (
    requests.EditItem | requests.ReplaceItem | requests.DeleteItem | requests.RestoreItem | requests.MoveItem
)


def _named(wanted: str, vault: str) -> Finder:
    return lambda permission: item_access.find(permission, wanted, vault)


def _check(item: Item) -> None:
    if not item.title.strip():
        raise UsageError("an item needs a title")


def _tagged(before: list[str], tags: list[str]) -> list[str]:
    """The tags from now on; those of ours stay (what an item is, and that it asks each time).

    A credential type takes the place of another one of the same platform.
    """
    platforms = {tag.rpartition("/")[0] for tag in tags if tag.startswith(CREDENTIAL_TAG)}
    own = [
        tag
        for tag in before
        if tag.startswith(CREDENTIAL_TAG)
        and tag not in tags
        and (tag == ALWAYS_ASK or tag.rpartition("/")[0] not in platforms)
    ]
    return [*own, *dict.fromkeys(tags)]

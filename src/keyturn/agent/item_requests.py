"""Requests about items, and about the defaults that name them."""

from __future__ import annotations

import asyncio

import msgspec

from keyturn.agent import requests, results
from keyturn.agent.conversation import Conversation
from keyturn.agent.permission import Permission, Permissions
from keyturn.agent.questions import Purpose
from keyturn.agent.requests import FieldChange
from keyturn.ground.clock import Clock, timestamp
from keyturn.ground.errors import AmbiguousError, MissingError, UsageError
from keyturn.ground.names import printable
from keyturn.ground.settings import Settings
from keyturn.items import (
    TYPE_WORDS,
    Field,
    FieldType,
    Item,
    ItemSummary,
    VaultReference,
    choose,
    find_field,
    new_field,
    new_item,
)
from keyturn.scopes import defaults
from keyturn.scopes.defaults import Defaults, DefaultsFile


class ItemRequests:
    """Handlers; each takes the client, its request and the settings, and returns what Done carries."""

    def __init__(self, permissions: Permissions, defaults_file: DefaultsFile, clock: Clock) -> None:
        self._permissions = permissions
        self._defaults = defaults_file
        self._clock = clock

    async def list(self, client: Conversation, request: requests.ListItems, settings: Settings) -> object:
        permission = await self._permit(client, request, settings, "list the items of")
        found = await permission.unlocked.run(lambda: _items(permission, request.vault))
        return [
            results.ItemRow(
                id=summary.id,
                title=summary.title,
                vault=vault.id,
                vault_title=vault.name,
                category=summary.category,
                tags=list(summary.tags),
                updated_at=summary.updated_at,
            )
            for summary, vault in found
        ]

    async def get(self, client: Conversation, request: requests.GetItem, settings: Settings) -> object:
        permission = await self._permit(
            client, request, settings, f"read the item “{printable(request.item)}” of"
        )
        item, vault = await permission.unlocked.run(lambda: _find(permission, request.item, request.vault))
        return _view(permission, item, vault)

    async def create(self, client: Conversation, request: requests.CreateItem, settings: Settings) -> object:
        permission = await self._permit(
            client, request, settings, f"create an item “{printable(request.title)}” in"
        )
        if not request.title.strip():
            raise UsageError("an item needs a title")
        item = new_item(request.title, [], timestamp(self._clock.now()), list(request.tags))
        item.urls = list(request.urls)
        _apply(item, request.fields)

        def create() -> tuple[Item, VaultReference]:
            vault = _vault(permission, request.vault)
            return permission.unlocked.backend.create(vault.id, item), vault

        return _view(permission, *await permission.unlocked.run(create))

    async def edit(self, client: Conversation, request: requests.EditItem, settings: Settings) -> object:
        permission = await self._permit(
            client, request, settings, f"change the item “{printable(request.item)}” of"
        )

        def edit() -> tuple[Item, VaultReference]:
            item, vault = _find(permission, request.item, request.vault)
            if request.title:
                item.title = request.title
            if request.tags is not None:
                item.tags = list(request.tags)
            _apply(item, request.fields)
            return permission.unlocked.backend.edit(item), vault

        return _view(permission, *await permission.unlocked.run(edit))

    async def check(self, client: Conversation, request: requests.CheckItem, settings: Settings) -> object:
        permission = await self._permit(client, request, settings, "read back an item of")
        backend = permission.unlocked.backend

        def is_there() -> bool:
            item, _ = backend.read_back(request.reference.item)
            for label, value in request.fields.items():
                field = find_field(item, label)
                if field is None or field.value != value:
                    return False
            return bool(request.fields)

        return await permission.unlocked.run(is_there)

    async def set_default(
        self, client: Conversation, request: requests.SetDefault, settings: Settings
    ) -> object:
        await self._permit(
            client, request, settings, f"set the default of {printable(request.executable)} in"
        )

        def change(known: Defaults) -> Defaults:
            known = defaults.with_default(known, request.executable, request.reference)
            if request.bind:
                known = defaults.with_binding(known, request.plugin, request.bind, request.reference)
            if request.trust:
                known = defaults.with_trusted(known, request.plugin, request.trust)
            return known

        await asyncio.to_thread(self._defaults.change, change)
        return None

    async def _permit(
        self, client: Conversation, request: requests.Request, settings: Settings, verb: str
    ) -> Permission:
        entry = self._permissions.choose(request.account, client.caller)
        purpose = Purpose((f"keyturn is to {verb} account “{printable(entry.title)}”",))
        return await self._permissions.obtain(client, entry, purpose, settings)


def _view(permission: Permission, item: Item, vault: VaultReference) -> results.ItemView:
    return results.ItemView(account=permission.entry.id, vault=vault.id, vault_title=vault.name, item=item)


def _vault(permission: Permission, wanted: str) -> VaultReference:
    """The vault named by id or title; without a name the only one."""
    vaults = permission.unlocked.backend.vaults()
    titles = ", ".join(f"“{printable(vault.name)}”" for vault in vaults) or "none"
    if not wanted:
        if len(vaults) == 1:
            return vaults[0]
        raise UsageError(f"which vault? there are {len(vaults)}: {titles}", "name one: --vault")
    found = [vault for vault in vaults if wanted == vault.id or wanted.casefold() == vault.name.casefold()]
    if len(found) > 1:
        raise AmbiguousError(
            f"{len(found)} vaults are called “{printable(wanted)}”", "use its id: keyturn vault list"
        )
    if not found:
        raise MissingError(f"there is no vault “{printable(wanted)}”", f"vaults: {titles}")
    return found[0]


def _items(permission: Permission, vault: str) -> list[tuple[ItemSummary, VaultReference]]:
    chosen = _vault(permission, vault).id if vault else None
    return permission.unlocked.backend.items(chosen)


def _find(permission: Permission, wanted: str, vault: str) -> tuple[Item, VaultReference]:
    summary = choose([each for each, _ in _items(permission, vault)], wanted)
    if summary is None:
        raise MissingError(f"there is no item “{printable(wanted)}”", "see: keyturn item list")
    return permission.unlocked.backend.get(summary.id)


def _apply(item: Item, changes: list[FieldChange]) -> None:
    """Set, add or remove fields. UsageError: an unknown type; MissingError: nothing to remove."""
    for change in changes:
        field = find_field(item, change.label)
        if change.value is None:
            if field is None:
                there = ", ".join(f"“{printable(each.label)}”" for each in item.fields) or "none"
                raise MissingError(
                    f"item “{printable(item.title)}” has no field “{printable(change.label)}”",
                    f"its fields: {there}",
                )
            item.fields.remove(field)
            continue
        kind = _type(change, field)
        if field is None:
            item.fields.append(new_field(change.label, kind, change.value))
        else:
            item.fields[item.fields.index(field)] = msgspec.structs.replace(
                field, type=kind, value=change.value
            )


def _type(change: FieldChange, field: Field | None) -> FieldType:
    if change.type:
        if change.type not in TYPE_WORDS:
            words = ", ".join(TYPE_WORDS)
            raise UsageError(f"no field type is called {printable(change.type)}", f"types: {words}")
        return TYPE_WORDS[change.type]
    return field.type if field is not None else FieldType.CONCEALED

"""Requests about items, and about the defaults that name them."""

from __future__ import annotations

import asyncio
import dataclasses
from functools import partial

import msgspec

from keyturn.agent import requests, results
from keyturn.agent.audit import Audit
from keyturn.agent.conversation import Conversation
from keyturn.agent.permission import Permission, Permissions
from keyturn.agent.questions import Purpose
from keyturn.agent.requests import FieldChange
from keyturn.agent.uses import Use
from keyturn.catalogue import loader
from keyturn.ground.clock import Clock, timestamp
from keyturn.ground.errors import AmbiguousError, KeyturnError, MissingError, UsageError
from keyturn.ground.names import printable
from keyturn.ground.settings import Settings
from keyturn.items import (
    ALWAYS_ASK,
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
from keyturn.processes import identity
from keyturn.processes.identity import TerminalSession
from keyturn.scopes import defaults, places
from keyturn.scopes.defaults import Defaults, DefaultsFile
from keyturn.scopes.layers import Scope
from keyturn.scopes.sessions import SessionDefaults
from keyturn.sdk.relation import Relation, relation
from keyturn.sdk.schema import Plugin


class ItemRequests:
    """Handlers; each takes the client, its request and the settings, and returns what Done carries."""

    def __init__(
        self,
        permissions: Permissions,
        defaults_file: DefaultsFile,
        sessions: SessionDefaults,
        audit: Audit,
        clock: Clock,
    ) -> None:
        self._sessions = sessions
        self._audit = audit
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

    async def find(self, client: Conversation, request: requests.FindItems, settings: Settings) -> object:
        plugin = loader.find_by_executable(request.executable)
        if plugin is None:
            raise UsageError(f"no plugin wraps {printable(request.executable)}")
        verb = f"look for a credential for {printable(request.executable)} in"
        permission = await self._permit(client, request, settings, verb)
        return await permission.unlocked.run(lambda: _related_first(permission, plugin))

    async def get(self, client: Conversation, request: requests.GetItem, settings: Settings) -> object:
        entry = self._permissions.choose(request.account, client.caller)
        title = printable(entry.title)
        line = f"keyturn is to read the item “{printable(request.item)}” of account “{title}”"
        purpose = Purpose((line,), Use(entry.id, request.item), "keyturn item get", "named")
        how = ""
        try:
            permission = await self._permissions.obtain(client, entry, purpose, settings)
            how = permission.how
            item, vault = await permission.unlocked.run(
                lambda: _find(permission, request.item, request.vault)
            )
            if ALWAYS_ASK in item.tags:
                anew = Purpose((line,), Use(entry.id, item.id))
                await self._permissions.obtain_anew(client, entry, anew, request.item)
        except KeyturnError as error:
            self._audit.write(client.caller, purpose, error, how)
            raise
        self._audit.write(client.caller, dataclasses.replace(purpose, use=Use(entry.id, item.id)), None, how)
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
        verb = f"change the item “{printable(request.item)}” of"
        permission = await self._permit(client, request, settings, verb)
        before, _ = await permission.unlocked.run(lambda: _find(permission, request.item, request.vault))
        if ALWAYS_ASK in before.tags:
            line = f"keyturn is to change the item “{printable(before.title)}”, which asks each time"
            purpose = Purpose((line,), Use(permission.entry.id, before.id))
            await self._permissions.obtain_anew(client, permission.entry, purpose)

        def edit() -> tuple[Item, VaultReference]:
            item, vault = _find(permission, request.item, request.vault)
            if request.always_ask is not None:
                kept = [tag for tag in item.tags if tag != ALWAYS_ASK]
                item.tags = [*kept, ALWAYS_ASK] if request.always_ask else kept
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
        terminal = _terminal(client, request)
        await self._permit(
            client, request, settings, f"set the default of {printable(request.executable)} in"
        )
        await asyncio.to_thread(self._defaults.change, partial(_with_request, request))
        if terminal is not None:
            item = {request.executable: request.reference}
            await asyncio.to_thread(self._sessions.change, terminal, lambda items: {**items, **item})
        return None

    async def _permit(
        self, client: Conversation, request: requests.Request, settings: Settings, verb: str
    ) -> Permission:
        entry = self._permissions.choose(request.account, client.caller)
        line = f"keyturn is to {verb} account “{printable(entry.title)}”"
        purpose = Purpose((line,), Use(entry.id))
        return await self._permissions.obtain(client, entry, purpose, settings)


def _terminal(client: Conversation, request: requests.SetDefault) -> TerminalSession | None:
    """The terminal session that the default is for; None in another scope. UsageError if there is none."""
    if request.scope is Scope.DIRECTORY:
        try:
            places.path(request.place)
        except ValueError:
            raise UsageError("no directory is named that a default could be for") from None
    if request.scope is not Scope.SESSION:
        return None
    terminal = identity.nearest_terminal_session(client.caller.process)
    if terminal is None:
        raise UsageError(
            "there is no terminal session here that a default could be for",
            "in a terminal it is for that one; else choose --scope directory or --scope global",
        )
    return terminal


def _with_request(request: requests.SetDefault, known: Defaults) -> Defaults:
    """`known` with what the request asks for, but for a session's default."""
    item = request.reference
    if request.scope is Scope.DIRECTORY:
        known = defaults.with_directory_default(known, request.place, request.executable, item)
    elif request.scope is Scope.GLOBAL:
        known = defaults.with_default(known, request.executable, item)
    if request.vault_title:
        known = defaults.with_vault_title(known, item.vault, request.vault_title)
    if request.bind:
        known = defaults.with_binding(known, request.owner or request.plugin, request.bind, item)
    if request.trust:
        known = defaults.with_trusted(known, request.plugin, request.trust)
    return known


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


def _related_first(permission: Permission, plugin: Plugin) -> list[results.FoundItem]:
    """Every item, the surest relation first; within one by title."""
    backend = permission.unlocked.backend
    found = []
    for summary, vault in backend.items(None):
        how = relation(backend.get(summary.id)[0], plugin)
        row = results.FoundItem(
            id=summary.id,
            title=summary.title,
            vault=vault.id,
            vault_title=vault.name,
            account=permission.entry.id,
            related=how is not Relation.NONE,
        )
        found.append((-how, row.title.casefold(), row.id, row))
    return [row for *_, row in sorted(found, key=lambda each: each[:3])]


def _find(permission: Permission, wanted: str, vault: str) -> tuple[Item, VaultReference]:
    summary = choose([each for each, _ in _items(permission, vault)], wanted)
    if summary is None:
        raise MissingError(f"there is no item “{printable(wanted)}”", "see: keyturn item list")
    return permission.unlocked.backend.get(summary.id)


def _apply(item: Item, changes: list[FieldChange]) -> None:
    """Set, add, remove or rename fields. UsageError: an unknown type; MissingError: nothing to remove."""
    for change in changes:
        field = find_field(item, change.label)
        if change.value is None and change.former:
            _rename(item, change, field)
            continue
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


def _rename(item: Item, change: FieldChange, there: Field | None) -> None:
    """Give the field called `change.former` the label; an empty field that has it already goes."""
    field = find_field(item, change.former)
    if field is None:
        raise MissingError(
            f"item “{printable(item.title)}” has no field “{printable(change.former)}”",
            "see what it has: keyturn item get",
        )
    if there is not None and there is not field:
        if there.value:
            raise UsageError(f"item “{printable(item.title)}” has a field “{printable(there.label)}” already")
        item.fields.remove(there)
    item.fields[item.fields.index(field)] = msgspec.structs.replace(
        field, label=change.label, type=_type(change, field)
    )


def _type(change: FieldChange, field: Field | None) -> FieldType:
    if change.type:
        if change.type not in TYPE_WORDS:
            words = ", ".join(TYPE_WORDS)
            raise UsageError(f"no field type is called {printable(change.type)}", f"types: {words}")
        return TYPE_WORDS[change.type]
    return field.type if field is not None else FieldType.CONCEALED

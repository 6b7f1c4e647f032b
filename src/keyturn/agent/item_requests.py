"""Requests that read items."""

from __future__ import annotations

from keyturn.agent import item_access, requests, results
from keyturn.agent.conversation import Conversation
from keyturn.agent.field_changes import one_time_password
from keyturn.agent.item_access import ItemAccess
from keyturn.agent.permission import Permission
from keyturn.catalogue import loader
from keyturn.ground.clock import Clock
from keyturn.ground.errors import MissingError, UsageError
from keyturn.ground.names import plain_label, printable
from keyturn.ground.settings import Settings
from keyturn.items import (
    CREDENTIAL_TAG,
    Field,
    FieldType,
    Item,
    ItemSummary,
    VaultReference,
    find_field,
    required_field,
)
from keyturn.sdk.relation import Relation, missing_fields, relation
from keyturn.sdk.schema import Plugin


class ItemRequests:
    """Handlers; each takes the client, its request and the settings, and returns what Done carries."""

    def __init__(self, access: ItemAccess, clock: Clock) -> None:
        self._access = access
        self._clock = clock

    async def list(self, client: Conversation, request: requests.ListItems, settings: Settings) -> object:
        permission = await self._access.permit(client, request, settings, "list the items of")
        found = await permission.unlocked.run(lambda: _listed(permission, request))
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
            raise loader.unknown(request.executable)
        verb = f"look for a credential for {printable(request.executable)} in"
        permission = await self._access.permit(client, request, settings, verb)
        return await permission.unlocked.run(lambda: _related_first(permission, plugin))

    async def get(self, client: Conversation, request: requests.GetItem, settings: Settings) -> object:
        def finder(permission: Permission) -> tuple[Item, VaultReference]:
            if request.version is None:
                return item_access.find(permission, request.item, request.vault)
            item, vault = item_access.find_anywhere(permission, request.item, request.vault)
            return _version(permission.unlocked.backend.history(item.id), request.version), vault

        permission, item, vault = await self._access.read(client, request, settings, finder)
        return item_access.view(permission, item, vault)

    async def codes(self, client: Conversation, request: requests.GetCodes, settings: Settings) -> object:
        def finder(permission: Permission) -> tuple[Item, VaultReference]:
            return item_access.find(permission, request.item, request.vault)

        _, item, _ = await self._access.read(client, request, settings, finder)
        field = _one_time_password(item, request.field)
        where = f"the field “{printable(field.label)}” of “{printable(item.title)}”"
        generator = one_time_password(field.value, where)
        now = self._clock.now()
        step = generator.step(now)
        rows = []
        for number in (step, step + 1) if request.following else (step,):
            starts = number * generator.period - now.timestamp()
            valid_in, valid_for = max(0.0, starts), starts + generator.period
            rows.append(results.CodeRow(generator.code(number), round(valid_in, 1), round(valid_for, 1)))
        return rows

    async def versions(
        self, client: Conversation, request: requests.ListVersions, settings: Settings
    ) -> object:
        def finder(permission: Permission) -> tuple[Item, VaultReference]:
            return item_access.find_anywhere(permission, request.item, request.vault)

        permission, item, _ = await self._access.read(client, request, settings, finder)
        found = await permission.unlocked.run(lambda: permission.unlocked.backend.history(item.id))
        rows, before = [], None
        for each in found:
            rows.append(
                results.VersionRow(
                    version=each.version,
                    title=each.title,
                    updated_at=each.updated_at,
                    current=each is found[-1],
                    changes=_differences(before, each),
                )
            )
            before = each
        return rows

    async def check(self, client: Conversation, request: requests.CheckItem, settings: Settings) -> object:
        permission = await self._access.permit(client, request, settings, "read back an item of")
        backend = permission.unlocked.backend

        def is_there() -> bool:
            item, _ = backend.read_back(request.reference.item)
            for label, value in request.fields.items():
                field = find_field(item, label)
                if field is None or field.value != value:
                    return False
            return bool(request.fields)

        return await permission.unlocked.run(is_there)


def _listed(permission: Permission, request: requests.ListItems) -> list[tuple[ItemSummary, VaultReference]]:
    """The items that the request's words, tag and credential type leave. Raises UsageError, MissingError."""
    chosen = item_access.vault_id(permission, request.vault)
    backend = permission.unlocked.backend
    words = [word.casefold() for word in request.words]
    found = [
        (summary, vault)
        for summary, vault in backend.items(chosen, archived=request.archived)
        if all(any(word in text.casefold() for text in (summary.title, *summary.tags)) for word in words)
    ]
    if request.tag:
        found = [pair for pair in found if request.tag in pair[0].tags]
    if request.type:
        plugin = loader.load(request.type.partition("/")[0])
        if plugin.tag != CREDENTIAL_TAG + request.type:
            raise UsageError(
                f"no credential type is called {printable(request.type)}",
                f"the one of {plugin.name} is {plugin.tag.removeprefix(CREDENTIAL_TAG)}",
            )
        found = [pair for pair in found if _is_of_type(permission, pair[0], plugin)]
    return found


def _is_of_type(permission: Permission, summary: ItemSummary, plugin: Plugin) -> bool:
    """By its tag; an item that no tag speaks for, by the labels of its fields."""
    if plugin.tag in summary.tags:
        return True
    if any(tag.startswith(CREDENTIAL_TAG) and tag.count("/") > 1 for tag in summary.tags):
        return False
    item = permission.unlocked.backend.history(summary.id)[-1]
    labels = {plain_label(field.label) for field in item.fields}
    return len(labels) == len(item.fields) and not missing_fields(item, plugin)


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


def _version(history: list[Item], wanted: int) -> Item:
    for item in history:
        if item.version == wanted:
            return item
    there = ", ".join(str(item.version) for item in history)
    title = printable(history[-1].title)
    raise MissingError(f"version {wanted} of the item “{title}” is not kept", f"versions kept: {there}")


def _differences(before: Item | None, after: Item) -> list[str]:
    """What an edit did, as far as it can be said without values; nothing of the oldest version kept."""
    if before is None:
        return []
    was = {field.id: field for field in before.fields}
    found = [] if before.title == after.title else ["title"]
    if (before.tags, before.urls) != (after.tags, after.urls):
        found.append("tags")
    for field in after.fields:
        old = was.pop(field.id, None)
        if old is None:
            found.append(f"+{field.label}")
        elif old != field:
            found.append(field.label)
    return [*found, *(f"-{field.label}" for field in was.values())]


def _one_time_password(item: Item, label: str) -> Field:
    """The field that codes are made from: the one of that label, else the only one of the type.

    Raises MissingError, UsageError if there are several.
    """
    if label:
        return required_field(item, label)
    title = printable(item.title)
    found = [field for field in item.fields if field.type is FieldType.OTP and field.value]
    if len(found) > 1:
        labels = ", ".join(f"“{printable(field.label)}”" for field in found)
        raise UsageError(
            f"item “{title}” has {len(found)} one-time passwords: {labels}", "choose: --field LABEL"
        )
    if not found:
        raise MissingError(
            f"item “{title}” has no one-time password",
            f"add it: keyturn item edit {item.id} 'one-time password[otp]'",
            f"or from a picture: keyturn item edit {item.id} --otp-qr FILE",
        )
    return found[0]

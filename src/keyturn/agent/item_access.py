"""What every request about items needs: the yes to use the account, and which item or vault is meant."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from keyturn.agent import requests, results
from keyturn.agent.audit import Audit
from keyturn.agent.conversation import Conversation
from keyturn.agent.permission import Permission, Permissions
from keyturn.agent.questions import Purpose
from keyturn.agent.uses import Use
from keyturn.ground.errors import AmbiguousError, KeyturnError, MissingError, UsageError
from keyturn.ground.names import printable
from keyturn.ground.settings import Settings
from keyturn.items import ALWAYS_ASK, Item, VaultReference

Finder = Callable[[Permission], tuple[Item, VaultReference]]


class ItemAccess:
    """Asks for permissions, and writes down which items were read."""

    def __init__(self, permissions: Permissions, audit: Audit) -> None:
        self._permissions = permissions
        self._audit = audit

    async def permit(
        self, client: Conversation, request: requests.Request, settings: Settings, verb: str
    ) -> Permission:
        """A yes to do `verb`, which ends with a preposition, to the account. Raises as `obtain`."""
        entry = self._permissions.choose(request.account, client.caller)
        line = f"keyturn is to {verb} account “{printable(entry.title)}”"
        return await self._permissions.obtain(client, entry, Purpose((line,), Use(entry.id)), settings)

    async def read(
        self,
        client: Conversation,
        request: requests.GetItem | requests.GetCodes | requests.ListVersions,
        settings: Settings,
        finder: Finder,
    ) -> tuple[Permission, Item, VaultReference]:
        """The item whose values `request` is given, as `finder` finds it; asked for and written down."""
        entry = self._permissions.choose(request.account, client.caller)
        title = printable(entry.title)
        line = f"keyturn is to read the item “{printable(request.item)}” of account “{title}”"
        purpose = Purpose((line,), Use(entry.id, request.item), "keyturn item get", "named")
        how = ""
        try:
            permission = await self._permissions.obtain(client, entry, purpose, settings)
            how = permission.how
            item, vault = await permission.unlocked.run(lambda: finder(permission))
            if ALWAYS_ASK in item.tags:
                anew = Purpose((line,), Use(entry.id, item.id))
                await self._permissions.obtain_anew(client, entry, anew, request.item)
        except KeyturnError as error:
            self._audit.write(client.caller, purpose, error, how)
            raise
        self._audit.write(client.caller, dataclasses.replace(purpose, use=Use(entry.id, item.id)), None, how)
        return permission, item, vault

    async def agree_anew(self, client: Conversation, permission: Permission, item: Item, verb: str) -> None:
        """For an item that asks each time: a yes to this, before it is changed. Raises as `obtain_anew`."""
        if ALWAYS_ASK in item.tags:
            line = f"keyturn is to {verb} the item “{printable(item.title)}”, which asks each time"
            purpose = Purpose((line,), Use(permission.entry.id, item.id))
            await self._permissions.obtain_anew(client, permission.entry, purpose)


def find(permission: Permission, wanted: str, vault: str) -> tuple[Item, VaultReference]:
    """The item called so, in the vault called so. Raises MissingError, AmbiguousError."""
    return permission.unlocked.backend.find(wanted, vault_id(permission, vault))


def find_anywhere(permission: Permission, wanted: str, vault: str) -> tuple[Item, VaultReference]:
    """As `find`; an archived item if there is no other of this name."""
    backend, place = permission.unlocked.backend, vault_id(permission, vault)
    try:
        return backend.find(wanted, place)
    except MissingError as error:
        try:
            return backend.find_archived(wanted, place)
        except MissingError:
            raise error from None


def vault_id(permission: Permission, wanted: str) -> str | None:
    """The id of the vault called so; None for any."""
    return find_vault(permission, wanted).id if wanted else None


def view(permission: Permission, item: Item, vault: VaultReference) -> results.ItemView:
    return results.ItemView(account=permission.entry.id, vault=vault.id, vault_title=vault.name, item=item)


def row(item: Item, vault: VaultReference) -> results.ItemRow:
    return results.ItemRow(
        id=item.id,
        title=item.title,
        vault=vault.id,
        vault_title=vault.name,
        category=item.category,
        tags=list(item.tags),
        updated_at=item.updated_at,
    )


def find_vault(permission: Permission, wanted: str) -> VaultReference:
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

"""A 1Password account as a vault's store."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from keyturn.ground.errors import (
    ConfigurationError,
    ConflictError,
    UnreachableError,
    UnsupportedError,
    UsageError,
)
from keyturn.ground.names import printable
from keyturn.ground.secret import Secret
from keyturn.items import Item
from keyturn.vaults import operations
from keyturn.vaults.onepassword import items, program
from keyturn.vaults.onepassword.items import JsonItem, ListedItem, ListedVault
from keyturn.vaults.onepassword.program import (
    CONNECT,
    CONNECT_HOST,
    SERVICE,
    SERVICE_TOKEN_PREFIX,
    Access,
    NotSignedInError,
    Op,
)
from keyturn.vaults.operations import (
    Answer,
    Got,
    KeyWanted,
    Listed,
    Listing,
    Made,
    Nothing,
    Opened,
    Operation,
)
from keyturn.vaults.places import Place

# The first with the JSON that is read here, and the first that takes an edit by standard input.
OLDEST, EDITS = (2, 9), (2, 23)
# `op` takes a second or two, and 1Password cannot be asked whether something changed for less than that.
ITEM_SECONDS, LISTING_SECONDS = 600.0, 60.0


def open_store(place: Place, key: Secret | None, environment: Mapping[str, str]) -> OnePassword:
    """A store for one task."""
    return OnePassword(place, key, environment)


class OnePassword:
    """Implements `Store`."""

    def __init__(self, place: Place, key: Secret | None, environment: Mapping[str, str]) -> None:
        self._place = place
        self._key = key
        self._environment = environment
        self._op = self._with(None if key is None else Access.unpacked(key))

    def _with(self, access: Access | None) -> Op:
        return Op(self._place.program, self._place.path, access, self._environment)

    def do(self, operation: Operation) -> Answer:
        if isinstance(operation, operations.Unlock):
            return self._unlock()
        try:
            return self._do(operation)
        except NotSignedInError:
            raise program.ended() from None

    def _do(self, operation: Operation) -> Answer:
        match operation:
            case operations.ListItems():
                return self._list()
            case operations.GetItem(item=item, archived=archived):
                return self._got(self._get(item, archived=archived))
            case operations.CreateItem(vault=vault, content=item):
                content = items.template(item)
                return self._got(
                    self._op.json(dict, "item", "create", "-", "--vault", vault, content=content)
                )
            case operations.EditItem(content=item):
                return self._edit(item)
            case operations.MoveItem(item=item, vault=vault):
                was = items.vault_of(self._get(item)).id
                words = ("item", "move", item, "--current-vault", was, "--destination-vault", vault)
                return self._got(self._op.json(dict, *words))
            case operations.ArchiveItem(item=item):
                found = self._get(item)
                self._op.run("item", "delete", item, "--archive", "--vault", items.vault_of(found).id)
                return self._got(found)
            case operations.DeleteItem(item=item):
                self._op.run("item", "delete", item)
                return Nothing()
            case operations.CreateVault(name=name):
                return self._create_vault(name)
            case operations.RestoreItem(version=None):
                raise UnsupportedError(
                    "1Password's op takes nothing out of the archive", "in the app: Archive, then Restore"
                )
            case _:
                raise UnsupportedError(
                    "1Password's op shows no former versions", "in the app: View item history"
                )

    def _unlock(self) -> Opened | KeyWanted:
        self._version(OLDEST)
        access = None
        if self._key is None and CONNECT_HOST in self._environment:
            return self._wanted()
        if self._key is not None:
            try:
                access = Access.unpacked(self._key) or self._access(self._key)
            except NotSignedInError:
                return self._wanted()
        try:
            self._with(access).json(list[ListedVault], "vault", "list")
        except NotSignedInError:
            return self._wanted()
        if access is None:
            return Opened()
        return Opened(access.packed(), typed=True)

    def _access(self, typed: Secret) -> Access:
        """What a person's text lets `op` in by: a token as it is, a password for a session."""
        if typed.reveal().startswith(SERVICE_TOKEN_PREFIX):
            return Access(SERVICE, typed)
        if CONNECT_HOST in self._environment:
            return Access(CONNECT, typed)
        return self._op.sign_in(typed)

    def _wanted(self) -> KeyWanted:
        if CONNECT_HOST in self._environment:
            return KeyWanted("token of the 1Password Connect server: ")
        accounts = self._op_alone().json(list[dict[str, Any]], "account", "list")
        if not accounts:
            return KeyWanted("token of the 1Password service account: ")
        named = self._place.path or str(accounts[0].get("email") or accounts[0].get("url") or "")
        return KeyWanted(f"password of the 1Password account {printable(named)}: ")

    def _op_alone(self) -> Op:
        """For what is about no account."""
        return Op(self._place.program, "", None, self._environment)

    def _version(self, oldest: tuple[int, int]) -> None:
        printed = self._op.run("--version").decode("utf-8", "replace").strip()
        found = re.match(r"(\d+)\.(\d+)", printed)
        if found is None:
            raise ConfigurationError(f"{printable(self._place.program, 300)} is not 1Password's op")
        if (int(found[1]), int(found[2])) < oldest:
            raise ConfigurationError(
                f"op {printable(printed)} is too old for this: {oldest[0]}.{oldest[1]} or later is needed",
                "renew it: op update",
            )

    def _list(self) -> Listing:
        vaults = self._op.json(list[ListedVault], "vault", "list")
        found = self._op.json(list[ListedItem], "item", "list", "--include-archive")
        references = [each.reference() for each in vaults if items.is_known_id(each.id)]
        known = {each.id for each in references}
        listed = [
            Listed(each.summary(), each.vault.id, each.state == "ARCHIVED")
            for each in found
            if items.is_known_id(each.id) and each.vault.id in known
        ]
        return Listing(references, listed, seconds=LISTING_SECONDS)

    def _get(self, item_id: str, *, archived: bool = False) -> JsonItem:
        more = ("--include-archive",) if archived else ()
        found: JsonItem = self._op.json(dict, "item", "get", item_id, *more)
        return found

    def _edit(self, item: Item) -> Got:
        self._version(EDITS)
        found = self._get(item.id)
        if items.item_of(found).version != item.version:
            raise ConflictError("the item was changed meanwhile", "look at it, then try again")
        words = ("item", "edit", item.id, "--vault", items.vault_of(found).id)
        return self._got(self._op.json(dict, *words, content=items.edited(found, item)))

    def _create_vault(self, name: str) -> Made:
        is_line = 0 < len(name) <= 120 and name == name.strip() and name.isprintable()
        if not is_line or name.startswith("-"):
            raise UsageError("a vault's name is one line of 1 to 120 characters, not beginning with -")
        if any(each.name == name for each in self._op.json(list[ListedVault], "vault", "list")):
            raise ConflictError(f"1Password has a vault “{printable(name)}” already")
        return Made(self._op.json(ListedVault, "vault", "create", name).reference())

    def _got(self, found: JsonItem) -> Got:
        try:
            return Got(items.item_of(found), items.vault_of(found), seconds=ITEM_SECONDS)
        except (KeyError, TypeError, ValueError):
            pass
        raise UnreachableError("1Password's op printed something that is no item")

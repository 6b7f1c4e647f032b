"""What the CLI asks of the agent about vaults and items; a part of `agent/requests.py`."""

from __future__ import annotations

import msgspec

from keyturn.agent.message import Request
from keyturn.ground.secret import Secret
from keyturn.items import Item, ItemReference, Url


class CreateVault(Request, frozen=True, kw_only=True):
    title: str


class ListVaults(Request, frozen=True, kw_only=True):
    """Done(list of VaultRow)."""


class ListItems(Request, frozen=True, kw_only=True):
    """Those whose title and tags hold all `words`, with `tag` among their tags. Done(list of ItemRow).

    `type` is a credential's, such as aws/access-key. `archived`: those that were deleted, and no others.
    """

    vault: str = ""
    words: list[str] = msgspec.field(default_factory=list)
    tag: str = ""
    type: str = ""
    archived: bool = False


class GetItem(Request, frozen=True, kw_only=True):
    """An item by id or title, as it is or as `version` of it was. Done(ItemView)."""

    item: str
    vault: str = ""
    version: int | None = None


class GetCodes(Request, frozen=True, kw_only=True):
    """The code of the item's one-time password, or of `field`; with `following` the next one besides.
    Done(list of CodeRow)."""

    item: str
    vault: str = ""
    field: str = ""
    following: bool = False


class ListVersions(Request, frozen=True, kw_only=True):
    """The versions of an item that are kept, the oldest first. Done(list of VersionRow)."""

    item: str
    vault: str = ""


class FindItems(Request, frozen=True, kw_only=True):
    """All items of an account, those that may be `executable`'s credential first. Done(list of FoundItem)."""

    executable: str


class FieldChange(msgspec.Struct, frozen=True):
    """Set the field that `label` matches, or add it. No value: it is removed, or, if `former` names another
    field of the item (or `label` itself), that one is from now on called `label` and of the type."""

    label: str
    type: str = ""
    value: Secret | None = None
    former: str = ""


class CreateItem(Request, frozen=True, kw_only=True):
    """Done(ItemView)."""

    title: str
    fields: list[FieldChange]
    vault: str = ""
    tags: list[str] = msgspec.field(default_factory=list)
    urls: list[Url] = msgspec.field(default_factory=list)


class EditItem(Request, frozen=True, kw_only=True):
    """Done(ItemView)."""

    item: str
    vault: str = ""
    title: str = ""
    fields: list[FieldChange] = msgspec.field(default_factory=list)
    tags: list[str] | None = None
    always_ask: bool | None = None


class ReplaceItem(Request, frozen=True, kw_only=True):
    """Title, tags and fields of an item that was read; `item.version` tells when. Done(ItemView)."""

    item: Item


class DeleteItem(Request, frozen=True, kw_only=True):
    """Archive an item, or remove it with its history. Done(ItemRow)."""

    item: str
    vault: str = ""
    permanently: bool = False


class RestoreItem(Request, frozen=True, kw_only=True):
    """Take an item out of the archive; with `version`, make it what it was then. Done(ItemRow)."""

    item: str
    vault: str = ""
    version: int | None = None


class MoveItem(Request, frozen=True, kw_only=True):
    """Put an item into the vault called `to`. Done(ItemView)."""

    item: str
    to: str
    vault: str = ""


class CheckItem(Request, frozen=True, kw_only=True):
    """Read an item back from disk through a fresh decryption and compare fields. Done(bool)."""

    reference: ItemReference
    fields: dict[str, Secret]

"""How documents begin and change: pure functions from one document to the next."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from keyturn.ground.errors import ConflictError, MissingError
from keyturn.ground.names import new_id, printable
from keyturn.items import Item
from keyturn.vaults.age.documents import (
    ACCOUNT_FORMAT,
    VAULT_FORMAT,
    AccountDocument,
    SlotRecord,
    VaultDocument,
    decode_item,
    encode_item,
)
from keyturn.vaults.age.slots import SlotKey

# How many former versions of an item a vault keeps: a vault is one file, written whole at every save.
VERSIONS_KEPT = 10


def first_account(
    account: str, title: str, slots: Sequence[SlotRecord], moment: str, writer: str
) -> AccountDocument:
    """The first payload of account.age. `moment` is RFC 3339, `writer` the machine's id."""
    return AccountDocument(
        keyturn="account",
        format=ACCOUNT_FORMAT,
        account=account,
        title=title,
        created=moment,
        generation=1,
        writer=writer,
        history=[],
        slots=list(slots),
        previous=None,
    )


def empty_vault(account: str, vault: str, title: str, moment: str, writer: str) -> VaultDocument:
    """The first payload of a vault."""
    return VaultDocument(
        keyturn="vault",
        format=VAULT_FORMAT,
        account=account,
        vault=vault,
        title=title,
        created=moment,
        generation=1,
        writer=writer,
        history=[],
        items={},
        archived={},
        versions={},
    )


def new_record(key: SlotKey, moment: str) -> SlotRecord:
    """What the account keeps of a new slot, which gets an id of its own here."""
    return SlotRecord(new_id(), key.kind, key.title, moment, key.recipient, key.block.decode("ascii"))


def held(document: VaultDocument, item_id: str) -> msgspec.Raw | None:
    """An item's content, archived or not; None if the vault has none of this id."""
    content = document.items.get(item_id)
    return document.archived.get(item_id) if content is None else content


def item_in(document: VaultDocument, item_id: str) -> Item:
    """An item, archived or not. Raises MissingError, DamagedError."""
    content = held(document, item_id)
    if content is None:
        raise MissingError(f"there is no item {printable(item_id)} any more")
    return decode_item(item_id, content)


def former(document: VaultDocument, item_id: str) -> list[Item]:
    """What an item was before its edits, as far as that is kept, the oldest first. Raises DamagedError."""
    return [decode_item(item_id, content) for content in document.versions.get(item_id, [])]


def with_item(document: VaultDocument, item: Item) -> VaultDocument:
    """`document` with the item in it, in the place of the one with its id or after the others.

    Raises UsageError for an item that cannot be stored.
    """
    items = {**document.items, item.id: msgspec.Raw(encode_item(item))}
    return msgspec.structs.replace(document, items=items)


def with_edited(document: VaultDocument, item: Item, moment: str) -> VaultDocument:
    """`document` with the next version of the item, edited at `moment`; what it was is kept.

    Raises MissingError if it is gone, ConflictError if the stored version is not the one that was edited.
    """
    if item.id not in document.items:
        raise MissingError(f"there is no item {printable(item.id)} any more")
    stored = decode_item(item.id, document.items[item.id])
    if stored.version != item.version:
        raise ConflictError(
            f"the item “{printable(stored.title)}” was changed meanwhile: "
            f"it has version {stored.version}, edited was {item.version}",
            "look at it again and repeat the edit",
        )
    return _with_next(document, stored, item, moment)


def archived(document: VaultDocument, item_id: str, moment: str) -> VaultDocument:
    """`document` with an item among the archived ones from `moment` on. Raises MissingError."""
    if item_id not in document.items:
        raise MissingError(f"there is no item {printable(item_id)} any more")
    item = msgspec.structs.replace(item_in(document, item_id), updated_at=moment)
    return msgspec.structs.replace(
        document,
        items={key: content for key, content in document.items.items() if key != item_id},
        archived={**document.archived, item_id: msgspec.Raw(encode_item(item))},
    )


def restored(document: VaultDocument, item_id: str, moment: str, version: int | None) -> VaultDocument:
    """`document` with an item out of the archive; with `version`, as that one was, which is a new version.

    Raises MissingError if the item or that version of it is not there.
    """
    stored = item_in(document, item_id)
    back = document
    if item_id in document.archived:
        back = with_item(document, msgspec.structs.replace(stored, updated_at=moment))
        kept = {key: content for key, content in document.archived.items() if key != item_id}
        back = msgspec.structs.replace(back, archived=kept)
    if version is None or version == stored.version:
        return back
    versions = former(document, item_id)
    for item in versions:
        if item.version == version:
            return _with_next(back, stored, item, moment)
    there = ", ".join(str(item.version) for item in versions) or "none"
    raise MissingError(
        f"version {version} of the item “{printable(stored.title)}” is not kept", f"versions kept: {there}"
    )


def without(document: VaultDocument, item_id: str) -> VaultDocument:
    """`document` without an item, its versions, and whatever else it says of it; itself if it has none."""
    if held(document, item_id) is None:
        return document
    return msgspec.structs.replace(
        document,
        items={key: content for key, content in document.items.items() if key != item_id},
        archived={key: content for key, content in document.archived.items() if key != item_id},
        versions={key: content for key, content in document.versions.items() if key != item_id},
    )


def received(document: VaultDocument, source: VaultDocument, item_id: str) -> VaultDocument:
    """`document` with an item of `source`, its versions, and the mark of being the newer copy of two.

    Until it is taken out of `source`, it is in both: the higher version tells which one counts.
    """
    moved = item_in(source, item_id)
    moved.version += 1
    content = {item_id: msgspec.Raw(encode_item(moved))}
    document = without(document, item_id)
    versions = {item_id: source.versions[item_id]} if item_id in source.versions else {}
    if item_id in source.items:
        document = msgspec.structs.replace(document, items={**document.items, **content})
    else:
        document = msgspec.structs.replace(document, archived={**document.archived, **content})
    return msgspec.structs.replace(document, versions={**document.versions, **versions})


def _with_next(document: VaultDocument, stored: Item, item: Item, moment: str) -> VaultDocument:
    following = msgspec.structs.replace(
        item, version=stored.version + 1, created_at=stored.created_at, updated_at=moment
    )
    kept = [*document.versions.get(item.id, []), msgspec.Raw(encode_item(stored))]
    versions = {**document.versions, item.id: kept[-VERSIONS_KEPT:]}
    return msgspec.structs.replace(with_item(document, following), versions=versions)

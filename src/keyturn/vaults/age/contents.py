"""How documents begin and change: pure functions from one document to the next."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from keyturn.ground.errors import ConflictError, MissingError
from keyturn.ground.names import new_id, printable
from keyturn.items import Item
from keyturn.vaults.age.documents import (
    FORMAT,
    AccountDocument,
    SlotRecord,
    VaultDocument,
    decode_item,
    encode_item,
)
from keyturn.vaults.age.slots import SlotKey


def first_account(
    account: str, title: str, slots: Sequence[SlotRecord], moment: str, writer: str
) -> AccountDocument:
    """The first payload of account.age. `moment` is RFC 3339, `writer` the machine's id."""
    return AccountDocument(
        keyturn="account",
        format=FORMAT,
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
        format=FORMAT,
        account=account,
        vault=vault,
        title=title,
        created=moment,
        generation=1,
        writer=writer,
        history=[],
        items={},
    )


def new_record(key: SlotKey, moment: str) -> SlotRecord:
    """What the account keeps of a new slot, which gets an id of its own here."""
    return SlotRecord(new_id(), key.kind, key.title, moment, key.recipient, key.block.decode("ascii"))


def with_item(document: VaultDocument, item: Item) -> VaultDocument:
    """`document` with the item in it, in the place of the one with its id or after the others.

    Raises UsageError for an item that cannot be stored.
    """
    items = {**document.items, item.id: msgspec.Raw(encode_item(item))}
    return msgspec.structs.replace(document, items=items)


def edited(document: VaultDocument, item: Item, moment: str) -> Item:
    """`item` as it may replace the stored one: the next version, edited at `moment`.

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
    return msgspec.structs.replace(
        item, version=stored.version + 1, created_at=stored.created_at, updated_at=moment
    )

"""Account, vault, item, field: 1Password's nouns, in the shape of `op item get --format json`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

from keyturn.ground.errors import AmbiguousError, MissingError
from keyturn.ground.names import ID_PATTERN, new_id, plain_label, printable
from keyturn.ground.secret import Secret

CREDENTIAL_TAG = "keyturn/"
# A tag: each use of the item asks, whatever was approved.
ALWAYS_ASK = "keyturn/always-ask"

Id = Annotated[str, msgspec.Meta(pattern=ID_PATTERN)]


class FieldType(StrEnum):
    """What a field holds; the names are 1Password's."""

    TEXT = "STRING"
    CONCEALED = "CONCEALED"
    OTP = "OTP"
    URL = "URL"

    @property
    def is_secret(self) -> bool:
        return self in (FieldType.CONCEALED, FieldType.OTP)


# The words of an assignment `label[type]=value`.
TYPE_WORDS = {
    "text": FieldType.TEXT,
    "concealed": FieldType.CONCEALED,
    "otp": FieldType.OTP,
    "url": FieldType.URL,
}


class Section(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    id: str
    label: str = ""


class Field(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """One field of an item. Every value is a Secret: which ones may be shown, `type` tells."""

    id: str
    type: FieldType
    label: str
    value: Secret
    section: Section | None = None


class Url(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    href: str
    label: str = ""
    primary: bool = False


class VaultReference(msgspec.Struct, forbid_unknown_fields=True):
    id: Id
    name: str


class Item(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """One item. Times are RFC 3339 in UTC; `version` counts its edits from 1."""

    id: Id
    title: str
    category: str
    version: int
    created_at: str
    updated_at: str
    fields: list[Field]
    tags: list[str] = []
    urls: list[Url] = []


class ItemSummary(msgspec.Struct, frozen=True):
    """What can be said of an item without its values."""

    id: str
    title: str
    category: str = ""
    tags: tuple[str, ...] = ()
    updated_at: str = ""


def new_item(title: str, fields: list[Field], moment: str, tags: list[str] | None = None) -> Item:
    """A new item of category API_CREDENTIAL; `moment` is its time of creation."""
    return Item(
        id=new_id(),
        title=title,
        category="API_CREDENTIAL",
        version=1,
        created_at=moment,
        updated_at=moment,
        fields=fields,
        tags=tags or [],
    )


def new_field(label: str, kind: FieldType, value: Secret) -> Field:
    return Field(id=new_id(), type=kind, label=label, value=value)


def credential_tag(plugin: str, credential_type: str) -> str:
    """The tag that says which credential an item holds, set at its creation."""
    return f"{CREDENTIAL_TAG}{plugin}/{credential_type}"


def find_field(item: Item, label: str) -> Field | None:
    """The field whose label matches `label` without regard to case, spaces, `-` and `_`.

    None if there is none. Raises AmbiguousError, naming both labels, if two match.
    """
    wanted = plain_label(label)
    found = [field for field in item.fields if plain_label(field.label) == wanted]
    if len(found) > 1:
        names = " and ".join(f"“{printable(field.label)}”" for field in found[:2])
        raise AmbiguousError(
            f"item “{printable(item.title)}” has two fields for “{label}”: {names}",
            f"rename or remove one of them: keyturn item edit {item.id}",
        )
    return found[0] if found else None


def required_field(item: Item, label: str) -> Field:
    """As `find_field`, but a missing field or an empty value is a MissingError that names what is there."""
    field = find_field(item, label)
    if field is None or not field.value:
        there = ", ".join(f"“{printable(field.label)}”" for field in item.fields) or "none"
        what = "is empty" if field is not None else "is missing"
        raise MissingError(
            f"item “{printable(item.title)}”: the field “{label}” {what}",
            f"its fields: {there}",
            f"add it: keyturn item edit {item.id} '{label}'",
        )
    return field


def choose(summaries: list[ItemSummary], wanted: str) -> ItemSummary | None:
    """The item that `wanted` names: its id, or its title (exactly, else without regard to case).

    None if nothing matches. Raises AmbiguousError if a title stands for two items.
    """
    for match in (
        [item for item in summaries if item.id == wanted],
        [item for item in summaries if item.title == wanted],
        [item for item in summaries if item.title.casefold() == wanted.casefold()],
    ):
        if len(match) > 1:
            ids = ", ".join(item.id for item in match[:5])
            raise AmbiguousError(f"{len(match)} items are called “{printable(wanted)}”", f"use an id: {ids}")
        if match:
            return match[0]
    return None


class ItemReference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where an item is: ids, and the titles remembered for people; never a secret."""

    account: Id
    vault: Id
    item: Id
    title: str

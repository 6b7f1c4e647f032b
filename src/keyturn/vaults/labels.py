"""What other programs' entries cannot say of a field: kept as JSON beside the values, in a place of ours.

They have attributes with names of their own rules, and no types. An entry without this is read all the same.
"""

from __future__ import annotations

import msgspec

from keyturn.items import Field, FieldType

# The name of the place: an attribute, or a line.
OURS = "keyturn.fields"


class Named(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One field: the key of its attribute, its label and type; `json`: the value stands there as JSON."""

    key: str
    label: str
    type: FieldType
    json: bool = False


_decoder = msgspec.json.Decoder(list[Named])


def encode(named: list[Named]) -> str:
    return msgspec.json.encode(named).decode()


def decode(content: str) -> dict[str, Named]:
    """By key; nothing for text that is not ours: somebody's own attribute of that name says nothing here."""
    try:
        return {each.key: each for each in _decoder.decode(content)} if content else {}
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}


def key_for(field: Field, taken: set[str], *, is_allowed: bool) -> str:
    """The field's label as its key where that is allowed and free, else a number."""
    if is_allowed and field.label not in taken:
        return field.label
    number = 1
    while f"field {number}" in taken:
        number += 1
    return f"field {number}"

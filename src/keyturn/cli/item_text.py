"""An item as text for an editor, and back: TOML, read strictly.

A value that is not written stays as it is; so a secret one need not be in the file.
"""

from __future__ import annotations

import contextlib
import json
import re
import tomllib
from typing import Any

import msgspec

from keyturn.cli.item_view import WORDS
from keyturn.ground.errors import UsageError
from keyturn.ground.names import plain_label, printable
from keyturn.ground.secret import Secret
from keyturn.items import TYPE_WORDS, Field, Item, new_field

_HEAD = """\
# A field is a [[field]] block: remove one, add one, change label, type or value.
# Types: {types}.
# The id tells which field it was; a new one has none. Without a value it keeps
# the one that it has.
# Save and leave the editor to store it; leave it unchanged to change nothing.
"""


class UnreadableError(UsageError):
    """The text is no item; the message tells the place and repeats nothing of it."""

    code = "no-item"


class _Block(msgspec.Struct, forbid_unknown_fields=True):
    label: str
    type: str
    id: str = ""
    value: str | None = None


class _Text(msgspec.Struct, forbid_unknown_fields=True):
    title: str
    tags: list[str] = []
    field: list[dict[str, Any]] = []


def write(item: Item, *, reveal: bool) -> str:
    """The item as text, its secret values only with `reveal`."""
    tags = ", ".join(map(_quoted, item.tags))
    lines = [
        _HEAD.format(types=", ".join(TYPE_WORDS)),
        f"title = {_quoted(item.title)}",
        f"tags = [{tags}]",
    ]
    for field in item.fields:
        lines += ["", "[[field]]", f"id = {_quoted(field.id)}", f"label = {_quoted(field.label)}"]
        lines.append(f"type = {_quoted(WORDS[field.type])}")
        if reveal or not field.type.is_secret:
            lines.append(f"value = {_quoted(field.value.reveal())}")
        else:
            lines.append('# value = "…"  (hidden; --reveal shows it)')
    return "\n".join(lines) + "\n"


def read(text: Secret, item: Item) -> Item:
    """`item` as the text has it. Raises UnreadableError."""
    found = _parsed(text)
    before = {field.id: field for field in item.fields}
    fields: list[Field] = []
    seen: set[str] = set()
    for number, table in enumerate(found.field, 1):
        block = _block(table, number)
        field = _field(block, before, number)
        if block.id and any(each.id == block.id for each in fields):
            raise UnreadableError(f"field {number}: this id stands there twice")
        label = plain_label(field.label)
        if label in seen:
            raise UnreadableError(
                f"field {number}: another one is called so", "case, spaces, - and _ make no difference"
            )
        seen.add(label)
        fields.append(field)
    if not found.title.strip():
        raise UnreadableError("title: an item needs one")
    return msgspec.structs.replace(item, title=found.title, tags=found.tags, fields=fields)


def _parsed(text: Secret) -> _Text:
    place, found = "", None
    try:
        found = msgspec.convert(tomllib.loads(text.reveal()), _Text)
    except tomllib.TOMLDecodeError as error:
        # What it says may hold a part of a value; where it is does not.
        position = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        place = f"line {position[1]}, column {position[2]}" if position else "the end of the text"
    except msgspec.ValidationError:
        place = "title, tags or field"
    if found is None:
        # Raised out here: the other error would come along as the context, with the text in it.
        raise UnreadableError(f"{place}: that is not as an item is written")
    return found


def _block(table: dict[str, Any], number: int) -> _Block:
    found = None
    with contextlib.suppress(msgspec.ValidationError):
        found = msgspec.convert(table, _Block)
    if found is None:
        raise UnreadableError(f"field {number}: expected label, type, and perhaps id and value, as text")
    return found


def _field(block: _Block, before: dict[str, Field], number: int) -> Field:
    if block.type not in TYPE_WORDS:
        raise UnreadableError(f"field {number}: no such type", f"types: {', '.join(TYPE_WORDS)}")
    if not block.label.strip():
        raise UnreadableError(f"field {number}: a field needs a label")
    kind, was = TYPE_WORDS[block.type], before.get(block.id)
    if block.id and was is None:
        raise UnreadableError(f"field {number}: the item has no field of this id", "a new field has no id")
    if block.value is None and was is None:
        raise UnreadableError(f"field {number}: a new field needs a value")
    if kind.is_secret and block.value == "":
        raise UnreadableError(
            f"field {number}: the value of “{printable(block.label)}” is empty", "without the line it stays"
        )
    if was is None:
        return new_field(block.label, kind, Secret(block.value or ""))
    value = was.value if block.value is None else Secret(block.value)
    return msgspec.structs.replace(was, label=block.label, type=kind, value=value)


def _quoted(text: str) -> str:
    """A TOML string: JSON's, and what TOML wants escaped besides; text of several lines on several lines."""
    if "\n" not in text.rstrip("\n"):
        return f'"{_escaped(text)}"'
    return '"""\n' + "\n".join(map(_escaped, text.split("\n"))) + '"""'


def _escaped(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1].replace("\x7f", "\\u007f")

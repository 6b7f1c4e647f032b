"""The text of an entry as an item, and back.

As pass's users write it: the first line is the secret, then come lines `key: value`, and an otpauth URI on a
line of its own. What such lines cannot say stands in one line of ours at the end.
"""

from __future__ import annotations

import re

import msgspec

from keyturn.ground.names import plain_label
from keyturn.ground.secret import Secret
from keyturn.items import Field, FieldType, Item, Url
from keyturn.vaults import labels
from keyturn.vaults.labels import OURS, Named

FIRST = "password"
OTP = "one-time password"
# The key of the first line where a line of ours speaks of it; no other line has an empty one.
FIRST_KEY = ""
TAGS = "keyturn.tags"
CREATED = "keyturn.created"
# Lines that hold no secret, by what their keys commonly are; every other value is concealed.
OPEN = {"username", "user", "login", "email", "host", "port", "region", "account", "accesskeyid", "mfaserial"}
URL = "url"

_LINE = re.compile(r"([^:\s][^:]*): ?(.*)\Z")
_KEY = re.compile(r"[^:\s\x00-\x1f\x7f]([^:\x00-\x1f\x7f]*[^:\s\x00-\x1f\x7f])?\Z")
_ONE_LINE = re.compile(r"[^\x00-\x1f\x7f\x85\u2028\u2029]*\Z")


def parse(text: str) -> tuple[list[Field], list[str], list[Url], str]:
    """The fields of an entry, its tags, addresses, and when it was made (empty: not told)."""
    first, *lines = text.split("\n")
    pairs = [(FIRST_KEY, first)]
    loose: list[str] = []
    for line in lines:
        found = _LINE.match(line)
        if line.startswith("otpauth:"):
            pairs.append((OTP, line))
        elif found is not None:
            pairs.append((found[1], found[2]))
        elif line.strip():
            loose.append(line)
    ours = dict(pairs)
    named = labels.decode(ours.pop(OURS, ""))
    fields: list[Field] = []
    urls: list[Url] = []
    for key, value in pairs:
        if key in (OURS, TAGS, CREATED) or (key == FIRST_KEY and not value and key not in named):
            continue
        if plain_label(key) == URL and key not in named:
            urls.append(Url(value, primary=not urls))
            continue
        label, kind, is_json = FIRST if key == FIRST_KEY else key, FieldType.CONCEALED, False
        if key == OTP:
            kind = FieldType.OTP
        elif plain_label(key) in OPEN:
            kind = FieldType.TEXT
        if key in named:
            label, kind, is_json = named[key].label, named[key].type, named[key].json
        fields.append(
            Field(id=key or FIRST, type=kind, label=label, value=Secret(_text(value, is_json=is_json)))
        )
    if loose:
        fields.append(Field("notes", FieldType.CONCEALED, "notes", Secret("\n".join(loose))))
    tags = _tags(ours.get(TAGS, ""))
    return fields, tags, urls, ours.get(CREATED, "")


def render(item: Item) -> str:
    """The text of an entry that `parse` makes this item's fields of."""
    chosen = _first(item.fields)
    taken, named, lines = {OURS, TAGS, CREATED, FIRST_KEY}, [], [""]
    for field in item.fields:
        value = field.value.reveal()
        if field is chosen:
            key = FIRST_KEY
            derived = (FIRST, FieldType.CONCEALED)
        else:
            is_allowed = _KEY.match(field.label) is not None and plain_label(field.label) != URL
            key = labels.key_for(field, taken, is_allowed=is_allowed and field.label != OTP)
            if field.type is FieldType.OTP and value.startswith("otpauth:") and OTP not in taken:
                key = OTP
            derived = (key, FieldType.TEXT if plain_label(key) in OPEN else FieldType.CONCEALED)
            derived = (key, FieldType.OTP) if key == OTP else derived
        taken.add(key)
        is_json = _ONE_LINE.match(value) is None or value != value.strip() or value.startswith("otpauth:")
        is_json = is_json and key != OTP
        if (field.label, field.type) != derived or is_json or (key == FIRST_KEY and not value):
            named.append(Named(key, field.label, field.type, is_json))
        shown = msgspec.json.encode(value).decode() if is_json else value
        if key == FIRST_KEY:
            lines[0] = shown
        else:
            lines.append(shown if key == OTP else f"{key}: {shown}")
    lines += [f"{URL}: {each.href}" for each in item.urls]
    if item.tags:
        lines.append(f"{TAGS}: {msgspec.json.encode(item.tags).decode()}")
    if item.created_at:
        lines.append(f"{CREATED}: {item.created_at}")
    if named:
        lines.append(f"{OURS}: {labels.encode(named)}")
    return "\n".join(lines) + "\n"


def _first(fields: list[Field]) -> Field | None:
    """The secret of the first line: what is called so, else the first that is concealed."""
    concealed = [field for field in fields if field.type is FieldType.CONCEALED]
    called = [field for field in concealed if field.label == FIRST]
    return next(iter([*called, *concealed]), None)


def _text(value: str, *, is_json: bool) -> str:
    if not is_json:
        return value
    try:
        return msgspec.json.decode(value, type=str)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # Somebody has edited the line by hand.
        return value


def _tags(content: str) -> list[str]:
    try:
        return msgspec.json.decode(content, type=list[str]) if content else []
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []

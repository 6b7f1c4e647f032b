"""An entry of a database as an item, and back.

KeePassXC's own attributes become fields under plain names; every other one is a field with its own name,
concealed if it is protected. What an attribute cannot say (a field's type, a name that is taken or that no
attribute can have) stands as JSON in an attribute of ours, and an entry without it is read all the same.
A one-time password is an otpauth URI in the attribute `otp`, as KeePassXC has it.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from keyturn.ground.clock import timestamp
from keyturn.ground.errors import UsageError
from keyturn.ground.secret import Secret
from keyturn.items import Field, FieldType, Item, ItemSummary, Url
from keyturn.vaults import labels
from keyturn.vaults.labels import OURS, Named

OTP = "otp"
# KeePassXC's own, by what the field is called here.
STANDARD = {
    "UserName": ("username", FieldType.TEXT),
    "Password": ("password", FieldType.CONCEALED),
    "Notes": ("notes", FieldType.TEXT),
    OTP: ("one-time password", FieldType.OTP),
}
TAKEN = {"Title", "URL", OURS, *STANDARD}
# What XML 1.0 has no way to write, and what its readers change.
UNWRITABLE = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# For a secret that came without a URI: the field gives back what was put in.
BARE = "otpauth://totp/keyturn-bare-secret?secret="


def item_id(uuid: Any) -> str:
    """The id of an entry or a group: its UUID, written as items' ids are."""
    return base64.b32encode(uuid.bytes).decode().rstrip("=").lower()


def summary_of(entry: Any) -> ItemSummary:
    return ItemSummary(
        item_id(entry.uuid), entry.title or "", "API_CREDENTIAL", tuple(_tags(entry)), timestamp(entry.mtime)
    )


def item_of(entry: Any) -> Item:
    """An entry, or one of its former versions, with its values."""
    strings = dict(_strings(entry))
    named = labels.decode(strings.get(OURS, ("", False))[0])
    fields = []
    for key, (value, is_protected) in strings.items():
        if key in ("Title", "URL", OURS):
            continue
        label, kind = STANDARD.get(key, (key, FieldType.CONCEALED if is_protected else FieldType.TEXT))
        if key in named:
            label, kind = named[key].label, named[key].type
        elif key in STANDARD and not value:
            continue
        text = _bare(value) if kind is FieldType.OTP else value
        fields.append(Field(id=key, type=kind, label=label, value=Secret(text)))
    url = strings.get("URL", ("", False))[0]
    return Item(
        id=item_id(entry.uuid),
        title=strings.get("Title", ("", False))[0],
        category="API_CREDENTIAL",
        version=version_of(entry),
        created_at=timestamp(entry.ctime),
        updated_at=timestamp(entry.mtime),
        fields=fields,
        tags=_tags(entry),
        urls=[Url(url, primary=True)] if url else [],
    )


def version_of(entry: Any) -> int:
    """The second of the last change, for other programs count none; ours are never two in one second."""
    moment: datetime = entry.mtime
    return int(moment.timestamp())


def write(entry: Any, item: Item) -> None:
    """Make the entry what `item` says. Raises UsageError, the entry unchanged, for what it cannot hold."""
    strings = _attributes(item)
    for each in entry._element.findall("String"):
        entry._element.remove(each)
    for key, (value, is_protected) in strings.items():
        entry._element.append(_string(entry._element, key, value, is_protected=is_protected))
    entry.tags = item.tags


def _attributes(item: Item) -> dict[str, tuple[str, bool]]:
    if len(item.urls) > 1:
        raise UsageError("a KeePassXC entry has one address (URL)", "leave the others out")
    if any(";" in tag or "," in tag for tag in item.tags):
        raise UsageError("in a KeePassXC database a tag has no , and no ;")
    found: dict[str, tuple[str, bool]] = {"Title": (item.title, False)}
    named: list[Named] = []
    for field in item.fields:
        key = _key(field, found)
        value = field.value.reveal()
        if field.type is FieldType.OTP:
            value = _uri(value)
        found[key] = (value, field.type.is_secret)
        derived = STANDARD.get(key, (key, FieldType.CONCEALED if field.type.is_secret else FieldType.TEXT))
        if (field.label, field.type) != derived or (key in STANDARD and not value):
            named.append(Named(key, field.label, field.type))
    for key in STANDARD:
        # KeePassXC expects its own ones, but for this.
        if key != OTP:
            found.setdefault(key, ("", key == "Password"))
    found["URL"] = (item.urls[0].href if item.urls else "", False)
    if named:
        found[OURS] = (labels.encode(named), False)
    for text in (*found, *(value for value, _ in found.values()), *item.tags):
        if UNWRITABLE.search(text):
            raise UsageError(
                "a KeePassXC database cannot hold control characters, a carriage return among them"
            )
    return found


def _key(field: Field, found: dict[str, tuple[str, bool]]) -> str:
    """The attribute for a field; one that no other field has."""
    for key, (label, kind) in STANDARD.items():
        if (field.label, field.type) == (label, kind) and key not in found:
            return key
    if field.type is FieldType.OTP and OTP not in found:
        return OTP
    is_allowed = bool(field.label.strip()) and field.label not in TAKEN
    return labels.key_for(field, set(found), is_allowed=is_allowed)


def _strings(entry: Any) -> Iterator[tuple[str, tuple[str, bool]]]:
    """The attributes: key, value, and whether it is protected."""
    for each in entry._element.findall("String"):
        value = each.find("Value")
        text = (value.text or "") if value is not None else ""
        is_protected = value is not None and value.attrib.get("Protected") == "True"
        yield each.findtext("Key") or "", (text, is_protected)


def _string(parent: Any, key: str, value: str, *, is_protected: bool) -> Any:
    # The library's own way looks attributes up by an expression that a quote in a name would break.
    string = parent.makeelement("String", {})
    for tag, text in (("Key", key), ("Value", value)):
        part = parent.makeelement(tag, {})
        part.text = text
        string.append(part)
    if is_protected:
        string.find("Value").set("Protected", "True")
    return string


def _tags(entry: Any) -> list[str]:
    return [tag for tag in entry.tags if tag]


def _uri(value: str) -> str:
    """A one-time password as KeePassXC wants it."""
    return value if not value or value.startswith("otpauth:") else BARE + quote(value, safe="")


def _bare(value: str) -> str:
    if not value.startswith(BARE):
        return value
    return parse_qs(urlsplit(value).query, keep_blank_values=True)["secret"][0]

"""An item as `op item get --format json` prints it, and as a template of `op item create` and `edit`.

Items keep that program's names and ids. What an item of ours has no place for (kinds of fields, references,
strengths) stays in the template as it came, so that an edit changes what was edited and no more.
"""

from __future__ import annotations

from typing import Any

import msgspec

from keyturn.ground.errors import UnsupportedError, UsageError
from keyturn.ground.names import is_id
from keyturn.ground.secret import Secret
from keyturn.items import Field, FieldType, Item, ItemSummary, Section, Url, VaultReference

# Kinds that are none of ours, by whether their values may be shown.
_HIDDEN = {"SSHKEY", "CREDIT_CARD_NUMBER", "CREDIT_CARD_TYPE", "FILE"}
_OURS = {kind.value: kind for kind in FieldType}

JsonItem = dict[str, Any]


class ListedVault(msgspec.Struct):
    id: str
    name: str = ""

    def reference(self) -> VaultReference:
        return VaultReference(self.id, self.name)


class ListedItem(msgspec.Struct):
    """An item of `op item list`; `state` is ARCHIVED for one that is."""

    id: str
    title: str
    vault: ListedVault
    category: str = ""
    tags: list[str] = []
    updated_at: str = ""
    state: str = ""

    def summary(self) -> ItemSummary:
        return ItemSummary(self.id, self.title, self.category, tuple(self.tags), self.updated_at)


def item_of(found: JsonItem) -> Item:
    """Raises KeyError, TypeError, ValueError for what is no item."""
    return Item(
        id=str(found["id"]),
        title=str(found["title"]),
        category=str(found.get("category", "")),
        version=int(found.get("version", 1)),
        created_at=str(found.get("created_at", "")),
        updated_at=str(found.get("updated_at", "")),
        fields=[_field(each) for each in found.get("fields", ()) if _is_shown(each)],
        tags=[str(tag) for tag in found.get("tags") or ()],
        urls=[
            Url(str(each["href"]), str(each.get("label", "")), primary=bool(each.get("primary", False)))
            for each in found.get("urls") or ()
            if "href" in each
        ],
    )


def vault_of(found: JsonItem) -> VaultReference:
    """Raises KeyError, TypeError for what is no item."""
    vault = found["vault"]
    return VaultReference(str(vault["id"]), str(vault.get("name", "")))


def template(item: Item) -> bytes:
    """A new item; its id is 1Password's to give. Raises UsageError for one without a title: it would get one
    of its own."""
    if not item.title.strip():
        raise UsageError("an item of 1Password needs a title")
    made: JsonItem = {
        "title": item.title,
        "category": item.category or "API_CREDENTIAL",
        "tags": item.tags,
        "urls": [_url(each) for each in item.urls],
        "sections": _sections(item),
        "fields": [_made(each) for each in item.fields],
    }
    return _encoded(made)


def edited(found: JsonItem, item: Item) -> bytes:
    """The item as it is there with what is other in `item`, and nothing else."""
    changed = dict(found)
    changed["title"], changed["tags"] = item.title, item.tags
    if item.urls != item_of(found).urls:
        changed["urls"] = [_url(each) for each in item.urls]
    wanted = {field.id: field for field in item.fields}
    fields: list[JsonItem] = []
    for each in found.get("fields", ()):
        field = wanted.pop(str(each.get("id")), None)
        if field is not None:
            fields.append(_changed(each, field))
        elif not _is_shown(each):
            fields.append(each)
        elif each.get("purpose"):
            # A field of the category cannot go; its value can.
            fields.append({**each, "value": ""})
    changed["fields"] = [*fields, *(_made(each) for each in item.fields if each.id in wanted)]
    known = {str(section.get("id")) for section in found.get("sections") or ()}
    new = [section for section in _sections(item) if section["id"] not in known]
    if new:
        changed["sections"] = [*(found.get("sections") or ()), *new]
    return _encoded(changed)


def _is_shown(field: JsonItem) -> bool:
    """Whether a field is one of the item's for us: those of the category are there without a value, too."""
    return "value" in field or not field.get("purpose")


def _field(each: JsonItem) -> Field:
    kind = str(each.get("type", "STRING"))
    type_ = _OURS.get(kind, FieldType.CONCEALED if kind in _HIDDEN else FieldType.TEXT)
    section = each.get("section")
    return Field(
        id=str(each["id"]),
        type=type_,
        label=str(each.get("label", each["id"])),
        value=Secret(str(each.get("value", ""))),
        section=None if not section else Section(str(section["id"]), str(section.get("label", ""))),
    )


def _changed(each: JsonItem, field: Field) -> JsonItem:
    before = _field(each)
    if before == field:
        return each
    changed = {
        key: value for key, value in each.items() if key not in ("totp", "password_details", "reference")
    }
    changed["value"] = field.value.reveal()
    if before.label != field.label:
        if each.get("purpose"):
            raise UnsupportedError(f"1Password has a fixed label for its own field “{before.label}”")
        changed["label"] = field.label
    if before.type != field.type:
        changed["type"] = field.type.value
    return changed


def _made(field: Field) -> JsonItem:
    made: JsonItem = {
        "id": field.id,
        "type": field.type.value,
        "label": field.label,
        "value": field.value.reveal(),
    }
    if field.section is not None:
        made["section"] = {"id": field.section.id}
    return made


def _sections(item: Item) -> list[JsonItem]:
    found = {field.section.id: field.section for field in item.fields if field.section is not None}
    return [{"id": section.id, "label": section.label} for section in found.values()]


def _url(url: Url) -> JsonItem:
    return {"href": url.href, "label": url.label, "primary": url.primary}


def _encoded(value: JsonItem) -> bytes:
    return msgspec.json.encode(value)


def is_known_id(text: str) -> bool:
    """1Password's ids are written as ours; one of another kind cannot be kept in a default."""
    return is_id(text)

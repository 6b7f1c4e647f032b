"""How an item and a plugin belong together: what the item lacks, and which items are worth offering first."""

from __future__ import annotations

import re
from enum import IntEnum
from urllib.parse import urlsplit

from keyturn.ground.errors import MissingError, MissingFieldError
from keyturn.ground.names import plain_label, printable
from keyturn.items import Item, find_field
from keyturn.sdk.schema import FieldDefinition, Plugin


class Relation(IntEnum):
    """Why an item may hold a plugin's credential; the higher, the surer."""

    NONE = 0
    URL = 1
    TITLE = 2
    FIELDS = 3
    TAG = 4


def relation(item: Item, plugin: Plugin) -> Relation:
    """The surest thing that speaks for the item: its tag, a required field's label, its title, a URL."""
    if plugin.tag in item.tags:
        return Relation.TAG
    labels = {plain_label(field.label) for field in item.fields}
    wanted = {
        plain_label(text)
        for field in plugin.credential.fields
        if not field.optional
        for text in (field.label, *field.aka)
    }
    if labels & wanted:
        return Relation.FIELDS
    if _words(item.title) & {plugin.owner, plugin.name, *(each.runs for each in plugin.executables)}:
        return Relation.TITLE
    if plugin.platform.casefold() in item.title.casefold():
        return Relation.TITLE
    sites = {_site(plugin.homepage), _site(plugin.credential.management_url)} - {""}
    if any(_is_of(url.href, site) for url in item.urls for site in sites):
        return Relation.URL
    return Relation.NONE


def missing_fields(item: Item, plugin: Plugin) -> list[FieldDefinition]:
    """The required fields that the item lacks, or has without a value. Raises AmbiguousError."""
    found = [(each, find_field(item, each.label)) for each in plugin.credential.fields if not each.optional]
    return [definition for definition, field in found if field is None or not field.value]


def missing_field_error(item: Item, definition: FieldDefinition, executable: str) -> MissingError:
    """Names the item, the label, the labels that are there, and what mends it."""
    there = ", ".join(f"“{printable(field.label)}”" for field in item.fields) or "none"
    field = find_field(item, definition.label)
    what = "is missing" if field is None else "is empty"
    error = MissingFieldError(
        f"item “{printable(item.title)}”: the field “{definition.label}” {what}",
        f"its fields: {there}",
        f"say which one it is: keyturn plugin init {executable} --item {item.id}",
        f"or add it: keyturn item edit {item.id} '{definition.label}'",
    )
    error.item = item.id
    return error


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z0-9-]+", text.casefold()))


def _host(url: str) -> str:
    try:
        return (urlsplit(url if "//" in url else f"//{url}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _site(url: str) -> str:
    """A page's host without its first label where more than two are left: console.aws.amazon.com is aws's."""
    labels = _host(url).split(".")
    return ".".join(labels[1:] if len(labels) > 2 else labels)


def _is_of(url: str, site: str) -> bool:
    host = _host(url)
    return host == site or host.endswith(f".{site}")

"""How an item is shown: as text with its secrets hidden, and in JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from keyturn.agent import messages, requests
from keyturn.agent.results import ItemRow, ItemView
from keyturn.cli import output
from keyturn.ground.names import printable
from keyturn.items import TYPE_WORDS, Field

if TYPE_CHECKING:
    from keyturn.cli.context import Context

HIDDEN = "•••"
WORDS = {kind: word for word, kind in TYPE_WORDS.items()}


def fetch(context: Context, name: str, vault: str, version: int | None = None) -> ItemView:
    """The item called so, as it is or as it was. Raises MissingError, AmbiguousError."""
    request = requests.GetItem(
        account=context.account, may_ask=context.may_ask, item=name, vault=vault, version=version
    )
    return messages.convert(context.call(request), ItemView)


def labels(view: ItemView) -> str:
    return ", ".join(f"“{printable(field.label)}”" for field in view.item.fields) or "none"


def show(view: ItemView, *, reveal: bool) -> None:
    lines = [f"{view.item.title}  ({view.item.id}, vault “{view.vault_title}”)"]
    lines += [
        f"  {field.label} [{WORDS[field.type]}]: {_shown(field, reveal=reveal)}" for field in view.item.fields
    ]
    if view.item.tags:
        lines.append(f"  tags: {' '.join(view.item.tags)}")
    for text in lines:
        # Of a value with several lines this shows one; --field and --format json have it as it is.
        output.line(output.clean(text))


def as_json(view: ItemView, *, reveal: bool) -> dict[str, Any]:
    """As `op item get --format json` has it; hidden values are left out."""
    item: dict[str, Any] = msgspec.to_builtins(view.item, enc_hook=lambda value: None)
    item["vault"] = {"id": view.vault, "name": view.vault_title}
    for shown, field in zip(item["fields"], view.item.fields, strict=True):
        if reveal or not field.type.is_secret:
            shown["value"] = field.value.reveal()
        else:
            del shown["value"]
    return item


def row_as_json(row: ItemRow) -> dict[str, Any]:
    """As `op item list --format json` has it."""
    item: dict[str, Any] = msgspec.to_builtins(row)
    item["vault"] = {"id": row.vault, "name": item.pop("vault_title")}
    return item


def _shown(field: Field, *, reveal: bool) -> str:
    return field.value.reveal() if reveal or not field.type.is_secret else HIDDEN

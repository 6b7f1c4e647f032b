"""`keyturn item`."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from keyturn.agent import messages, requests, results
from keyturn.agent.requests import FieldChange
from keyturn.agent.results import ItemView
from keyturn.cli import assignments, output
from keyturn.cli.context import Context, current
from keyturn.cli.options import output_format, unlocking, with_agent
from keyturn.ground.errors import MissingError, UsageError
from keyturn.ground.names import printable
from keyturn.items import TYPE_WORDS, Field, find_field

HIDDEN = "•••"


@click.group()
def item() -> None:
    """Items: a title and fields."""


@item.command("list")
@unlocking
@click.option("--vault", default="", help="only this vault")
@output_format
@click.argument("words", nargs=-1)
@with_agent
def list_(vault: str, form: str, words: tuple[str, ...]) -> None:
    """List items; with WORDS those whose title or tag contains all of them."""
    context = current()
    request = requests.ListItems(account=context.account, may_ask=context.may_ask, vault=vault)
    rows = messages.convert(context.call(request), list[results.ItemRow])
    rows = [row for row in rows if all(_contains(row, word.casefold()) for word in words)]
    if form == "json":
        output.as_json("items", [_row_as_json(row) for row in rows])
        return
    shown = [(row.title, row.id, row.vault_title, " ".join(row.tags), row.updated_at) for row in rows]
    output.table(
        ("item", "id", "vault", "tags", "changed"), shown, "no such items" if words or vault else "no items"
    )


def _row_as_json(row: results.ItemRow) -> dict[str, Any]:
    """As `op item list --format json` has it."""
    item: dict[str, Any] = msgspec.to_builtins(row)
    item["vault"] = {"id": row.vault, "name": item.pop("vault_title")}
    return item


def _contains(row: results.ItemRow, word: str) -> bool:
    return any(word in text.casefold() for text in (row.title, *row.tags))


@item.command()
@unlocking
@click.option("--vault", default="", help="look only in this vault")
@click.option("--field", "label", help="print one field's value alone")
@click.option("--reveal", is_flag=True, help="show secret values")
@output_format
@click.argument("name")
@with_agent
def get(vault: str, label: str | None, reveal: bool, form: str, name: str) -> None:
    """Show an item by title or id. Secret values are hidden unless --reveal or --field asks for them."""
    context = current()
    view = _get(context, name, vault)
    if label is not None:
        field = find_field(view.item, label)
        if field is None:
            title = printable(view.item.title)
            raise MissingError(
                f"item “{title}” has no field “{printable(label)}”", f"its fields: {_labels(view)}"
            )
        output.line(field.value.reveal())
    elif form == "json":
        output.as_json("item", _as_json(view, reveal=reveal))
    else:
        _show(view, reveal=reveal)


def _get(context: Context, name: str, vault: str) -> ItemView:
    request = requests.GetItem(account=context.account, may_ask=context.may_ask, item=name, vault=vault)
    return messages.convert(context.call(request), ItemView)


def _labels(view: ItemView) -> str:
    return ", ".join(f"“{printable(field.label)}”" for field in view.item.fields) or "none"


def _shown(field: Field, *, reveal: bool) -> str:
    return field.value.reveal() if reveal or not field.type.is_secret else HIDDEN


def _show(view: ItemView, *, reveal: bool) -> None:
    words = {kind: word for word, kind in TYPE_WORDS.items()}
    lines = [f"{view.item.title}  ({view.item.id}, vault “{view.vault_title}”)"]
    lines += [
        f"  {field.label} [{words[field.type]}]: {_shown(field, reveal=reveal)}" for field in view.item.fields
    ]
    if view.item.tags:
        lines.append(f"  tags: {' '.join(view.item.tags)}")
    for text in lines:
        # Of a value with several lines this shows one; --field and --format json have it as it is.
        output.line(output.clean(text))


def _as_json(view: ItemView, *, reveal: bool) -> dict[str, Any]:
    """As `op item get --format json` has it; hidden values are left out."""
    item: dict[str, Any] = msgspec.to_builtins(view.item, enc_hook=lambda value: None)
    item["vault"] = {"id": view.vault, "name": view.vault_title}
    for shown, field in zip(item["fields"], view.item.fields, strict=True):
        if reveal or not field.type.is_secret:
            shown["value"] = field.value.reveal()
        else:
            del shown["value"]
    return item


@item.command(epilog=assignments.HELP)
@unlocking
@click.option("--title", required=True, help="the item's title")
@click.option("--vault", default="", help="the vault to put it in")
@click.option("--tag", "tags", multiple=True, help="a tag; may be given several times")
@click.argument("words", nargs=-1, metavar="[ASSIGNMENT]...")
@with_agent
def create(title: str, vault: str, tags: tuple[str, ...], words: tuple[str, ...]) -> None:
    """Create an item and print its id."""
    context = current()
    changes = assignments.changes(context, assignments.parse(words))
    request = requests.CreateItem(
        account=context.account,
        may_ask=context.may_ask,
        title=title,
        fields=changes,
        vault=vault,
        tags=list(tags),
    )
    view = messages.convert(context.call(request), ItemView)
    output.line(view.item.id)


def _renaming(words: str) -> FieldChange:
    former, equals, label = words.partition("=")
    if not equals or not former.strip() or not label.strip():
        raise UsageError("--rename takes OLD=NEW", "such as --rename 'mfa arn=mfa serial'")
    return FieldChange(label=label.strip(), former=former.strip())


@item.command(epilog=assignments.HELP)
@unlocking
@click.option("--vault", default="", help="look only in this vault")
@click.option("--title", default="", help="a new title")
@click.option("--tag", "tags", multiple=True, help="the tags from now on")
@click.option("--remove", "removed", multiple=True, metavar="LABEL", help="remove a field")
@click.option(
    "--rename", "renamed", multiple=True, metavar="OLD=NEW", help="call the field OLD by another label"
)
@click.option(
    "--always-ask/--no-always-ask", default=None, help="ask at each use, whatever was approved before"
)
@click.argument("name")
@click.argument("words", nargs=-1, metavar="[ASSIGNMENT]...")
@with_agent
def edit(
    vault: str,
    title: str,
    tags: tuple[str, ...],
    removed: tuple[str, ...],
    renamed: tuple[str, ...],
    always_ask: bool | None,
    name: str,
    words: tuple[str, ...],
) -> None:
    """Set, add or remove fields of an item, by title or id."""
    context = current()
    parsed = assignments.parse(words)
    if not any((parsed, removed, renamed, title, tags)) and always_ask is None:
        raise UsageError("nothing to change")
    # Looked at before a value is asked for: whether it is there, and which of its fields are secret.
    view = _get(context, name, vault)
    changes = assignments.changes(context, parsed, view.item)
    changes += [FieldChange(label=label) for label in removed]
    changes += [_renaming(words) for words in renamed]
    request = requests.EditItem(
        account=context.account,
        may_ask=context.may_ask,
        item=view.item.id,
        vault=view.vault,
        title=title,
        fields=changes,
        tags=list(tags) if tags else None,
        always_ask=always_ask,
    )
    context.call(request)

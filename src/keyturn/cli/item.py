"""`keyturn item`: what is there. The commands that change items have files of their own."""

from __future__ import annotations

import sys

import click

from keyturn.agent import messages, requests, results
from keyturn.cli import columns, item_view, output
from keyturn.cli.context import Context, current
from keyturn.cli.grouping import Group
from keyturn.cli.item_archive import delete, history, move, restore
from keyturn.cli.item_creation import create
from keyturn.cli.item_edit import edit
from keyturn.cli.options import output_format, unlocking, with_agent
from keyturn.ground.errors import MissingError, UsageError
from keyturn.ground.names import printable
from keyturn.items import find_field

# To fold the cells of more rows than this takes longer than anybody wants to wait.
MOST_FOLDED = 200


@click.group(cls=Group)
def item() -> None:
    """Items: a title and fields."""


for command in (create, edit, delete, restore, move, history):
    item.add_command(command)


@item.command("list")
@unlocking
@click.option("--vault", default="", help="only this vault")
@click.option("--tag", default="", help="only items with this tag")
@click.option("--type", "kind", default="", metavar="TYPE", help="only credentials such as aws/access-key")
@click.option("--archived", is_flag=True, help="the items that were deleted, and no others")
@output_format
@click.argument("words", nargs=-1)
@with_agent
def list_(vault: str, tag: str, kind: str, archived: bool, form: str, words: tuple[str, ...]) -> None:
    """List items; with WORDS those whose title or tag contains all of them."""
    context = current()
    request = requests.ListItems(
        account=context.account,
        may_ask=context.may_ask,
        vault=vault,
        words=list(words),
        tag=tag,
        type=kind,
        archived=archived,
    )
    rows = messages.convert(context.call(request), list[results.ItemRow])
    if form == "json":
        output.as_json("items", [item_view.row_as_json(row) for row in rows])
        return
    nothing = "no such items" if words or vault or tag or kind else "no items"
    _table(rows, "no archived items" if archived else nothing)


def _table(rows: list[results.ItemRow], nothing: str) -> None:
    headings = ("item", "id", "vault", "tags", "changed")
    cells = [(row.title, row.id, row.vault_title, " ".join(row.tags), row.updated_at) for row in rows]
    is_window = sys.stdout is not None and sys.stdout.isatty()
    if not rows or (is_window and len(rows) <= MOST_FOLDED):
        output.table(headings, cells, nothing)
    else:
        output.line("\n".join(columns.aligned(headings, cells)))


@item.command()
@unlocking
@click.option("--vault", default="", help="look only in this vault")
@click.option("--field", "label", help="print one field's value alone")
@click.option("--otp", is_flag=True, help="print the one-time code of this moment alone")
@click.option("--next", "following", is_flag=True, help="with --otp: the next code too, and their seconds")
@click.option("--reveal", is_flag=True, help="show secret values")
@click.option("--version", type=click.IntRange(min=1), help="as this version of it was: see item history")
@output_format
@click.argument("name")
@with_agent
def get(
    vault: str,
    label: str | None,
    otp: bool,
    following: bool,
    reveal: bool,
    version: int | None,
    form: str,
    name: str,
) -> None:
    """Show an item by title or id. Secret values are hidden unless --reveal or --field asks for them."""
    context = current()
    if following and not otp:
        raise UsageError("--next goes with --otp")
    if otp:
        if version is not None:
            raise UsageError("--otp is of the item as it is now, without --version")
        _codes(context, name, vault, label or "", following=following, form=form)
        return
    view = item_view.fetch(context, name, vault, version)
    if label is not None:
        field = find_field(view.item, label)
        if field is None:
            title = printable(view.item.title)
            raise MissingError(
                f"item “{title}” has no field “{printable(label)}”", f"its fields: {item_view.labels(view)}"
            )
        output.line(field.value.reveal())
    elif form == "json":
        output.as_json("item", item_view.as_json(view, reveal=reveal))
    else:
        item_view.show(view, reveal=reveal)


def _codes(context: Context, name: str, vault: str, label: str, *, following: bool, form: str) -> None:
    request = requests.GetCodes(
        account=context.account,
        may_ask=context.may_ask,
        item=name,
        vault=vault,
        field=label,
        following=following,
    )
    rows = messages.convert(context.call(request), list[results.CodeRow])
    if form == "json":
        shown = [
            {"code": row.code.reveal(), "valid_in": row.valid_in, "valid_for": row.valid_for} for row in rows
        ]
        output.as_json("codes", shown)
    elif not following:
        output.line(rows[0].code.reveal())
    else:
        for row in rows:
            begins = f"valid in {row.valid_in:.0f} s, " if row.valid_in else "valid now, "
            output.line(f"{row.code.reveal()}  {begins}until in {row.valid_for:.0f} s")

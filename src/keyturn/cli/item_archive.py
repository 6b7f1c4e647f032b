"""What becomes of items: archive, vaults, and what they were before."""

from __future__ import annotations

import click
import msgspec

from keyturn.agent import messages, requests, results
from keyturn.cli import output
from keyturn.cli.context import current
from keyturn.cli.options import output_format, unlocking, with_agent
from keyturn.ground.errors import CancelledByPersonError
from keyturn.ground.names import printable

_IN_VAULT = click.option("--vault", default="", help="look only in this vault")


@click.command()
@unlocking
@_IN_VAULT
@click.option("--permanently", is_flag=True, help="for good, with its history; asks")
@click.option("--yes", is_flag=True, help="with --permanently: do not ask")
@click.argument("name")
@with_agent
def delete(vault: str, permanently: bool, yes: bool, name: str) -> None:
    """Archive an item: it is used no more, and `item restore` brings it back."""
    context = current()
    if permanently and not yes:
        context.require_input("a yes to delete for good", "give it: --yes")
        title = printable(name)
        if not context.terminal.confirm(
            f"delete the item “{title}” and its history for good?", default=False
        ):
            raise CancelledByPersonError("cancelled")
    request = requests.DeleteItem(
        account=context.account, may_ask=context.may_ask, item=name, vault=vault, permanently=permanently
    )
    row = messages.convert(context.call(request), results.ItemRow)
    if permanently:
        output.note(f"“{printable(row.title)}” is deleted; older copies of the vault still hold it")
    else:
        output.note(f"“{printable(row.title)}” is archived; to have it back: keyturn item restore {row.id}")


@click.command()
@unlocking
@_IN_VAULT
@click.option("--version", type=click.IntRange(min=1), help="make it what this version was: see item history")
@click.argument("name")
@with_agent
def restore(vault: str, version: int | None, name: str) -> None:
    """Take an item out of the archive, or make any item what it was."""
    context = current()
    request = requests.RestoreItem(
        account=context.account, may_ask=context.may_ask, item=name, vault=vault, version=version
    )
    row = messages.convert(context.call(request), results.ItemRow)
    as_it_was = f" as version {version} was" if version is not None else ""
    output.note(f"“{printable(row.title)}” is in vault “{printable(row.vault_title)}”{as_it_was}")


@click.command()
@unlocking
@_IN_VAULT
@click.option("--to", required=True, metavar="VAULT", help="the vault to put it in")
@click.argument("name")
@with_agent
def move(vault: str, to: str, name: str) -> None:
    """Put an item, with its history, into another vault of the account."""
    context = current()
    request = requests.MoveItem(
        account=context.account, may_ask=context.may_ask, item=name, vault=vault, to=to
    )
    messages.convert(context.call(request), results.ItemView)


@click.command()
@unlocking
@_IN_VAULT
@output_format
@click.argument("name")
@with_agent
def history(vault: str, form: str, name: str) -> None:
    """List the versions of an item that are kept; `item get --version N` shows one."""
    context = current()
    request = requests.ListVersions(account=context.account, may_ask=context.may_ask, item=name, vault=vault)
    rows = messages.convert(context.call(request), list[results.VersionRow])
    if form == "json":
        output.as_json("versions", msgspec.to_builtins(rows))
        return
    cells = [
        (str(row.version), row.updated_at, row.title, ", ".join(row.changes), "now" if row.current else "")
        for row in rows
    ]
    output.table(("version", "changed", "title", "what", ""), cells, "no versions")

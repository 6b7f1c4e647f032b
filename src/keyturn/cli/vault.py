"""`keyturn vault`."""

from __future__ import annotations

import click
import msgspec

from keyturn.agent import messages, requests, results
from keyturn.cli import output
from keyturn.cli.context import current
from keyturn.cli.grouping import Group
from keyturn.cli.options import output_format, unlocking, with_agent


@click.group(cls=Group)
def vault() -> None:
    """The vaults of an account."""


@vault.command("list")
@unlocking
@output_format
@with_agent
def list_(form: str) -> None:
    """List the vaults."""
    context = current()
    done = context.call(requests.ListVaults(account=context.account, may_ask=context.may_ask))
    rows = messages.convert(done, list[results.VaultRow])
    if form == "json":
        output.as_json("vaults", msgspec.to_builtins(rows))
    else:
        output.table(
            ("vault", "id", "items"), [(row.title, row.id, str(row.items)) for row in rows], "no vaults"
        )


@vault.command()
@unlocking
@click.argument("title")
@with_agent
def create(title: str) -> None:
    """Create an empty vault and print its id."""
    context = current()
    request = requests.CreateVault(account=context.account, may_ask=context.may_ask, title=title)
    output.line(messages.convert(context.call(request), results.VaultRow).id)

"""`keyturn aws verify`."""

from __future__ import annotations

import click

from keyturn.cli import aws_asking, output
from keyturn.cli.context import current
from keyturn.cli.options import output_format, unlocking, with_agent


@click.command()
@unlocking
@click.option("--vault", default="", help="look only in this vault")
@output_format
@click.argument("item", default="")
@with_agent
def verify(vault: str, form: str, item: str) -> None:
    """Ask AWS whose keys an item holds: the account and the user.

    Without ITEM it is the one that `aws` uses here.
    """
    context = current()
    found = aws_asking.verified_item(context, *aws_asking.item(context, item), vault)
    if form == "json":
        output.as_json("identity", {"account": found.account, "arn": found.arn, "user": found.user})
        return
    output.line(output.clean(f"account {found.account}"))
    output.line(output.clean(found.arn))

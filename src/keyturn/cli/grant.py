"""`keyturn grant`: let programs without a terminal in, for a while."""

from __future__ import annotations

import os
import re

import click
import msgspec

from keyturn.agent import messages, requests, results
from keyturn.cli import output
from keyturn.cli.context import current
from keyturn.cli.grouping import Group
from keyturn.cli.options import output_format, unlocking, with_agent
from keyturn.ground.errors import UsageError
from keyturn.ground.names import printable

UNITS = {"s": 1, "m": 60, "h": 3600}


class Duration(click.ParamType[int]):
    """`90s`, `30m`, `2h`, `1h30m`: seconds."""

    name = "duration"

    def convert(self, value: object, parameter: click.Parameter | None, context: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        text = str(value).lower()
        parts = re.findall(r"(\d{1,6})([smh])", text)
        if not parts or "".join(number + unit for number, unit in parts) != text:
            self.fail(f"{text!r} is no time; write it like 30m, 2h or 1h30m", parameter, context)
        return sum(int(number) * UNITS[unit] for number, unit in parts)


@click.group(cls=Group, invoke_without_command=True)
@unlocking
@click.option("--for", "seconds", type=Duration(), metavar="TIME", help="how long: 30m, 2h, 1h30m")
@click.option("--plugin", default="", metavar="NAME", help="only for this plugin's commands")
@click.option("--below", type=click.Path(), metavar="DIR", help="only in this directory and below")
@click.option(
    "--tree", type=click.IntRange(min=2), metavar="PID", help="only this process and what it starts"
)
@click.pass_context
def grant(
    context: click.Context, seconds: int | None, plugin: str, below: str | None, tree: int | None
) -> None:
    """Let programs without a terminal use an account, for a while.

    An editor, a scheduled job or a service has no terminal to ask on. Without --tree the grant is for
    every such program of yours; it ends by itself, on `keyturn grant revoke`, and on lock.
    """
    if context.invoked_subcommand is not None:
        if any((seconds, plugin, below, tree)):
            raise UsageError(
                f"options of a new grant do not go with `grant {context.invoked_subcommand}`",
                "see: keyturn grant --help",
            )
        return
    if seconds is None:
        raise UsageError("how long?", "for example: keyturn grant --for 30m", "see: keyturn grant --help")
    _give(seconds, plugin, below, tree)


@with_agent
def _give(seconds: int, plugin: str, below: str | None, tree: int | None) -> None:
    from keyturn.catalogue import loader

    context = current()
    if plugin:
        loader.load(plugin)
    request = requests.GiveGrant(
        account=context.account,
        may_ask=context.may_ask,
        seconds=seconds,
        plugin=plugin,
        below=os.path.realpath(below) if below else "",
        tree=tree or 0,
    )
    done = messages.convert(context.call(request), results.GrantRow)
    output.note(f"grant {done.id}: {described(done)}")


@grant.command("list")
@output_format
def list_(form: str) -> None:
    """List the grants that hold now."""
    rows: list[results.GrantRow] = []
    context = current()
    if context.connect(start=False):
        rows = messages.convert(context.agent.call(requests.GetStatus()), results.Status).grants
    if form == "json":
        output.as_json("grants", msgspec.to_builtins(rows))
        return
    shown = [(row.id, described(row)) for row in rows]
    output.table(("id", "grant"), shown, "no grants")


@grant.command()
@click.argument("number", default="")
@click.option("--all", "everything", is_flag=True, help="all grants")
def revoke(number: str, everything: bool) -> None:
    """End the grant with this number, or all."""
    if bool(number) == everything:
        raise UsageError("which grant?", "its number, or --all; see: keyturn grant list")
    context = current()
    if context.connect(start=False):
        context.agent.call(requests.RevokeGrant(number=number))
    elif number:
        raise UsageError(f"there is no grant {printable(number)}: the agent is not running")


def described(row: results.GrantRow) -> str:
    """What a grant allows, as one line."""
    who = f"process {row.process} and what it starts" if row.process else "programs without a terminal"
    what = f" for {row.plugin}" if row.plugin else ""
    where = f" in {row.below}" if row.below else ""
    return f"{who} may use “{row.account}”{what}{where} for {output.time_left(row.seconds_left)}"

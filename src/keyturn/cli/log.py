"""`keyturn log`: what was used, by whom and by which yes."""

from __future__ import annotations

import click
import msgspec

from keyturn.cli import output
from keyturn.cli.context import current
from keyturn.cli.options import output_format


@click.command()
@output_format
@click.option(
    "-n", "count", type=click.IntRange(min=1), default=50, show_default=True, help="so many, the newest"
)
@click.option("--item", default="", metavar="ID", help="only uses of this item")
@click.option("--refused", is_flag=True, help="only what was not allowed")
def log(form: str, count: int, item: str, refused: bool) -> None:
    """What was used: one line for each use of an item, the newest last.

    No secret and no argument is in it. It works locked and needs no agent.
    """
    from keyturn.agent import audit
    from keyturn.scopes.defaults import DefaultsFile
    from keyturn.scopes.sessions import SessionDefaults

    world = current().world
    directories = world.directories
    records = [
        record
        for record in audit.read(directories.audit_log)
        if item in ("", record.item) and not (refused and record.outcome == audit.ALLOWED)
    ][-count:]
    if form == "json":
        output.as_json("log", [msgspec.to_builtins(record) for record in records])
        return
    sessions = SessionDefaults(directories.sessions, world.uid).living()
    titles = {item.item: item.title for each in sessions for item in each.items.values()}
    titles |= DefaultsFile(directories.defaults).read().titles()
    rows = [
        (
            record.time.replace("T", " ").removesuffix("Z"),
            record.command or record.plugin,
            titles.get(record.item, record.item),
            record.source,
            record.terminal or f"process {record.pid}",
            record.how if record.outcome == audit.ALLOWED else record.outcome,
        )
        for record in records
    ]
    output.table(
        ("time (UTC)", "command", "item", "chosen by", "where", "outcome"), rows, "nothing was used yet"
    )

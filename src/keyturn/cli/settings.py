"""`keyturn settings`."""

from __future__ import annotations

from typing import Any

import click

from keyturn.cli import output
from keyturn.cli.context import current
from keyturn.cli.grouping import Group
from keyturn.cli.options import output_format
from keyturn.ground import files
from keyturn.ground import settings as settings_file

# Columns that a window needs for the table to be read in.
WIDE = 160


@click.group(cls=Group, invoke_without_command=True)
@output_format
@click.pass_context
def settings(context: click.Context, form: str) -> None:
    """Show all settings, or get, set and unset one."""
    if context.invoked_subcommand is not None:
        return
    rows = settings_file.rows(current().world.settings)
    if form == "json":
        content = [
            {"key": key, "value": value, "default": default, "description": description}
            for key, value, default, description in rows
        ]
        output.as_json("settings", content)
    else:
        width = output.width()
        if width is not None and width < WIDE:
            _blocks(rows, width)
            return
        output.table(
            ("setting", "value", "default", "what it does"),
            [
                (key, settings_file.text(value), settings_file.text(default), description)
                for key, value, default, description in rows
            ],
            "no settings",
        )


def _blocks(rows: list[tuple[str, Any, Any, str]], width: int) -> None:
    """For a window in which the table would be mostly folds."""
    import textwrap

    for key, value, default, description in rows:
        kept = "" if value == default else f"  (default: {settings_file.text(default)})"
        output.line(output.clean(f"{key} = {settings_file.text(value)}{kept}"))
        for line in textwrap.wrap(description, max(width - 5, 20)):
            output.line(f"    {line}")


@settings.command()
@click.argument("key")
def get(key: str) -> None:
    """Print one setting's value."""
    output.line(settings_file.text(settings_file.get(current().world.settings, key)))


@settings.command("set")
@click.argument("key")
@click.argument("value")
def set_(key: str, value: str) -> None:
    """Set KEY to VALUE; a list is written as in TOML: '["/opt/tools/bin"]'."""
    directories = current().world.directories
    files.private_directory(directories.config, current().world.uid, mend=True)
    settings_file.change(directories.settings, key, value)


@settings.command()
@click.argument("key")
def unset(key: str) -> None:
    """Take KEY out, so that its default holds."""
    settings_file.change(current().world.directories.settings, key, None)

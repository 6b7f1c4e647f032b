"""`keyturn plugin`."""

from __future__ import annotations

import importlib

import click

from keyturn.cli.grouping import Group

# name → module of `keyturn.cli`, whose `command` is imported when it is called.
COMMANDS = {
    "clear": "clearing",
    "examples": "plugin_examples",
    "import-op": "op_import",
    "init": "initializing",
    "inspect": "inspecting",
    "list": "listing",
    "new": "plugin_new",
    "run": "running",
    "test": "plugin_test",
    "uninstall": "uninstalling",
    "validate": "plugin_validate",
}


class PluginGroup(Group):
    """A group whose commands are in modules of their own."""

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"keyturn.cli.{COMMANDS[name]}").command
        return command


@click.group(cls=PluginGroup)
def plugin() -> None:
    """Set up and run commands that get their credentials from the vault."""

"""`keyturn plugin validate`: whether a plugin's file is one, and has cases."""

from __future__ import annotations

import click

from keyturn.catalogue import loader
from keyturn.cli import output, plugin_files
from keyturn.ground.errors import ConfigurationError, KeyturnError, Status


@click.command("validate")
@click.argument("words", metavar="[FILE]...", nargs=-1)
def command(words: tuple[str, ...]) -> None:
    """Check plugin files: each key and value, the commands that they wrap, and that there are cases.

    FILE is a path or the name of a plugin; without one: all plugins of your own, and your rules.toml. What is
    wrong is named with file, line and key. The cases are run by `keyturn plugin test`.
    """
    paths = [plugin_files.find(word) for word in words] if words else plugin_files.own_files()
    faults = 0
    for path in paths:
        try:
            plugin = plugin_files.checked(path)
            plugin_files.cases_of(path)
        except KeyturnError as error:
            output.error(error)
            faults += 1
            continue
        commands = ", ".join(executable.runs for executable in plugin.executables)
        output.note(f"{plugin.name}: a plugin for {commands}")
        for warning in plugin.warnings():
            output.note(f"warning: {warning}")
    if not words:
        # Of the files it was said already.
        others = [each for each in loader.broken() if each.path not in paths]
        for broken in others:
            output.error(ConfigurationError(broken.message))
        faults += len(others)
        if not paths and not others:
            output.note(f"there are no plugins of yours in {loader.own().directory}")
    if faults:
        raise SystemExit(Status.CONFIGURATION)

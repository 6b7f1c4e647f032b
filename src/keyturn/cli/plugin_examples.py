"""`keyturn plugin examples`: values that look like a plugin's credential and are none."""

from __future__ import annotations

import click

from keyturn.cli import output, plugin_files
from keyturn.cli.columns import aligned
from keyturn.cli.options import output_format
from keyturn.sdk import examples


@click.command("examples")
@click.argument("word", metavar="PLUGIN")
@output_format
def command(word: str, form: str) -> None:
    """Print an example of each field of a plugin's credential, for tests and for documentation.

    PLUGIN is the name of a plugin or a path to its file. Nobody could take one for a real value: those of
    secrets end in EXAMPLE, where their length allows it.
    """
    plugin = plugin_files.checked(plugin_files.find(word))
    found = {field.label: examples.example(field) for field in plugin.credential.fields}
    if form == "json":
        output.as_json("examples", found)
        return
    for line in aligned(("field", "example"), list(found.items())):
        output.line(line)

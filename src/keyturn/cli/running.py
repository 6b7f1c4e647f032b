"""`keyturn plugin run`: a command with its credentials, without an alias."""

from __future__ import annotations

import os
import sys

import click

from keyturn.catalogue import loader
from keyturn.cli.context import current
from keyturn.cli.ending import guarded, leave
from keyturn.ground import files
from keyturn.ground.errors import UsageError
from keyturn.processes import bare
from keyturn.shells import launcher


@click.command(
    "run",
    context_settings={
        "ignore_unknown_options": True,
        "allow_interspersed_args": False,
        "help_option_names": ["--help"],
    },
)
@click.option("--item", metavar="TITLE-OR-ID", help="use this item for this call, whatever the defaults say")
@click.option(
    "--plugin", metavar="NAME", help="run it with the credential of this plugin, whatever COMMAND is"
)
@click.argument("words", metavar="[COMMAND]...", nargs=-1, type=click.UNPROCESSED)
def command(item: str | None, plugin: str | None, words: tuple[str, ...]) -> None:
    """Run COMMAND with its credentials: keyturn plugin run -- aws s3 ls

    With --plugin it may be any program: it gets what this plugin gives to its own commands, from the default
    that they have here. For example: keyturn plugin run --plugin aws -- ./deploy.sh

    It is the launcher that runs, the same as behind the wrappers of plugins.sh. The exit status is the
    command's own.
    """
    leave(guarded(lambda: _run(list(words), item, plugin)))


def _run(command: list[str], item: str | None, plugin: str | None) -> None:
    if not command:
        raise UsageError("which command?", "keyturn plugin run -- aws s3 ls")
    context = current()
    if plugin is not None:
        loader.load(plugin)
    directories = context.world.directories
    files.private_directory(directories.data, context.world.uid, mend=True)
    launcher.renew(directories, context.interpreter, create=True)
    words = launcher.command(directories, context.interpreter)
    found, assign = context.world.variables, {}
    if found.get(b"_") == os.fsencode(sys.argv[0]):
        # bash and zsh set `_` to the program that they start; the launcher knows itself by the interpreter.
        assign = {b"_": os.fsencode(words[0])}
    if item is not None:
        assign[b"KEYTURN_ITEM"] = os.fsencode(item)
    if plugin is not None:
        assign[b"KEYTURN_PLUGIN"] = os.fsencode(plugin)
    bare.execute(os.fsencode(words[0]), [os.fsencode(word) for word in [*words, *command]], found, assign)

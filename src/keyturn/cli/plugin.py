"""`keyturn plugin`."""

from __future__ import annotations

import os
import sys

import click

from keyturn.cli.context import current
from keyturn.cli.ending import guarded, leave
from keyturn.cli.options import unlocking, with_agent
from keyturn.ground import files
from keyturn.ground.errors import UsageError
from keyturn.processes import bare
from keyturn.shells import launcher


@click.group()
def plugin() -> None:
    """Set up and run commands that get their credentials from the vault."""


@plugin.command(
    context_settings={
        "ignore_unknown_options": True,
        "allow_interspersed_args": False,
        "help_option_names": ["--help"],
    }
)
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def run(command: tuple[str, ...]) -> None:
    """Run COMMAND with its credentials: keyturn plugin run -- aws s3 ls

    It is the launcher that runs, the same as behind the aliases of plugins.sh. The exit status is the
    command's own.
    """
    leave(guarded(lambda: _run(list(command))))


def _run(command: list[str]) -> None:
    if not command:
        raise UsageError("which command?", "keyturn plugin run -- aws s3 ls")
    context = current()
    directories = context.world.directories
    files.private_directory(directories.data, context.world.uid, mend=True)
    launcher.renew(directories, context.interpreter, create=True)
    words = launcher.command(directories, context.interpreter)
    found, assign = context.world.variables, {}
    if found.get(b"_") == os.fsencode(sys.argv[0]):
        # bash and zsh set `_` to the program that they start; the launcher knows itself by the interpreter.
        assign = {b"_": os.fsencode(words[0])}
    bare.execute(os.fsencode(words[0]), [os.fsencode(word) for word in [*words, *command]], found, assign)


@plugin.command()
@unlocking
@click.argument("executable")
@click.option(
    "--import-profile", metavar="NAME", help="import the keys of this profile from ~/.aws/credentials"
)
@click.option("--import-env", is_flag=True, help="import the keys in the environment")
@click.option("--item", "item", metavar="TITLE-OR-ID", help="use an item that is in the vault")
@click.option("--vault", default="", metavar="NAME", help="the vault to import into")
@click.option("--title", default="", help="the title of an imported item")
@click.option(
    "--scope",
    type=click.Choice(["global"]),
    default="global",
    show_default=True,
    help="where the item is the default",
)
@click.option(
    "--remove-plaintext/--keep-plaintext",
    default=None,
    help="take the imported keys out of the file they came from, or leave them there",
)
@click.option(
    "--recovery/--no-recovery", default=None, help="with a first account, also make a recovery code"
)
@with_agent
def init(
    executable: str,
    import_profile: str | None,
    import_env: bool,
    item: str | None,
    vault: str,
    title: str,
    scope: str,
    remove_plaintext: bool | None,
    recovery: bool | None,
) -> None:
    """Set EXECUTABLE up: choose or import a credential, make it the default, write plugins.sh."""
    from keyturn.cli.setup import Choices, Setup

    choices = Choices(
        import_profile=import_profile,
        import_env=import_env,
        item=item,
        vault=vault,
        title=title,
        remove_plaintext=remove_plaintext,
        recovery=recovery,
    )
    Setup(current(), executable, choices).run()

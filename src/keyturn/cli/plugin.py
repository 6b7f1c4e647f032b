"""`keyturn plugin`."""

from __future__ import annotations

import importlib
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

# name → module of `keyturn.cli`: commands that are imported when they are called.
LATER = {"clear": "clearing", "inspect": "inspecting", "list": "listing", "uninstall": "uninstalling"}


class PluginGroup(click.Group):
    """A group some of whose commands are in modules of their own."""

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted({*super().list_commands(context), *LATER})

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in LATER:
            return super().get_command(context, name)
        command: click.Command = importlib.import_module(f"keyturn.cli.{LATER[name]}").command
        return command


@click.group(cls=PluginGroup)
def plugin() -> None:
    """Set up and run commands that get their credentials from the vault."""


@plugin.command(
    context_settings={
        "ignore_unknown_options": True,
        "allow_interspersed_args": False,
        "help_option_names": ["--help"],
    }
)
@click.option("--item", metavar="TITLE-OR-ID", help="use this item for this call, whatever the defaults say")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def run(item: str | None, command: tuple[str, ...]) -> None:
    """Run COMMAND with its credentials: keyturn plugin run -- aws s3 ls

    It is the launcher that runs, the same as behind the aliases of plugins.sh. The exit status is the
    command's own.
    """
    leave(guarded(lambda: _run(list(command), item)))


def _run(command: list[str], item: str | None) -> None:
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
    if item is not None:
        assign[b"KEYTURN_ITEM"] = os.fsencode(item)
    bare.execute(os.fsencode(words[0]), [os.fsencode(word) for word in [*words, *command]], found, assign)


def _assigned(text: str) -> tuple[str, str]:
    label, equals, field = text.partition("=")
    if not equals or not label.strip() or not field.strip():
        raise UsageError("--field takes LABEL=FIELD", "such as --field 'secret access key=secret'")
    return label.strip(), field.strip()


@plugin.command()
@unlocking
@click.argument("executable", default="")
@click.option(
    "--import-profile", metavar="NAME", help="import the keys of this profile from ~/.aws/credentials"
)
@click.option("--import-env", is_flag=True, help="import the keys in the environment")
@click.option("--item", "item", metavar="TITLE-OR-ID", help="use an item that is in the vault")
@click.option(
    "--field",
    "fields",
    metavar="LABEL=FIELD",
    multiple=True,
    help="the field of the item that is LABEL, if it is called FIELD there; it is renamed",
)
@click.option("--vault", default="", metavar="NAME", help="the vault to import into")
@click.option("--title", default="", help="the title of an imported item")
@click.option(
    "--scope",
    type=click.Choice(["session", "directory", "global"]),
    help="where the item is the default: in this terminal session, in this directory and below, everywhere "
    "[default: global]",
)
@click.option("--directory", metavar="PATH", help="in place of this directory; means --scope directory")
@click.option(
    "--also", metavar="NAMES", help="other commands to give the same item, separated by commas; '' for none"
)
@click.option(
    "--remove-plaintext/--keep-plaintext",
    default=None,
    help="take the imported keys out of the file they came from, or leave them there",
)
@click.option(
    "--recovery/--no-recovery", default=None, help="with a first account, also make a recovery code"
)
@click.option(
    "--preset",
    type=click.Choice(["balanced", "strict", "login-session"]),
    help="with a first account, how often to ask (the setting approval.preset)",
)
@click.option(
    "--shell-rc/--no-shell-rc",
    default=None,
    help="add the line that sources plugins.sh to your shell's start-up file, or do not",
)
@click.option("--dry-run", is_flag=True, help="ask, say what would be done, and change nothing")
@with_agent
def init(
    executable: str,
    import_profile: str | None,
    import_env: bool,
    item: str | None,
    fields: tuple[str, ...],
    vault: str,
    title: str,
    scope: str | None,
    directory: str | None,
    also: str | None,
    remove_plaintext: bool | None,
    recovery: bool | None,
    preset: str | None,
    shell_rc: bool | None,
    dry_run: bool,
) -> None:
    """Set EXECUTABLE up: choose or import a credential, make it the default, write plugins.sh.

    Without EXECUTABLE there is a list to choose from. Nothing is changed before the last question.
    """
    from keyturn.cli.setup import Setup
    from keyturn.cli.setup_plan import Choices

    choices = Choices(
        import_profile=import_profile,
        import_env=import_env,
        item=item,
        vault=vault,
        title=title,
        remove_plaintext=remove_plaintext,
        recovery=recovery,
        preset=preset,
        scope=scope,
        directory=directory,
        fields=dict(map(_assigned, fields)),
        also=None if also is None else tuple(name for name in also.replace(",", " ").split() if name),
        shell_rc=shell_rc,
        dry_run=dry_run,
    )
    Setup(current(), executable, choices).run()

"""`keyturn`: finds the command, loads it, and turns what goes wrong into one line."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Iterator
from typing import Any, NoReturn

import click

from keyturn import __version__
from keyturn.cli.ending import guarded, leave
from keyturn.cli.grouping import Group, UnknownCommandError
from keyturn.ground.errors import KeyturnError, Status, UsageError

# name → module of `keyturn.cli`, one line of help. `--help` reads this table and imports no command.
COMMANDS = {
    "account": ("account", "accounts, their slots and the password"),
    "agent": ("agent", "the agent in the background"),
    "aws": ("aws", "AWS: whose credentials a command gets, and why"),
    "completion": ("completing", "completion of keyturn's own commands, for bash, zsh and fish"),
    "doctor": ("doctor", "look whether everything is in order, and say how to mend what is not"),
    "item": ("item", "items and their fields"),
    "lock": ("session", "forget all keys, approvals and temporary credentials"),
    "grant": ("grant", "let programs without a terminal in, for a while"),
    "log": ("log", "what was used, by whom and by which yes"),
    "plaintext": ("plaintext", "credentials that lie about in files: find, take out, put back"),
    "plugin": ("plugin", "set up and run commands with credentials"),
    "settings": ("settings", "show and change settings"),
    "shell-init": ("shell_init", "make a shell run wrapped commands with credentials"),
    "shim": ("shim", "let scripts, make and editors run commands with credentials"),
    "signin": ("session", "unlock an account and approve this terminal"),
    "signout": ("session", "end this terminal's approval"),
    "status": ("session", "what is unlocked and approved, and until when"),
    "system-auth": ("system_auth", "agree by fingerprint or by the system's own authentication"),
    "vault": ("vault", "the vaults of an account"),
}

# Set by the completion of a shell, for this very call (click, “Shell Completion”).
COMPLETE = "_KEYTURN_COMPLETE"


class LazyGroup(Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        if context.obj is None:
            # Only now, for `--help` and `--version` need none of what this imports.
            from keyturn.catalogue import loader
            from keyturn.cli.context import Context
            from keyturn.ground.world import here

            context.obj = Context(world=here())
            # Without directories there are no own plugins either; who needs a directory says what is wrong.
            with contextlib.suppress(KeyturnError):
                loader.use(context.obj.world.directories.config, context.obj.world.uid)
        module = importlib.import_module(f"keyturn.cli.{COMMANDS[name][0]}")
        command: click.Command = getattr(module, name.replace("-", "_"))
        return command

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        with _reader_gone():
            return super().make_context(*args, **kwargs)

    def invoke(self, context: click.Context) -> Any:
        with _reader_gone():
            return super().invoke(context)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in sorted(COMMANDS)])


class ReaderGoneError(Exception):
    """Whoever read our output has enough of it; click takes a BrokenPipeError for a failure."""


@contextlib.contextmanager
def _reader_gone() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise ReaderGoneError from None


@click.group(
    cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, message="keyturn %(version)s")
def keyturn() -> None:
    """Authenticate any CLI with a turn of the key.

    Credentials stay in an encrypted vault; a wrapped command gets them in its environment, after you agreed.

    Begin with `keyturn plugin init aws`.
    """


def main() -> NoReturn:
    """The console script. Never returns."""
    if sys.argv[1:2] and sys.argv[1] in ("__launch", "__talk"):
        # Called by the launcher, with a command's arguments behind it: not click's to interpret.
        from keyturn.cli import launching

        launching.main(sys.argv[1], sys.argv[2:])
    leave(guarded(_run))
    raise AssertionError("leave does not return")


def _run() -> None:
    if COMPLETE in os.environ:
        # A shell asks what could come next.
        from keyturn.cli import completing

        completing.prepare(keyturn)
    try:
        status = keyturn.main(standalone_mode=False, complete_var=COMPLETE)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        raise SystemExit(Status.USAGE) from None
    except click.ClickException as error:
        raise _usage(error) from None
    except ReaderGoneError:
        raise BrokenPipeError from None
    except click.Abort:
        raise KeyboardInterrupt from None
    if isinstance(status, int) and status:
        raise SystemExit(status)


def _usage(error: click.ClickException) -> UsageError:
    """click's complaint in our manner: one lower-case line, and where to read on."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "keyturn"
    if isinstance(error, UnknownCommandError):
        hints = [f"did you mean: {error.meant}"] if error.meant else []
        message = error.message
    else:
        close = getattr(error, "possibilities", None) or []
        hints = [f"did you mean: {command} {word}" for word in close[:1]]
        # click puts each choice of a missing argument on a line of its own.
        message = " ".join((error.message if close else error.format_message()).split()).rstrip(".")
        message = message.replace("'. Choose from: ", "', one of: ")
    return UsageError(message[:1].lower() + message[1:], *hints, f"see: {command} --help")

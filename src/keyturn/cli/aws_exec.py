"""`keyturn aws exec`: any command with a profile's credentials in its environment."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from typing import NoReturn

import click
import msgspec

from keyturn.catalogue import loader
from keyturn.cli import aws_keys
from keyturn.cli.context import Context, current
from keyturn.cli.ending import guarded, leave
from keyturn.cli.options import greet, unlocking
from keyturn.ground.errors import ConfigurationError, NotFoundError, Status, UsageError
from keyturn.ground.names import printable
from keyturn.ground.packed import Packed
from keyturn.processes import bare, private
from keyturn.processes.bare import CannotExecuteError

# What a pipe holds before anybody reads (Linux 65536, macOS 16384 at least).
PIPE_SIZE = 16000


class _Change(msgspec.Struct, frozen=True):
    """What changes in the environment; its values are secrets, and it exists only to be handed over."""

    assign: dict[bytes, bytes]
    remove: list[bytes]

    def __repr__(self) -> str:
        return "_Change(…)"


_CHANGE: Packed[_Change] = Packed(_Change, "a change of environment")


@click.command(
    "exec",
    context_settings={
        "ignore_unknown_options": True,
        "allow_interspersed_args": False,
        "help_option_names": ["--help"],
    },
)
@unlocking
@click.option("--profile", metavar="NAME", help="the profile whose credentials it gets")
@click.argument("words", metavar="[COMMAND]...", nargs=-1, type=click.UNPROCESSED)
def execute(profile: str | None, words: tuple[str, ...]) -> None:
    """Run COMMAND with a profile's credentials: keyturn aws exec --profile dev -- terraform plan

    Its environment is that of a wrapped `aws`; credentials that the caller had are replaced, not kept beside.
    They last as long as they last: for what runs longer, see `keyturn aws configure`.
    """
    leave(guarded(lambda: _execute(current(), profile, list(words))))


def _execute(context: Context, profile: str | None, words: list[str]) -> NoReturn:
    if not words:
        raise UsageError("which command?", "keyturn aws exec --profile dev -- terraform plan")
    path = _found(context, words[0])
    status = guarded(greet)
    if status != Status.OK:
        raise SystemExit(status)
    # The command takes this process's place, which so far never held a secret; a child that nobody can read
    # gets it, and gives it through a pipe.
    reading, writing = os.pipe()
    status = private.run_privately(lambda: guarded(lambda: _hand_over(context, profile, words[0], writing)))
    os.close(writing)
    with open(reading, "rb") as stream:
        content = stream.read()
    if status != Status.OK:
        raise SystemExit(status)
    context.agent.close()
    change = _CHANGE.decode(content)
    found: Mapping[bytes, bytes] = context.world.variables
    for name in change.remove:
        if name in found:
            os.unsetenv(name)
    bare.execute(os.fsencode(path), [os.fsencode(word) for word in words], found, change.assign)


def _hand_over(context: Context, profile: str | None, command: str, writing: int) -> None:
    executable = os.path.basename(command)
    plugin = loader.find_by_executable(executable)
    is_known = plugin is not None and plugin.owner == aws_keys.PLUGIN
    given = aws_keys.ask(context, "exec", profile, executable if is_known else aws_keys.PLUGIN, executable)
    assign = {name.encode(): aws_keys.bytes_of(value) for name, value in given.assign.items()}
    remove = [name.encode() for name in given.remove]
    if not is_known:
        # Of no other command is it known whether it takes keys before a profile.
        for name in aws_keys.PROFILES:
            if assign.pop(name.encode(), None) is not None:
                remove.append(name.encode())
    content = _CHANGE.encode(_Change(assign, remove))
    if len(content) > PIPE_SIZE:
        raise ConfigurationError("the credentials are larger than any that AWS gives")
    with open(writing, "wb", closefd=False) as stream:
        stream.write(content)


def _found(context: Context, command: str) -> str:
    """The command as a shell would find it, without our shims: it gets its credentials here (story 68)."""
    parts = context.world.environment.get("PATH", os.defpath).split(":")
    shims = str(context.world.directories.data / "shims")
    found = shutil.which(command, path=":".join(part for part in parts if part.rstrip("/") != shims))
    if found is None:
        if "/" in command and os.path.exists(command):
            raise CannotExecuteError(f"{printable(command)}: permission denied", "look at it: ls -l")
        raise NotFoundError(f"{printable(command)}: command not found", "it is looked for on PATH")
    return found

"""`keyturn plugin clear`: one default less, the nearest first. Needs no agent, no key, and no item."""

from __future__ import annotations

import click

from keyturn.cli import surroundings
from keyturn.cli.context import Context, current
from keyturn.cli.output import note
from keyturn.ground.errors import DeniedError, NoDefaultError, UsageError
from keyturn.ground.names import printable
from keyturn.processes.identity import TerminalSession
from keyturn.scopes import defaults
from keyturn.scopes.defaults import DefaultsFile
from keyturn.scopes.layers import Layer, Scope
from keyturn.scopes.sessions import SessionDefaults


@click.command("clear")
@click.argument("executable")
@click.option("--all", "everything", is_flag=True, help="all defaults that apply here, named before it asks")
@click.option("--force", is_flag=True, help="do not ask")
@click.option("--no-input", is_flag=True, help="ask nothing; what would be asked is an error")
def command(executable: str, everything: bool, force: bool, no_input: bool) -> None:
    """Clear the default of EXECUTABLE that applies here, one at each call.

    First that of the terminal session, then those of directories, from the working directory up to the root,
    then the global one. Items stay in their vaults. It works locked, and after the item is gone.
    """
    context = current()
    context.no_input = no_input
    found = surroundings.look(context.world)
    layers = found.layers(executable)
    if not layers:
        raise NoDefaultError(
            f"no default of {printable(executable)} applies here",
            "see those of other places: keyturn plugin inspect --all",
        )
    if everything and not force:
        _agree(context, executable, layers)
    for layer in layers if everything else layers[:1]:
        _clear(context, executable, layer, found.terminal)
        note(f"cleared {_described(context, layer)}")
    _tell_what_applies(context, executable)


def _agree(context: Context, executable: str, layers: list[Layer]) -> None:
    """Name what is to go, and have the person agree. Raises UsageError where nobody can be asked."""
    context.require_input("your agreement to clear all of these defaults", "give it: --force")
    lines = [f"defaults of {executable} that apply here:"]
    lines += [f"  {_described(context, layer)}" for layer in layers]
    for line in lines:
        context.terminal.tell(printable(line, 400))
    if not context.terminal.confirm(f"clear all {len(layers)}?", default=False):
        raise DeniedError("nothing was cleared", "clear the nearest one alone: without --all")


def _clear(context: Context, executable: str, layer: Layer, terminal: TerminalSession | None) -> None:
    directories = context.world.directories
    if layer.scope is Scope.SESSION:
        if terminal is None:
            raise UsageError("there is no terminal session here")
        SessionDefaults(directories.sessions, context.world.uid).change(
            terminal, lambda items: {name: item for name, item in items.items() if name != executable}
        )
        return
    file = DefaultsFile(directories.defaults)
    if layer.scope is Scope.DIRECTORY:
        file.change(lambda known: defaults.without_directory_default(known, layer.place, executable))
    else:
        file.change(lambda known: defaults.without_default(known, executable))


def _tell_what_applies(context: Context, executable: str) -> None:
    left = surroundings.look(context.world).layers(executable)
    if left:
        note(f"{printable(executable)} now uses {_described(context, left[0])}")
    else:
        note(f"{printable(executable)} has no default here now")


def _described(context: Context, layer: Layer) -> str:
    return f"{layer.source(surroundings.home(context.world))}: “{printable(layer.item.title)}”"

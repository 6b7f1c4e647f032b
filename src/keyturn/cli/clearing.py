"""`keyturn plugin clear`: one default less, the nearest first. Needs no agent, no key, and no item."""

from __future__ import annotations

from itertools import groupby

import click

from keyturn.catalogue import loader
from keyturn.cli import surroundings
from keyturn.cli.context import Context, current
from keyturn.cli.output import note
from keyturn.cli.surroundings import Surroundings
from keyturn.ground.errors import DeniedError, NoDefaultError, UsageError
from keyturn.ground.names import printable
from keyturn.processes.identity import TerminalSession
from keyturn.scopes import defaults, keys
from keyturn.scopes.defaults import DefaultsFile
from keyturn.scopes.layers import Layer, Scope
from keyturn.scopes.sessions import SessionDefaults


@click.command("clear")
@click.argument("executable")
@click.option("--all", "everything", is_flag=True, help="all defaults that apply here, named before it asks")
@click.option(
    "--credential", metavar="PLUGIN", help="of several credentials only the one of this plugin (terraform)"
)
@click.option("--profile", metavar="NAME", help="the item bound to this AWS profile, and no default")
@click.option("--force", is_flag=True, help="do not ask")
@click.option("--no-input", is_flag=True, help="ask nothing; what would be asked is an error")
def command(
    executable: str,
    everything: bool,
    credential: str | None,
    profile: str | None,
    force: bool,
    no_input: bool,
) -> None:
    """Clear the default of EXECUTABLE that applies here, one at each call.

    First that of the terminal session, then those of directories, from the working directory up to the root,
    then the global one. Items stay in their vaults. It works locked, and after the item is gone.
    """
    context = current()
    context.no_input = no_input
    if profile is not None:
        if everything or credential is not None:
            raise UsageError(
                "--profile goes with neither --all nor --credential",
                "it takes that one item away: give it alone",
            )
        from keyturn.cli import profiles

        profiles.clear(context, executable, profile)
        return
    wanted = None if credential is None else _credential(executable, credential)
    found = surroundings.look(context.world)
    layers = _layers(found, executable, wanted)
    if not layers:
        raise NoDefaultError(
            f"no default of {_named(executable, wanted)} applies here",
            "see those of other places: keyturn plugin inspect --all",
        )
    if everything and not force:
        _agree(context, executable, layers)
    nearest = [each for each in layers if (each.scope, each.place) == (layers[0].scope, layers[0].place)]
    for layer in layers if everything else nearest:
        _clear(context, keys.written(executable, layer.credential), layer, found.terminal)
        note(f"cleared {_described(context, layer)}")
    _tell_what_applies(context, executable, wanted)


def _credential(executable: str, name: str) -> str:
    """The credential that the person named, as a key has it. One that no plugin has any more will do."""
    listed = loader.listed().get(executable)
    return "" if listed is not None and name == listed.owner else name


def _layers(found: Surroundings, executable: str, credential: str | None) -> list[Layer]:
    layers = found.all_layers(executable)
    return [each for each in layers if credential is None or each.credential == credential]


def _named(executable: str, credential: str | None) -> str:
    name = printable(executable)
    return f"{name} for the credential of {printable(credential)}" if credential else name


def _agree(context: Context, executable: str, layers: list[Layer]) -> None:
    """Name what is to go, and have the person agree. Raises UsageError where nobody can be asked."""
    context.require_input("your agreement to clear all of these defaults", "give it: --force")
    lines = [f"defaults of {executable} that apply here:"]
    lines += [f"  {_described(context, layer)}" for layer in layers]
    for line in lines:
        context.terminal.tell(printable(line, 400))
    if not context.terminal.confirm(f"clear all {len(layers)}?", default=False):
        raise DeniedError("nothing was cleared", "clear the nearest one alone: without --all")


def _clear(context: Context, key: str, layer: Layer, terminal: TerminalSession | None) -> None:
    directories = context.world.directories
    if layer.scope is Scope.SESSION:
        if terminal is None:
            raise UsageError("there is no terminal session here")
        SessionDefaults(directories.sessions, context.world.uid).change(
            terminal, lambda items: {name: item for name, item in items.items() if name != key}
        )
        return
    file = DefaultsFile(directories.defaults)
    if layer.scope is Scope.DIRECTORY:
        file.change(lambda known: defaults.without_directory_default(known, layer.place, key))
    else:
        file.change(lambda known: defaults.without_default(known, key))


def _tell_what_applies(context: Context, executable: str, credential: str | None) -> None:
    left = _layers(surroundings.look(context.world), executable, credential)
    for _, same in groupby(sorted(left, key=lambda each: each.credential), key=lambda each: each.credential):
        note(f"{printable(executable)} now uses {_described(context, next(same))}")
    if not left:
        note(f"{_named(executable, credential)} has no default here now")


def _described(context: Context, layer: Layer) -> str:
    whose = f" for {printable(layer.credential)}" if layer.credential else ""
    return f"{layer.source(surroundings.home(context.world))}{whose}: “{printable(layer.item.title)}”"

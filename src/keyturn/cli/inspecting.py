"""`keyturn plugin inspect`: what is set up, which item a command would use here, and why.

Needs no agent, no key and no terminal: titles are the remembered ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import click
import msgspec

from keyturn.agent.registry import Registry
from keyturn.catalogue import loader
from keyturn.cli import output, surroundings
from keyturn.cli.columns import aligned
from keyturn.cli.context import current
from keyturn.cli.options import output_format
from keyturn.ground.errors import UsageError
from keyturn.ground.names import printable
from keyturn.ground.world import World
from keyturn.items import ItemReference
from keyturn.processes import identity
from keyturn.scopes import places
from keyturn.scopes.layers import Layer, Scope, shown
from keyturn.scopes.sessions import SessionDefaults
from keyturn.sdk.schema import Plugin
from keyturn.shells import plugins_sh


class Named(msgspec.Struct, frozen=True):
    """Something with an id; the title is the one remembered, empty if none is."""

    id: str
    title: str


class DefaultRow(msgspec.Struct, frozen=True):
    """One default. `directory` and `terminal` say whose it is, `applies` whether that is here.

    `used`: it is the one that wins; `why` says so, or why not.
    """

    scope: str
    directory: str | None
    terminal: str | None
    applies: bool
    used: bool
    why: str
    credential: str
    item: Named
    vault: Named
    account: Named


class BoundRow(msgspec.Struct, frozen=True):
    """An item bound to a name that the command is told (an AWS profile)."""

    name: str
    item: Named
    vault: Named
    account: Named


class Wrapper(msgspec.Struct, frozen=True):
    """Whether plugins.sh wraps the command, and what this shell has read of it:
    `sourced`, `stale` (the file has changed since) or `not sourced`."""

    defined: bool
    shell: str


class Inspected(msgspec.Struct, frozen=True):
    """All about one executable. `plugin` and `platform` are empty where no plugin wraps it any more."""

    executable: str
    plugin: str
    platform: str
    wrapper: Wrapper
    defaults: list[DefaultRow]
    bound: list[BoundRow]


@click.command("inspect")
@click.argument("executable", default="")
@click.option("--all", "everything", is_flag=True, help="the whole machine, not only what applies here")
@click.option(
    "--explain", is_flag=True, help="which default wins here, which others there are, and why they lose"
)
@output_format
def command(executable: str, everything: bool, explain: bool, form: str) -> None:
    """Show how EXECUTABLE is set up: its wrapper, and the defaults that apply here, nearest first.

    Without EXECUTABLE: all that are set up. It works locked, without a terminal, and from any directory.
    """
    world = current().world
    inspection = Inspection(world, elsewhere=everything or explain)
    found = [inspection.of(name) for name in ([executable] if executable else inspection.names(everything))]
    if form == "json":
        output.as_json("executables", msgspec.to_builtins(found))
        return
    if not found:
        output.note("nothing is set up here; begin with: keyturn plugin init aws")
    for number, each in enumerate(found):
        for line in [*([""] if number else []), *_lines(each, world, explain=explain)]:
            output.line(output.clean(line))


class Inspection:
    """Reads everything once. `elsewhere`: also what does not apply here."""

    def __init__(self, world: World, *, elsewhere: bool) -> None:
        self._world = world
        self._elsewhere = elsewhere
        self._here = surroundings.look(world)
        self._home = surroundings.home(world)
        self._wrapped = plugins_sh.wrapped(world.directories.plugins_sh)

    @cached_property
    def _accounts(self) -> dict[str, str]:
        entries = Registry(self._world.directories.accounts).entries()
        return {entry.id: entry.title for entry in entries}

    def names(self, everything: bool) -> list[str]:
        """The executables that are wrapped, and those with a default here (`everything`: anywhere)."""
        known = self._here.known
        found = {*self._wrapped, *known.everywhere, *self._here.session}
        for place, items in known.directories.items():
            if everything or self._is_here(place):
                found.update(items)
        if everything:
            for each in SessionDefaults(self._world.directories.sessions, self._world.uid).living():
                found.update(each.items)
        return sorted(found)

    def _is_here(self, place: str) -> bool:
        return self._here.directory is not None and place in places.upwards(self._here.directory)

    def of(self, executable: str) -> Inspected:
        """All about one executable. Raises UsageError for one that nothing knows."""
        plugin = loader.find_by_executable(executable)
        if plugin is None and executable not in self.names(everything=True):
            raise UsageError(f"no plugin wraps {printable(executable)}", "see: keyturn plugin list")
        here = self._here.layers(executable)
        rows = [self._applying(plugin, executable, layer, here[0]) for layer in here]
        if self._elsewhere:
            rows += self._of_directories(plugin, executable, here)
            rows += self._of_sessions(plugin, executable)
        return Inspected(
            executable=executable,
            plugin=plugin.name if plugin is not None else "",
            platform=plugin.platform if plugin is not None else "",
            wrapper=self._wrapper(executable),
            defaults=rows,
            bound=list(self._bound(plugin)),
        )

    def _wrapper(self, executable: str) -> Wrapper:
        read = self._world.environment.get(plugins_sh.HASH_VARIABLE, "")
        is_current = read == plugins_sh.current_hash(self._world.directories.plugins_sh)
        shell = "not sourced" if not read else "sourced" if is_current else "stale"
        return Wrapper(executable in self._wrapped, shell)

    def _applying(self, plugin: Plugin | None, executable: str, layer: Layer, first: Layer) -> DefaultRow:
        if layer is first and self._here.is_settled(executable):
            return self._row(plugin, layer, "used: nothing nearer has one", applies=True, used=True)
        if layer is first:
            why = "refused: a directory may have one of its own, and the working directory is not known"
            return self._row(plugin, layer, why, applies=True)
        return self._row(plugin, layer, f"not used: {first.source(self._home)} comes first", applies=True)

    def _of_directories(
        self, plugin: Plugin | None, executable: str, here: list[Layer]
    ) -> Iterator[DefaultRow]:
        applying = {layer.place for layer in here}
        for place, items in sorted(self._here.known.directories.items()):
            if executable in items and place not in applying:
                why = "not here: the working directory is not in it"
                if self._here.directory is None:
                    why = "not used: the working directory is not known"
                yield self._row(plugin, Layer(Scope.DIRECTORY, place, items[executable]), why)

    def _of_sessions(self, plugin: Plugin | None, executable: str) -> Iterator[DefaultRow]:
        directories = self._world.directories
        for each in SessionDefaults(directories.sessions, self._world.uid).living():
            if executable in each.items and each.owner != self._here.terminal:
                layer = Layer(Scope.SESSION, "", each.items[executable])
                name = identity.terminal_name(each.terminal)
                yield self._row(plugin, layer, "not here: another terminal session", terminal=name)

    def _row(
        self,
        plugin: Plugin | None,
        layer: Layer,
        why: str,
        *,
        applies: bool = False,
        used: bool = False,
        terminal: str | None = None,
    ) -> DefaultRow:
        if layer.scope is Scope.SESSION and terminal is None and self._here.terminal is not None:
            terminal = identity.terminal_name(self._here.terminal.terminal)
        item, vault, account = self._named(layer.item)
        return DefaultRow(
            scope=str(layer.scope),
            directory=places.path(layer.place) if layer.place else None,
            terminal=terminal,
            applies=applies,
            used=used,
            why=why,
            credential=plugin.credential.title if plugin is not None else "",
            item=item,
            vault=vault,
            account=account,
        )

    def _bound(self, plugin: Plugin | None) -> Iterator[BoundRow]:
        bound = self._here.known.bindings.get(plugin.owner, {}) if plugin is not None else {}
        for name, reference in sorted(bound.items()):
            yield BoundRow(name, *self._named(reference))

    def _named(self, reference: ItemReference) -> tuple[Named, Named, Named]:
        return (
            Named(reference.item, reference.title),
            Named(reference.vault, self._here.known.vaults.get(reference.vault, "")),
            Named(reference.account, self._accounts.get(reference.account, "")),
        )


def _lines(found: Inspected, world: World, *, explain: bool) -> list[str]:
    platform = found.platform or "no plugin wraps it"
    lines = [f"{found.executable} ({platform})", f"wrapper: {_wrapper_words(found, world)}"]
    if not any(row.applies for row in found.defaults):
        lines.append(f"no default applies here; set one: keyturn plugin init {found.executable}")
    cells = [
        (
            _whose(row, surroundings.home(world)),
            row.item.title or row.item.id,
            row.credential,
            row.vault.title or row.vault.id,
            row.account.title or row.account.id,
            row.why,
        )
        for row in found.defaults
    ]
    for each in found.bound:
        why = "used where the command is told this profile"
        titles = [named.title or named.id for named in (each.item, each.vault, each.account)]
        cells.append((f"profile {each.name}", titles[0], _credential(found), titles[1], titles[2], why))
    if not cells:
        return lines
    headings = ("default of", "item", "credential", "vault", "account", "why")
    kept = len(headings) if explain else len(headings) - 1
    return lines + aligned(headings[:kept], [row[:kept] for row in cells])


def _credential(found: Inspected) -> str:
    return loader.load(found.plugin).credential.title


def _whose(row: DefaultRow, home: str) -> str:
    if row.scope == Scope.SESSION:
        return "this terminal session" if row.applies else f"terminal session {row.terminal}"
    if row.directory is None:
        return "everywhere"
    return f"{shown(places.written(row.directory), home)} and below"


def _wrapper_words(found: Inspected, world: World) -> str:
    path = world.directories.plugins_sh
    if not found.wrapper.defined:
        return f"none; define it: keyturn plugin init {found.executable}"
    if found.wrapper.shell == "sourced":
        return "sourced in this shell"
    what = "stale in this shell" if found.wrapper.shell == "stale" else "not sourced in this shell"
    return f"{what}; {plugins_sh.source_line(path)}"

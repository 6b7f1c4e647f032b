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
from keyturn.catalogue.index import Listed
from keyturn.cli import diagnosis, output, surroundings
from keyturn.cli.context import Context, current
from keyturn.cli.inspected import BoundRow, DefaultRow, Inspected, Named, RulesRow, Wrapper, lines_of
from keyturn.cli.options import output_format
from keyturn.ground.world import World
from keyturn.items import ItemReference
from keyturn.processes import identity
from keyturn.scopes import keys, layers, places
from keyturn.scopes.layers import Layer, Scope
from keyturn.scopes.sessions import SessionDefaults, SessionFile
from keyturn.shells import plugins_sh


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
    context = current()
    world = context.world
    inspection = Inspection(world, elsewhere=everything or explain)
    names = [executable] if executable else inspection.names(everything)
    found = [inspection.of(name, context) for name in names]
    for broken in loader.broken() if not executable else ():
        output.note(f"broken: {broken.message}")
    if form == "json":
        output.as_json("executables", msgspec.to_builtins(found))
        return
    if not found:
        output.note("nothing is set up here; begin with: keyturn plugin init aws")
    for number, each in enumerate(found):
        for line in [*([""] if number else []), *lines_of(each, world, explain=explain)]:
            output.line(line if line.isprintable() else output.clean(line))


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
        """The executables that are wrapped, those with a default here (`everything`: anywhere), and those
        whose plugins have items bound to names."""
        known = self._here.known
        found = {*known.everywhere, *self._here.session}
        for place, items in known.directories.items():
            if everything or place in self._above:
                found.update(items)
        if everything:
            for each in self._sessions:
                found.update(each.items)
        bound = {each.runs for each in self._listed.values() if each.plugin in known.bindings}
        return sorted({*self._wrapped, *bound, *(keys.parsed(key)[0] for key in found)})

    @cached_property
    def _above(self) -> frozenset[str]:
        """The working directory and its parents, as places."""
        return frozenset(places.upwards(self._here.directory) if self._here.directory is not None else ())

    @cached_property
    def _sessions(self) -> list[SessionFile]:
        return SessionDefaults(self._world.directories.sessions, self._world.uid).living()

    @cached_property
    def _listed(self) -> dict[str, Listed]:
        return loader.listed()

    def of(self, executable: str, context: Context) -> Inspected:
        """All about one executable. Raises UsageError for one that nothing knows."""
        listed = self._listed.get(executable)
        if listed is None and executable not in self.names(everything=True):
            raise loader.unknown(executable)
        here = self._here.all_layers(executable)
        first: dict[str, Layer] = {}
        for layer in here:
            first.setdefault(layer.credential, layer)
        rows = [self._applying(executable, layer, first[layer.credential]) for layer in here]
        if self._elsewhere:
            rows += self._of_directories(executable)
            rows += self._of_sessions(executable)
        return Inspected(
            executable=executable,
            plugin=listed.plugin if listed is not None else "",
            platform=listed.platform if listed is not None else "",
            wrapper=self._wrapper(executable),
            defaults=rows,
            bound=list(self._bound(listed)),
            any_credential=listed is not None and listed.any_credential,
            warnings=[
                *([listed.warning] if listed is not None and listed.warning else []),
                *diagnosis.lines(context, executable, self._used(here, listed)),
            ],
            own=listed is not None and listed.own,
            rules=_rules(executable),
        )

    def _used(self, here: list[Layer], listed: Listed | None) -> list[ItemReference]:
        """The items that a command may get here: what the scopes give, and what is bound."""
        bound = self._here.known.bindings.get(listed.owner, {}) if listed is not None else {}
        found = {each.item: each for each in (*(layer.item for layer in here[:1]), *bound.values())}
        return list(found.values())

    def _wrapper(self, executable: str) -> Wrapper:
        read = self._world.environment.get(plugins_sh.HASH_VARIABLE, "")
        is_current = read == plugins_sh.current_hash(self._world.directories.plugins_sh)
        shell = "not sourced" if not read else "sourced" if is_current else "stale"
        return Wrapper(executable in self._wrapped, shell)

    def _applying(self, executable: str, layer: Layer, first: Layer) -> DefaultRow:
        if layer is first and self._here.is_settled(keys.written(executable, layer.credential)):
            return self._row(executable, layer, "used: nothing nearer has one", applies=True, used=True)
        if layer is first:
            why = "refused: a directory may have one of its own, and the working directory is not known"
            return self._row(executable, layer, why, applies=True)
        why = f"not used: {first.source(self._home)} comes first"
        return self._row(executable, layer, why, applies=True)

    def _of_directories(self, executable: str) -> Iterator[DefaultRow]:
        why = "not here: the working directory is not in it"
        if self._here.directory is None:
            why = "not used: the working directory is not known"
        for place, items in sorted(self._here.known.directories.items()):
            if place not in self._above:
                for layer in layers.of_items(Scope.DIRECTORY, place, items, executable):
                    yield self._row(executable, layer, why)

    def _of_sessions(self, executable: str) -> Iterator[DefaultRow]:
        for each in self._sessions:
            if each.owner != self._here.terminal:
                name = identity.terminal_name(each.terminal)
                for layer in layers.of_items(Scope.SESSION, "", each.items, executable):
                    yield self._row(executable, layer, "not here: another terminal session", terminal=name)

    def _credential(self, executable: str, layer: Layer) -> tuple[str, str]:
        """The plugin whose credential it is, and the credential's title; empty for one that is gone."""
        listed = self._listed.get(executable)
        if not layer.credential:
            return (listed.owner, listed.credential) if listed is not None else ("", "")
        found = self._credentials.get(layer.credential)
        return layer.credential, found.credential if found is not None else ""

    @cached_property
    def _credentials(self) -> dict[str, Listed]:
        return loader.credentials()

    def _row(
        self,
        executable: str,
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
        plugin, credential = self._credential(executable, layer)
        return DefaultRow(
            scope=str(layer.scope),
            directory=places.path(layer.place) if layer.place else None,
            terminal=terminal,
            applies=applies,
            used=used,
            why=why,
            credential=credential,
            item=item,
            vault=vault,
            account=account,
            plugin=plugin,
        )

    def _bound(self, listed: Listed | None) -> Iterator[BoundRow]:
        bound = self._here.known.bindings.get(listed.owner, {}) if listed is not None else {}
        for name, reference in sorted(bound.items()):
            yield BoundRow(name, *self._named(reference))

    def _named(self, reference: ItemReference) -> tuple[Named, Named, Named]:
        return (
            Named(reference.item, reference.title),
            Named(reference.vault, self._here.known.vaults.get(reference.vault, "")),
            Named(reference.account, self._accounts.get(reference.account, "")),
        )


def _rules(executable: str) -> RulesRow | None:
    found = loader.rules(executable)
    return None if found is None else RulesRow(list(found.always), list(found.never))

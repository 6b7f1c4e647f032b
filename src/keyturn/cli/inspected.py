"""What `keyturn plugin inspect` has to say of an executable: as data, and as lines."""

from __future__ import annotations

import msgspec

from keyturn.catalogue import loader
from keyturn.cli import surroundings
from keyturn.cli.columns import aligned
from keyturn.ground.world import World
from keyturn.scopes import places
from keyturn.scopes.layers import Scope, shown
from keyturn.shells import plugins_sh


class Named(msgspec.Struct, frozen=True):
    """Something with an id; the title is the one remembered, empty if none is."""

    id: str
    title: str


class DefaultRow(msgspec.Struct, frozen=True):
    """One default. `directory` and `terminal` say whose it is, `applies` whether that is here.

    `used`: it is the one that wins for its credential; `why` says so, or why not. `plugin` is the one whose
    credential it is, empty if none has it any more.
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
    plugin: str = ""


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


class RulesRow(msgspec.Struct, frozen=True):
    """The person's own rules for a command: what needs credentials in any case, and what never does."""

    always: list[str]
    never: list[str]


class Inspected(msgspec.Struct, frozen=True):
    """All about one executable. `plugin` and `platform` are empty where no plugin wraps it any more.

    `own`: the plugin is the person's own. `rules` are their own, null without any.
    """

    executable: str
    plugin: str
    platform: str
    wrapper: Wrapper
    defaults: list[DefaultRow]
    bound: list[BoundRow]
    any_credential: bool = False
    warnings: list[str] = []
    own: bool = False
    rules: RulesRow | None = None


def lines_of(found: Inspected, world: World, *, explain: bool) -> list[str]:
    """For a terminal; with `explain` also why each default is used or not."""
    platform = found.platform or "no plugin wraps it"
    yours = ", a plugin of yours" if found.own else ""
    lines = [f"{found.executable} ({platform}{yours})", f"wrapper: {_wrapper_words(found, world)}"]
    if found.rules is not None:
        lines += [f"needs credentials, by your {loader.RULES}: {entry}" for entry in found.rules.always]
        lines += [f"needs none, by your {loader.RULES}: {entry}" for entry in found.rules.never]
    if not any(row.applies for row in found.defaults):
        lines.append(f"no default applies here; set one: keyturn plugin init {found.executable}")
    home = surroundings.home(world)
    cells = [
        (
            _whose(row, home),
            row.item.title or row.item.id,
            _credential_words(row, found),
            row.vault.title or row.vault.id,
            row.account.title or row.account.id,
            row.why,
        )
        for row in found.defaults
    ]
    for each in found.bound:
        why = "used where the command is told this profile"
        titles = [named.title or named.id for named in (each.item, each.vault, each.account)]
        credential = loader.listed()[found.executable].credential
        if found.any_credential:
            credential = f"{credential} ({loader.listed()[found.executable].owner})"
        cells.append((f"profile {each.name}", titles[0], credential, titles[1], titles[2], why))
    warnings = [f"warning: {line}" for line in found.warnings]
    if not cells:
        return lines + warnings
    headings = ("default of", "item", "credential", "vault", "account", "why")
    kept = len(headings) if explain else len(headings) - 1
    return lines + aligned(headings[:kept], [row[:kept] for row in cells]) + warnings


def _credential_words(row: DefaultRow, found: Inspected) -> str:
    """The credential's title; with its plugin's name, for `--credential`, where there may be several."""
    return f"{row.credential} ({row.plugin})".lstrip() if found.any_credential else row.credential


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

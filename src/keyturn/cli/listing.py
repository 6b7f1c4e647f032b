"""`keyturn plugin list`: the commands that Keyturn knows."""

from __future__ import annotations

import unicodedata

import click
import msgspec

from keyturn.catalogue import loader
from keyturn.cli import output
from keyturn.cli.columns import fitted
from keyturn.cli.context import current
from keyturn.cli.options import output_format
from keyturn.cli.surroundings import is_installed
from keyturn.ground.world import World
from keyturn.scopes import keys
from keyturn.scopes.defaults import DefaultsFile
from keyturn.scopes.sessions import SessionDefaults


class PluginRow(msgspec.Struct, frozen=True):
    """One executable. `configured`: it has a default somewhere on this machine.

    `credential` and `required_fields` are those of its own; `any_credential`: it takes the others besides.
    `warning` is what is to be known before it is used; `own`: the plugin is the person's own.
    """

    executable: str
    name: str
    plugin: str
    platform: str
    credential: str
    required_fields: list[str]
    installed: bool
    configured: bool
    any_credential: bool = False
    warning: str = ""
    own: bool = False


@click.command("list")
@click.argument("words", nargs=-1)
@output_format
def command(words: tuple[str, ...], form: str) -> None:
    """List the commands that can be set up; with WORDS those that all of these words fit.

    A word fits a command's name, its title, its plugin or its platform. A narrow window shows fewer columns.
    """
    found = [row for row in rows(current().world) if fits(row, words)]
    for broken in loader.broken():
        output.note(f"broken: {broken.message}")
    if form == "json":
        output.as_json("plugins", msgspec.to_builtins(found))
        return
    if not found:
        output.note("no plugin fits" if words else "no plugins")
        return
    headings = ("executable", "name", "platform", "required fields", "installed", "configured")
    cells = [
        (
            row.executable,
            row.name,
            f"{row.platform} (yours)" if row.own else row.platform,
            ", ".join(row.required_fields) + (", or those of any other" if row.any_credential else ""),
            "yes" if row.installed else "no",
            "yes" if row.configured else "no",
        )
        for row in found
    ]
    for line in fitted(headings, cells, ("required fields", "name"), output.width()):
        output.line(line)
    for row in found:
        if row.warning:
            output.note(f"{row.executable}: {row.warning}")


def rows(world: World) -> list[PluginRow]:
    """Every executable of every plugin, by name."""
    configured = with_default(world)
    return [
        PluginRow(
            executable=each.runs,
            name=each.name,
            plugin=each.plugin,
            platform=each.platform,
            credential=each.credential,
            required_fields=list(each.required),
            installed=is_installed(world, each.runs),
            configured=each.runs in configured,
            any_credential=each.any_credential,
            warning=each.warning,
            own=each.own,
        )
        for each in loader.listed().values()
    ]


def with_default(world: World) -> set[str]:
    """The executables with a default anywhere on this machine, in whichever scope."""
    known = DefaultsFile(world.directories.defaults).read()
    sessions = SessionDefaults(world.directories.sessions, world.uid).living()
    groups = (known.everywhere, *known.directories.values(), *(each.items for each in sessions))
    return {keys.parsed(key)[0] for items in groups for key in items}


def fits(row: PluginRow, words: tuple[str, ...]) -> bool:
    """Whether each word stands somewhere in the row, whatever its case and however it is composed."""
    text = _folded("\n".join((row.executable, row.name, row.plugin, row.platform)))
    return all(_folded(word) in text for word in words)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())

"""What lies about in plaintext on this machine, as the commands of `keyturn plaintext` name and show it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from keyturn.catalogue import plaintext as catalogue
from keyturn.catalogue import scanning
from keyturn.catalogue.scanning import Found, Report
from keyturn.cli import sourcing, traces
from keyturn.cli.context import Context
from keyturn.ground.errors import ConfigurationError, MissingError
from keyturn.ground.names import masked, plain_label, printable
from keyturn.ground.world import World
from keyturn.plaintext.reading import without_password
from keyturn.sdk.schema import Plugin
from keyturn.shells import rc_files


def look(world: World) -> Report:
    """Every credential in the files of the known tools and in start-up files."""
    return scanning.scan(catalogue.tools(), world.environment, _start_up_files(world), sys.platform)


def _start_up_files(world: World) -> list[tuple[Path, str]]:
    """Files that set variables, each with its format."""
    if not os.path.isabs(world.home):
        return []
    home = Path(world.home)
    found = rc_files.start_up_files(world.environment)
    found += [path for name in traces.OTHER_FILES for path in sorted(home.glob(name))]
    configuration = world.environment.get("XDG_CONFIG_HOME", "")
    base = Path(configuration) if os.path.isabs(configuration) else home / ".config"
    kinds = [(path, "fish" if path.suffix == ".fish" else "shell") for path in dict.fromkeys(found)]
    return [*kinds, (base / traces.FISH_VARIABLES, "fish")]


def has_words(found: Found, words: Sequence[str]) -> bool:
    """Whether tool, place or profile contain all of these."""
    text = "\n".join((found.tool.name, found.tool.title, str(found.source.path), found.profile)).casefold()
    return all(word.casefold() in text for word in words)


def at_place(context: Context, report: Report, place: str) -> list[Found]:
    """What is at a place that the person names: `PATH`, or `PATH:LINE` as `scan` prints it.

    Raises MissingError if there is nothing, ConfigurationError if the file could not be looked into.
    """
    written, _, line = place.rpartition(":")
    if not line.isascii() or not line.isdigit() or not written:
        written, line = place, ""
    path = absolute(context, written)
    here = [each for each in report.found if is_file(each.source.path, each.source.real, path)]
    found = [each for each in here if not line or each.line == int(line)]
    if found:
        return found
    for unread in report.unread:
        if is_file(unread.path, Path(os.path.realpath(unread.path)), path):
            raise ConfigurationError(
                f"{sourcing.shown(context, unread.path)} could not be looked into: {unread.reason}"
            )
    lines = ", ".join(str(each.line) for each in here)
    raise MissingError(
        f"no credential was found at {printable(place, 300)}",
        f"it has some in lines {lines}" if here else "see what was found: keyturn plaintext scan",
    )


def absolute(context: Context, written: str) -> str:
    """A path as the person writes it, without `~`."""
    if written == "~" or written.startswith("~/"):
        written = context.world.home + written[1:]
    return os.path.abspath(written)


def is_file(path: Path, real: Path, wanted: str) -> bool:
    return wanted in (str(path), str(real)) or os.path.realpath(wanted) == str(real)


def shown_place(context: Context, found: Found) -> str:
    return f"{sourcing.shown(context, found.source.path)}:{found.line}"


def shown_values(found: Found) -> str:
    """The values, secrets masked."""
    return ", ".join(f"{label} {shown_value(found, label)}" for label in found.fields)


def shown_value(found: Found, label: str) -> str:
    """A value as it may be shown: of a secret its end, of one that is copied only, all of it."""
    text = found.fields[label].reveal()
    if found.makes_it(label):
        return masked(printable(text, len(text)))
    return printable(without_password(text))


def as_json(found: Found) -> dict[str, Any]:
    """One credential for `--format json`; never a value."""
    plugin = plugin_of(found)
    return {
        "path": str(found.source.path),
        "line": found.line,
        "tool": found.tool.name,
        "plugin": plugin.name if plugin is not None else None,
        "profile": found.profile,
        "fields": [
            {"label": label, "secret": label in found.secrets, "masked": shown_value(found, label)}
            for label in found.fields
        ],
        "removable": not found.stuck,
        "reason": found.stuck or None,
    }


def plugin_of(found: Found) -> Plugin | None:
    """The plugin whose credential this is, if it is a complete one of the catalogue."""
    plugin = found.tool.plugin
    if plugin is None:
        return None
    labels = {plain_label(label) for label in found.fields}
    missing = [
        field
        for field in plugin.credential.fields
        if not field.optional
        if plain_label(field.label) not in labels
    ]
    return None if missing else plugin

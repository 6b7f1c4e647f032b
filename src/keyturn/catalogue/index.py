"""The index of the plugins: what is listed of every command, in one file that is read at once.

A line for each executable, its parts parted by tabs. It is written from the plugins' files, and a test sees
that it says what they say.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from keyturn.ground import files
from keyturn.ground.errors import ConfigurationError
from keyturn.ground.names import is_plugin_name

if TYPE_CHECKING:
    from keyturn.sdk.schema import Executable, Plugin

FILE = "executables.index"

# The largest file of the catalogue is a few kilobytes; more than this is something else.
_LARGEST = 256 * 1024


class Listed(msgspec.Struct, frozen=True):
    """What is listed of one executable.

    `owner` is the plugin whose credential is its own, `credential` that one's title, and `required` the
    labels of the fields that it has to have. `any_credential`: it takes those of all others besides.
    `warning` is what a person should know before it is used. `own`: the plugin is the person's own.
    """

    runs: str
    plugin: str
    owner: str
    any_credential: bool
    name: str
    platform: str
    credential: str
    required: tuple[str, ...]
    warning: str = ""
    own: bool = False


def parts(plugin: Plugin, executable: Executable) -> list[str]:
    """What the index has to say of an executable."""
    required = [field.label for field in plugin.credential.fields if not field.optional]
    return [
        executable.runs,
        plugin.name,
        plugin.owner,
        "any" if executable.any_credential else "own",
        executable.name,
        plugin.platform,
        plugin.credential.title,
        _warning(plugin, executable.runs),
        *required,
    ]


def _warning(plugin: Plugin, runs: str) -> str:
    found = (each.partition(": ") for each in plugin.warnings())
    return "; ".join(text for command, _, text in found if command == runs)


def listed(written: Sequence[str], *, own: bool = False) -> Listed:
    """What `parts` made. Raises ValueError for what it does not make."""
    runs, plugin, owner, takes, name, platform, title, warning, *required = written
    if takes not in ("any", "own") or not is_plugin_name(plugin):
        raise ValueError("not of the index")
    is_any = takes == "any"
    return Listed(runs, plugin, owner, is_any, name, platform, title, tuple(required), warning, own)


@lru_cache(maxsize=16)
def read(directory: Path) -> dict[str, Listed]:
    """Every executable by its name, in the file's order. Raises ConfigurationError."""
    path = directory / FILE
    found: dict[str, Listed] = {}
    for number, line in enumerate(content(path).decode("utf-8", "replace").splitlines(), 1):
        try:
            each = listed(line.split("\t"))
        except ValueError:
            raise ConfigurationError(f"{path}: line {number}: expected what `index_text` writes") from None
        found[each.runs] = each
    return found


def content(path: Path) -> bytes:
    """What is in a file of the catalogue. Raises ConfigurationError."""
    try:
        return files.read(path, _LARGEST)[0]
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {files.reason(error)}") from None

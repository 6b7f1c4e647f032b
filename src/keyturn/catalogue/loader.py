"""Finding and loading plugin files.

A command needs one plugin: the index says which file that is, and no other is read, for this runs
before commands that need nothing of Keyturn (`aws --version`). What is listed of all commands stands in
the index too: to parse every file for that would cost more than the interpreter's start.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from keyturn.ground import files
from keyturn.ground.errors import ConfigurationError, UsageError
from keyturn.ground.names import is_plugin_name, printable

if TYPE_CHECKING:
    from keyturn.sdk.schema import Executable, Plugin

BUILT_IN = Path(__file__).parent / "plugins"
INDEX = "executables.index"

# The largest plugin file is a few kilobytes; more than this is something else.
_LARGEST = 256 * 1024


class Listed(msgspec.Struct, frozen=True):
    """What the index says of one executable.

    `owner` is the plugin whose credential is its own, `credential` that one's title, and `required` the
    labels of the fields that it has to have. `any_credential`: it takes those of all others besides.
    """

    runs: str
    plugin: str
    owner: str
    any_credential: bool
    name: str
    platform: str
    credential: str
    required: tuple[str, ...]


def load(name: str, directory: Path = BUILT_IN) -> Plugin:
    """The plugin called `name`; parsed once a process.

    Raises UsageError if there is none, ConfigurationError if its file is not as it has to be.
    """
    return _load(name, directory)


@lru_cache(maxsize=256)
def _load(name: str, directory: Path) -> Plugin:
    from keyturn.sdk import schema

    path = directory / f"{name}.toml"
    if not is_plugin_name(name) or not path.is_file():
        known = ", ".join(names(directory)) or "none"
        raise UsageError(f"no plugin is called {printable(name)}", f"plugins: {known}")
    plugin = schema.parse(_content(path), str(path), lambda used: load(used, directory))
    if plugin.name != name:
        raise ConfigurationError(f"{path}: name: expected {name}, as the file is called")
    return plugin


def find_by_executable(runs: str, directory: Path = BUILT_IN) -> Plugin | None:
    """The plugin that wraps the command `runs`; None if no plugin does."""
    found = listed(directory).get(runs)
    return None if found is None else load(found.plugin, directory)


def listed(directory: Path = BUILT_IN) -> dict[str, Listed]:
    """Every executable by its name, sorted, as the index has it; no plugin file is read.

    Raises ConfigurationError for an index that is not as `index_text` writes it.
    """
    return _index(directory)


def credentials(directory: Path = BUILT_IN) -> dict[str, Listed]:
    """The plugins that have a credential of their own, by name, sorted; each with its first executable."""
    found: dict[str, Listed] = {}
    for each in listed(directory).values():
        if each.plugin == each.owner:
            found.setdefault(each.plugin, each)
    return dict(sorted(found.items()))


def names(directory: Path = BUILT_IN) -> tuple[str, ...]:
    """The names of all plugins in `directory`, sorted, without reading their files."""
    return tuple(sorted(path.stem for path in directory.glob("*.toml")))


def wrapping(tag: str, directory: Path = BUILT_IN) -> list[tuple[Plugin, Executable]]:
    """Every executable that takes the credential with this tag, by name; reads all files."""
    plugins = [load(name, directory) for name in names(directory)]
    found = [
        (plugin, each)
        for plugin in plugins
        for each in plugin.executables
        if plugin.tag == tag or each.any_credential
    ]
    return sorted(found, key=lambda pair: pair[1].runs)


def index_text(directory: Path = BUILT_IN) -> str:
    """What the index has to say: a line for each executable of each file, its parts parted by tabs.

    Raises ConfigurationError if two plugins wrap one command, if there is no plugin at all, and for a title
    that no line can hold.
    """
    found: dict[str, list[str]] = {}
    for name in names(directory):
        plugin = load(name, directory)
        for executable in plugin.executables:
            other = found.setdefault(executable.runs, _parts(plugin, executable))
            if other[1] != name:
                raise ConfigurationError(
                    f"{executable.runs} is wrapped by two plugins: {other[1]} and {name}"
                )
    if not found:
        raise ConfigurationError(f"{directory}: no plugin is here")
    for runs, parts in found.items():
        if not all(part.isprintable() for part in parts):
            raise ConfigurationError(f"{directory}: {runs}: a title has characters that no line can hold")
    return "".join("\t".join(found[runs]) + "\n" for runs in sorted(found))


def _parts(plugin: Plugin, executable: Executable) -> list[str]:
    required = [field.label for field in plugin.credential.fields if not field.optional]
    takes = "any" if executable.any_credential else "own"
    title = plugin.credential.title
    return [
        executable.runs,
        plugin.name,
        plugin.owner,
        takes,
        executable.name,
        plugin.platform,
        title,
        *required,
    ]


@lru_cache(maxsize=16)
def _index(directory: Path) -> dict[str, Listed]:
    path = directory / INDEX
    found: dict[str, Listed] = {}
    for number, line in enumerate(_content(path).decode("utf-8", "replace").splitlines(), 1):
        parts = line.split("\t")
        if len(parts) < 7 or not is_plugin_name(parts[1]) or parts[3] not in ("any", "own"):
            raise ConfigurationError(f"{path}: line {number}: expected what `index_text` writes")
        runs, plugin, owner, takes, name, platform, title = parts[:7]
        found[runs] = Listed(runs, plugin, owner, takes == "any", name, platform, title, tuple(parts[7:]))
    return found


def _content(path: Path) -> bytes:
    try:
        content, _ = files.read(path, _LARGEST)
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {files.reason(error)}") from None
    return content

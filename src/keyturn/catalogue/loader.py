"""Finding and loading plugin files.

A command needs one plugin: the index says which file that is, and no other is read, for this runs
before commands that need nothing of Keyturn (`aws --version`).
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from keyturn.ground import files
from keyturn.ground.errors import ConfigurationError, UsageError
from keyturn.ground.names import is_plugin_name, printable
from keyturn.sdk import schema
from keyturn.sdk.schema import Executable, Plugin

BUILT_IN = Path(__file__).parent / "plugins"
INDEX = "executables.index"

# The largest plugin file is a few kilobytes; more than this is something else.
_LARGEST = 256 * 1024


def load(name: str, directory: Path = BUILT_IN) -> Plugin:
    """The plugin called `name`; parsed once a process.

    Raises UsageError if there is none, ConfigurationError if its file is not as it has to be.
    """
    return _load(name, directory)


@lru_cache(maxsize=256)
def _load(name: str, directory: Path) -> Plugin:
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
    name = _index(directory).get(runs)
    return None if name is None else load(name, directory)


def names(directory: Path = BUILT_IN) -> tuple[str, ...]:
    """The names of all plugins in `directory`, sorted, without reading their files."""
    return tuple(sorted(path.stem for path in directory.glob("*.toml")))


def wrapping(tag: str, directory: Path = BUILT_IN) -> list[tuple[Plugin, Executable]]:
    """Every executable that takes the credential with this tag, by name; reads all files."""
    plugins = [load(name, directory) for name in names(directory)]
    found = [(plugin, each) for plugin in plugins if plugin.tag == tag for each in plugin.executables]
    return sorted(found, key=lambda pair: pair[1].runs)


def index_text(directory: Path = BUILT_IN) -> str:
    """What the index has to say: a line of command and plugin for each executable of each file.

    Raises ConfigurationError if two plugins wrap one command, or if there is no plugin at all.
    """
    owners: dict[str, str] = {}
    for name in names(directory):
        for executable in load(name, directory).executables:
            other = owners.setdefault(executable.runs, name)
            if other != name:
                raise ConfigurationError(f"{executable.runs} is wrapped by two plugins: {other} and {name}")
    if not owners:
        raise ConfigurationError(f"{directory}: no plugin is here")
    return "".join(f"{runs} {owners[runs]}\n" for runs in sorted(owners))


@lru_cache(maxsize=16)
def _index(directory: Path) -> dict[str, str]:
    path = directory / INDEX
    found: dict[str, str] = {}
    for number, line in enumerate(_content(path).decode("utf-8", "replace").splitlines(), 1):
        runs, space, name = line.partition(" ")
        if not space or not runs or not is_plugin_name(name):
            raise ConfigurationError(f"{path}: line {number}: expected a command and a plugin's name")
        found[runs] = name
    return found


def _content(path: Path) -> bytes:
    try:
        content, _ = files.read(path, _LARGEST)
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {files.reason(error)}") from None
    return content

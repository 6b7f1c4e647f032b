"""Finding and loading plugin files.

A command needs one plugin: the index says which file that is, and no other is read, for this runs
before commands that need nothing of Keyturn (`aws --version`). What is listed of all commands stands in
the index too: to parse every file for that would cost more than the interpreter's start.

The person's own plugins have no index: there are few, and they change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from keyturn.catalogue import index
from keyturn.catalogue.index import Listed
from keyturn.catalogue.own import Broken, BuiltIn, OwnPlugins
from keyturn.ground.errors import ConfigurationError, UsageError
from keyturn.ground.names import is_plugin_name, printable
from keyturn.ground.remembered import Remembered

if TYPE_CHECKING:
    from keyturn.catalogue.own_rules import OwnRules
    from keyturn.sdk.schema import Executable, Plugin

BUILT_IN = Path(__file__).parent / "plugins"
# In the configuration directory.
OWN, RULES = "plugins", "rules.toml"
MEND = "correct it, or move the file away; look at all of it: keyturn plugin validate"

_own: OwnPlugins | None = None
_rules: Remembered[Mapping[str, OwnRules]] | None = None
_ruled: dict[str, tuple[Plugin, dict[str, OwnRules], Plugin]] = {}


def use(configuration: Path, uid: int) -> None:
    """From now on the person's own plugins and rules count too, those in their configuration directory.

    Called once, when a process knows whose it is; without it only the built-in ones are there.
    """
    global _own, _rules
    built_in = BuiltIn(lambda name: _load(name, BUILT_IN), lambda: _names(BUILT_IN), _owner)
    _own = OwnPlugins(configuration / OWN, uid, built_in)
    _rules = Remembered(configuration / RULES, _read_rules)
    _ruled.clear()


def own() -> OwnPlugins:
    """The person's own plugins. Raises ConfigurationError before `use`."""
    if _own is None:
        raise ConfigurationError("there is no configuration directory", "set HOME or KEYTURN_CONFIG_DIR")
    return _own


def load(name: str, directory: Path = BUILT_IN) -> Plugin:
    """The plugin called `name`, with the person's own rules; parsed again only when its file is another.

    Raises UsageError if there is none, ConfigurationError if a file is not as it has to be.
    """
    if _own is None or directory != BUILT_IN:
        return _load(name, directory)
    if name in _names(BUILT_IN):
        return _with_rules(_load(name, directory))
    current = _own.current()
    found = current.plugins.get(name)
    if found is None:
        for broken in current.broken:
            if broken.path.stem == name:
                raise ConfigurationError(broken.message, MEND)
        raise _no_plugin(name, {*_names(BUILT_IN), *current.plugins})
    return _with_rules(found)


@lru_cache(maxsize=256)
def _load(name: str, directory: Path) -> Plugin:
    from keyturn.catalogue import compiled
    from keyturn.sdk import schema

    path = directory / f"{name}.toml"
    if not is_plugin_name(name) or not path.is_file():
        raise _no_plugin(name, _names(directory))
    content = index.content(path)
    plugin = compiled.of(name, content, directory) or schema.parse(
        content, str(path), lambda used: _load(used, directory)
    )
    if plugin.name != name:
        raise ConfigurationError(f"{path}: name: expected {name}, as the file is called")
    if plugin.replaces:
        raise ConfigurationError(
            f"{path}: replaces: expected nothing, for it is in a person's own plugins only"
        )
    return plugin


def _no_plugin(name: str, known: Iterable[str]) -> UsageError:
    """No plugin is called so: which one could be meant, for the names of all fill a screen."""
    import difflib

    near = difflib.get_close_matches(name.lower(), known, n=1)
    hints = [f"did you mean: {near[0]}"] if near else []
    return UsageError(f"no plugin is called {printable(name)}", *hints, "see: keyturn plugin list")


def forget() -> None:
    """The built-in plugins are read anew from now on, for who measures that."""
    from keyturn.catalogue import compiled

    _load.cache_clear()
    _remembered_names.cache_clear()
    compiled.forget()


def find_by_executable(runs: str, directory: Path = BUILT_IN) -> Plugin | None:
    """The plugin that wraps the command `runs`; None if no plugin does.

    Raises ConfigurationError for a command of a plugin of one's own that is broken, and for broken rules.
    """
    built_in = index.read(directory).get(runs)
    if _own is not None and directory == BUILT_IN and (built_in is None or _own.may_replace()):
        current = _own.current()
        found = current.wrapping.get(runs)
        if found is not None:
            return _with_rules(found)
        for broken in current.broken:
            if runs in broken.commands:
                raise ConfigurationError(broken.message, MEND)
    return None if built_in is None else load(built_in.plugin, directory)


def unknown(executable: str) -> UsageError | ConfigurationError:
    """Why no plugin wraps a command: what could be meant instead, or which broken file is called so."""
    import difflib

    for each in broken():
        if each.path.name == f"{executable}.toml":
            return ConfigurationError(each.message, MEND)
    commands = listed()
    near = difflib.get_close_matches(executable.lower(), commands, n=1, cutoff=0.7)
    plugins = [each.runs for each in commands.values() if each.plugin == executable.lower()]
    if executable.lower() not in commands and plugins:
        hint = f"commands of {executable.lower()}: {', '.join(plugins)}"
    else:
        hint = f"did you mean: {near[0]}" if near else ""
    hints = [hint] if hint else []
    return UsageError(f"no plugin wraps {printable(executable)}", *hints, "see: keyturn plugin list")


def listed(directory: Path = BUILT_IN) -> dict[str, Listed]:
    """Every executable by its name, sorted, as the index has it; no file of a built-in plugin is read.

    Raises ConfigurationError for an index that is not as `index_text` writes it.
    """
    built_in = index.read(directory)
    found = _own.current().wrapping if _own is not None and directory == BUILT_IN else {}
    if not found:
        return built_in
    own = {
        runs: index.listed(index.parts(plugin, _executable(plugin, runs)), own=True)
        for runs, plugin in found.items()
    }
    return dict(sorted({**built_in, **own}.items()))


def credentials(directory: Path = BUILT_IN) -> dict[str, Listed]:
    """The plugins that have a credential of their own, by name, sorted; each with its first executable."""
    found: dict[str, Listed] = {}
    # A plugin whose commands another one has taken over still has its credential.
    for each in (*listed(directory).values(), *index.read(directory).values()):
        if each.plugin == each.owner:
            found.setdefault(each.plugin, each)
    return dict(sorted(found.items()))


def names(directory: Path = BUILT_IN) -> tuple[str, ...]:
    """The names of all plugins, sorted, without reading the files of the built-in ones."""
    found = _names(directory)
    if _own is None or directory != BUILT_IN:
        return found
    return tuple(sorted({*found, *_own.current().plugins}))


def broken() -> tuple[Broken, ...]:
    """What is wrong with the person's own plugins and rules, a line each; nothing before `use`."""
    if _own is None or _rules is None:
        return ()
    found = _own.current().broken
    try:
        mine = _rules.get()
    except ConfigurationError as error:
        return (*found, Broken(_rules.path, error.message))
    text = "no plugin wraps it; expected a command that one wraps"
    # A command of a broken plugin is its own, as soon as that is mended.
    known = {*listed(), *(command for each in found for command in each.commands)}
    unknown = [command for command in mine if command not in known]
    return (*found, *(Broken(_rules.path, f"{_rules.path}: {command}: {text}") for command in unknown))


def rules(runs: str) -> OwnRules | None:
    """The person's own rules for a command. Raises ConfigurationError for broken ones."""
    return None if _rules is None else _rules.get().get(runs)


def why(runs: str, arguments: Sequence[bytes]) -> str:
    """Which of the person's own rules decides on these arguments, in words; empty where none does."""
    mine = rules(runs)
    plugin = find_by_executable(runs) if mine is not None else None
    executable = plugin.executable(runs) if plugin is not None else None
    return "" if mine is None or executable is None else mine.reason(executable, arguments)


def wrapping(tag: str, directory: Path = BUILT_IN) -> list[tuple[Plugin, Executable]]:
    """Every executable that takes the credential with this tag, by name; reads all files."""
    whose = {runs: each.plugin for runs, each in listed(directory).items()}
    plugins = [load(name, directory) for name in names(directory)]
    found = [
        (plugin, each)
        for plugin in plugins
        for each in plugin.executables
        if (plugin.tag == tag or each.any_credential) and whose.get(each.runs, plugin.name) == plugin.name
    ]
    return sorted(found, key=lambda pair: pair[1].runs)


def _with_rules(plugin: Plugin) -> Plugin:
    """The plugin, its executables with the person's own rules; the same object while neither changes."""
    mine = {} if _rules is None else _rules.get()
    applying = {each.runs: mine[each.runs] for each in plugin.executables if each.runs in mine}
    if not applying:
        return plugin
    known = _ruled.get(plugin.name)
    if known is None or known[0] is not plugin or known[1] != applying:
        executables = tuple(
            applying[each.runs].applied(each) if each.runs in applying else each
            for each in plugin.executables
        )
        known = (plugin, applying, msgspec.structs.replace(plugin, executables=executables))
        _ruled[plugin.name] = known
    return known[2]


def _read_rules(path: Path) -> Mapping[str, OwnRules]:
    if not path.exists():
        # Nearly always; what reads them is not even imported.
        return {}
    from keyturn.catalogue import own_rules

    return own_rules.load(path)


def _names(directory: Path) -> tuple[str, ...]:
    # What is installed does not change under a process; every question to the agent comes by here.
    return _remembered_names(directory) if directory == BUILT_IN else _listing(directory)


@lru_cache(maxsize=1)
def _remembered_names(directory: Path) -> tuple[str, ...]:
    return _listing(directory)


def _listing(directory: Path) -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in directory.glob("*.toml")))


def _owner(runs: str) -> str | None:
    found = index.read(BUILT_IN).get(runs)
    return None if found is None else found.plugin


def _executable(plugin: Plugin, runs: str) -> Executable:
    found = plugin.executable(runs)
    assert found is not None
    return found


def index_text(directory: Path = BUILT_IN) -> str:
    """What the index has to say: a line for each executable of each file, its parts parted by tabs.

    Raises ConfigurationError if two plugins wrap one command, if there is no plugin at all, and for a title
    that no line can hold.
    """
    found: dict[str, list[str]] = {}
    for name in _names(directory):
        plugin = _load(name, directory)
        for executable in plugin.executables:
            other = found.setdefault(executable.runs, index.parts(plugin, executable))
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

"""A person's own plugins: TOML files in the directory `plugins` of the configuration directory.

They are read where they lie and nowhere else, never from a working directory: a repository must not bring
its own. What somebody else could have written is refused. One that is broken is named, with the place, and
takes nothing from the others; the command that it would wrap says so when it is called.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from keyturn.ground import files
from keyturn.ground.errors import ConfigurationError
from keyturn.ground.files import FileIdentity
from keyturn.ground.names import printable

if TYPE_CHECKING:
    from keyturn.sdk.schema import Plugin

# A plugin has a few kilobytes, and a person a few plugins.
LARGEST = 64 * 1024
MOST = 200
SUFFIX = ".toml"


class Broken(msgspec.Struct, frozen=True):
    """A file that is no plugin: `message` is one line with file, line, key and what was expected.

    `commands` are those that it says it wraps, as far as it can be read.
    """

    path: Path
    message: str
    commands: frozenset[str] = frozenset()


class Own(msgspec.Struct, frozen=True):
    """The plugins by their names, the same by the commands that they wrap, and what is broken."""

    plugins: Mapping[str, Plugin] = {}
    wrapping: Mapping[str, Plugin] = {}
    broken: tuple[Broken, ...] = ()


class BuiltIn(msgspec.Struct, frozen=True):
    """What is looked up of the built-in plugins: one by its name, and whose a command is (None: nobody's)."""

    load: Callable[[str], Plugin]
    names: Callable[[], tuple[str, ...]]
    owner: Callable[[str], str | None]


class OwnPlugins:
    """The files as they are now: looked at on each call, read again when one of them is another."""

    def __init__(self, directory: Path, uid: int, built_in: BuiltIn) -> None:
        self._directory = directory
        self._uid = uid
        self._built_in = built_in
        self._known: tuple[object, Own] | None = None

    def current(self) -> Own:
        """Raises nothing for what is wrong with a file: it is among the broken ones then."""
        try:
            there = self._there()
        except OSError as error:
            return Own(broken=(Broken(self._directory, f"{self._directory}: {files.reason(error)}"),))
        if self._known is None or self._known[0] != there:
            # Looked at before it is read: what changes in between is read again the next time.
            self._known = (there, self._read([Path(path) for path, _, _ in there]))
        return self._known[1]

    def may_replace(self) -> bool:
        """Whether a file speaks of taking over a built-in plugin's command.

        To parse every file of a person's own would cost a command that none of them is for.
        """
        try:
            return any(b"replaces" in self._content(Path(path)) for path, _, _ in self._there())
        except (OSError, ConfigurationError):
            return True

    def _there(self) -> tuple[tuple[str, FileIdentity | None, int], ...]:
        """The files with what tells whether they are the same; with each the state of the directory."""
        try:
            mode = os.lstat(self._directory)
            entries = sorted(os.scandir(self._directory), key=lambda entry: entry.name)
        except FileNotFoundError:
            return ()
        state = hash((mode.st_mode, mode.st_uid))
        return tuple(
            (entry.path, files.identity(Path(entry.path)), state)
            for entry in entries
            if entry.name.endswith(SUFFIX) and not entry.name.startswith(".")
        )

    def _read(self, paths: list[Path]) -> Own:
        if paths and (problem := _why_not_ours(self._directory, self._uid)):
            return Own(broken=(Broken(self._directory, f"{self._directory}: {problem}"),))
        if len(paths) > MOST:
            text = f"{self._directory}: {len(paths)} files; expected at most {MOST}"
            return Own(broken=(Broken(self._directory, text),))
        plugins: dict[str, Plugin] = {}
        wrapping: dict[str, Plugin] = {}
        broken: list[Broken] = []
        for path in paths:
            content = b""
            try:
                content = self._content(path)
                plugin = self._checked(path, content, wrapping)
            except ConfigurationError as error:
                broken.append(Broken(path, error.message, self._claimed(content)))
                continue
            plugins[plugin.name] = plugin
            wrapping.update({executable.runs: plugin for executable in plugin.executables})
        return Own(plugins, wrapping, tuple(broken))

    @property
    def directory(self) -> Path:
        """Where they are; perhaps it is not there yet."""
        return self._directory

    def check(self, path: Path, content: bytes | None = None) -> Plugin:
        """The plugin in the file at `path`, which may lie anywhere, as it would be among the others.

        With `content` as if that were in it. Raises ConfigurationError: one line with file, line, key and
        what was expected.
        """
        others = {
            command: plugin
            for command, plugin in self.current().wrapping.items()
            if plugin.name != path.name.removesuffix(SUFFIX)
        }
        if content is None:
            is_own = path.parent == self._directory
            if is_own and (problem := _why_not_ours(self._directory, self._uid)):
                raise ConfigurationError(f"{self._directory}: {problem}")
            content = _content(path, self._uid, is_own=is_own)
        return self._checked(path, content, others)

    def _checked(self, path: Path, content: bytes, others: Mapping[str, Plugin]) -> Plugin:
        from keyturn.sdk import schema

        plugin = schema.parse(content, str(path), self._used)
        if plugin.name != path.name.removesuffix(SUFFIX):
            raise ConfigurationError(f"{path}: name: expected the name of the file without {SUFFIX}")
        if plugin.name in self._built_in.names():
            raise ConfigurationError(
                f"{path}: name: a built-in plugin is called {plugin.name}; expected another name"
            )
        _check_hooks(path, plugin)
        for executable in plugin.executables:
            self._check_command(path, plugin, executable.runs, others)
        for command in plugin.replaces:
            if self._built_in.owner(command) is None:
                raise ConfigurationError(
                    f"{path}: replaces: no built-in plugin wraps {printable(command)}; expected one that is"
                )
            if plugin.executable(command) is None:
                raise ConfigurationError(
                    f"{path}: replaces: {printable(command)} is not among the executables of this file"
                )
        return plugin

    def _check_command(self, path: Path, plugin: Plugin, runs: str, others: Mapping[str, Plugin]) -> None:
        owner, other = self._built_in.owner(runs), others.get(runs)
        if owner is not None and runs not in plugin.replaces:
            raise ConfigurationError(
                f"{path}: executable: {runs} is wrapped by the built-in plugin {owner}; expected another "
                f'command, or replaces = ["{runs}"] if this file is to take it over'
            )
        if other is not None:
            raise ConfigurationError(
                f"{path}: executable: {runs} is wrapped by your plugin {other.name}; expected another command"
            )

    def _used(self, name: str) -> Plugin:
        """The plugin whose credential another one takes: a built-in one, or one of the same directory."""
        from keyturn.sdk import schema

        path = self._directory / f"{name}{SUFFIX}"
        if name in self._built_in.names() or not path.is_file():
            return self._built_in.load(name)
        return schema.parse(self._content(path), str(path))

    def _content(self, path: Path) -> bytes:
        return _content(path, self._uid, is_own=True)

    def _claimed(self, content: bytes) -> frozenset[str]:
        """The commands that a broken file would wrap; those of built-in plugins where it takes them over."""
        import tomllib

        try:
            table: dict[str, Any] = tomllib.loads(content.decode())
        except (ValueError, RecursionError):
            return frozenset()
        replaces = table.get("replaces")
        taken = replaces if isinstance(replaces, list) else []
        executables = table.get("executable")
        found = (
            [each.get("runs") for each in executables if isinstance(each, dict)]
            if isinstance(executables, list)
            else []
        )
        return frozenset(
            runs
            for runs in found
            if isinstance(runs, str) and (runs in taken or self._built_in.owner(runs) is None)
        )


def _check_hooks(path: Path, plugin: Plugin) -> None:
    """Hooks are code for the fields of one built-in credential; who uses that one has them with it."""
    if plugin.uses:
        return
    provisions = [plugin.provision, *(each.provision for each in plugin.executables if each.provision)]
    for key, parts in (("provision", provisions), ("import", plugin.importers)):
        if any(part.hook is not None for part in parts):
            raise ConfigurationError(f"{path}: {key}.hook: expected none: hooks are for built-in plugins")


def _why_not_ours(directory: Path, uid: int) -> str:
    """Why a directory's files are not taken; empty if they are."""
    found = os.lstat(directory)
    if not stat.S_ISDIR(found.st_mode):
        return "expected a directory, no link"
    if found.st_uid != uid or found.st_mode & 0o022:
        return "expected a directory of yours that nobody else may write (mode 0700)"
    return ""


def _content(path: Path, uid: int, *, is_own: bool) -> bytes:
    """What is in a file. A link is followed; `is_own`: nobody else may be able to write what it leads to.

    Raises ConfigurationError.
    """
    real = os.path.realpath(path)
    try:
        around = os.stat(os.path.dirname(real))
        descriptor = os.open(real, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY | os.O_NOFOLLOW)
        with open(descriptor, "rb") as stream:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise ConfigurationError(f"{path}: expected a file")
            if is_own and (_may_others_write(found, uid) or _may_others_write(around, uid)):
                raise ConfigurationError(
                    f"{path}: expected a file of yours, in a directory of yours, that nobody else may write",
                    f"look at it: ls -lL {path}",
                )
            content = stream.read(LARGEST + 1)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {files.reason(error)}") from None
    if len(content) > LARGEST:
        raise ConfigurationError(f"{path}: expected at most {LARGEST} bytes")
    return content


def _may_others_write(found: os.stat_result, uid: int) -> bool:
    return found.st_uid not in (uid, 0) or bool(found.st_mode & 0o022)

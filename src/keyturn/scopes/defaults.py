"""`defaults.json`: global defaults, names bound to items, and executables that a person has trusted.

Ids and remembered titles only, never a secret. Directory defaults will live here too; session
defaults do not (they belong to the agent).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from keyturn.ground import files
from keyturn.ground.errors import ConfigurationError
from keyturn.ground.files import FileIdentity
from keyturn.ground.resolution import Resolution
from keyturn.items import ItemReference

FORMAT = 1


class Defaults(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """`everywhere` is by executable, `bindings` by plugin and then by name (an AWS profile),
    `trusted` by plugin: real paths of executables that `plugin init` found and showed."""

    version: int = FORMAT
    everywhere: dict[str, ItemReference] = {}
    bindings: dict[str, dict[str, ItemReference]] = {}
    trusted: dict[str, list[str]] = {}


def _refuse_doubles(pairs: list[tuple[str, object]]) -> None:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("one key stands there twice")


class DefaultsFile:
    """The file with its content, read again only when it is not the one that was read last."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: FileIdentity | None = None
        self._content = Defaults()

    def read(self) -> Defaults:
        """The defaults now; empty ones where there is no file.

        Raises ConfigurationError for a file that is not exactly of this format: a default that is
        silently dropped would let another identity answer.
        """
        try:
            there = files.identity(self._path)
            if there is None:
                self._seen, self._content = None, Defaults()
            elif there != self._seen:
                content, self._seen = files.read(self._path)
                self._content = self._parse(content)
        except OSError as error:
            raise ConfigurationError(
                f"cannot read {self._path}: {files.reason(error)}", files.remedy(error)
            ) from None
        return self._content

    def _parse(self, content: bytes) -> Defaults:
        self_seen, self._seen = self._seen, None
        try:
            parsed = msgspec.json.decode(content, type=Defaults)
            # Of two values under one key the parser drops the first in silence.
            json.loads(content, object_pairs_hook=_refuse_doubles)
        except ValueError as error:
            raise ConfigurationError(
                f"{self._path}: {error}", "move it away and set the defaults again: keyturn plugin init"
            ) from None
        if parsed.version != FORMAT:
            raise ConfigurationError(f"{self._path} has format {parsed.version}; this Keyturn knows {FORMAT}")
        self._seen = self_seen
        return parsed

    def change(self, change: Callable[[Defaults], Defaults]) -> Defaults:
        """Read, change and write under one lock, so that nobody else's change is lost."""
        with files.changing(self._path):
            self._seen = None
            changed = change(self.read())
            content = msgspec.json.format(msgspec.json.encode(changed, order="sorted"), indent=2) + b"\n"
            self._seen = None
            self._seen = files.write_atomically(self._path, content)
            self._content = changed
        return changed


def with_default(defaults: Defaults, executable: str, item: ItemReference) -> Defaults:
    """`defaults` with the global default of `executable` set."""
    return msgspec.structs.replace(defaults, everywhere={**defaults.everywhere, executable: item})


def with_binding(defaults: Defaults, plugin: str, name: str, item: ItemReference) -> Defaults:
    """`defaults` with `name` (an AWS profile) bound to an item."""
    names = {**defaults.bindings.get(plugin, {}), name: item}
    return msgspec.structs.replace(defaults, bindings={**defaults.bindings, plugin: names})


def with_trusted(defaults: Defaults, plugin: str, path: str) -> Defaults:
    """`defaults` with the executable at the real path `path` trusted for a plugin."""
    paths = sorted({*defaults.trusted.get(plugin, []), path})
    return msgspec.structs.replace(defaults, trusted={**defaults.trusted, plugin: paths})


def selected(defaults: Defaults, executable: str) -> Resolution[ItemReference] | None:
    """The item that the scopes give for `executable`, and which scope gave it."""
    item = defaults.everywhere.get(executable)
    return Resolution(item, "the global default") if item is not None else None


def bound(defaults: Defaults, plugin: str) -> Mapping[str, Resolution[ItemReference]]:
    """The items bound to names of a plugin."""
    names = defaults.bindings.get(plugin, {})
    return {name: Resolution(item, f"the item bound to profile {name}") for name, item in names.items()}

"""`defaults.json`: defaults of directories, global ones, names bound to items, and trusted executables.

Ids and remembered titles only, never a secret. The defaults of terminal sessions are in files of their own
(`scopes/sessions.py`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from keyturn.ground import files
from keyturn.ground.errors import ConfigurationError
from keyturn.ground.files import FileIdentity
from keyturn.ground.names import printable
from keyturn.ground.resolution import Resolution
from keyturn.items import ItemReference
from keyturn.scopes import places

T = TypeVar("T")

FORMAT = 1


class Defaults(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """`everywhere` is by key (as `keys` writes it); `directories` by place (as `places` does), then by key.

    `bindings` is by plugin and then by name (an AWS profile), `trusted` by plugin: real paths of executables
    that `plugin init` found and showed. `vaults` are remembered titles by id. A Keyturn that does not know a
    part refuses the file: it would else let another identity answer.
    """

    version: int = FORMAT
    everywhere: dict[str, ItemReference] = {}
    directories: dict[str, dict[str, ItemReference]] = {}
    bindings: dict[str, dict[str, ItemReference]] = {}
    trusted: dict[str, list[str]] = {}
    vaults: dict[str, str] = {}

    def titles(self) -> dict[str, str]:
        """The remembered titles of all items that are named here, by id."""
        groups = (self.everywhere, *self.directories.values(), *self.bindings.values())
        return {item.item: item.title for items in groups for item in items.values()}


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
            raise ConfigurationError(
                f"{self._path} has format {parsed.version}; this Keyturn knows {FORMAT}",
                "a newer Keyturn wrote it: use that one",
            )
        for place in parsed.directories:
            try:
                places.path(place)
            except ValueError as error:
                raise ConfigurationError(
                    f"{self._path}: directories: {printable(place, 300)}: {error}",
                    "a directory stands there as `pwd -P` prints it; correct it or take it out",
                ) from None
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


def with_default(defaults: Defaults, key: str, item: ItemReference) -> Defaults:
    """`defaults` with the global default under `key` set."""
    return msgspec.structs.replace(defaults, everywhere={**defaults.everywhere, key: item})


def without_default(defaults: Defaults, key: str) -> Defaults:
    """`defaults` without a global default under `key`."""
    return msgspec.structs.replace(defaults, everywhere=_without(defaults.everywhere, key))


def with_directory_default(defaults: Defaults, place: str, key: str, item: ItemReference) -> Defaults:
    """`defaults` with the default under `key` set for the directory written as `place`, and below."""
    items = {**defaults.directories.get(place, {}), key: item}
    return msgspec.structs.replace(defaults, directories={**defaults.directories, place: items})


def without_directory_default(defaults: Defaults, place: str, key: str) -> Defaults:
    """`defaults` without a default under `key` for the directory written as `place`."""
    left = _without(defaults.directories.get(place, {}), key)
    others = _without(defaults.directories, place)
    return msgspec.structs.replace(defaults, directories={**others, place: left} if left else others)


def _without(mapping: Mapping[str, T], key: str) -> dict[str, T]:
    return {name: value for name, value in mapping.items() if name != key}


def with_vault_title(defaults: Defaults, vault: str, title: str) -> Defaults:
    """`defaults` with a vault's title remembered."""
    return msgspec.structs.replace(defaults, vaults={**defaults.vaults, vault: title})


def with_binding(defaults: Defaults, plugin: str, name: str, item: ItemReference) -> Defaults:
    """`defaults` with `name` (an AWS profile) bound to an item."""
    names = {**defaults.bindings.get(plugin, {}), name: item}
    return msgspec.structs.replace(defaults, bindings={**defaults.bindings, plugin: names})


def without_binding(defaults: Defaults, plugin: str, name: str) -> Defaults:
    """`defaults` without an item bound to `name`."""
    left = _without(defaults.bindings.get(plugin, {}), name)
    others = _without(defaults.bindings, plugin)
    return msgspec.structs.replace(defaults, bindings={**others, plugin: left} if left else others)


def with_trusted(defaults: Defaults, plugin: str, path: str) -> Defaults:
    """`defaults` with the executable at the real path `path` trusted for a plugin."""
    paths = sorted({*defaults.trusted.get(plugin, []), path})
    return msgspec.structs.replace(defaults, trusted={**defaults.trusted, plugin: paths})


def bound(defaults: Defaults, plugin: str) -> Mapping[str, Resolution[ItemReference]]:
    """The items bound to names of a plugin."""
    names = defaults.bindings.get(plugin, {})
    return {name: Resolution(item, f"the item bound to profile {name}") for name, item in names.items()}

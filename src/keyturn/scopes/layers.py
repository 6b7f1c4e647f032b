"""Precedence: which defaults apply to a call, nearest first.

The terminal session's default beats that of the nearest directory, that one those of the directories above
it, and these the global one. Directories are compared by their parts, never by the beginnings of their names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum

import msgspec

from keyturn.ground.errors import ConfigurationError
from keyturn.ground.resolution import Resolution
from keyturn.items import ItemReference
from keyturn.scopes import keys, places
from keyturn.scopes.defaults import Defaults


class Scope(StrEnum):
    """Where a default applies, the nearest first."""

    SESSION = "session"
    DIRECTORY = "directory"
    GLOBAL = "global"


class Layer(msgspec.Struct, frozen=True):
    """One default of one executable. `place` is the written form of a directory, else empty.

    `credential` is the plugin whose credential it is; empty for the executable's own.
    """

    scope: Scope
    place: str
    item: ItemReference
    credential: str = ""

    def source(self, home: str = "") -> str:
        """Which default this is, for a person; a directory in `home` begins with `~`."""
        if self.scope is Scope.SESSION:
            return "the default of this terminal session"
        if self.scope is Scope.DIRECTORY:
            return f"the default of {shown(self.place, home)} and below"
        return "the global default"


def shown(place: str, home: str = "") -> str:
    """A directory's written form as a person writes it."""
    top = places.written(home.rstrip("/")) if home.rstrip("/") else ""
    if top and (place == top or place.startswith(f"{top}/")):
        return f"~{place[len(top) :]}"
    return place


def layers(
    known: Defaults, session: Mapping[str, ItemReference], key: str, directory: str | None
) -> list[Layer]:
    """The defaults under `key` that apply in `directory`, the one that wins first.

    `key` is an executable, or an executable and a credential, as `keys` writes them. `session` holds the
    defaults of the caller's terminal session by key. `directory` is absolute with its links resolved, as the
    kernel tells it; None: not known, so that no directory's default applies. It costs a look-up for each part
    of `directory`, however many directories have defaults.
    """
    credential = keys.parsed(key)[1]
    return [
        Layer(scope, place, items[key], credential)
        for scope, place, items in _groups(known, session, directory)
        if key in items
    ]


def all_layers(
    known: Defaults, session: Mapping[str, ItemReference], executable: str, directory: str | None
) -> list[Layer]:
    """The defaults of all credentials of `executable` that apply in `directory`, the nearest first.

    Within one layer that of the executable's own credential comes first, then the others by name.
    """
    return [
        layer
        for scope, place, items in _groups(known, session, directory)
        for layer in of_items(scope, place, items, executable)
    ]


def of_items(scope: Scope, place: str, items: Mapping[str, ItemReference], executable: str) -> list[Layer]:
    """The defaults of all credentials of `executable` among the items, by key, of one place."""
    return [Layer(scope, place, items[key], keys.parsed(key)[1]) for key in _keys_of(items, executable)]


def _groups(
    known: Defaults, session: Mapping[str, ItemReference], directory: str | None
) -> Iterator[tuple[Scope, str, Mapping[str, ItemReference]]]:
    """What applies in `directory`, the nearest first: scope, place, and the items by key."""
    yield Scope.SESSION, "", session
    if directory is not None and known.directories:
        for place in places.upwards(directory):
            items = known.directories.get(place)
            if items:
                yield Scope.DIRECTORY, place, items
    yield Scope.GLOBAL, "", known.everywhere


def _keys_of(items: Mapping[str, ItemReference], executable: str) -> list[str]:
    return sorted(key for key in items if keys.parsed(key)[0] == executable)


def selected(
    known: Defaults, session: Mapping[str, ItemReference], key: str, directory: str | None
) -> Resolution[ItemReference] | None:
    """The item that the scopes give for a call, and which scope gave it; None without a default.

    Raises ConfigurationError where the directory would decide and is not known: the global default may be
    production, and the directory's a playground.
    """
    if not is_settled(known, session, key, directory):
        executable, credential = keys.parsed(key)
        words = f"{executable} --credential {credential}" if credential else executable
        raise ConfigurationError(
            f"some directories have a default of their own for {executable}, "
            "and the working directory is not known",
            f"choose one for this terminal: keyturn plugin init {words} --scope session",
        )
    found = layers(known, session, key, directory)
    return Resolution(found[0].item, found[0].source()) if found else None


def selected_all(
    known: Defaults, session: Mapping[str, ItemReference], executable: str, directory: str | None
) -> dict[str, Resolution[ItemReference]]:
    """The items that the scopes give for each credential of `executable`, by that credential's plugin.

    The executable's own has the empty name and comes first. Each credential is looked up by itself: one may
    come from a directory and another from everywhere. Raises ConfigurationError as `selected` does.
    """
    groups = [session, known.everywhere]
    if directory is None:
        # Whichever directory it is: what could apply there must not be passed over in silence.
        groups += known.directories.values()
    else:
        groups += [items for _, _, items in _groups(known, session, directory)]
    found: dict[str, Resolution[ItemReference]] = {}
    for key in sorted({key for items in groups for key in _keys_of(items, executable)}):
        resolution = selected(known, session, key, directory)
        if resolution is not None:
            found[keys.parsed(key)[1]] = resolution
    return found


def is_settled(
    known: Defaults, session: Mapping[str, ItemReference], key: str, directory: str | None
) -> bool:
    """False where a directory's default might apply and the directory is not known."""
    if directory is not None or key in session:
        return True
    return not any(key in items for items in known.directories.values())

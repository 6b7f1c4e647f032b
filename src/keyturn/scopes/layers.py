"""Precedence: which defaults apply to a call, nearest first.

The terminal session's default beats that of the nearest directory, that one those of the directories above
it, and these the global one. Directories are compared by their parts, never by the beginnings of their names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from keyturn.ground.errors import ConfigurationError
from keyturn.ground.resolution import Resolution
from keyturn.items import ItemReference
from keyturn.scopes import places
from keyturn.scopes.defaults import Defaults


class Scope(StrEnum):
    """Where a default applies, the nearest first."""

    SESSION = "session"
    DIRECTORY = "directory"
    GLOBAL = "global"


@dataclass(frozen=True)
class Layer:
    """One default of one executable. `place` is the written form of a directory, else empty."""

    scope: Scope
    place: str
    item: ItemReference

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
    known: Defaults, session: Mapping[str, ItemReference], executable: str, directory: str | None
) -> list[Layer]:
    """The defaults that apply to `executable` in `directory`, the one that wins first.

    `session` holds the defaults of the caller's terminal session by executable. `directory` is absolute with
    its links resolved, as the kernel tells it; None: not known, so that no directory's default applies. It
    costs a look-up for each part of `directory`, however many directories have defaults.
    """
    found = []
    if executable in session:
        found.append(Layer(Scope.SESSION, "", session[executable]))
    if directory is not None and known.directories:
        for place in places.upwards(directory):
            item = known.directories.get(place, {}).get(executable)
            if item is not None:
                found.append(Layer(Scope.DIRECTORY, place, item))
    if executable in known.everywhere:
        found.append(Layer(Scope.GLOBAL, "", known.everywhere[executable]))
    return found


def selected(
    known: Defaults, session: Mapping[str, ItemReference], executable: str, directory: str | None
) -> Resolution[ItemReference] | None:
    """The item that the scopes give for a call, and which scope gave it; None without a default.

    Raises ConfigurationError where the directory would decide and is not known: the global default may be
    production, and the directory's a playground.
    """
    if not is_settled(known, session, executable, directory):
        raise ConfigurationError(
            f"some directories have a default of their own for {executable}, "
            "and the working directory is not known",
            f"choose one for this terminal: keyturn plugin init {executable} --scope session",
        )
    found = layers(known, session, executable, directory)
    return Resolution(found[0].item, found[0].source()) if found else None


def is_settled(
    known: Defaults, session: Mapping[str, ItemReference], executable: str, directory: str | None
) -> bool:
    """False where a directory's default might apply and the directory is not known."""
    if directory is not None or executable in session:
        return True
    return not any(executable in items for items in known.directories.values())

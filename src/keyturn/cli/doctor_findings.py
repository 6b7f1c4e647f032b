"""What `keyturn doctor` reports, and what its checks look at."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from keyturn.cli.context import Context
from keyturn.ground.paths import Directories
from keyturn.ground.world import World

PROBLEM, NOTE = "problem", "note"
LARGEST = 1024 * 1024


class Finding(msgspec.Struct, frozen=True):
    """One thing that is amiss. `name` says which check found it and stays the same from version to version.

    `what` is for people, `why` says what comes of it, `mend` is a command or what to do. A `note` is worth
    knowing and no fault of the set-up.
    """

    name: str
    severity: str
    what: str
    why: str
    mend: str


def problem(name: str, what: str, why: str, mend: str) -> Finding:
    return Finding(name, PROBLEM, what, why, mend)


def note(name: str, what: str, why: str, mend: str) -> Finding:
    return Finding(name, NOTE, what, why, mend)


@dataclass(frozen=True)
class Patient:
    """What a check may look at. Files of the system are looked for below `root`: `/`, but in tests."""

    context: Context
    root: Path

    @property
    def world(self) -> World:
        return self.context.world

    @property
    def directories(self) -> Directories:
        return self.world.directories

    @property
    def search(self) -> str:
        """PATH."""
        return self.world.environment.get("PATH", "")

    def system(self, path: str) -> Path:
        """A file of the system, by its absolute path."""
        return self.root / path.lstrip("/")

    def text(self, path: str) -> str | None:
        """What is in a file of the system; None if it cannot be read."""
        try:
            with open(self.system(path), "rb") as stream:
                return stream.read(LARGEST).decode("utf-8", "replace").strip()
        except OSError:
            return None

    def has_program(self, name: str) -> bool:
        """Whether the system's packages have put a program where they put programs."""
        places = ("/usr/bin", "/usr/local/bin", "/bin", "/usr/sbin", "/opt/homebrew/bin")
        return any(os.path.lexists(self.system(f"{place}/{name}")) for place in places)


Check = Callable[[Patient], list[Finding]]

"""What decides which default applies to this very process: defaults, terminal session, working directory.

Asked of the files and of the kernel, as the agent asks them for a caller; neither agent nor key is needed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

import msgspec

from keyturn.ground.world import World
from keyturn.items import ItemReference
from keyturn.processes import identity
from keyturn.processes.identity import TerminalSession
from keyturn.scopes import layers
from keyturn.scopes.defaults import Defaults, DefaultsFile
from keyturn.scopes.layers import Layer
from keyturn.scopes.sessions import SessionDefaults
from keyturn.shells import path_search


class Surroundings(msgspec.Struct, frozen=True):
    """`session` holds this terminal session's own defaults; `directory` is None where it is not known."""

    known: Defaults
    terminal: TerminalSession | None
    session: Mapping[str, ItemReference]
    directory: str | None

    def layers(self, key: str) -> list[Layer]:
        """The defaults under `key` that apply here, the one that wins first."""
        return layers.layers(self.known, self.session, key, self.directory)

    def all_layers(self, executable: str) -> list[Layer]:
        """The defaults of all credentials of `executable` that apply here, the nearest first."""
        return layers.all_layers(self.known, self.session, executable, self.directory)

    def is_settled(self, key: str) -> bool:
        """False where the working directory would decide and is not known; then a command is refused."""
        return layers.is_settled(self.known, self.session, key, self.directory)


def look(world: World) -> Surroundings:
    """The surroundings now. Raises ConfigurationError for a file of defaults that cannot be read."""
    directories = world.directories
    terminal = terminal_session()
    return Surroundings(
        DefaultsFile(directories.defaults).read(),
        terminal,
        SessionDefaults(directories.sessions, world.uid).read(terminal),
        identity.place(os.getpid()),
    )


def terminal_session() -> TerminalSession | None:
    """The terminal session whose defaults apply to this process."""
    return identity.nearest_terminal_session(identity.read(os.getpid()))


def is_installed(world: World, executable: str) -> bool:
    """Whether a shell would find the command; our own shims are none.

    Looked up here, for `shutil` costs a third of the interpreter's start, and `plugin list` has a budget.
    """
    shims = world.directories.shims
    for part in world.environment.get("PATH", "").split(":"):
        path = os.path.join(part or ".", executable)
        if os.access(path, os.X_OK) and os.path.isfile(path) and not path_search.is_shim(path, shims):
            return True
    return False


def home(world: World) -> str:
    """The home directory as the kernel spells it; empty if there is none."""
    return os.path.realpath(world.home) if world.home else ""

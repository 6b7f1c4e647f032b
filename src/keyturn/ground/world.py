"""What a process finds at its start; gathered once by `main` and handed down."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from keyturn.ground import paths, settings
from keyturn.ground.clock import Clock, SystemClock
from keyturn.ground.paths import Directories
from keyturn.ground.settings import Settings

# What names a user's places, language and time zone.
KEPT = ("HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ")


@dataclass(frozen=True)
class World:
    """`environment` as text; `variables` the same in bytes, for what is handed on to another program."""

    environment: Mapping[str, str]
    uid: int
    clock: Clock
    variables: Mapping[bytes, bytes] = field(default_factory=dict)

    @cached_property
    def directories(self) -> Directories:
        return paths.resolve(self.environment, self.uid)

    @cached_property
    def settings(self) -> Settings:
        return settings.load(self.directories.settings)

    @property
    def home(self) -> str:
        return self.environment.get("HOME", "")

    @property
    def agent_environment(self) -> dict[str, str]:
        """What the agent and its helpers get: a fixed PATH and `KEPT`, nothing else of the caller's.

        A caller's variables may be secrets, and the agent outlives every command that could start it.
        """
        kept = {name: self.environment[name] for name in KEPT if name in self.environment}
        return {"PATH": "/usr/local/bin:/usr/bin:/bin", **kept}


def here() -> World:
    """The world of this process."""
    return World(dict(os.environ), os.getuid(), SystemClock(), dict(os.environb))

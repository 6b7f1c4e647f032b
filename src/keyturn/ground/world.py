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


def here() -> World:
    """The world of this process."""
    return World(dict(os.environ), os.getuid(), SystemClock(), dict(os.environb))

"""Fixtures: a machine's places, a process that files are for, and a system bus with a logind on it."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from keyturn.agent import private_directories
from keyturn.ground.clock import SystemClock
from keyturn.ground.world import World
from tests.agent.following import MINE, OTHER, THEIRS, UID
from tests.agent.login import LogindStandIn, SystemBus


@pytest.fixture
def world(home: Path) -> Iterator[World]:
    """A world with directories of its own, and nothing in them."""
    runtime = home / "run"
    runtime.mkdir(mode=0o700)
    found = World({"HOME": str(home), "KEYTURN_RUNTIME_DIR": str(runtime)}, os.getuid(), SystemClock())
    yield found
    for place in private_directories.places(found.directories, found.uid):
        shutil.rmtree(place, ignore_errors=True)


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process that a test may end."""
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


@pytest.fixture
def bus() -> Iterator[SystemBus]:
    with SystemBus() as found:
        yield found


@pytest.fixture
def login(bus: SystemBus) -> Iterator[LogindStandIn]:
    """One session of ours, and one of somebody else's."""
    with closing(LogindStandIn(bus, {MINE: UID, THEIRS: OTHER})) as found:
        yield found

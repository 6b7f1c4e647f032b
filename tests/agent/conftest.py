"""Fixtures of the tests of files for commands: a machine's places, and a process that they are for."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from keyturn.agent import private_directories
from keyturn.ground.clock import SystemClock
from keyturn.ground.world import World


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

"""A private directory that lies in memory, for what a foreign program has to read or write as a file."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

from keyturn.ground.errors import ConfigurationError
from keyturn.ground.paths import Directories

_IN_MEMORY = ("tmpfs", "ramfs")
_SHARED = Path("/dev/shm")
_MOUNTS = Path("/proc/self/mountinfo")


@contextlib.contextmanager
def directory(directories: Directories) -> Iterator[Path]:
    """A new directory, 0700; it is gone afterwards, however this process ends.

    Raises ConfigurationError where no file system lies in memory: what is once on a disk may stay there.
    """
    place = Path(tempfile.mkdtemp(prefix="keyturn-", dir=_parent(directories)))
    reading, writing = os.pipe()
    watcher = os.fork()
    if watcher == 0:
        _remove_when_closed(place, reading, writing)
    os.close(reading)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
        os.close(writing)
        os.waitpid(watcher, 0)


def _remove_when_closed(place: Path, reading: int, writing: int) -> None:
    """In a child: wait until the other end is gone, by whatever end of that process, and remove `place`."""
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP):
            signal.signal(number, signal.SIG_IGN)
        os.close(writing)
        os.setsid()
        # Neither does it hold the terminal, nor what reads our output.
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nothing, descriptor)
        os.read(reading, 1)
        shutil.rmtree(place, ignore_errors=True)
    finally:
        os._exit(0)


def _parent(directories: Directories) -> Path:
    for place in (directories.runtime, _SHARED):
        with contextlib.suppress(OSError):
            if place.is_dir() and is_in_memory(place):
                return place
    raise ConfigurationError(
        "there is no file system in memory here, and no secret is written to a disk",
        "where one is mounted, name a directory of yours on it: KEYTURN_RUNTIME_DIR",
    )


def is_in_memory(place: Path) -> bool:
    """Whether the file system that `place` is on lies in memory. Raises OSError."""
    device = os.stat(place).st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    for line in _MOUNTS.read_text("utf-8", "surrogateescape").splitlines():
        # proc(5): id, parent, device, …, “-”, type of the file system, source, options
        fields, _, rest = line.partition(" - ")
        if fields.split()[2] == wanted:
            return rest.split()[0] in _IN_MEMORY
    return False

"""Word of a file's disappearance, without looking again and again (inotify(7); none elsewhere)."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import sys
from collections.abc import Callable
from pathlib import Path

IN_MOVED_FROM, IN_DELETE, IN_DELETE_SELF, IN_MOVE_SELF = 0x40, 0x200, 0x400, 0x800


class Watch:
    """Calls back once when the file at `path` is not the one any more that was there at the start.

    The directory is watched and not the file: a bound socket stays in use after its name is gone.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, path: Path, gone: Callable[[], None]) -> None:
        self._loop = loop
        self._path = path
        self._gone = gone
        self._inode = os.lstat(path).st_ino
        self._descriptor = _inotify(path.parent) if sys.platform == "linux" else -1
        if self._descriptor >= 0:
            loop.add_reader(self._descriptor, self._look)

    def _look(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._descriptor, 65536)
        with contextlib.suppress(FileNotFoundError):
            if os.lstat(self._path).st_ino == self._inode:
                return
        self._loop.remove_reader(self._descriptor)
        self._gone()


def _inotify(directory: Path) -> int:
    libc = ctypes.CDLL(None)
    descriptor = int(libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
    if descriptor >= 0:
        wanted = IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF
        libc.inotify_add_watch(descriptor, os.fsencode(directory), wanted)
    return descriptor

"""A timer on the boot-time clock: one that goes on while the machine is suspended (timerfd_create(2))."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import struct
import sys
from collections.abc import Callable

CLOCK_BOOTTIME = 7
TFD_NONBLOCK, TFD_CLOEXEC = os.O_NONBLOCK, os.O_CLOEXEC


class BootTimer:
    """Calls back once after `set_in`. Elsewhere than on Linux it is the loop's own timer, which may stand
    still in suspend: deadlines are compared at every request besides."""

    def __init__(self, loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
        self._loop = loop
        self._callback = callback
        self._handle: asyncio.TimerHandle | None = None
        self._descriptor = _timerfd() if sys.platform == "linux" else -1
        self.is_set = False
        if self._descriptor >= 0:
            loop.add_reader(self._descriptor, self._fire)

    def set_in(self, seconds: float) -> None:
        """Call back after so many seconds; an earlier setting is replaced."""
        self.is_set = True
        seconds = max(seconds, 0.001)
        if self._descriptor >= 0:
            whole, fraction = int(seconds), int(seconds % 1 * 1e9)
            value = struct.pack("4q", 0, 0, whole, fraction)
            ctypes.CDLL(None).timerfd_settime(self._descriptor, 0, value, None)
            return
        if self._handle is not None:
            self._handle.cancel()
        self._handle = self._loop.call_later(seconds, self._fire)

    def _fire(self) -> None:
        if self._descriptor >= 0:
            with contextlib.suppress(BlockingIOError):
                os.read(self._descriptor, 8)
        self.is_set = False
        self._callback()


def _timerfd() -> int:
    """A descriptor, or -1 where the C library has no timerfd."""
    create = getattr(ctypes.CDLL(None), "timerfd_create", None)
    return int(create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC)) if create is not None else -1

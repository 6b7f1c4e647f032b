"""The end of a process that is no child of ours."""

from __future__ import annotations

import asyncio
import os
import select
import sys
from collections.abc import Callable

from keyturn.processes import identity


class ExitWatch:
    """Calls back once, in the loop, when the process with this pid and start time has ended."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, pid: int, start: int, ended: Callable[[], None]
    ) -> None:
        """Raises ProcessLookupError if it has ended already, other OSErrors if the system cannot watch."""
        self._loop = loop
        self._ended = ended
        self._descriptor, self._close = _watched(pid)
        # Looked at after the descriptor was opened: from then on it is this process and no other of its pid.
        now = identity.read(pid)
        if now is None or now.start != start:
            self._close()
            raise ProcessLookupError
        loop.add_reader(self._descriptor, self._look)

    def _look(self) -> None:
        self.stop()
        self._ended()

    def stop(self) -> None:
        """Watch no more."""
        self._loop.remove_reader(self._descriptor)
        self._close()


def _watched(pid: int) -> tuple[int, Callable[[], None]]:
    """A descriptor that becomes readable when the process ends, and what closes it."""
    if sys.platform == "linux":
        descriptor = os.pidfd_open(pid)
        return descriptor, lambda: os.close(descriptor)
    # kqueue(2) on macOS; written from the manual, this project has not run it on a Mac.
    queue = select.kqueue()
    event = select.kevent(
        pid, select.KQ_FILTER_PROC, select.KQ_EV_ADD | select.KQ_EV_ONESHOT, select.KQ_NOTE_EXIT
    )
    try:
        queue.control([event], 0)
    except BaseException:
        queue.close()
        raise
    return queue.fileno(), queue.close

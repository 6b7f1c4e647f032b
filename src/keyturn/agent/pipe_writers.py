"""Named pipes that a tool reads once: each is written by a thread of its own when somebody opens it."""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path

from keyturn.ground.secret import Secret


class PipeWriter:
    """Waits for a reader in a thread: to open a pipe for writing blocks until there is one, without a
    wake-up.

    The pipe's name goes as soon as it has a reader: who opens it a second time finds nothing, and does not
    wait for what will never come.
    """

    def __init__(self, path: Path, content: Secret) -> None:
        self._path = path
        self._content = content
        self._is_stopped = False
        self._thread = threading.Thread(target=self._write, name="pipe", daemon=True)
        self._thread.start()

    def _write(self) -> None:
        with contextlib.suppress(OSError):
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CLOEXEC)
            with open(descriptor, "wb") as stream:
                self._path.unlink()
                if not self._is_stopped:
                    # A reader that goes away half-way is its own affair (BrokenPipeError).
                    stream.write(self._content.reveal().encode())

    def stop(self) -> None:
        """Write nothing any more, if nobody has begun to read."""
        self._is_stopped = True
        release(self._path)


def release(path: Path) -> None:
    """Take a pipe away: who waits to write or to read it goes on, and reads nothing."""
    with contextlib.suppress(OSError):
        # Ours for both directions, so that opening waits for nobody and wakes whoever waits.
        descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        with contextlib.suppress(OSError):
            os.unlink(path)
        os.close(descriptor)

"""The lock that makes an agent the only one of its directories, and its pid for those who must end it.

It is an flock that the supervisor holds for its life: the kernel frees it, so it is never stale. Clients
take a second one of the same kind while they start an agent.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
from pathlib import Path


def take(path: Path) -> int | None:
    """Take the lock and write our pid into it; the descriptor to keep, or None if another has it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    if _is_held(descriptor):
        os.close(descriptor)
        return None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
    return descriptor


def ask_to_end(path: Path) -> bool:
    """Ask the holder to end (SIGTERM: it forgets everything and takes its keeper along).

    False if nobody holds the lock. The pid in a lock that is held is its holder's: no other process
    can have it.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    try:
        if not _is_held(descriptor):
            return False
        text = os.pread(descriptor, 32, 0).strip()
    finally:
        os.close(descriptor)
    if text.isdigit() and int(text) > 1:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(int(text), signal.SIGTERM)
            # One that is stopped hears it only when it goes on.
            os.kill(int(text), signal.SIGCONT)
    return True


def _is_held(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False

"""Who a process is: facts from the kernel, never from the process itself."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

if sys.platform == "linux":
    from keyturn.processes import linux as platform
else:
    from keyturn.processes import darwin as platform

from keyturn.processes.facts import Process

# Up from a process to the one whose terminal session counts for it, the session may change so often: as
# `setsid` does, not a daemon's two.
SESSION_CHANGES = 1

# A chain of parents longer than this is not followed: nothing real is that deep.
DEEPEST = 64


@dataclass(frozen=True)
class TerminalSession:
    """A terminal session. A recycled pid or terminal device is another session.

    `leader_start` is the start time of the session leader in the platform's own unit; `boot` the
    boot's id, so that a record kept on disk does not fit after a restart.
    """

    uid: int
    session: int
    terminal: int
    leader_start: int
    boot: str


def read(pid: int) -> Process | None:
    """The process with this pid, or None if there is none (any more)."""
    return platform.read(pid)


def directory(pid: int) -> str | None:
    """The working directory of a process; None if it is gone, deleted, or not ours to know."""
    return platform.directory(pid)


def place(pid: int) -> str | None:
    """The path of a process's working directory, and of one that was deleted the path that it had.

    For what goes by the path alone. None if it is not known, or not below our root.
    """
    return platform.place(pid)


def terminal_session(
    process: Process, read: Callable[[int], Process | None] = read
) -> TerminalSession | None:
    """The terminal session a process belongs to; `read` gives a process by pid.

    None without a controlling terminal, when the session leader is gone (its terminal may belong
    to somebody else by now), and in another pid namespace, whose numbers mean other processes.
    """
    if not process.terminal or process.nested:
        return None
    leader = process if process.pid == process.session else read(process.session)
    if leader is None or leader.terminal != process.terminal or leader.uid != process.uid:
        return None
    return TerminalSession(process.uid, process.session, process.terminal, leader.start, platform.boot_id())


def is_foreground(process: Process) -> bool:
    """Whether a process could be asked on its terminal: it has one and is in its foreground group."""
    return bool(process.terminal) and process.group == process.foreground_group and not process.is_stopped


def ancestors(process: Process, read: Callable[[int], Process | None] = read) -> Iterator[Process]:
    """The process itself, its parent, and so on; ends where a parent is gone, has another uid or lives in
    another pid namespace."""
    current: Process | None = process
    for _ in range(DEEPEST):
        if current is None or current.uid != process.uid or current.nested:
            return
        yield current
        if current.parent <= 1:
            return
        current = read(current.parent)


def nearest_terminal_session(
    process: Process | None, read: Callable[[int], Process | None] = read
) -> TerminalSession | None:
    """The terminal session of a process, or else of the nearest process above it that has one.

    None if that is more than `SESSION_CHANGES` away, and for a process that is not known.
    """
    changed, before = 0, None
    for each in ancestors(process, read) if process is not None else ():
        changed += before is not None and each.session != before.session
        if changed > SESSION_CHANGES:
            return None
        found = terminal_session(each, read)
        if found is not None:
            return found
        before = each
    return None


def boot() -> str:
    """Which boot of the machine this is."""
    return platform.boot_id()


def terminal_name(device: int) -> str:
    """pts/3 for a pseudo-terminal of Linux (major numbers 136 to 143), else the device's numbers."""
    major, minor = os.major(device), os.minor(device)
    return f"pts/{(major - 136) * 256 + minor}" if 136 <= major <= 143 else f"{major}:{minor}"


def is_traced() -> bool:
    """Whether somebody traces this process, who could read its memory whatever it sets."""
    return platform.is_traced()

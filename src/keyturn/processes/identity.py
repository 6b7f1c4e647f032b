"""Who a process is: facts from the kernel, never from the process itself."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

if sys.platform == "linux":
    from keyturn.processes import linux as platform
else:
    from keyturn.processes import darwin as platform

from keyturn.processes.facts import Process

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


def terminal_session(process: Process) -> TerminalSession | None:
    """The terminal session a process belongs to.

    None without a controlling terminal, when the session leader is gone (its terminal may belong
    to somebody else by now), and in another pid namespace, whose numbers mean other processes.
    """
    if not process.terminal or process.nested:
        return None
    leader = process if process.pid == process.session else platform.read(process.session)
    if leader is None or leader.terminal != process.terminal or leader.uid != process.uid:
        return None
    return TerminalSession(process.uid, process.session, process.terminal, leader.start, platform.boot_id())


def is_foreground(process: Process) -> bool:
    """Whether a process could be asked on its terminal: it has one and is in its foreground group."""
    return bool(process.terminal) and process.group == process.foreground_group and not process.is_stopped


def ancestors(process: Process) -> Iterator[Process]:
    """The process itself, its parent, and so on; ends where a parent is gone or has another uid."""
    current: Process | None = process
    for _ in range(DEEPEST):
        if current is None or current.uid != process.uid or current.nested:
            return
        yield current
        if current.parent <= 1:
            return
        current = platform.read(current.parent)


def is_descendant(process: Process, pid: int, start: int) -> bool:
    """Whether `process` is, or descends from, the process with this pid and start time."""
    return any(each.pid == pid and each.start == start for each in ancestors(process))


def is_traced() -> bool:
    """Whether somebody traces this process, who could read its memory whatever it sets."""
    return platform.is_traced()

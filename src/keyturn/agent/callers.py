"""Who asks: what the kernel says of the process at the other end of a connection."""

from __future__ import annotations

import select
import socket
from dataclasses import dataclass

from keyturn.ground.errors import KeyturnError
from keyturn.processes import identity, peers
from keyturn.processes.facts import Process
from keyturn.processes.identity import TerminalSession


class StrangerError(KeyturnError):
    """The other end is another user, or a process that the kernel does not show us."""

    code = "stranger"


@dataclass(frozen=True)
class Caller:
    """A process that connected, as it was at that moment.

    `terminal` is None without one, and for a process of another pid namespace (`process` is None
    for one that we cannot see at all): such a caller inherits nothing.
    """

    pid: int
    process: Process | None
    terminal: TerminalSession | None
    pidfd: int | None

    @property
    def is_foreground(self) -> bool:
        """Whether it could be asked on its terminal right now; read anew, for this changes."""
        now = self.now()
        return now is not None and self.terminal is not None and identity.is_foreground(now)

    @property
    def is_stopped(self) -> bool:
        now = self.now()
        return now is not None and now.is_stopped

    def now(self) -> Process | None:
        """The process as it is now; None if it has ended, whoever may have its pid since."""
        if self.process is None:
            return None
        now = identity.read(self.pid)
        return now if now is not None and now.start == self.process.start else None

    def is_alive(self) -> bool:
        """Whether the process that connected still runs (checked again before it gets anything)."""
        if self.pidfd is not None:
            return not select.select([self.pidfd], [], [], 0)[0]
        return self.now() is not None


def of(connection: socket.socket, uid: int) -> Caller:
    """The caller of an accepted connection.

    Raises StrangerError for another uid: root included, for a root process that wants to use
    a user's agent can become that user first.
    """
    peer = peers.of(connection)
    if peer.uid != uid:
        raise StrangerError("a process of another user connected")
    process = identity.read(peer.pid) if peer.pid else None
    if process is None:
        return Caller(peer.pid, None, None, peer.pidfd)
    return Caller(peer.pid, process, identity.terminal_session(process), peer.pidfd)

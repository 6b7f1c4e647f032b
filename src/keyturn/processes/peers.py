"""The process at the other end of a Unix socket, as the kernel recorded it when it connected."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import sys
from dataclasses import dataclass

# asm-generic/socket.h, Linux 6.5 and later: a descriptor that cannot come to mean another process.
SO_PEERPIDFD = 77
# sys/un.h on macOS.
SOL_LOCAL, LOCAL_PEERCRED, LOCAL_PEERPID = 0, 1, 2


@dataclass(frozen=True)
class Peer:
    """`pid` is 0 for a process that our pid namespace does not show. Whoever gets this closes `pidfd`."""

    pid: int
    uid: int
    pidfd: int | None


def of(connection: socket.socket) -> Peer:
    """Who connected. Raises OSError if the kernel does not say."""
    if sys.platform == "linux":
        pid, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        return Peer(pid, uid, _pidfd(connection, pid) if pid else None)
    # struct xucred: version, uid, …
    credentials = connection.getsockopt(SOL_LOCAL, LOCAL_PEERCRED, 76)
    uid = struct.unpack("2I", credentials[:8])[1]
    pid = struct.unpack("i", connection.getsockopt(SOL_LOCAL, LOCAL_PEERPID, 4))[0]
    return Peer(pid, uid, None)


def _pidfd(connection: socket.socket, pid: int) -> int | None:
    try:
        return int.from_bytes(connection.getsockopt(socket.SOL_SOCKET, SO_PEERPIDFD, 4), sys.byteorder)
    except OSError:
        pass
    if sys.platform == "linux":
        # An older kernel: the pid may have been given anew since the connect; the start time, compared
        # before an answer is sent, tells.
        with contextlib.suppress(OSError):
            return os.pidfd_open(pid)
    return None

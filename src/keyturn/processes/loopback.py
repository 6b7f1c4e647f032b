"""Whose the other end of a connection on the loopback is, as the kernel tells it."""

from __future__ import annotations

import socket
import struct
from pathlib import Path

# proc(5): the tables of TCP sockets, a line each; IPv4 addresses may stand in the second as mapped ones.
TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_MAPPED = "0000000000000000FFFF0000"
_ADDRESS, _PEER, _UID = 1, 2, 7


def owner(connection: socket.socket) -> int | None:
    """The uid of the process at the other end of an IPv4 connection; None where that cannot be told."""
    try:
        theirs, ours = _written(*connection.getpeername()), _written(*connection.getsockname())
    except OSError:
        return None
    for table in TABLES:
        try:
            lines = table.read_text("ascii").splitlines()[1:]
        except (OSError, UnicodeDecodeError):
            continue
        for line in lines:
            fields = line.split()
            if len(fields) > _UID and _short(fields[_ADDRESS]) == theirs and _short(fields[_PEER]) == ours:
                return int(fields[_UID])
    return None


def _written(host: str, port: int) -> str:
    """As the table has it: the address as a number of this machine's own byte order."""
    (number,) = struct.unpack("=I", socket.inet_aton(host))
    return f"{number:08X}:{port:04X}"


def _short(written: str) -> str:
    return written.removeprefix(_MAPPED)

"""Linux: processes by /proc (proc(5)). Only files that stay readable for non-dumpable processes are used,
but for the working directory."""

from __future__ import annotations

import os
from functools import cache

from keyturn.processes.facts import Process


def read(pid: int) -> Process | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as stream:
            stat = stream.read()
        with open(f"/proc/{pid}/status", "rb") as stream:
            status = stream.read()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the command's name in brackets and may hold brackets and spaces itself.
    fields = stat[stat.rindex(b")") + 2 :].split()
    state, numbers = fields[0], fields[1:]
    if state in (b"X", b"x"):
        return None
    uid, namespaces = _uid_and_namespaces(status)
    return Process(
        pid=pid,
        start=int(numbers[18]),
        parent=int(numbers[0]),
        group=int(numbers[1]),
        session=int(numbers[2]),
        terminal=int(numbers[3]),
        foreground_group=int(numbers[4]),
        uid=uid,
        is_stopped=state in (b"T", b"t"),
        nested=namespaces > 1,
    )


def _uid_and_namespaces(status: bytes) -> tuple[int, int]:
    """The real uid, and in how many pid namespaces, ours included, the process has a number."""
    uid, namespaces = -1, 1
    for line in status.split(b"\n"):
        if line.startswith(b"Uid:"):
            uid = int(line.split()[1])
        elif line.startswith(b"NSpid:"):
            namespaces = len(line.split()) - 1
    return uid, namespaces


def directory(pid: int) -> str | None:
    try:
        path = os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return None
    # The kernel marks a directory that was removed under the process.
    return None if path.endswith(" (deleted)") and not os.path.isdir(path) else path


@cache
def boot_id() -> str:
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as stream:
        return stream.read().strip()


def is_traced() -> bool:
    with open("/proc/self/status", "rb") as stream:
        for line in stream:
            if line.startswith(b"TracerPid:"):
                return int(line.split()[1]) != 0
    return False

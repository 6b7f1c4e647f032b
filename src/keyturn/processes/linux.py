"""Linux: processes by /proc (proc(5)). Only files that stay readable for non-dumpable processes are used,
but for the working directory."""

from __future__ import annotations

import os
from functools import cache

from keyturn.processes.facts import Process

_PAGE = 4096

# How proc(5) ends the path of a directory that was removed.
DELETED = " (deleted)"


def read(pid: int) -> Process | None:
    try:
        stat, status = _content(f"/proc/{pid}/stat"), _content(f"/proc/{pid}/status")
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


def _content(path: str) -> bytes:
    """The whole of a file in /proc. The keeper reads some for each command; a stream costs twice as much."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        content = part = os.read(descriptor, _PAGE)
        while len(part) == _PAGE:
            part = os.read(descriptor, _PAGE)
            content += part
        return content
    finally:
        os.close(descriptor)


def _uid_and_namespaces(status: bytes) -> tuple[int, int]:
    """The real uid, and in how many pid namespaces, ours included, the process has a number."""
    # The name in the first line cannot feign another: the kernel escapes line ends in it.
    uid = status[status.index(b"\nUid:") + 5 :].split(maxsplit=1)[0]
    _, found, numbers = status.partition(b"\nNSpid:")
    return int(uid), len(numbers.partition(b"\n")[0].split()) if found else 1


def directory(pid: int) -> str | None:
    try:
        path = os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return None
    # The kernel marks a directory that was removed under the process.
    return None if path.endswith(DELETED) and not os.path.isdir(path) else path


def place(pid: int) -> str | None:
    link = f"/proc/{pid}/cwd"
    try:
        path = os.readlink(link)
        if not path.startswith("/"):
            # “(unreachable)…”: below another root, so the rest is no path of ours.
            return None
        if path.endswith(DELETED) and not _is_same(link, path):
            path = path.removesuffix(DELETED)
    except OSError:
        return None
    return path


def _is_same(link: str, path: str) -> bool:
    """Whether a process's directory is the one at `path`: one may be called as if it were deleted."""
    try:
        return os.path.samestat(os.stat(link), os.stat(path))
    except OSError:
        return False


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

"""Which file systems are in memory, and whether another process sees the files that we see."""

from __future__ import annotations

import os
import sys
from pathlib import Path

# Their pages may be swapped out, but they are gone with the machine's power, and no backup reads them.
IN_MEMORY = ("tmpfs", "ramfs")


def is_in_memory(path: Path) -> bool:
    """Whether what is written below `path`, a directory that is there, stays in memory (proc(5),
    mountinfo)."""
    try:
        device = os.stat(path).st_dev
        # A path in it may be of any bytes; spaces in one are escaped.
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as stream:
            lines = [line.split(" ") for line in stream]
    except OSError:
        return False
    wanted = f"{os.major(device)}:{os.minor(device)}"
    return any(
        fields[2] == wanted and fields[fields.index("-") + 1] in IN_MEMORY
        for fields in lines
        if "-" in fields
    )


def sees_our_files(pid: int) -> bool:
    """Whether a path of ours names the same file for that process: one root, one mount namespace.

    False too for a process that is gone, or that we may not look at.
    """
    if sys.platform != "linux":
        return True
    try:
        is_one_root = os.path.samestat(os.stat(f"/proc/{pid}/root"), os.stat("/"))
        return is_one_root and os.readlink(f"/proc/{pid}/ns/mnt") == os.readlink("/proc/self/ns/mnt")
    except OSError:
        return False

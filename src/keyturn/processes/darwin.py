"""macOS: processes by libproc's proc_pidinfo(PROC_PIDTBSDINFO) (sys/proc_info.h).

Written from the headers; this project has not run it on a Mac.
"""

from __future__ import annotations

import ctypes
import os
from functools import cache

from keyturn.processes.facts import Process

PROC_PIDTBSDINFO = 3
PROC_PIDVNODEPATHINFO = 9
SSTOP = 4
P_TRACED = 0x800
# struct proc_vnodepathinfo: two vnode_info_path, each 152 bytes of vnode_info and MAXPATHLEN of path.
VNODE_INFO, MAXPATHLEN = 152, 1024


class _BsdInfo(ctypes.Structure):
    """struct proc_bsdinfo."""

    _fields_ = [  # ctypes wants a plain list
        ("flags", ctypes.c_uint32),
        ("status", ctypes.c_uint32),
        ("xstatus", ctypes.c_uint32),
        ("pid", ctypes.c_uint32),
        ("ppid", ctypes.c_uint32),
        ("uid", ctypes.c_uint32),
        ("gid", ctypes.c_uint32),
        ("ruid", ctypes.c_uint32),
        ("rgid", ctypes.c_uint32),
        ("svuid", ctypes.c_uint32),
        ("svgid", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32),
        ("comm", ctypes.c_char * 16),
        ("name", ctypes.c_char * 32),
        ("nfiles", ctypes.c_uint32),
        ("pgid", ctypes.c_uint32),
        ("pjobc", ctypes.c_uint32),
        ("tdev", ctypes.c_uint32),
        ("tpgid", ctypes.c_uint32),
        ("nice", ctypes.c_int32),
        ("start_seconds", ctypes.c_uint64),
        ("start_microseconds", ctypes.c_uint64),
    ]


@cache
def _libproc() -> ctypes.CDLL:
    return ctypes.CDLL("/usr/lib/libproc.dylib", use_errno=True)


def _info(pid: int) -> _BsdInfo | None:
    info = _BsdInfo()
    size = _libproc().proc_pidinfo(
        pid, PROC_PIDTBSDINFO, ctypes.c_uint64(0), ctypes.byref(info), ctypes.sizeof(info)
    )
    return info if size == ctypes.sizeof(info) else None


def read(pid: int) -> Process | None:
    info = _info(pid)
    if info is None:
        return None
    try:
        session = os.getsid(pid)
    except OSError:
        return None
    no_terminal = info.tdev == 0xFFFFFFFF
    return Process(
        pid=pid,
        start=info.start_seconds * 1_000_000 + info.start_microseconds,
        parent=info.ppid,
        group=info.pgid,
        session=session,
        terminal=0 if no_terminal else info.tdev,
        foreground_group=info.tpgid,
        uid=info.ruid,
        is_stopped=info.status == SSTOP,
        nested=False,
    )


def directory(pid: int) -> str | None:
    size = 2 * (VNODE_INFO + MAXPATHLEN)
    buffer = ctypes.create_string_buffer(size)
    if _libproc().proc_pidinfo(pid, PROC_PIDVNODEPATHINFO, ctypes.c_uint64(0), buffer, size) <= 0:
        return None
    path = buffer.raw[VNODE_INFO : VNODE_INFO + MAXPATHLEN].split(b"\0")[0]
    return os.fsdecode(path) or None


def place(pid: int) -> str | None:
    return directory(pid)


@cache
def boot_id() -> str:
    """The boot session's UUID (sysctl kern.bootsessionuuid)."""
    buffer = ctypes.create_string_buffer(64)
    size = ctypes.c_size_t(len(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.sysctlbyname(b"kern.bootsessionuuid", buffer, ctypes.byref(size), None, ctypes.c_size_t(0))
    return buffer.value.decode("ascii")


def is_traced() -> bool:
    info = _info(os.getpid())
    return info is not None and bool(info.flags & P_TRACED)

"""Keeping a process's memory from other processes of the same user.

`PR_SET_DUMPABLE` makes /proc/PID/mem and friends root's (prctl(2)); but a descriptor that somebody
opened earlier stays usable. So a process that will hold a secret first forbids reading and *then*
forks: the child's memory is new and was never readable. macOS refuses debuggers by PT_DENY_ATTACH.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
from collections.abc import Callable, Set

PR_SET_PDEATHSIG, PR_SET_DUMPABLE = 1, 4
PT_DENY_ATTACH = 31

# What ends a waiting parent is its child's to know first.
PASSED_ON = (signal.SIGTERM, signal.SIGHUP)


def forbid_reading() -> None:
    """No other process of this user reads this one's memory from now on. `execve` undoes it."""
    libc = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "linux":
        if libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_DUMPABLE)")
    elif libc.ptrace(PT_DENY_ATTACH, 0, None, 0) != 0:
        raise OSError(ctypes.get_errno(), "ptrace(PT_DENY_ATTACH)")


def forbid_core_files() -> None:
    """No core file of this process, nor of what it starts; not for one that will become a user's command."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def die_with_parent() -> None:
    """Ask for SIGTERM when the parent ends (Linux; elsewhere the closed pipe or socket has to do)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def run_privately(work: Callable[[], int]) -> int:
    """Run `work` in a forked child that no process of the user can read, and return its exit status.

    The calling process stays what its parent knows: same pid, no secret ever in it. Ctrl-C is the
    child's to handle. A child that dies by a signal gives 128 + its number.
    """
    forbid_reading()
    for stream in (sys.stdout, sys.stderr):
        # None: the caller closed that descriptor. What is buffered must not be written twice.
        if stream is not None:
            stream.flush()
    # A caller may have it ignored; then the kernel keeps no status of a child. It gets a handler of its own,
    # for macOS forgets a held back signal that would be ignored.
    before = {signal.SIGCHLD: signal.signal(signal.SIGCHLD, lambda number, frame: None)}
    parent = os.getpid()
    # Held back until `sigwait` takes them. A handler would not do: Python runs one only between two steps of
    # its own, and a signal that comes just before a waiting call begins does not end that call.
    watched = {signal.SIGCHLD, *PASSED_ON}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, watched)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            forbid_core_files()
            die_with_parent()
            if os.getppid() == parent:
                status = work()
        finally:
            for stream in (sys.stdout, sys.stderr):
                with contextlib.suppress(OSError, ValueError, AttributeError):
                    stream.flush()
            os._exit(status)
    ignored = (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP)
    # Ctrl-Z reaches both. The child stops first, when it has put the terminal back; then this one does, for a
    # shell to see. The other way round, the child would change a terminal that is the shell's again.
    before |= {number: signal.signal(number, signal.SIG_IGN) for number in ignored}
    try:
        raw = _end_of(child, watched)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    return os.waitstatus_to_exitcode(raw) if not os.WIFSIGNALED(raw) else 128 + os.WTERMSIG(raw)


def _end_of(child: int, watched: Set[signal.Signals]) -> int:
    """The wait status that `child` ends with; it is stopped with it, and signals to end are passed on."""
    while True:
        number = signal.sigwait(watched)
        if number in PASSED_ON:
            # The child puts the terminal back first; once its parent is gone, it may not any more.
            os.kill(child, number)
            continue
        done, raw = os.waitpid(child, os.WNOHANG | os.WUNTRACED)
        if not done:
            continue
        if not os.WIFSTOPPED(raw):
            return raw
        _stop_by(os.WSTOPSIG(raw))
        os.kill(child, signal.SIGCONT)


def _stop_by(number: int) -> None:
    """Stop this process by the signal that stopped its child; returns when it is continued."""
    if number != signal.SIGSTOP:
        handler = signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        signal.signal(number, handler)
    else:
        os.kill(os.getpid(), number)

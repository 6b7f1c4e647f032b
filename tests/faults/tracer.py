"""A child process that dies, or meets an error, at a chosen system call (ptrace; Linux on x86-64).

strace can inject the same, but a start of the interpreter for each of some thousand calls takes too long:
here the child is forked from a process that has everything imported, and only its own work is counted.
"""

import contextlib
import ctypes
import errno
import os
import platform
import signal
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass

from tests.parts import absent

TRACEME, GETREGS, SETREGS, SYSCALL, SETOPTIONS = 0, 12, 13, 24, 0x4200
SYSGOOD, EXITKILL = 1, 0x100000
SECONDS = 20

# Numbers of x86-64. What is in neither list cannot change a file, nor fail for want of a disk.
CHANGING = {
    1: "write",
    3: "close",
    18: "pwrite64",
    40: "sendfile",
    73: "flock",
    74: "fsync",
    75: "fdatasync",
    76: "truncate",
    77: "ftruncate",
    82: "rename",
    83: "mkdir",
    84: "rmdir",
    86: "link",
    87: "unlink",
    88: "symlink",
    90: "chmod",
    91: "fchmod",
    257: "openat",
    258: "mkdirat",
    263: "unlinkat",
    264: "renameat",
    265: "linkat",
    268: "fchmodat",
    316: "renameat2",
    326: "copy_file_range",
}
READING = {0: "read", 4: "stat", 5: "fstat", 6: "lstat", 17: "pread64", 217: "getdents64", 262: "newfstatat"}
# Only a call that needs room or a writable disk is refused by a full or a read-only one.
NEEDS_A_DISK = set(CHANGING) - {3, 73}
OPENAT = 257
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


REGISTERS = (
    *("r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx", "rdx", "rsi", "rdi"),
    *("orig_rax", "rip", "cs", "eflags", "rsp", "ss", "fs_base", "gs_base", "ds", "es", "fs", "gs"),
)


class _Registers(ctypes.Structure):
    _fields_ = [(name, ctypes.c_ulonglong) for name in REGISTERS]


@dataclass(frozen=True)
class Fault:
    """What happens at the call number `at` (from 0) of those that count: `error` (an errno), or what
    `meddle` does while the child stands still; without either, death.

    `lasting`: the error at every one that follows as well, as on a disk that is full and stays so.
    """

    at: int
    error: int | None = None
    lasting: bool = False
    meddle: Callable[[], object] | None = None

    def concerns(self, number: int, flags: int) -> bool:
        if self.error is None:
            return number in CHANGING
        if number == OPENAT and not flags & WRITING:
            return self.error == errno.EIO
        return number in NEEDS_A_DISK or (self.error == errno.EIO and number in READING)


@dataclass(frozen=True)
class Ending:
    """What became of the child: what it reported (nothing, if it died before), and the calls that counted."""

    report: str
    calls: int
    was_hit: bool
    call: str


def needs_tracing() -> None:
    """The end of this test where no child can be traced."""
    __tracebackhide__ = True
    if sys.platform != "linux" or platform.machine() != "x86_64":
        absent("ptrace on x86-64 Linux")


def run(prepare: Callable[[], Callable[[], object]], fault: Fault) -> Ending:
    """Fork a child; there, call `prepare`, and what it returns under the fault.

    The child reports only after the work has returned: `done`, or an error's kind, code and lines.
    """
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # Python 3.12 warns of forking beside threads; the child runs on alone and ends by _exit.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        os.close(reading)
        _be_child(prepare, writing)
    os.close(writing)
    try:
        calls, was_hit, call = _trace(child, fault)
        with open(reading, "rb") as stream:
            return Ending(stream.read().decode(), calls, was_hit, call)
    except BaseException:
        with contextlib.suppress(OSError):
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        raise


def _be_child(prepare: Callable[[], Callable[[], object]], report: int) -> None:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(SECONDS)
    try:
        work = prepare()
        _ptrace(TRACEME, 0, 0, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
        try:
            work()
            text = "done"
        except Exception as error:  # noqa: BLE001  # it is for the parent to judge
            lines = [getattr(error, "message", str(error)), *getattr(error, "hints", ())]
            text = "\n".join([type(error).__name__, getattr(error, "code", "raw"), *lines])
        # Not by a call that counts for an error: on a full disk a pipe still works.
        os.writev(report, [text.encode()])
    finally:
        os._exit(0)


def _trace(child: int, fault: Fault) -> tuple[int, bool, str]:
    _, status = os.waitpid(child, 0)
    if not os.WIFSTOPPED(status):
        raise AssertionError(f"the child ended before its work: {status:#x}")
    _ptrace(SETOPTIONS, child, 0, SYSGOOD | EXITKILL)
    count, entering, failing, was_hit, call = 0, True, False, False, ""
    registers, pending = _Registers(), 0
    while True:
        _ptrace(SYSCALL, child, 0, pending)
        _, status = os.waitpid(child, 0)
        pending = 0
        if os.WIFEXITED(status):
            return count, was_hit, call
        if os.WIFSIGNALED(status):
            raise AssertionError(f"the child died of signal {os.WTERMSIG(status)}")
        if os.WSTOPSIG(status) != signal.SIGTRAP | 0x80:
            pending = os.WSTOPSIG(status)
            continue
        _ptrace(GETREGS, child, 0, ctypes.addressof(registers))
        if entering:
            number = registers.orig_rax
            if fault.concerns(number, registers.rdx):
                if count == fault.at or (fault.lasting and count > fault.at):
                    if not was_hit:
                        was_hit, call = True, CHANGING.get(number) or READING[number]
                    if fault.meddle is not None:
                        fault.meddle()
                        count += 1
                        entering = False
                        continue
                    if fault.error is None:
                        os.kill(child, signal.SIGKILL)
                        os.waitpid(child, 0)
                        return count, was_hit, call
                    registers.orig_rax = 2**64 - 1
                    _ptrace(SETREGS, child, 0, ctypes.addressof(registers))
                    failing = True
                count += 1
        elif failing:
            assert fault.error is not None
            registers.rax = 2**64 - fault.error
            _ptrace(SETREGS, child, 0, ctypes.addressof(registers))
            failing = False
        entering = not entering


def _ptrace(request: int, child: int, address: int, data: int) -> None:
    if _libc.ptrace(request, child, address, data) == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"ptrace: {os.strerror(number)}")

"""Undoing what the interpreter did to this process, so that a command it becomes is as if called bare.

CPython ignores SIGPIPE and SIGXFSZ at its start (Python/pylifecycle.c) and, under the C locale, adds
LC_CTYPE to the environment (PEP 538). The launcher's template does the same without any import.
"""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Mapping, Sequence
from typing import NoReturn

from keyturn.ground.errors import KeyturnError, NotFoundError, Status


class CannotExecuteError(KeyturnError):
    """The command is there but cannot be run."""

    status = Status.CANNOT_EXECUTE
    code = "cannot-execute"


def environment(current: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """The environment as the caller gave it: `LC_CTYPE` is what it was before the interpreter started."""
    found = dict(current)
    try:
        with open("/proc/self/environ", "rb") as stream:
            original = stream.read().split(b"\0")
    except OSError:
        # No /proc (macOS): this value, with nothing else set, is what coercion leaves.
        if found.get(b"LC_CTYPE") == b"C.UTF-8" and not {b"LANG", b"LC_ALL"} & found.keys():
            del found[b"LC_CTYPE"]
        return found
    was = next((entry[9:] for entry in original if entry.startswith(b"LC_CTYPE=")), None)
    if was is None:
        found.pop(b"LC_CTYPE", None)
    else:
        found[b"LC_CTYPE"] = was
    return found


def restore_signals() -> None:
    """SIGPIPE and SIGXFSZ as a shell gives them; whether the caller ignored them cannot be known any more."""
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def execute(path: bytes, arguments: Sequence[bytes], variables: Mapping[bytes, bytes]) -> NoReturn:
    """Become the command at `path`; `arguments` begin with its name.

    Raises NotFoundError or CannotExecuteError, with the statuses of a shell, if that fails.
    """
    restore_signals()
    try:
        try:
            os.execve(path, list(arguments), dict(variables))
        except OSError as error:
            if error.errno != errno.ENOEXEC:
                raise
            # A script without `#!`: execvp(3) and the shells give it to sh.
            os.execve(b"/bin/sh", [b"/bin/sh", path, *arguments[1:]], dict(variables))
    except OSError as error:
        name = os.fsdecode(path)
        kind = NotFoundError if error.errno == errno.ENOENT else CannotExecuteError
        raise kind(f"{name}: {(error.strerror or 'cannot execute').lower()}") from None

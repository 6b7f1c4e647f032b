"""Undoing what the interpreter did to this process, so that a command it becomes is as if called bare.

CPython ignores SIGPIPE and SIGXFSZ at its start (Python/pylifecycle.c) and, under the C locale, adds
LC_CTYPE to the environment (PEP 538). The launcher's template does the same without any import.
"""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NoReturn

from keyturn.ground import files
from keyturn.ground.errors import KeyturnError, NotFoundError, Status


class CannotExecuteError(KeyturnError):
    """The command is there but cannot be run."""

    status = Status.CANNOT_EXECUTE
    code = "cannot-execute"


# What the interpreter sets LC_CTYPE to under the C locale.
COERCED = (b"C.UTF-8", b"C.utf8", b"UTF-8")


def restore_locale(found: Mapping[bytes, bytes]) -> None:
    """Make LC_CTYPE what the caller gave; `found` is the environment that the interpreter shows."""
    value = found.get(b"LC_CTYPE")
    if value not in COERCED:
        return
    try:
        with open("/proc/self/environ", "rb") as stream:
            original = stream.read().split(b"\0")
    except OSError:
        # No /proc (macOS): what was added stands last, and only under these locales is it added.
        language = found.get(b"LC_ALL") or found.get(b"LANG") or b"C"
        if [*found][-1] == b"LC_CTYPE" and language in (b"C", b"POSIX"):
            os.unsetenv(b"LC_CTYPE")
        return
    was = next((entry[9:] for entry in original if entry.startswith(b"LC_CTYPE=")), None)
    if was is None:
        os.unsetenv(b"LC_CTYPE")
    else:
        os.putenv(b"LC_CTYPE", was)


def restore_signals() -> None:
    """SIGPIPE and SIGXFSZ as a shell gives them; whether the caller ignored them cannot be known any more."""
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def execute(
    path: bytes,
    arguments: Sequence[bytes],
    found: Mapping[bytes, bytes],
    assign: Mapping[bytes, bytes] = MappingProxyType({}),
    remove: Sequence[bytes] = (),
) -> NoReturn:
    """Become the command at `path`; `arguments` begin with its name.

    It gets this process's own environment, edited in place: order, duplicates and entries that are no
    `name=value` stay as the caller gave them. `found` is that environment as the interpreter shows it,
    `assign` what is to be set besides, and `remove` what is to go. Raises NotFoundError or
    CannotExecuteError, with the statuses of a shell.
    """
    restore_signals()
    restore_locale(found)
    for name in remove:
        os.unsetenv(name)
    for name, value in assign.items():
        os.putenv(name, value)
    try:
        try:
            os.execv(path, list(arguments))
        except OSError as error:
            if error.errno != errno.ENOEXEC:
                raise
            # A script without `#!`: execvp(3) and the shells give it to sh.
            os.execv(b"/bin/sh", [b"/bin/sh", path, *arguments[1:]])
    except OSError as error:
        shown = os.fsdecode(path)
        kind = NotFoundError if error.errno == errno.ENOENT else CannotExecuteError
        raise kind(f"{shown}: {files.reason(error)}") from None

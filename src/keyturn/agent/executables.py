"""Which program may get credentials: a checked-out `./bin/aws` must not get them in silence."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass

from keyturn.agent.uses import Program
from keyturn.ground.errors import ExecutableRefusedError
from keyturn.ground.names import printable
from keyturn.ground.paths import is_below


@dataclass(frozen=True)
class Examined:
    """An executable as it is on disk, and why it would need a question (empty: it would not)."""

    program: Program
    doubt: str


def examine(
    plugin: str, path: bytes, directory: str, trusted: frozenset[str], trusted_directories: tuple[str, ...]
) -> Examined:
    """Look at the executable that a launcher found. Touches the disk: run it off the loop.

    `trusted` are real paths that a person has trusted for this plugin. Raises ExecutableRefusedError
    for what is no executable file, and for setuid and setgid programs: their environment is not ours to fill.
    """
    name = printable(os.fsdecode(path))
    if not os.path.isabs(path):
        raise ExecutableRefusedError(f"{name}: the directory that it is relative to is not known")
    real = os.path.realpath(os.fsdecode(path))
    try:
        found = os.stat(real)
    except OSError:
        raise ExecutableRefusedError(f"{name} cannot be looked at") from None
    if not stat.S_ISREG(found.st_mode):
        raise ExecutableRefusedError(f"{name} is not a file")
    if found.st_mode & (stat.S_ISUID | stat.S_ISGID):
        raise ExecutableRefusedError(
            f"{name} runs as another user or group (setuid, setgid)",
            "keyturn gives such a program no credentials",
        )
    program = Program(plugin, real, found.st_dev, found.st_ino)
    return Examined(program, _doubt(real, found, directory, trusted, trusted_directories))


def _doubt(
    real: str,
    found: os.stat_result,
    directory: str,
    trusted: frozenset[str],
    trusted_directories: tuple[str, ...],
) -> str:
    if others_may_replace(real, found):
        return "others may replace it"
    if real in trusted or any(_is_below(real, each) for each in trusted_directories):
        return ""
    if directory not in ("", "/") and _is_below(real, directory):
        return "it is below the working directory"
    return "it was not used before"


def others_may_replace(real: str, found: os.stat_result) -> bool:
    """Whether somebody but root and its owner could write the file or exchange it in its directory."""
    if found.st_mode & 0o022:
        return True
    parent = os.stat(os.path.dirname(real))
    return bool(parent.st_mode & 0o022) and not parent.st_mode & stat.S_ISVTX


def _is_below(path: str, directory: str) -> bool:
    return is_below(path, os.path.realpath(directory))

"""Which executable a name on PATH means, shims left out; the launcher's template does the same by itself."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

# The second line of every shim, whichever Keyturn wrote it.
MARK = b"\n# Keyturn's shim of "
# A `#!` line is 255 bytes at most, and the mark comes behind it.
_HEAD = 512
# What a command carries that was found beside a shim; see `tried_for` in the launcher's template.
TRIED = b"KEYTURN_SHIM"
_MODULUS = 0x1FFFFFFFFFFFFFFF


def candidates(name: str, search: str) -> Iterator[str]:
    """Every executable file of that name on the PATH `search`, shims included, in its order.

    Without relative and empty parts: what lies in a working directory is not meant by a name.
    """
    for part in search.split(":"):
        path = os.path.join(part, name)
        if part.startswith("/") and os.path.isfile(path) and os.access(path, os.X_OK):
            yield path


def find(name: str, search: str, shims: Path) -> str:
    """The first executable that is no shim; a `name` with a slash is that file. Empty if there is none.

    `shims` is the directory of our own.
    """
    if "/" in name and not is_shim(name, shims):
        return name if os.path.isfile(name) and os.access(name, os.X_OK) else ""
    found = candidates(os.path.basename(name), search)
    return next((path for path in found if not is_shim(path, shims)), "")


def is_shim(path: str, shims: Path) -> bool:
    """Whether the file is a shim, of this Keyturn or another one, also by a link or as a copy."""
    if os.path.dirname(path).rstrip("/") == str(shims):
        return True
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        return MARK in os.read(descriptor, _HEAD)
    except OSError:
        return False
    finally:
        os.close(descriptor)


def tried(
    path: bytes, command: Sequence[bytes], environment: Mapping[bytes, bytes], shims: Path
) -> dict[bytes, bytes]:
    """What to set in the environment of the command at `path` before this process becomes it.

    Nothing if no shim of its name is on PATH. Otherwise the mark by which a shim sees that it was called from
    within this very command, so that the two do not call each other for ever.
    """
    name = os.path.basename(command[0])
    search = os.fsdecode(environment.get(b"PATH", b""))
    if not any(is_shim(each, shims) for each in candidates(os.fsdecode(name), search)):
        return {}
    total = b"%d" % (int.from_bytes(b"\0".join([name, *command[1:]]), "big") % _MODULUS)
    mark = environment.get(TRIED, b"").split(b" ", 3)
    count = int(mark[1]) + 1 if len(mark) == 4 and mark[2] == total and mark[1].isdigit() else 1
    return {TRIED: b"%d %d %s %s" % (os.getpid(), count, total, path)}

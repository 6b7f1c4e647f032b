"""Directories as `defaults.json` writes them: absolute, links resolved, any bytes in the name.

A path's name may hold bytes that are no UTF-8, which JSON cannot hold. So such a byte is written `\\xNN`, and
a backslash `\\\\`; all else stands as it is. The written form depends on no locale, gives back exactly the
bytes it came from, and leaves `/` alone: the parents of a written form are the written forms of the parents.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator

from keyturn.ground import files
from keyturn.ground.errors import UsageError
from keyturn.ground.names import printable

_ESCAPE = re.compile(r"(\\\\|\\x[0-9a-f]{2})")


def written(directory: str) -> str:
    """The written form of an absolute path as the system gave it."""
    if directory.isascii() and "\\" not in directory:
        return directory
    text = os.fsencode(directory).decode("utf-8", "surrogateescape").replace("\\", "\\\\")
    return "".join(f"\\x{ord(c) - 0xDC00:02x}" if 0xDC80 <= ord(c) <= 0xDCFF else c for c in text)


def path(place: str) -> str:
    """The path that a written form stands for, as this process spells paths. Raises ValueError if it is none.

    Only what `written` gives is taken, and only of a path that the kernel would give: a default that lies
    under another spelling would never be found, and in its place another one would answer.
    """
    pieces = _ESCAPE.split(place)
    try:
        raw = b"".join(_bytes(piece, is_escape=bool(at % 2)) for at, piece in enumerate(pieces))
    except UnicodeEncodeError:
        raise ValueError("a character that no path holds") from None
    found = os.fsdecode(raw)
    if b"\0" in raw or written(found) != place:
        raise ValueError("not as it is written here")
    if os.path.normpath(found) != found or not found.startswith("/") or found.startswith("//"):
        raise ValueError("not an absolute path without `.`, `..` and doubled slashes")
    return found


def _bytes(piece: str, *, is_escape: bool) -> bytes:
    if not is_escape:
        return piece.encode()
    return b"\\" if piece == "\\\\" else bytes.fromhex(piece[2:])


def upwards(directory: str) -> Iterator[str]:
    """The written forms of an absolute directory, of its parent, and so on up to the root."""
    place = written(directory)
    yield place
    while place != "/":
        place = place.rpartition("/")[0] or "/"
        yield place


def resolved(directory: str) -> str:
    """The real path of a directory that a person named. Raises UsageError if there is none."""
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            if hasattr(fcntl, "F_GETPATH"):
                # macOS: with the letters' case of the disk, as the kernel says it of a process.
                found: bytes = fcntl.fcntl(descriptor, fcntl.F_GETPATH, bytes(1024))
                return os.fsdecode(found.rstrip(b"\0"))
        finally:
            os.close(descriptor)
        return os.path.realpath(directory, strict=True)
    except (OSError, ValueError) as error:
        why = files.reason(error) if isinstance(error, OSError) else "no path"
        raise UsageError(
            f"no default for {printable(directory, 300)}: {why}",
            "name a directory that is there: --directory PATH",
        ) from None

"""The private directories that hold files for running commands: one for each command, below one of a few
places.

A directory's name says whose it is: the boot, the pid and the start time of the process. So whatever was
killed and when, the next agent knows which of them are still somebody's, and removes the others.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import secrets
import shutil
import stat
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from keyturn.ground import files
from keyturn.ground.errors import StorageError
from keyturn.ground.paths import Directories
from keyturn.processes import identity, mounts
from keyturn.sdk.run import ProvidedFile

SHARED_MEMORY = Path("/dev/shm")
# In a directory: a pipe that everything holds open that the command has left behind.
ALIVE = ".alive"

_NAME = re.compile(r"(?P<boot>[0-9a-f]{8})-(?P<pid>[1-9][0-9]*)-(?P<start>[0-9]+)-[0-9a-f]{16}")


@dataclass(frozen=True)
class Owner:
    """The process that a directory is for; `is_of_this_boot` is False for one that cannot be there any
    more."""

    pid: int
    start: int
    is_of_this_boot: bool = True

    def lives(self) -> bool:
        """Whether the process is still there."""
        if not self.is_of_this_boot:
            return False
        now = identity.read(self.pid)
        return now is not None and now.start == self.start


def places(directories: Directories, uid: int) -> tuple[Path, ...]:
    """Where private directories may be: in the runtime directory, and in shared memory if that is none."""
    name = f"files-{directories.tag}"
    return (directories.runtime / name, SHARED_MEMORY / f"keyturn-{uid}" / name)


def place_in_memory(directories: Directories, uid: int) -> Path | None:
    """The place that is in memory, not created yet; None if there is none."""
    for place in places(directories, uid):
        above = directories.runtime if place.parent == directories.runtime else SHARED_MEMORY
        if mounts.is_in_memory(above):
            return place
    return None


def new_name(owner: Owner) -> str:
    """A name for a new directory."""
    return f"{_boot()}-{owner.pid}-{owner.start}-{secrets.token_hex(8)}"


def owner_of(name: str) -> Owner | None:
    """Whose the directory of this name is; None for a name that is not one of ours."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    return Owner(int(found["pid"]), int(found["start"]), found["boot"] == _boot())


@cache
def _boot() -> str:
    return hashlib.sha256(identity.boot().encode()).hexdigest()[:8]


def fill(directory: Path, uid: int, provided: tuple[ProvidedFile, ...]) -> None:
    """Make the directory with its files and pipes. Raises StorageError; then nothing of it is left.

    A pipe's content is not written here. Nobody else can have put anything where this writes: every directory
    is ours alone, and a file that is there is an error.
    """
    try:
        files.private_directory(directory.parent.parent, uid)
        files.private_directory(directory.parent, uid)
        os.mkdir(directory, 0o700)
        try:
            if any(each.lives_with_tree for each in provided):
                os.mkfifo(directory / ALIVE, 0o600)
            for each in provided:
                _make(directory, each)
        except BaseException:
            remove(directory)
            raise
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        remedy = f"free some memory there: df -h {directory.parent}" if full else files.remedy(error)
        raise StorageError(
            f"the command's files cannot be written to {directory.parent}: {files.reason(error)}", remedy
        ) from None


def _make(directory: Path, provided: ProvidedFile) -> None:
    path = Path(provided.path)
    path.relative_to(directory)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if provided.is_pipe:
        os.mkfifo(path, 0o600)
        return
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(path, flags, 0o600), "wb") as stream:
        stream.write(provided.content.reveal().encode())


def remove(entry: Path) -> None:
    """Remove a directory with all that is in it, without following links, or whatever else lies in its place.

    What cannot be removed now is removed at the next start.
    """
    with contextlib.suppress(OSError):
        if stat.S_ISDIR(os.lstat(entry).st_mode):
            shutil.rmtree(entry, ignore_errors=True)
        else:
            os.unlink(entry)


def found(directories: Directories, uid: int) -> list[Path]:
    """Everything that lies in the places."""
    entries: list[Path] = []
    for place in places(directories, uid):
        with contextlib.suppress(OSError):
            entries += [Path(entry.path) for entry in os.scandir(place)]
    return entries


def remove_all(directories: Directories, uid: int) -> None:
    """Remove every private directory, whosever it is: no agent is there any more that would do it later."""
    for directory in found(directories, uid):
        remove(directory)
    for place in places(directories, uid):
        with contextlib.suppress(OSError):
            os.rmdir(place)

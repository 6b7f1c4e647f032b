"""Which program an age plugin is: fixed by its path and its content, and nobody else's to change."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pwd
import shutil
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

from keyturn.ground import files
from keyturn.ground.errors import DamagedError, KeyUnusableError
from keyturn.ground.names import printable
from keyturn.vaults.age.directory import storage

LARGEST = 256 * 1024 * 1024
# After the plugin itself: the interpreters and tools that a plugin may be written for.
SYSTEM_PATH = "/usr/bin:/bin"

# Who is in one of these groups is root already: wheel, and macOS's admin, whose Homebrew's directories are.
ROOT_GROUPS = (0, 80) if sys.platform == "darwin" else (0,)


@dataclass(frozen=True)
class PluginFile:
    """A plugin as it is on disk. `real`: its path without links; `digest`: SHA-256 of its content."""

    path: str
    real: str
    owner: str
    mode: str
    digest: str

    def describe(self) -> str:
        """One line for the person who is to trust it."""
        linked = "" if self.real == self.path else f", a link to {printable(self.real, 300)}"
        return f"{printable(self.path, 300)} ({self.owner}, {self.mode}){linked}"


def find(name: str, path: str) -> str:
    """Where the program `name` lies on the search path `path`. Raises KeyUnusableError."""
    absolute = ":".join(part for part in path.split(":") if os.path.isabs(part))
    found = shutil.which(name, path=absolute) if absolute else None
    if found is None:
        raise KeyUnusableError(f"{name} is not installed, or not on PATH", "give its path: --plugin PATH")
    return found


def look_at(path: str, uid: int) -> PluginFile:
    """Look at the plugin at the absolute `path`, for the user `uid`. Reads all of it.

    Raises KeyUnusableError for what is no executable file, and for one that somebody but root and this user
    could write or exchange.
    """
    refusal = check(path, uid)
    if refusal:
        raise KeyUnusableError(refusal, "a plugin gets keys: nobody else may be able to change it")
    real = os.path.realpath(path)
    try:
        content, _ = files.read(Path(real), LARGEST)
        found = os.stat(real)
    except (OSError, DamagedError):
        raise KeyUnusableError(f"{printable(path, 300)} cannot be read") from None
    owner = str(found.st_uid)
    with contextlib.suppress(KeyError):
        owner = pwd.getpwuid(found.st_uid).pw_name
    return PluginFile(path, real, owner, stat.filemode(found.st_mode), hashlib.sha256(content).hexdigest())


def check(path: str, uid: int) -> str:
    """Why the program at `path` must not be run; empty if it may. Reads no content."""
    name = printable(path, 300)
    if not os.path.isabs(path):
        return f"{name} is not an absolute path"
    try:
        real = os.path.realpath(path, strict=True)
        found = os.stat(real)
        if not stat.S_ISREG(found.st_mode) or not os.access(real, os.X_OK):
            return f"{name} is not an executable file"
        if found.st_mode & (stat.S_ISUID | stat.S_ISGID):
            return f"{name} runs as another user or group (setuid, setgid)"
        # The way as it was given, for there may be links on it, and the way that it really takes.
        for place in (real, *_above(real), *_above(path)):
            if _others_may_change(os.stat(place), uid):
                what = name if place == real else printable(place, 300)
                return f"{what} can be changed by other users"
    except OSError as error:
        return f"{name} cannot be looked at: {files.reason(error)}"
    return ""


def _above(path: str) -> list[str]:
    return [str(parent) for parent in Path(path).parents]


def _others_may_change(found: os.stat_result, uid: int) -> bool:
    if found.st_uid not in (0, uid):
        return True
    # In a sticky directory nobody exchanges what is not theirs.
    if stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX:
        return False
    by_group = found.st_mode & stat.S_IWGRP and found.st_gid not in ROOT_GROUPS
    return bool(found.st_mode & stat.S_IWOTH or by_group)


def search_path(plugin: PluginFile, name: str, state: Path, uid: int) -> str:
    """A PATH on which `name` is this plugin: a directory of ours with nothing but a link to it, and the
    system's. The directory stays, for it is the same each time."""
    directory = state / "plugins" / hashlib.sha256(os.fsencode(plugin.real)).hexdigest()[:16]
    files.private_directory(directory.parent, uid)
    files.private_directory(directory, uid)
    link = directory / name
    with storage(link, "write"):
        if not (link.is_symlink() and os.readlink(link) == plugin.real):
            temporary = directory / f".{os.getpid()}.new"
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
            os.symlink(plugin.real, temporary)
            os.replace(temporary, link)
    return f"{directory}:{SYSTEM_PATH}"

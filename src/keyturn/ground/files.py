"""Files: written whole or not at all, read with a limit, kept to their owner."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from keyturn.ground.errors import ConfigurationError, ConflictError, DamagedError
from keyturn.ground.paths import is_private

LARGEST = 64 * 1024 * 1024
# A person waits for what wants the lock of another program's directory; who holds it has milliseconds to do.
HOLD_SECONDS = 15.0
LOOK_SECONDS = 0.01

FULL = "that disk is full: free some space, then try again"
_REMEDIES = {
    errno.ENOSPC: FULL,
    errno.EDQUOT: FULL,
    errno.EROFS: "that disk is read-only: make it writable, or use another place",
    errno.EIO: "that disk fails: look at the system's log before you rely on it",
}


class UnconfirmedError(OSError):
    """A file was replaced, but the disk did not confirm it: after a power failure the old one may be back."""


@dataclass(frozen=True)
class FileIdentity:
    """Tells whether a file is still the one that was read: device, inode, size and times."""

    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int

    @classmethod
    def of(cls, found: os.stat_result) -> FileIdentity:
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def identity(path: Path) -> FileIdentity | None:
    """The identity of the file at `path`, links followed; None if nothing is there."""
    try:
        return FileIdentity.of(os.stat(path))
    except FileNotFoundError:
        return None


def read(path: Path, limit: int = LARGEST) -> tuple[bytes, FileIdentity]:
    """The content of a regular file and the identity it had when it was opened.

    Raises FileNotFoundError, other OSErrors as they come, and DamagedError for what is no regular
    file or larger than `limit` bytes. A named pipe does not block.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    with open(descriptor, "rb") as stream:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise DamagedError(f"{path} is not a regular file")
        content = stream.read(limit + 1)
        if len(content) > limit:
            raise DamagedError(f"{path} is larger than {limit} bytes")
        return content, FileIdentity.of(found)


def write_atomically(
    path: Path, content: bytes, mode: int = 0o600, before_rename: Callable[[], None] | None = None
) -> FileIdentity:
    """Replace the file at `path` so that at every moment it holds the old or the new content.

    A temporary file in the same directory, fsync, rename, fsync of the directory. When this
    returns, the content is on the disk; when it raises UnconfirmedError, the new file is there and may
    not survive a power failure; with any other error, the old file is as it was. `before_rename` has
    the last word: what it raises is passed on, and nothing was changed.
    """
    # Only where something is written: it takes a third of the interpreter's own start.
    import tempfile

    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".new", dir=path.parent)
    except OSError as error:
        # Nobody knows the temporary file; the place that it was to take they do.
        error.filename = str(path)
        raise
    try:
        with open(descriptor, "wb") as stream:
            os.fchmod(descriptor, mode)
            stream.write(content)
            stream.flush()
            os.fsync(descriptor)
            written = os.fstat(descriptor)
        if before_rename is not None:
            before_rename()
        os.replace(temporary, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        if isinstance(error, OSError) and error.errno is not None:
            error.filename = str(path)
        raise
    try:
        sync_directory(path.parent)
        # The rename changes st_ctime on some file systems, so the identity is taken from the name again.
        return identity(path) or FileIdentity.of(written)
    except OSError as error:
        raise UnconfirmedError(error.errno, error.strerror) from None


def sync_directory(directory: Path) -> None:
    """fsync of a directory, so that a rename or an unlink in it survives a crash."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems cannot sync a directory and say EINVAL: then there is nothing better.
        if error.errno != errno.EINVAL:
            raise
    finally:
        os.close(descriptor)


def remove_leftovers(directory: Path, name: str = "") -> None:
    """Delete temporary files that killed writers left: of the file `name`, or of every file in `directory`.

    To be called only under the lock that the writers of those files hold: a file of one that lives may
    be among them.
    """
    with contextlib.suppress(OSError):
        for entry in os.scandir(directory):
            if entry.name.startswith(f".{name}." if name else ".") and entry.name.endswith(".new"):
                os.unlink(entry.path)


def private_directory(path: Path, uid: int, *, mend: bool = False) -> Path:
    """Make sure that `path` is a directory of ours alone, creating what is missing with mode 0700.

    With `mend`, one of ours that others could only read (a dotfile manager made it, say) is closed.
    Raises ConfigurationError for a symlink, another owner, or a mode that lets others in: who could
    write there could have planted a socket or a vault.
    """
    try:
        os.makedirs(path.parent, mode=0o700, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, 0o700)
    except OSError as error:
        raise ConfigurationError(f"cannot create {path}: {reason(error)}", remedy(error)) from None
    if mend:
        _close_to_readers(path, uid)
    if not is_private(path, uid):
        raise ConfigurationError(
            f"{path} is not a private directory of yours",
            f"look at it with `ls -ld {path}`: it must be yours, no symlink, mode 0700",
        )
    return path


def _close_to_readers(path: Path, uid: int) -> None:
    found = os.lstat(path)
    if (
        stat.S_ISDIR(found.st_mode)
        and found.st_uid == uid
        and found.st_mode & 0o077
        and not found.st_mode & 0o022
    ):
        os.chmod(path, found.st_mode & 0o700)


@contextlib.contextmanager
def exclusively(path: Path) -> Iterator[None]:
    """Hold the lock file `path` (never renamed or removed) while the block runs."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def holding(path: Path) -> Iterator[None]:
    """Hold the lock of the directory `path` itself while the block runs, where no lock file may lie in it.

    Raises ConflictError if another process holds it for HOLD_SECONDS, OSErrors as they come.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        take_lock(descriptor, path)
        yield
    finally:
        os.close(descriptor)


def take_lock(descriptor: int, path: Path) -> None:
    """Lock what is open at `path`, until it is closed. Raises ConflictError after HOLD_SECONDS."""
    until = time.monotonic() + HOLD_SECONDS
    while True:
        with contextlib.suppress(BlockingIOError):
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if time.monotonic() > until:
            raise ConflictError(
                f"another program has held {path} for {HOLD_SECONDS:.0f} seconds",
                "nothing was changed: try again when it is done",
            )
        time.sleep(LOOK_SECONDS)


@contextlib.contextmanager
def changing(path: Path) -> Iterator[None]:
    """Hold the lock of the configuration file at `path` while the block reads, changes and writes it.

    Raises ConfigurationError, with what to do, for every OSError; it says whether the file was changed.
    """
    try:
        with exclusively(path.parent / f".{path.stem}.lock"):
            target = Path(os.path.realpath(path))
            remove_leftovers(target.parent, target.name)
            yield
    except UnconfirmedError as error:
        raise ConfigurationError(
            f"{path} was changed, but the disk did not confirm it: {reason(error)}", remedy(error)
        ) from None
    except OSError as error:
        raise ConfigurationError(
            f"cannot write {path}: {reason(error)}", "nothing was changed", remedy(error)
        ) from None


def is_of_the_disk(error: OSError) -> bool:
    """Whether `remedy` has its own words for it: a disk that is full, read-only or fails."""
    return error.errno in _REMEDIES


def remedy(error: OSError) -> str:
    """What a person can do about an error of the disk, in one line."""
    return _REMEDIES.get(error.errno or 0, "look at that place with `ls -ld`, then try again")


def reason(error: OSError) -> str:
    """What the system says of an error, in lower case and without the path that stands beside it anyway."""
    return (error.strerror or str(error)).lower()

"""Writing a file anew, in place of the one that was read: whole or not at all, and only where it is safe."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

from keyturn.ground import files
from keyturn.ground.errors import ConfigurationError, DamagedError
from keyturn.ground.files import FileIdentity

# In the names of temporary files, with the process that writes one behind it.
MARK = "keyturn-"
UNCHANGED = "nothing in it was changed"


def refused(path: Path, why: str) -> ConfigurationError:
    return ConfigurationError(f"{path} was left as it is: {why}", UNCHANGED)


def check(path: Path, found: os.stat_result, uid: int) -> None:
    """Raises ConfigurationError for a file that must not be written: somebody else's, read-only, one of two
    hard links, a link that leads out of what the person owns. `found` is its status."""
    why = ""
    if not stat.S_ISREG(found.st_mode):
        why = "it is not a regular file"
    elif found.st_uid != uid:
        why = "it is not your file"
    elif found.st_nlink != 1:
        why = "it has another hard link, which would keep the credential"
    elif not found.st_mode & stat.S_IWUSR:
        # A rename needs no permission on the file itself, but read-only is meant to say something.
        why = "it is read-only"
    elif _leads_elsewhere(path, uid):
        why = f"it is a link into a directory of somebody else: {os.path.realpath(path)}"
    if why:
        raise refused(path, why)


def _leads_elsewhere(path: Path, uid: int) -> bool:
    real = os.path.realpath(path)
    return real != os.path.abspath(path) and os.stat(os.path.dirname(real)).st_uid != uid


def replace(
    path: Path,
    found: os.stat_result,
    content: bytes,
    uid: int,
    last_look: Callable[[str], object] | None = None,
) -> None:
    """Make `content` what the file at `path` holds, which had the status `found` when it was read.

    Links to it, mode, owner, group, access lists and other attributes stay. `last_look` is given the name of
    the file that is about to take its place; what it raises is passed on. Raises ConfigurationError, with
    nothing changed, if it is another file by now, or `check` refuses it, or it cannot be written.
    """
    target = Path(os.path.realpath(path))
    try:
        check(path, found, uid)
        _sweep(target)
        prefix = f".{target.name}.{MARK}{os.getpid()}-"
        descriptor, temporary = tempfile.mkstemp(prefix=prefix, suffix=".new", dir=target.parent)
        try:
            with open(descriptor, "wb") as stream:
                stream.write(content)
                stream.flush()
                made = os.fstat(descriptor)
                if (made.st_uid, made.st_gid) != (found.st_uid, found.st_gid):
                    os.fchown(descriptor, found.st_uid, found.st_gid)
                os.fchmod(descriptor, stat.S_IMODE(found.st_mode))
                shutil.copystat(target, temporary)
                os.utime(descriptor)
                os.fsync(descriptor)
            # What was written is what is to be there: the disk had the room.
            if files.read(Path(temporary))[0] != content:
                raise refused(path, "what was written could not be read back")
            if last_look is not None:
                last_look(temporary)
            if files.identity(target) != FileIdentity.of(found):
                raise refused(path, "it was changed meanwhile")
            os.replace(temporary, target)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
    except FileNotFoundError:
        raise refused(path, "it is not there any more") from None
    except DamagedError as error:
        raise refused(path, error.message) from None
    except OSError as error:
        raise refused(path, files.reason(error)) from None
    try:
        files.sync_directory(target.parent)
    except OSError as error:
        raise ConfigurationError(
            f"{path} was changed, but the disk did not confirm it: {files.reason(error)}", files.remedy(error)
        ) from None


def make(path: Path, content: bytes) -> None:
    """Write a file that was not there, and its directory. Raises ConfigurationError."""
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        files.write_atomically(path, content)
    except OSError as error:
        raise ConfigurationError(f"cannot write {path}: {files.reason(error)}", files.remedy(error)) from None


def _sweep(target: Path) -> None:
    """Delete what writers of this file left that were killed: other credentials may be in it."""
    start = f".{target.name}.{MARK}"
    for entry in os.scandir(target.parent):
        pid = entry.name.removeprefix(start).partition("-")[0]
        if entry.name.startswith(start) and entry.name.endswith(".new") and pid.isdigit():
            try:
                os.kill(int(pid), 0)
            except ProcessLookupError:
                os.unlink(entry.path)
            except OSError:
                continue

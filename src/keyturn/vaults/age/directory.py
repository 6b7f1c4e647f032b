"""An account's directory: where its files are, its lock, and that it is the person's alone."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

from keyturn.ground import files
from keyturn.ground.errors import ConfigurationError, MissingError, StorageError
from keyturn.ground.names import is_id

PARTS = ("slots", "vaults", "versions")
NO_WRITING = (errno.EROFS, errno.EACCES, errno.ENOSPC, errno.EDQUOT)
SEALED_SUFFIX = ".age"


class AccountDirectory:
    """Paths and the lock of the account directory at `path`; `uid` is whose it must be.

    File names are ids: nobody learns a title from a listing.
    """

    def __init__(self, path: Path, uid: int) -> None:
        self.path = path
        self.uid = uid
        self.account = path / ("account" + SEALED_SUFFIX)
        self.slots = path / "slots"
        self.vaults = path / "vaults"
        self.versions = path / "versions"
        self._threads = threading.RLock()
        self._is_held = False

    def vault(self, vault_id: str) -> Path:
        return self.vaults / (vault_id + SEALED_SUFFIX)

    def vault_ids(self) -> list[str]:
        """The ids of the vault files that are there, sorted.

        Raises MissingError if the account itself is not there any more: that is no account without vaults.
        """
        with storage(self.vaults, "read"), contextlib.suppress(FileNotFoundError):
            return _ids(os.listdir(self.vaults))
        # git, for one, keeps no empty directory.
        with storage(self.account, "read"):
            if self.account.exists():
                return []
        raise self._gone()

    @contextlib.contextmanager
    def locked(self, *, reading: bool = False) -> Iterator[None]:
        """Hold the account's lock: against other processes by flock, against our threads; reentrant.

        Where not even the lock file can be opened for writing (a read-only disk) or made (a full one), a
        block that is only `reading` goes on without: nobody can be writing there. Raises MissingError where
        there is no such directory, StorageError for what else is in the way.
        """
        with self._threads, contextlib.ExitStack() as stack:
            # Asked again inside a block that goes on without: what is only read must not be written there.
            if not self._is_held:
                try:
                    stack.enter_context(files.exclusively(self.path / ".lock"))
                except FileNotFoundError:
                    raise self._gone() from None
                except OSError as error:
                    if not (reading and error.errno in NO_WRITING):
                        raise StorageError(
                            f"cannot lock {self.path}: {files.reason(error)}", files.remedy(error)
                        ) from None
                else:
                    self._is_held = True
                    stack.callback(setattr, self, "_is_held", False)
            yield

    def _gone(self) -> MissingError:
        return MissingError(
            f"the account is not in {self.path} any more",
            "a disk that is not mounted? bring it back",
            "if it was moved: keyturn account forget --account NAME, then keyturn account add DIRECTORY",
        )

    def make(self) -> None:
        """Create what is missing, every directory with mode 0700, and close what is ours and open to others.

        Raises ConfigurationError for what is not ours or no directory.
        """
        with storage(self.path, "read"):
            found = os.stat(self.path) if self.path.is_dir() else None
        if found is None:
            files.private_directory(self.path, self.uid)
        else:
            _keep_private(self.path, self.uid, found)
        for part in PARTS:
            self.check_file(self.path / part)
            files.private_directory(self.path / part, self.uid)

    def check(self) -> None:
        """Close the directory and its files to everybody else, or refuse what is not ours.

        Raises MissingError if there is no account here, ConfigurationError for another owner, a symlink
        inside, or a mode that cannot be mended.
        """
        with storage(self.path, "read"):
            if not self.account.exists() and not self.slots.exists():
                raise MissingError(f"there is no account in {self.path}")
            found = os.stat(self.path)
        _keep_private(self.path, self.uid, found)
        for parent in (self.path, *(self.path / part for part in PARTS)):
            with storage(parent, "read"):
                entries = list(os.scandir(parent)) if parent.is_dir() else []
            for entry in entries:
                self.check_file(Path(entry.path))

    def check_file(self, path: Path) -> None:
        """As `check`, for one file or directory inside."""
        with storage(path, "read"), contextlib.suppress(FileNotFoundError):
            found = os.lstat(path)
            if stat.S_ISLNK(found.st_mode):
                raise ConfigurationError(f"{path} is a symlink; in an account directory none is followed")
            _keep_private(path, self.uid, found)

    def remove_leftovers(self) -> None:
        """Delete what killed writers left; under the lock."""
        for directory in (self.path, self.slots, self.vaults, self.versions):
            files.remove_leftovers(directory)


@contextlib.contextmanager
def storage(path: Path, verb: str) -> Iterator[None]:
    """Turn an OSError into a StorageError that says what could not be done to `path`, and what to do."""
    try:
        yield
    except files.UnconfirmedError as error:
        raise StorageError(
            f"{path} was written, but the disk did not confirm it: {files.reason(error)}", files.remedy(error)
        ) from None
    except OSError as error:
        raise StorageError(f"cannot {verb} {path}: {files.reason(error)}", files.remedy(error)) from None


def _ids(names: list[str]) -> list[str]:
    stems = (name.removesuffix(SEALED_SUFFIX) for name in names if name.endswith(SEALED_SUFFIX))
    return sorted(stem for stem in stems if is_id(stem))


def _keep_private(path: Path, uid: int, found: os.stat_result) -> None:
    if found.st_uid != uid:
        raise ConfigurationError(f"{path} belongs to another user", f"look at it with `ls -ld {path}`")
    if found.st_mode & 0o077:
        try:
            os.chmod(path, stat.S_IMODE(found.st_mode) & 0o700)
        except OSError as error:
            raise ConfigurationError(
                f"{path} is open to other users and cannot be closed: {files.reason(error)}",
                f"close it with `chmod go= {path}`",
            ) from None

"""Opening a KeePassXC database and writing it back, safely.

pykeepass parses and builds the format (an extra: its licence is GPL-3). It writes with no fsync, through a
predictable name and with mode 0644, so it only ever sees bytes here; and it is let at no file that another
program has changed meanwhile.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from keyturn.ground import files
from keyturn.ground.errors import (
    ConfigurationError,
    DamagedError,
    KeyturnError,
    MissingError,
    StorageError,
    WrongPasswordError,
)
from keyturn.ground.files import FileIdentity
from keyturn.ground.names import printable
from keyturn.ground.secret import Secret
from keyturn.vaults.operations import Seen

# Older versions keep salt, seed and IV of every database the same for ever.
OLDEST = (4, 2)
LARGEST = 256 * 1024 * 1024
MOVED = "if it moved: keyturn account forget, then keyturn account create --backend keepassxc --at FILE"
# KDBX's two signatures (keepass.info/help/kb/kdbx.html).
SIGNATURE = bytes.fromhex("03d9a29a67fb4bb5")


class ChangedError(Exception):
    """The file is not the one any more that was read."""


def check_file(path: str) -> None:
    """See that a database is there, before anybody is asked for its password.

    Raises MissingError, DamagedError, StorageError.
    """
    content, _ = _read(Path(path))
    if not content.startswith(SIGNATURE):
        raise _no_database(Path(path))


class Database:
    """One database, read once; `kdbx` is pykeepass's object for it."""

    def __init__(self, path: str, password: Secret | None, key_file: str) -> None:
        """Raises WrongPasswordError, MissingError, DamagedError, ConfigurationError."""
        library = _library()
        self.path = Path(os.path.realpath(path))
        content, self.identity = _read(self.path)
        key = io.BytesIO(_read(Path(key_file))[0]) if key_file else None
        typed = None if password is None or (not password and key_file) else password.reveal()
        try:
            self.kdbx = library(io.BytesIO(content), password=typed, keyfile=key)
        except Exception as error:  # noqa: BLE001  # what the parser raises for odd bytes is of any kind
            raise _reason(error, self.path) from None
        if self.kdbx.version[0] < 4:
            raise ConfigurationError(
                f"{self.path} has the format KDBX {self.kdbx.version[0]}; this needs KDBX 4",
                "in KeePassXC: Database Settings, Encryption, format KDBX 4",
            )

    @property
    def seen(self) -> Seen:
        return {str(self.path): self.identity}

    def save(self) -> None:
        """Write it. Raises ChangedError, nothing written, if another program was faster; StorageError."""
        content = io.BytesIO()
        self.kdbx.save(content)
        mode = self.path.stat().st_mode & 0o777

        def check() -> None:
            if files.identity(self.path) != self.identity:
                raise ChangedError

        try:
            self.identity = files.write_atomically(self.path, content.getvalue(), mode, check)
        except OSError as error:
            raise StorageError(
                f"cannot write {self.path}: {files.reason(error)}", "nothing was changed"
            ) from None


@contextlib.contextmanager
def writing(path: str) -> Iterator[None]:
    """Keep other Keyturns out while the database is read and written; KeePassXC itself knows no lock.

    The lock is on the file itself, so that none lies beside it: who waited for a file that was replaced
    meanwhile waits again, for the new one. Raises as `Database`, and ConflictError as `files.take_lock`.
    """
    target = os.path.realpath(path)
    while True:
        try:
            descriptor = os.open(target, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError:
            # Reading it will say what is wrong.
            yield
            return
        try:
            files.take_lock(descriptor, Path(target))
            if _is_at(descriptor, target):
                yield
                return
        finally:
            os.close(descriptor)


def _is_at(descriptor: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except OSError:
        return False


def _library() -> Any:
    """pykeepass's class. Raises ConfigurationError if it is not there or too old."""
    try:
        from pykeepass import PyKeePass  # type: ignore[import-untyped]  # has no types
    except ImportError:
        raise ConfigurationError(
            "KeePassXC databases need the library pykeepass, which is not installed",
            "install it beside Keyturn: pip install 'keyturn[keepassxc]'",
        ) from None
    version = importlib.metadata.version("pykeepass")
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if numbers < OLDEST:
        raise ConfigurationError(
            f"pykeepass {version} encrypts every database with the same seeds; 4.2.0 or later is needed",
            "upgrade it: pip install --upgrade 'keyturn[keepassxc]'",
        )
    return PyKeePass


def _read(path: Path) -> tuple[bytes, FileIdentity]:
    try:
        return files.read(path, LARGEST)
    except FileNotFoundError:
        raise MissingError(f"there is no file {printable(str(path), 300)}", MOVED) from None
    except OSError as error:
        raise StorageError(f"cannot read {path}: {files.reason(error)}", files.remedy(error)) from None


def _no_database(path: Path) -> DamagedError:
    return DamagedError(f"{path} is no KeePass database", MOVED)


def _reason(error: Exception, path: Path) -> KeyturnError:
    """What the library's error means; its text may hold anything of the file and is not repeated."""
    kind = type(error).__name__
    if kind == "CredentialsError":
        return WrongPasswordError("this does not open the database: another password or key file")
    if kind == "HeaderChecksumError" and "Not a KeePass" in str(error):
        return _no_database(path)
    return DamagedError(
        f"{path} is damaged: it does not parse", "see whether KeePassXC opens it, or put a copy back"
    )

"""A password that opens nothing: somebody who types it has agreed.

For accounts in vaults that open by themselves (a keyring of the desktop, 1Password with its app), where the
system has no authentication to ask. What is kept is salt and hash, on this machine alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from keyturn.ground import files
from keyturn.ground.errors import DamagedError, UsageError
from keyturn.ground.secret import Secret

# Some 100 ms: it is typed rarely, and the file may be read by who steals the disk.
LOG_N = 16
LARGEST = 4096

_Hex = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]


class _File(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    format: Literal[1]
    log_n: Annotated[int, msgspec.Meta(ge=14, le=20)]
    salt: _Hex
    hash: _Hex


class ApprovalPasswords:
    """Those of this machine, a file an account."""

    def __init__(self, directory: Path, uid: int) -> None:
        self._directory = directory
        self._uid = uid

    def exists(self, account: str) -> bool:
        return self._path(account).exists()

    def keep(self, account: str, password: Secret) -> None:
        """Make it the account's. Raises UsageError for an empty one."""
        if not password.reveal().strip():
            raise UsageError("a password is not empty")
        salt = secrets.token_bytes(32)
        found = _File(1, LOG_N, salt.hex(), _derived(password, salt, LOG_N).hex())
        files.private_directory(self._directory, self._uid)
        files.write_atomically(self._path(account), msgspec.json.encode(found))

    def matches(self, account: str, password: Secret) -> bool:
        """Whether it is the account's; takes some 100 ms. Raises DamagedError for a file that is none."""
        path = self._path(account)
        try:
            content, _ = files.read(path, LARGEST)
            found = msgspec.json.decode(content, type=_File)
        except FileNotFoundError:
            return False
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            raise DamagedError(
                f"{path} is damaged", "delete it, then list the account anew: keyturn account forget"
            ) from None
        derived = _derived(password, bytes.fromhex(found.salt), found.log_n)
        return hmac.compare_digest(derived, bytes.fromhex(found.hash))

    def forget(self, account: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path(account))

    def _path(self, account: str) -> Path:
        return self._directory / f"{account}.json"


def _derived(password: Secret, salt: bytes, log_n: int) -> bytes:
    text = password.reveal().encode("utf-8", "surrogatepass")
    return hashlib.scrypt(text, salt=salt, n=1 << log_n, r=8, p=1, dklen=32, maxmem=256 * 8 << log_n)

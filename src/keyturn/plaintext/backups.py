"""What a backup holds: a file as it was before credentials were taken out of it.

It is sealed and kept by whoever has the account's identity; nothing here writes it anywhere.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Annotated, Literal

import msgspec

from keyturn.ground.errors import DamagedError
from keyturn.ground.secret import Secret, decode_secret, encode_secret

# Of a file name, so that a backup is told from the kept versions of vaults.
PREFIX = "plaintext."


class Backup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`path` is where links led; `content` the file in base64; `left` the SHA-256 of what was left there.

    `tools` are the names of those whose credentials were taken out; `mode` are the permission bits.
    """

    keyturn: Literal["plaintext"]
    format: Literal[1]
    path: str
    link: str
    moment: str
    mode: int
    tools: list[str]
    left: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
    content: Secret


_decoder = msgspec.json.Decoder(Backup, dec_hook=decode_secret)
_encoder = msgspec.json.Encoder(enc_hook=encode_secret)


def from_parts(
    path: str, link: str, moment: str, mode: int, tools: list[str], left: str, content: Secret
) -> Backup:
    """A backup of `content`, a file in base64. Raises DamagedError for what would not be read back."""
    backup = Backup("plaintext", 1, path, link, moment, mode & 0o7777, tools, left, content)
    return decode(encode(backup))


def encoded(content: bytes) -> Secret:
    """A file as a backup holds it."""
    return Secret(base64.b64encode(content).decode())


def decoded(content: Secret) -> bytes:
    """The inverse of `encoded`. Raises DamagedError."""
    try:
        return base64.b64decode(content.reveal(), validate=True)
    except (binascii.Error, ValueError):
        pass
    raise DamagedError("a backup whose content does not decode")


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def encode(backup: Backup) -> bytes:
    return _encoder.encode(backup)


def decode(content: bytes) -> Backup:
    """Raises DamagedError, without a word of the content, for anything but what `encode` wrote."""
    try:
        backup = _decoder.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        backup = None
    if backup is None or _encoder.encode(backup) != content:
        raise DamagedError("a backup that does not parse")
    decoded(backup.content)
    return backup

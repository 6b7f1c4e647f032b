"""Opening a JSON Web Encryption under a passphrase: what aws-vault's encrypted files are.

RFC 7516 (compact serialization) with PBES2-HS256+A128KW of RFC 7518, 4.8, and A256GCM, 5.3: the one pair that
aws-vault writes. Everything else is refused, and so is a derivation too cheap or too dear to be meant.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

import msgspec

from keyturn.ground.errors import DamagedError, DeniedError
from keyturn.ground.secret import Secret

ALGORITHM, ENCRYPTION = "PBES2-HS256+A128KW", "A256GCM"
# RFC 7518, 4.8.1.2: at least 1000. aws-vault has 8192.
FEWEST, MOST = 1000, 1_000_000
_PART = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)


class _Header(msgspec.Struct):
    """What decides; `created` and the like is for people. `crit` and `zip` would change what it means."""

    alg: str
    enc: str
    p2c: int
    p2s: str
    zip: str | None = None
    crit: list[str] | None = None


def decrypt(token: bytes, passphrase: Secret) -> bytes:
    """The content. Raises DeniedError for another passphrase, DamagedError for what is no such file.

    Neither holds anything of it. Takes about 10 ms.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap

    parts = token.strip().decode("ascii", "replace").split(".")
    if len(parts) != 5 or not all(_PART.fullmatch(part) for part in parts):
        raise DamagedError("it is no file that aws-vault encrypted")
    header = _header(_bytes(parts[0]))
    wrapped, nonce, text, tag = map(_bytes, parts[1:])
    salt = ALGORITHM.encode() + b"\0" + _bytes(header.p2s)
    key = hashlib.pbkdf2_hmac("sha256", passphrase.reveal().encode(), salt, header.p2c, 16)
    try:
        content_key = aes_key_unwrap(key, wrapped)
    except (InvalidUnwrap, ValueError):
        content_key = None
    if content_key is None:
        raise DeniedError("the passphrase does not open it")
    if len(content_key) != 32 or len(nonce) != 12 or len(tag) != 16:
        raise DamagedError("it is no file that aws-vault encrypted")
    try:
        return AESGCM(content_key).decrypt(nonce, text + tag, parts[0].encode())
    except InvalidTag:
        damaged = DamagedError("it was changed or cut short since it was encrypted")
    raise damaged


def _header(content: bytes) -> _Header:
    try:
        header = msgspec.json.decode(content, type=_Header)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        header = None
    if header is None or not _PART.fullmatch(header.p2s):
        raise DamagedError("it is no file that aws-vault encrypted")
    if (
        (header.alg, header.enc) != (ALGORITHM, ENCRYPTION)
        or header.zip is not None
        or header.crit is not None
    ):
        raise DamagedError("it is encrypted in another way than aws-vault's")
    if not FEWEST <= header.p2c <= MOST:
        raise DamagedError(f"its key derivation is out of bounds: {FEWEST} to {MOST} rounds are taken")
    return header


def _bytes(part: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (binascii.Error, ValueError):
        pass
    raise DamagedError("it is no file that aws-vault encrypted")

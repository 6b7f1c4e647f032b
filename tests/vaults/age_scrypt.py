"""A writer of password-locked age files, by age's specification (C2SP, age.md); its work factor is chosen.

pyrage takes a second or two for each and lets nobody choose; with the least work that is accepted a test
takes a tenth of that. It is also an independent witness: what it writes, pyrage and `age` must open.
"""

import base64
import functools
import hmac
import os

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from keyturn.vaults.age import armor, derive, identities

LEAST = 15
CHUNK = 64 * 1024


def lock(content: bytes, password: str, work: int = LEAST) -> bytes:
    """`content` as an armored age file under `password`, with N = 2^work; one chunk is enough here."""
    assert len(content) < CHUNK
    file_key, salt, nonce = os.urandom(16), os.urandom(16), os.urandom(16)
    wrapping = Scrypt(b"age-encryption.org/v1/scrypt" + salt, 32, 2**work, 8, 1).derive(password.encode())
    body = ChaCha20Poly1305(wrapping).encrypt(bytes(12), file_key, None)
    head = b"age-encryption.org/v1\n-> scrypt %s %d\n%s\n---" % (_base64(salt), work, _base64(body))
    mac = hmac.digest(_expand(file_key, b"", b"header"), head, "sha256")
    # One STREAM chunk: eleven bytes of counter, and 1 for the last chunk.
    sealed = ChaCha20Poly1305(_expand(file_key, nonce, b"payload")).encrypt(bytes(11) + b"\1", content, None)
    return armor.encode(head + b" " + _base64(mac) + b"\n" + nonce + sealed)


@functools.cache
def wrapped(password: str, work: int = LEAST) -> derive.Wrapped:
    """What the helper makes of a WrapPassword, quickly; the same for the same password, once a run."""
    identity = identities.generate()
    block = lock(derive.identity_file(identity), password, work)
    return derive.Wrapped(block=block, recipient=identities.recipient_of(identity))


def header_only(work: str) -> bytes:
    """A block whose scrypt stanza claims `work`; nobody gets as far as noticing that nothing opens it."""
    pieces = (_base64(bytes(16)), work.encode(), _base64(bytes(32)), _base64(bytes(32)))
    return armor.encode(b"age-encryption.org/v1\n-> scrypt %s %s\n%s\n--- %s\n" % pieces + bytes(64))


def _base64(content: bytes) -> bytes:
    return base64.b64encode(content).rstrip(b"=")


def _expand(key: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt, info).derive(key)

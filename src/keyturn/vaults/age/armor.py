"""The strict form of age's ASCII armor, and the stanza inside it, read before anything is derived."""

from __future__ import annotations

import base64
import binascii
import re

from keyturn.ground.errors import DamagedError, WorkFactorError

BEGIN = b"-----BEGIN AGE ENCRYPTED FILE-----\n"
END = b"-----END AGE ENCRYPTED FILE-----\n"
COLUMNS = 64
# Cheaper is too quick to guess, dearer takes minutes and gigabytes.
LEAST_WORK, MOST_WORK = 15, 21

_SCRYPT = re.compile(
    rb"age-encryption\.org/v1\n"
    rb"-> scrypt [A-Za-z0-9+/]{22} ([1-9][0-9]?)\n"
    rb"[A-Za-z0-9+/]{43}\n"
    rb"--- [A-Za-z0-9+/]{43}\n"
)

# age's own stanzas for SSH keys: four bytes that tell keys apart, and for Ed25519 an ephemeral share. The
# library may set one beside it that means nothing (“grease”, C2SP age), so that readers stay tolerant.
_BODY = rb"(?:[A-Za-z0-9+/]{64}\n)*[A-Za-z0-9+/]{0,63}\n"
_SSH = re.compile(
    rb"age-encryption\.org/v1\n"
    rb"-> (?:ssh-ed25519 [A-Za-z0-9+/]{6} [A-Za-z0-9+/]{43}|ssh-rsa [A-Za-z0-9+/]{6})\n"
    + _BODY
    + rb"(?:-> [!-~]*-grease(?: [!-~]+)*\n"
    + _BODY
    + rb")*--- [A-Za-z0-9+/]{43}\n"
)


def encode(content: bytes) -> bytes:
    """`content`, a binary age file, as an armored block."""
    text = base64.b64encode(content)
    lines = [text[start : start + COLUMNS] + b"\n" for start in range(0, len(text), COLUMNS)]
    return BEGIN + b"".join(lines) + END


def decode(block: bytes) -> bytes:
    """The binary age file in `block`. Raises DamagedError for anything but `encode`'s own form.

    age's readers are more lenient (line ends, white space); a form that has one spelling cannot be
    changed without being noticed.
    """
    if block.startswith(BEGIN) and block.endswith(END):
        try:
            content = base64.b64decode(block[len(BEGIN) : -len(END)].replace(b"\n", b""), validate=True)
        except binascii.Error:
            content = b""
        if content and encode(content) == block:
            return content
    raise DamagedError("an age block is not in its strict form")


def split(text: bytes) -> list[bytes]:
    """`text`, which must be nothing but armored blocks, as those blocks. Raises DamagedError."""
    blocks = [part + END for part in text.split(END)[:-1]]
    if not text.endswith(END) or b"".join(blocks) != text:
        raise DamagedError("something beside the age blocks")
    for block in blocks:
        decode(block)
    return blocks


def work_factor(block: bytes) -> int:
    """log N of a block whose only stanza is scrypt.

    Raises WorkFactorError if it is out of bounds, DamagedError if the block is anything else.
    """
    found = _SCRYPT.match(decode(block))
    if found is None:
        raise DamagedError("the first age block is not locked by a password")
    work = int(found[1])
    if not LEAST_WORK <= work <= MOST_WORK:
        raise WorkFactorError(
            f"the password's work factor is 2^{work}; accepted are 2^{LEAST_WORK} to 2^{MOST_WORK}"
        )
    return work


def check_ssh(block: bytes) -> None:
    """Raises DamagedError for a block that anything but one SSH key could open."""
    if _SSH.match(decode(block)) is None:
        raise DamagedError("the first age block is not for an SSH key")

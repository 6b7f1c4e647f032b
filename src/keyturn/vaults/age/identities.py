"""age identities and recipients, as text inside Secrets, and what is sealed with them.

A recipient counts as a secret here: who knows the account identity's could forge a file that opens, for age
authenticates content and not the writer.
"""

from __future__ import annotations

import hashlib

import pyrage  # type: ignore[import-untyped]  # a compiled module without stubs

from keyturn.ground.errors import DamagedError
from keyturn.ground.secret import Secret

_FINGERPRINT_DOMAIN = b"keyturn account identity\0"


def generate() -> Secret:
    """A new X25519 identity: `AGE-SECRET-KEY-1…`."""
    return Secret(str(pyrage.x25519.Identity.generate()))


def is_identity(text: Secret) -> bool:
    """Whether `text` is an X25519 identity in the one spelling that age prints."""
    try:
        return str(pyrage.x25519.Identity.from_str(text.reveal())) == text.reveal()
    except (pyrage.IdentityError, UnicodeEncodeError):
        return False


def recipient_of(identity: Secret) -> Secret:
    """The public half, `age1…`. Raises DamagedError if `identity` is none."""
    return Secret(str(_parse(identity).to_public()))


def fingerprint(identity: Secret) -> str:
    """64 hexadecimal digits that tell identities apart and from which no recipient can be computed."""
    return hashlib.sha256(_FINGERPRINT_DOMAIN + recipient_of(identity).reveal().encode()).hexdigest()


def seal(content: bytes, recipient: Secret, *, armored: bool = False) -> bytes:
    """`content` as an age file for `recipient`. Raises DamagedError if that is none."""
    try:
        parsed = pyrage.x25519.Recipient.from_str(recipient.reveal())
    except pyrage.RecipientError:
        parsed = None
    if parsed is None:
        raise DamagedError("a recipient that is none")
    sealed: bytes = pyrage.encrypt(content, [parsed], armored=armored)
    return sealed


def unseal(content: bytes, identity: Secret) -> bytes | None:
    """What `content` holds, or None if it does not open with `identity`, for whatever reason.

    Another identity and a damaged header cannot be told apart by anything but the library's wording,
    which is not relied on.
    """
    try:
        opened: bytes = pyrage.decrypt(content, [_parse(identity)])
    except pyrage.DecryptError:
        return None
    return opened


def _parse(identity: Secret) -> pyrage.x25519.Identity:
    try:
        return pyrage.x25519.Identity.from_str(identity.reveal())
    except pyrage.IdentityError:
        pass
    raise DamagedError("an identity that is none")

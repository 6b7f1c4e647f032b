"""One-time codes as an MFA device makes them (RFC 6238: SHA-1, steps of 30 seconds, 6 digits)."""

import base64
import hmac
import struct

STEP_SECONDS = 30


def step_of(seconds: float) -> int:
    """The number of the step that holds this moment, in seconds since 1970."""
    return int(seconds // STEP_SECONDS)


def code_of(secret: str, step: int) -> str:
    """The code of one step. The secret is base32, as beside a QR code; its padding may be missing."""
    key = base64.b32decode(secret.upper() + "=" * (-len(secret) % 8))
    digest = hmac.digest(key, struct.pack(">Q", step), "sha1")
    start = digest[-1] & 0xF
    (number,) = struct.unpack(">I", digest[start : start + 4])
    return f"{(number & 0x7FFFFFFF) % 10**6:06}"

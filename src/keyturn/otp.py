"""One-time codes (RFC 4226, RFC 6238) from what an item holds: an otpauth:// URI or the bare secret.

The computation is a dozen lines of the standard library: pyotp refuses secrets under 112 bits, though real
services issue such of 80, and cryptography, which would take them, costs the agent a third of its memory.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import NoReturn
from urllib.parse import parse_qsl, unquote, urlsplit

from keyturn.ground.errors import ConfigurationError
from keyturn.ground.secret import Secret

ALGORITHMS = {"SHA1": "sha1", "SHA256": "sha256", "SHA512": "sha512"}
FEWEST_DIGITS, MOST_DIGITS = 6, 8
LONGEST_PERIOD = 86400
FEWEST_BITS = 40

_KNOWN = ("secret", "algorithm", "digits", "period")


@dataclass(frozen=True)
class OneTimePassword:
    """A generator of codes: a new one every `period` seconds."""

    key: bytes = field(repr=False)
    algorithm: str = "sha1"
    digits: int = 6
    period: int = 30

    def step(self, now: datetime) -> int:
        """The number of the step that `now` lies in."""
        return int(now.timestamp() // self.period)

    def code(self, step: int) -> Secret:
        """The code of a step."""
        digest = hmac.digest(self.key, step.to_bytes(8, "big"), self.algorithm)
        at = digest[-1] & 0x0F
        number = int.from_bytes(digest[at : at + 4], "big") & 0x7FFF_FFFF
        return Secret(str(number % 10**self.digits).zfill(self.digits))


def parse(text: Secret) -> OneTimePassword:
    """The generator that `text` describes.

    A bare secret is base32 in either case, with spaces or dashes as people copy it, padded or not; it
    means SHA-1, six digits and 30 seconds. Raises ConfigurationError, which never holds any of the text.
    """
    written = text.reveal().strip()
    if ":" not in written:
        return OneTimePassword(_key(written))
    try:
        parts = urlsplit(written)
        # Some programs leave the parameters of a URI percent-encoded once more; names never are.
        pairs = [(name.lower(), value) for name, value in parse_qsl(parts.query, keep_blank_values=True)]
    except ValueError:
        _refuse("it is not a URI that can be read")
    if parts.scheme != "otpauth":
        _refuse("it is neither an otpauth:// URI nor a base32 secret")
    kind = parts.netloc.lower()
    if kind == "hotp":
        _refuse(
            "it counts its codes (hotp), and AWS's kind follows the clock (totp)",
            "a counter would have to be kept in step between all places that hold it",
        )
    if kind != "totp":
        _refuse("its otpauth:// URI is not of the kind totp")
    values = dict(pairs)
    for name in _KNOWN:
        if sum(each == name for each, _ in pairs) > 1:
            _refuse(f"its URI has {name} twice")
    algorithm = ALGORITHMS.get(
        values.get("algorithm", "SHA1").upper().removeprefix("HMAC").replace("-", "").replace("_", "")
    )
    if algorithm is None:
        _refuse(f"its algorithm is none of {', '.join(ALGORITHMS)}")
    return OneTimePassword(
        key=_key(unquote(values.get("secret", ""))),
        algorithm=algorithm,
        digits=_number("digits", values.get("digits", "6"), FEWEST_DIGITS, MOST_DIGITS),
        period=_number("period", values.get("period", "30"), 1, LONGEST_PERIOD),
    )


def _key(written: str) -> bytes:
    plain = re.sub(r"[\s-]", "", written).rstrip("=").upper()
    if not plain:
        _refuse("its secret is empty")
    if re.fullmatch(r"[0-9]{6,8}", plain):
        _refuse("it is a code", "the secret is wanted that the codes are made from: letters and digits")
    try:
        key = base64.b32decode(plain + "=" * (-len(plain) % 8))
    except (binascii.Error, ValueError):
        _refuse("its secret is not base32", "base32 is made of the letters A to Z and the digits 2 to 7")
    if len(key) * 8 < FEWEST_BITS:
        _refuse("its secret is too short")
    return key


def _number(name: str, written: str, least: int, most: int) -> int:
    if re.fullmatch(r"[0-9]{1,6}", written) is None or not least <= int(written) <= most:
        _refuse(f"its {name} is not a number from {least} to {most}")
    return int(written)


def _refuse(why: str, *hints: str) -> NoReturn:
    # From None: what is being handled may hold the secret.
    raise ConfigurationError(f"the one-time password cannot be used: {why}", *hints) from None

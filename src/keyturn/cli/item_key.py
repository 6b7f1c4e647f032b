"""An AWS access key as it is handed out: what `aws iam create-access-key` prints, or a pasted pair.

It comes by standard input and goes into the vault: a new key is never written to the disk.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import Any

import msgspec

from keyturn.ground.errors import UsageError
from keyturn.ground.secret import Secret

LARGEST = 64 * 1024
TYPE = "aws/access-key"

# The identifiers of IAM: AKIA are lasting keys, ASIA temporary ones of STS.
_KEY_ID = re.compile(r"(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{12,124}(?![A-Za-z0-9])")
_SECRET = re.compile(r"(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])")


@dataclass(frozen=True)
class AccessKey:
    """`user` is the IAM user's name where the text tells it, else empty."""

    key_id: str
    secret: Secret
    user: str


def read() -> AccessKey:
    """The key on standard input. Raises UsageError, which holds nothing of the text."""
    if sys.stdin is None:
        raise UsageError("standard input is closed")
    if sys.stdin.isatty():
        # It would be shown as it is typed.
        raise UsageError(
            "standard input is a terminal",
            "for example: aws iam create-access-key | keyturn item create --from -",
            f"to be asked instead: keyturn item create --type {TYPE}",
        )
    content = sys.stdin.buffer.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise UsageError(f"standard input holds more than {LARGEST} bytes: that is no access key")
    try:
        text: str | None = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = None
    if text is None:
        raise UsageError("standard input is not UTF-8 text")
    return parse(Secret(text))


def parse(text: Secret) -> AccessKey:
    """The key in a text. Raises UsageError, which holds nothing of it."""
    written = text.reveal()
    if not written.strip():
        raise UsageError("there is nothing on standard input", "did the command before it fail?")
    key = _from_json(written) if written.lstrip().startswith("{") else _from_text(written)
    if key.key_id.startswith("ASIA"):
        raise UsageError(
            "that is a temporary key (ASIA…): it stops working by itself, and no item is made of it",
            "a lasting one is made by: aws iam create-access-key",
        )
    return key


def _from_json(written: str) -> AccessKey:
    found: Any
    try:
        found = msgspec.json.decode(written)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = None
    if isinstance(found, dict):
        found = found.get("AccessKey", found)
    if not isinstance(found, dict):
        raise UsageError("what is on standard input is not the JSON of an access key")
    if "SessionToken" in found or "Credentials" in found:
        raise UsageError("those are temporary credentials: they stop working by themselves")
    key_id, secret, user = (found.get(name) for name in ("AccessKeyId", "SecretAccessKey", "UserName"))
    if not (isinstance(key_id, str) and isinstance(secret, str) and key_id.strip() and secret.strip()):
        raise UsageError(
            "the JSON on standard input has no AccessKeyId with its SecretAccessKey",
            "the secret is printed once only, by: aws iam create-access-key",
        )
    return AccessKey(key_id.strip(), Secret(secret.strip()), user if isinstance(user, str) else "")


def _from_text(written: str) -> AccessKey:
    key_ids = set(_KEY_ID.findall(written))
    # A key id can be as long as a secret.
    secrets = set(_SECRET.findall(written)) - key_ids
    if len(key_ids) != 1 or len(secrets) != 1:
        raise UsageError(
            f"standard input holds {len(key_ids)} key ids (AKIA…) and {len(secrets)} secret keys of 40 "
            "characters; one of each is wanted"
        )
    return AccessKey(key_ids.pop(), Secret(secrets.pop()), "")

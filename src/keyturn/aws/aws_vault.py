"""What aws-vault keeps, whatever store it is in (github.com/99designs/aws-vault, version 7, its `vault`).

An entry is JSON of its keyring library, `{"Key": …, "Data": base64}`; the data of a profile's keys is JSON of
the AWS SDK, `{"AccessKeyID": …, "SecretAccessKey": …, "SessionToken": …}`. Names tell sessions and tokens of
single sign-on, which end by themselves, from keys.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

import msgspec

from keyturn.ground.errors import DamagedError
from keyturn.ground.secret import Secret

# sessionkeyring.go: the form of today, then three of earlier versions; oidctokenkeyring.go.
_PASSING = (
    re.compile(r"[^,]+,[^,]+,[^,]*,[0-9]+", re.DOTALL),
    re.compile(r"session:[^ ]+:[^ ]*:[^:]+"),
    re.compile(r".+? session \([0-9]+\)"),
    re.compile(r"oidc:.*", re.DOTALL),
)


@dataclass(frozen=True)
class VaultKey:
    """The keys of one profile."""

    profile: str
    key_id: str
    secret: Secret


class _Item(msgspec.Struct, rename="pascal"):
    data: bytes


class _Credentials(msgspec.Struct):
    key_id: str = msgspec.field(name="AccessKeyID", default="")
    secret: str = msgspec.field(name="SecretAccessKey", default="")
    token: str = msgspec.field(name="SessionToken", default="")


def is_profile(name: str) -> bool:
    """Whether an entry of this name holds a profile's keys."""
    return bool(name) and not any(pattern.fullmatch(name) for pattern in _PASSING)


def profile_of_file(name: str) -> str:
    """What an entry is called whose file has this name, where `/` is `%2F` and `%` is `%25`."""
    return unquote(name, errors="surrogateescape")


def parse(profile: str, entry: Secret) -> VaultKey:
    """The keys in an entry. Raises DamagedError, which holds nothing of it, for what is none or temporary."""
    found = _decoded(entry)
    if found is None:
        raise DamagedError("it is no entry of aws-vault's")
    if not found.key_id.strip() or not found.secret.strip():
        raise DamagedError("it has no whole key")
    if found.token:
        raise DamagedError("it holds temporary keys, which stop working by themselves")
    return VaultKey(profile, found.key_id.strip(), Secret(found.secret.strip()))


def _decoded(entry: Secret) -> _Credentials | None:
    try:
        item = msgspec.json.decode(entry.reveal(), type=_Item)
        return msgspec.json.decode(item.data, type=_Credentials)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None

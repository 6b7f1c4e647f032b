"""The words of a plan: keys, and the calls to STS that turn them into others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from keyturn.ground.secret import Secret


@dataclass(frozen=True)
class Keys:
    """Access keys. `token` is there if they are temporary, `expires` (UTC) if it is known when they end."""

    key_id: str
    secret: Secret
    token: Secret | None = None
    expires: datetime | None = None


# What a plan begins with whose first call asks without keys.
NO_KEYS = Keys("", Secret(""))


@dataclass(frozen=True)
class Sts:
    """Which STS is called. An empty `endpoint` is AWS's own of the region (or what `variant` makes of it).

    `variant` holds those of `legacy` (the global endpoint where botocore would take it), `fips` and
    `dualstack` that the configuration asks for.
    """

    region: str
    partition: str = "aws"
    endpoint: str = ""
    variant: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Mfa:
    """One MFA device. Its codes come from `secret` (an otpauth URI or a bare secret), else from the command
    `process`, else from a person."""

    serial: str
    secret: Secret | None = None
    process: str = ""


@dataclass(frozen=True)
class GetSessionToken:
    """Temporary keys of the user, with MFA; `duration` in seconds."""

    mfa: Mfa
    duration: int
    sts: Sts


@dataclass(frozen=True)
class AssumeRole:
    """A role's keys. `profile` names the role, for people; `mfa` is there only if this call needs a code."""

    profile: str
    role: str
    duration: int
    sts: Sts
    session_name: str
    external_id: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    transitive_tags: tuple[str, ...] = ()
    source_identity: str = ""
    mfa: Mfa | None = None


@dataclass(frozen=True)
class AssumeRoleWithWebIdentity:
    """A role's keys for a token that lies in a file (an absolute path), which is read when it is needed."""

    profile: str
    role: str
    duration: int
    sts: Sts
    session_name: str
    token_file: str

    @property
    def mfa(self) -> Mfa | None:
        return None


Call: TypeAlias = GetSessionToken | AssumeRole | AssumeRoleWithWebIdentity


@dataclass(frozen=True)
class Network:
    """How the caller reaches the network: its proxy variables by their names, and its CA bundle (a path)."""

    proxies: tuple[tuple[str, str], ...] = ()
    ca_bundle: str = ""

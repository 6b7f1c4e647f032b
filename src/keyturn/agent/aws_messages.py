"""Requests about AWS keys; part of `requests`, which is how they are named."""

from __future__ import annotations

import msgspec

from keyturn.agent.message import Request
from keyturn.ground.secret import Secret


class VerifyKeys(Request, frozen=True, kw_only=True):
    """Ask AWS whose keys an item holds, or those that are given with their region. Done(AwsIdentity).

    Keys with a `token` are temporary and known to be so.

    `environment` are those of the caller's variables that say how AWS is reached, as `NAME=value`.
    """

    environment: list[bytes]
    item: str = ""
    vault: str = ""
    key_id: str = ""
    secret: Secret | None = None
    token: Secret | None = None
    region: str = ""


class MakeMfaDevice(Request, frozen=True, kw_only=True):
    """Make an MFA device and keep its secret and serial in the item, unless it has them. Done(MfaDevice)."""

    item: str
    environment: list[bytes]
    vault: str = ""
    device_name: str = ""


class EnableMfaDevice(Request, frozen=True, kw_only=True):
    """Enable the item's MFA device by two codes of it; takes a minute at most. Done(None)."""

    item: str
    environment: list[bytes]


class ProvideAws(Request, frozen=True, kw_only=True):
    """A profile's credentials, for the command `keyturn aws VERB` to hand on. Done(AwsEnvironment).

    `executable` is the one whose rules for profiles hold, `program` what will run with them, where that is
    known. `environment` are those of the caller's variables that the plugin reads; `surroundings` is a digest
    of all of them.
    """

    verb: str
    environment: list[bytes]
    surroundings: str
    executable: str = "aws"
    program: str = ""
    profile: bytes = b""


class AwsEnvironment(msgspec.Struct, frozen=True):
    """Variables to set and to remove; the characters of a value are its bytes (Latin-1)."""

    assign: dict[str, Secret]
    remove: list[str]
    notes: list[str]


class AwsIdentity(msgspec.Struct, frozen=True):
    """`user` is the IAM user's name; empty for the root user and others."""

    account: str
    arn: str
    user: str


class MfaDevice(msgspec.Struct, frozen=True):
    """`item` is the item's id, `title` what it is called. `replaced`: one of that name was thrown away."""

    item: str
    title: str
    serial: str
    is_enabled: bool
    is_new: bool
    replaced: bool

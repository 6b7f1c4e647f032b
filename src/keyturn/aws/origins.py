"""Where a plan may begin besides with keys: steps that need none and bring temporary ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from keyturn.aws.calls import Call
from keyturn.aws.sso_config import SsoSource
from keyturn.ground.secret import Secret

INSTANCE, CONTAINER = "Ec2InstanceMetadata", "EcsContainer"


@dataclass(frozen=True)
class Provider:
    """Keys that the machine has for whoever runs on it: `source` is INSTANCE or CONTAINER.

    `settings` are the caller's variables and the profile's keys that say how it is asked. `token`, or what is
    in `token_file` (an absolute path), is what a container's endpoint wants to see.
    """

    profile: str
    source: str
    settings: tuple[tuple[str, str], ...]
    token: Secret | None = None
    token_file: str = ""


@dataclass(frozen=True)
class Process:
    """Keys that a program of the caller's prints; `words` are the program and its arguments.

    `surroundings` tells one caller's environment, directory and session from another's. `marks` are those of
    the programs that the caller itself was started by, then this one's.
    """

    profile: str
    words: tuple[str, ...] = field(repr=False)
    surroundings: str
    marks: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class SsoRole:
    """A role's keys from the portal of IAM Identity Center."""

    profile: str
    source: SsoSource


Origin: TypeAlias = Provider | Process | SsoRole
Step: TypeAlias = Call | Origin

"""The source profiles of a role, in the order in which their keys would be sought."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass

from keyturn.aws.config import Section, text
from keyturn.aws.profiles import DEFAULT
from keyturn.ground.errors import ConfigurationError, NotYetError
from keyturn.ground.names import printable

DEEPEST = 32


@dataclass(frozen=True)
class Chain:
    """`roles` are the profiles whose roles are assumed, from the one asked for down.

    `base` is the profile whose own credentials the last of them is assumed with. It is empty if that role
    names none: then it is an item. A profile that names itself stands in both.
    """

    roles: tuple[str, ...]
    base: str

    @property
    def profiles(self) -> tuple[str, ...]:
        """Every profile of the chain, once, from the one asked for down."""
        return self.roles if self.base in ("", *self.roles) else (*self.roles, self.base)


def source_chain(name: str, profiles: Mapping[str, Section], bound: Set[str]) -> Chain:
    """The chain of `name`, down to a profile that has an item bound to it, static keys, or no role.

    Keys beat the role of a source profile, as in botocore, and so does an item that stands for them; the
    role that is asked for is assumed. A profile that names itself as source means its own keys. Raises
    ConfigurationError for a source that does not exist, one that is named together with
    credential_source, and a cycle, which it lists (story 15); NotYetError for credential_source.
    """
    roles: list[str] = []
    current = name
    while True:
        section = profiles.get(current, {})
        if roles and (current in bound or has_keys(section)):
            return Chain(tuple(roles), current)
        # A profile with a token file is never an assume-role profile (botocore, AssumeRoleProvider).
        if "role_arn" not in section or "web_identity_token_file" in section:
            return Chain(tuple(roles), current)
        called = f"profile “{printable(current)}”"
        if "credential_source" in section:
            if "source_profile" in section:
                raise ConfigurationError(f"{called} has both source_profile and credential_source")
            raise not_yet(f"{called} assumes a role with the keys of a credential_source")
        roles.append(current)
        if "source_profile" not in section:
            return Chain(tuple(roles), "")
        source = text(section, "source_profile")
        if source == current and len(roles) == 1:
            return Chain(tuple(roles), current)
        if source in roles:
            raise _cycle(roles, source)
        # No section for `default` is fine (story 18): the selected item is what it means.
        if source not in profiles and source not in bound and source != DEFAULT:
            raise ConfigurationError(
                f"{called} names “{printable(source)}” as its source_profile, and that does not exist"
            )
        if len(roles) > DEEPEST:
            raise ConfigurationError(f"profile “{printable(name)}” has more than {DEEPEST} source profiles")
        current = source


def has_keys(section: Section) -> bool:
    """Whether botocore takes a profile for one with static keys: half a pair is enough for that."""
    return "aws_access_key_id" in section or "aws_secret_access_key" in section


def not_yet(what: str) -> NotYetError:
    """The error for credentials that Keyturn cannot get: it never uses others in their place."""
    return NotYetError(
        f"{what}: Keyturn does not do that yet, and uses no other keys instead",
        "to run it without Keyturn: command aws …",
    )


def _cycle(roles: list[str], source: str) -> ConfigurationError:
    hops = " → ".join(f"“{printable(hop)}”" for hop in (*roles[roles.index(source) :], source))
    return ConfigurationError(f"the source profiles form a cycle: {hops}")

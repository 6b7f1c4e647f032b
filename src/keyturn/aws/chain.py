"""The source profiles of a role, in the order in which their keys would be sought."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass

from keyturn.aws import delegation, sso_config
from keyturn.aws.config import Section, text
from keyturn.aws.origins import CONTAINER, INSTANCE
from keyturn.aws.profiles import DEFAULT
from keyturn.ground.errors import ConfigurationError, NotYetError
from keyturn.ground.names import printable

DEEPEST = 32
# What credential_source may be, exactly so (botocore, CanonicalNameCredentialSourcer.is_supported).
ENVIRONMENT, PROVIDERS = "Environment", (INSTANCE, CONTAINER)


@dataclass(frozen=True)
class Chain:
    """`roles` are the profiles whose roles are assumed, from the one asked for down.

    `base` is the profile whose own credentials the last of them is assumed with. It is empty if that role
    names none: then it is an item, or what `provider` (its credential_source) gives. A profile that names
    itself stands in both.
    """

    roles: tuple[str, ...]
    base: str
    provider: str = ""

    @property
    def profiles(self) -> tuple[str, ...]:
        """Every profile of the chain, once, from the one asked for down."""
        return self.roles if self.base in ("", *self.roles) else (*self.roles, self.base)


def source_chain(
    name: str, profiles: Mapping[str, Section], bound: Set[str], *, is_default_chosen: bool = False
) -> Chain:
    """The chain of `name`, down to a profile that has an item bound to it, static keys, or no role.

    A profile whose credential_process is Keyturn for another one means that one. `is_default_chosen`: an
    item is selected, which is what `default` means then.

    Keys beat the role of a source profile, as in botocore, and so does an item that stands for them; the
    role that is asked for is assumed. A profile that names itself as source means its own keys. Raises
    ConfigurationError for a source that does not exist, one that is named together with
    credential_source, a credential_source that nobody knows, and a cycle, which it lists (story 15).
    """
    roles: list[str] = []
    seen: list[str] = []
    current = name
    while True:
        seen.append(current)
        section = profiles.get(current, {})
        if (roles or len(seen) > 1) and (current in bound or has_keys(section)):
            return Chain(tuple(roles), current)
        # A profile with a token file is never an assume-role profile (botocore, AssumeRoleProvider).
        if "role_arn" not in section or "web_identity_token_file" in section:
            is_item = current in bound or (is_default_chosen and current == DEFAULT)
            asked = "" if is_item else _asked(current, section)
            if not asked:
                return Chain(tuple(roles), current)
            if asked in seen:
                raise _cycle("the profiles ask Keyturn in a circle", seen, asked)
            _check_known(f"the credential_process of profile “{printable(current)}”", asked, profiles, bound)
            current = asked
            continue
        called = f"profile “{printable(current)}”"
        roles.append(current)
        if "credential_source" in section:
            return Chain(tuple(roles), "", _credential_source(called, section))
        if "source_profile" not in section:
            return Chain(tuple(roles), "")
        source = text(section, "source_profile")
        if source == current and len(seen) == 1:
            return Chain(tuple(roles), current)
        if source in seen:
            raise _cycle("the source profiles form a cycle", seen, source)
        # No section for `default` is fine (story 18): the selected item is what it means.
        if source not in profiles and source not in bound and source != DEFAULT:
            raise ConfigurationError(
                f"{called} names “{printable(source)}” as its source_profile, and that does not exist"
            )
        if len(seen) > DEEPEST:
            raise ConfigurationError(f"profile “{printable(name)}” has more than {DEEPEST} source profiles")
        current = source


def _asked(name: str, section: Section) -> str:
    """The other profile that a profile asks Keyturn for; empty if it has anything of its own.

    Raises ConfigurationError where it asks for none by name: which one would be meant, the caller's
    variables decide.
    """
    command = text(section, delegation.PROCESS)
    if not command or has_keys(section) or "login_session" in section or sso_config.is_named(section):
        return ""
    asked = delegation.asked_profile(delegation.split(name, command))
    if asked == "":
        raise ConfigurationError(
            f"the credential_process of profile “{printable(name)}” asks Keyturn and names no profile",
            "say which: keyturn aws credential-process --profile NAME",
        )
    return "" if asked is None or asked == name else asked


def _credential_source(called: str, section: Section) -> str:
    if "source_profile" in section:
        raise ConfigurationError(f"{called} has both source_profile and credential_source")
    source = text(section, "credential_source")
    if source not in (ENVIRONMENT, *PROVIDERS):
        raise ConfigurationError(
            f"{called}: credential_source is “{printable(source)}”",
            f"one of {', '.join((ENVIRONMENT, *PROVIDERS))}",
        )
    return source


def _check_known(who: str, name: str, profiles: Mapping[str, Section], bound: Set[str]) -> None:
    if name not in profiles and name not in bound and name != DEFAULT:
        raise ConfigurationError(
            f"{who} asks Keyturn for profile “{printable(name)}”, and that does not exist",
            "profiles are in the AWS config file, or have an item bound to them",
        )


def has_keys(section: Section) -> bool:
    """Whether botocore takes a profile for one with static keys: half a pair is enough for that."""
    return "aws_access_key_id" in section or "aws_secret_access_key" in section


def not_yet(what: str) -> NotYetError:
    """The error for credentials that Keyturn cannot get: it never uses others in their place."""
    return NotYetError(
        f"{what}: Keyturn does not do that yet, and uses no other keys instead",
        "to run it without Keyturn: command aws …",
    )


def _cycle(what: str, seen: list[str], again: str) -> ConfigurationError:
    hops = " → ".join(f"“{printable(hop)}”" for hop in (*seen[seen.index(again) :], again))
    return ConfigurationError(f"{what}: {hops}")

"""The source profiles of a role, in the order in which their keys would be sought."""

from __future__ import annotations

from collections.abc import Mapping

from keyturn.aws.config import Section, text
from keyturn.ground.errors import ConfigurationError
from keyturn.ground.names import printable

DEEPEST = 32


def source_chain(name: str, profiles: Mapping[str, Section], bound: frozenset[str]) -> tuple[str, ...]:
    """The profiles from `name`, which has a role, down to the one whose own credentials are the base.

    A profile that names itself as source means its own keys, and stands twice then. The chain ends at a
    profile with an item bound to it, with static keys (they beat its role, as in botocore), without a
    role, or whose role has no source profile. Raises ConfigurationError for a source that does not
    exist, one that is named together with credential_source, and a cycle, which it lists (story 15).
    """
    chain = [name]
    while True:
        section = profiles.get(chain[-1], {})
        is_top = len(chain) == 1
        if not is_top and (chain[-1] in bound or _has_keys(section)):
            return tuple(chain)
        if "role_arn" not in section or "web_identity_token_file" in section:
            return tuple(chain)
        source = text(section, "source_profile")
        called = f"profile “{printable(chain[-1])}”"
        if source and "credential_source" in section:
            raise ConfigurationError(f"{called} has both source_profile and credential_source")
        if not source:
            return tuple(chain)
        if source == chain[-1]:
            if is_top or _has_keys(section):
                return (*chain, source)
            raise _cycle(chain, source)
        if source in chain:
            raise _cycle(chain, source)
        if source not in profiles and source not in bound:
            raise ConfigurationError(
                f"{called} names “{printable(source)}” as its source_profile, and that does not exist"
            )
        chain.append(source)
        if len(chain) > DEEPEST:
            raise ConfigurationError(f"profile “{printable(name)}” has more than {DEEPEST} source profiles")


def _has_keys(section: Section) -> bool:
    return "aws_access_key_id" in section or "aws_secret_access_key" in section


def _cycle(chain: list[str], source: str) -> ConfigurationError:
    hops = " → ".join(f"“{printable(hop)}”" for hop in (*chain[chain.index(source) :], source))
    return ConfigurationError(f"the source profiles form a cycle: {hops}")

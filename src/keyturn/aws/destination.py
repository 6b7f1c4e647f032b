"""Where a user's own keys are asked about: STS and IAM, as the caller reaches them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from keyturn.aws import endpoints, partitions
from keyturn.aws.calls import Network, Sts
from keyturn.aws.config import Configuration, text
from keyturn.aws.endpoints import REGIONS, Surroundings
from keyturn.aws.profiles import DEFAULT
from keyturn.ground.resolution import Resolution

# Of these the profile is taken whose endpoints, region and CA bundle hold for the caller.
_PROFILES = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE")


@dataclass(frozen=True)
class Destination:
    """`iam` is an address of the same form as `sts`; a region is where the request is signed for."""

    sts: Sts
    iam: Sts
    network: Network


def find(
    configuration: Configuration,
    variables: Mapping[str, str],
    directory: str,
    region: str,
    serial: str,
    allowed: tuple[str, ...],
) -> Destination:
    """The destination for keys of an item with this default region and mfa serial; either may be empty.

    The partition is the serial's, else that of the item's region, else the caller's. `variables` are the
    caller's in `directory`, `allowed` is the setting `aws.endpoints`. Raises ConfigurationError for a region
    or an endpoint that cannot be meant, or may not get credentials.
    """
    profile = next((variables[name] for name in _PROFILES if variables.get(name)), DEFAULT)
    section = configuration.profiles.get(profile, {})
    regions = [Resolution(region, "“default region” of the item")] if region else []
    regions += [Resolution(variables[name], name) for name in REGIONS if variables.get(name)]
    if text(section, "region"):
        regions.append(Resolution(text(section, "region"), f"region of profile “{profile}”"))
    known = (partitions.of_arn(serial), *(partitions.of_region(each.value) for each in regions))
    partition = next((each for each in known if each), partitions.AWS)
    sts, _ = Surroundings(configuration, variables, allowed).sts([profile], regions, partition)
    iam, _ = Surroundings(configuration, variables, allowed, "iam").sts([profile], regions, partition)
    return Destination(sts, iam, endpoints.network(variables, section, directory))

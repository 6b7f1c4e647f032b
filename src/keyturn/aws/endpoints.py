"""Which STS is asked, and how it is reached.

A call's own profile says it, as botocore reads it (configprovider.py, args.py). Credentials and one-time
codes go only to AWS, to this machine, or where a person's own settings allow: a repository's `.envrc`
must not receive them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from keyturn.aws import partitions
from keyturn.aws.calls import Network, Sts
from keyturn.aws.config import Configuration, Section, text
from keyturn.aws.partitions import PARTITIONS
from keyturn.ground.errors import ConfigurationError
from keyturn.ground.names import printable
from keyturn.ground.resolution import Resolution

REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")
ENDPOINT_VARIABLE = "AWS_ENDPOINT_URL"
# Of these the lower-case one counts, as for every program that reads them (urllib.request.getproxies).
# HTTP_PROXY is not among them: only this machine is spoken to in clear, and a proxy would read the code.
PROXY_VARIABLES = ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy")

# botocore, utils.py, validate_region_name; a region becomes part of a host name.
_REGION = re.compile(r"(?![0-9]+\Z)(?!-)[a-zA-Z0-9-]{1,63}(?<!-)")
# No user name, query or fragment, and no character that two parsers take for different things.
_ENDPOINT = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>(?:/[A-Za-z0-9._~-]*)*)",
    re.ASCII | re.IGNORECASE,
)
_LOOPBACK = re.compile(r"localhost|127(?:\.\d{1,3}){3}|\[::1\]", re.ASCII)
_STS_HOSTS = (
    re.compile(r"sts(?:-fips)?(?:\.(?P<region>[a-z0-9-]+))?", re.ASCII),
    re.compile(r"vpce-[a-z0-9-]+\.sts(?:-fips)?\.(?P<region>[a-z0-9-]+)\.vpce", re.ASCII),
)
# The hosts of a service that is not STS, by botocore's name of it (its endpoint rule sets).
_HOSTS = {
    "sso": (re.compile(r"portal\.sso(?:-fips)?\.(?P<region>[a-z0-9-]+)", re.ASCII),),
    "sso_oidc": (re.compile(r"oidc(?:-fips)?\.(?P<region>[a-z0-9-]+)", re.ASCII),),
}
# Where botocore takes the global endpoint if the configuration says `legacy` (args.py).
LEGACY_REGIONS = frozenset(
    (
        *("ap-northeast-1", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "aws-global", "ca-central-1"),
        *("eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-1"),
        *("us-east-2", "us-west-1", "us-west-2"),
    )
)


@dataclass(frozen=True)
class Surroundings:
    """What decides about endpoints besides a call's profile: the caller's variables, and the settings'
    `aws.endpoints`. `service` is whose endpoint is wanted, as botocore names it."""

    configuration: Configuration
    variables: Mapping[str, str]
    allowed: tuple[str, ...]
    service: str = "sts"

    def sts(
        self, profiles: Sequence[str], regions: Sequence[Resolution[str]], partition: str
    ) -> tuple[Sts, str]:
        """The STS (or other `service`) of a call, and why that region. `profiles` are asked in their order
        for what they say.

        The first of `regions` that is of `partition` counts, else the partition's own. Raises
        ConfigurationError for a region or an endpoint that cannot be meant or is not allowed.
        """
        region = _region(regions, partition)
        if not _REGION.fullmatch(region.value):
            raise ConfigurationError(f"“{printable(region.value)}” is no AWS region ({region.source})")
        sections = [self.configuration.profiles.get(name, {}) for name in profiles]
        called = [f"profile “{printable(name)}”" for name in profiles]
        variant = self._variants(sections)
        endpoint = self._endpoint(sections, called)
        if endpoint is not None:
            if variant:
                raise ConfigurationError(
                    f"the endpoint of {endpoint.source} cannot go with"
                    f" {' and '.join(sorted(variant))} endpoints"
                )
            allow(endpoint, partition, self.allowed, self.service)
            return Sts(region.value, partition, endpoint.value.rstrip("/")), region.source
        if not variant and region.value in LEGACY_REGIONS and self._is_legacy(sections):
            variant = frozenset({"legacy"})
        return Sts(region.value, partition, "", variant), region.source

    def _endpoint(self, sections: list[Section], called: list[str]) -> Resolution[str] | None:
        """botocore's order: ConfiguredEndpointProvider."""
        if self._is_true(sections, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls"):
            return None
        for name in (f"{ENDPOINT_VARIABLE}_{self.service.upper()}", ENDPOINT_VARIABLE):
            if self.variables.get(name):
                return Resolution(self.variables[name], name)
        for section, profile in zip(sections, called, strict=True):
            found = self._services(section, profile)
            if found is not None:
                return found
            if text(section, "endpoint_url"):
                return Resolution(text(section, "endpoint_url"), f"endpoint_url of {profile}")
        return None

    def _services(self, section: Section, profile: str) -> Resolution[str] | None:
        if "services" not in section:
            return None
        name = text(section, "services")
        services = self.configuration.services.get(name)
        if not services:
            raise ConfigurationError(
                f"{profile} names services “{printable(name)}”, and there is no such section"
            )
        of_service = services.get(self.service, {})
        url = text(of_service, "endpoint_url") if isinstance(of_service, Mapping) else ""
        return Resolution(url, f"services “{printable(name)}” of {profile}") if url else None

    def _variants(self, sections: list[Section]) -> frozenset[str]:
        found = {
            variant
            for variant in ("fips", "dualstack")
            if self._is_true(sections, f"AWS_USE_{variant.upper()}_ENDPOINT", f"use_{variant}_endpoint")
        }
        return frozenset(found)

    def _is_legacy(self, sections: list[Section]) -> bool:
        said = self._said(sections, "AWS_STS_REGIONAL_ENDPOINTS", "sts_regional_endpoints")
        if said not in ("", "legacy", "regional"):
            raise ConfigurationError(f"sts_regional_endpoints is legacy or regional, not “{printable(said)}”")
        return said == "legacy"

    def _is_true(self, sections: list[Section], variable: str, key: str) -> bool:
        return self._said(sections, variable, key).lower() == "true"

    def _said(self, sections: list[Section], variable: str, key: str) -> str:
        """The variable, empty or not, else the first section that has the key."""
        if variable in self.variables:
            return self.variables[variable]
        return next((text(section, key) for section in sections if text(section, key)), "")


def _region(regions: Sequence[Resolution[str]], partition: str) -> Resolution[str]:
    for each in regions:
        # A region that no partition is known to have is AWS's newest, or a private cloud's.
        if partitions.of_region(each.value) in (partition, *([""] if partition == partitions.AWS else [])):
            return each
    if partition not in PARTITIONS:
        if regions:
            return regions[0]
        raise ConfigurationError(
            f"no region is known for {printable(partition)}", "set region in the profile"
        )
    return Resolution(PARTITIONS[partition].region, f"the usual one of {partition}")


def allow(endpoint: Resolution[str], partition: str, allowed: Sequence[str], service: str = "sts") -> None:
    """Raise ConfigurationError unless credentials may be sent there (see the head of this module)."""
    match = _ENDPOINT.fullmatch(endpoint.value)
    if match is not None:
        host, is_https = match["host"].lower(), match["scheme"].lower() == "https"
        if _LOOPBACK.fullmatch(host) or (is_https and _is_of_aws(match, host, partition, service)):
            return
        if is_https and any(_covers(each, match) for each in allowed):
            return
    shown = re.sub(r"//[^/]*@", "//…@", endpoint.value)
    raise ConfigurationError(
        f"the endpoint {printable(shown)} ({endpoint.source}) is not allowed to get credentials",
        "it is asked if it is AWS's own, on this machine, or https and listed in the setting aws.endpoints:"
        " keyturn settings set aws.endpoints '[\"https://…\"]'",
    )


def _is_of_aws(match: re.Match[str], host: str, partition: str, service: str) -> bool:
    """Whether a host is AWS's STS, or the `service` that is asked.

    Anybody may have a host below amazonaws.com, so only these names count.
    """
    if match["port"] not in (None, "443") or match["path"] not in ("", "/") or partition not in PARTITIONS:
        return False
    for suffix in PARTITIONS[partition].suffixes:
        if not host.endswith(f".{suffix}"):
            continue
        for pattern in _HOSTS.get(service, _STS_HOSTS):
            found = pattern.fullmatch(host.removesuffix(f".{suffix}"))
            if found is not None:
                # Without a region it is the global endpoint, which only this partition has.
                return partitions.of_region(found["region"] or "aws-global") == partition
    return False


def _covers(allowed: str, match: re.Match[str]) -> bool:
    """Whether a listed address is the origin of `match`, and its path a beginning of that one's, by parts."""
    listed = _ENDPOINT.fullmatch(allowed)
    if listed is None or _origin(listed) != _origin(match):
        return False
    beginning, path = _parts(listed), _parts(match)
    return path[: len(beginning)] == beginning and ".." not in path


def _origin(match: re.Match[str]) -> tuple[str, str, int]:
    scheme = match["scheme"].lower()
    return scheme, match["host"].lower(), int(match["port"] or (443 if scheme == "https" else 80))


def _parts(match: re.Match[str]) -> list[str]:
    return match["path"].strip("/").split("/") if match["path"].strip("/") else []


def network(variables: Mapping[str, str], section: Section, directory: str) -> Network:
    """How the caller in `directory`, with the settings of the profile `section`, reaches the network."""
    bundle = variables.get("AWS_CA_BUNDLE") or text(section, "ca_bundle")
    return Network(
        tuple((name, variables[name]) for name in PROXY_VARIABLES if name in variables),
        os.path.join(directory, bundle) if bundle else "",
    )

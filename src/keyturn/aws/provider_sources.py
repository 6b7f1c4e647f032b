"""Keys that a machine has for whoever runs on it, by botocore's own providers, within their limits.

`credential_source = Ec2InstanceMetadata` or `EcsContainer`. Where they are asked is the caller's to say, but
only this machine and the addresses that AWS serves there can be meant: a repository's `.envrc` must not name
who a command runs as, nor get the token of a container.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from datetime import UTC
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from keyturn.aws.calls import Keys
from keyturn.aws.config import Section, opened, text
from keyturn.aws.origins import CONTAINER, INSTANCE, Provider
from keyturn.aws.sts import Answer
from keyturn.ground.errors import ConfigurationError, ServiceRefusedError, ServiceUnreachableError
from keyturn.ground.names import printable
from keyturn.ground.secret import Secret

RELATIVE, FULL = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"
TOKEN, TOKEN_FILE = "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
DISABLED = "AWS_EC2_METADATA_DISABLED"
# Each with the key of a profile that says the same (botocore, configprovider.py); the variable wins.
INSTANCE_SETTINGS = {
    "AWS_EC2_METADATA_SERVICE_ENDPOINT": "ec2_metadata_service_endpoint",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "ec2_metadata_service_endpoint_mode",
    "AWS_EC2_METADATA_V1_DISABLED": "ec2_metadata_v1_disabled",
    "AWS_METADATA_SERVICE_TIMEOUT": "metadata_service_timeout",
    "AWS_METADATA_SERVICE_NUM_ATTEMPTS": "metadata_service_num_attempts",
}
VARIABLES = (RELATIVE, FULL, TOKEN, TOKEN_FILE, DISABLED, *INSTANCE_SETTINGS)

MOST_SECONDS, MOST_ATTEMPTS = 5.0, 5
LARGEST_TOKEN = 64 * 1024
# Where AWS serves them: EC2, ECS, and EKS with pod identities.
_INSTANCE_HOSTS = ("169.254.169.254", "fd00:ec2::254")
_CONTAINER_HOSTS = ("169.254.170.2", "169.254.170.23", "fd00:ec2::23")


def read(
    profile: str, section: Section, source: str, variables: Mapping[str, str], directory: str
) -> Provider:
    """The step of profile `profile` whose `credential_source` is `source`. Pure.

    Raises ConfigurationError for a caller that has no such keys, and for an address that cannot be meant.
    """
    called = f"profile “{printable(profile)}” takes its keys from {source}"
    if source == CONTAINER:
        return _container(profile, called, variables, directory)
    if variables.get(DISABLED, "").lower() == "true":
        raise ConfigurationError(f"{called}, and {DISABLED} is set", "unset it, or use another profile")
    settings = {
        key: variables.get(name) or text(section, key)
        for name, key in INSTANCE_SETTINGS.items()
        if variables.get(name) or text(section, key)
    }
    endpoint = settings.get("ec2_metadata_service_endpoint")
    if endpoint:
        _check(endpoint, _INSTANCE_HOSTS, called)
    return Provider(profile, INSTANCE, tuple(sorted(settings.items())))


def _container(profile: str, called: str, variables: Mapping[str, str], directory: str) -> Provider:
    # botocore takes the relative one first, if it is there at all.
    if RELATIVE in variables:
        address = f"http://{_CONTAINER_HOSTS[0]}{variables[RELATIVE]}"
    elif variables.get(FULL):
        address = variables[FULL]
    else:
        raise ConfigurationError(
            f"{called}, and nothing says where they are",
            f"in a container of ECS or EKS {RELATIVE} or {FULL} is set",
        )
    _check(address, _CONTAINER_HOSTS, called)
    file, token = variables.get(TOKEN_FILE, ""), variables.get(TOKEN)
    if TOKEN_FILE in variables:
        token = None
        file = os.path.join(directory, file)
    return Provider(profile, CONTAINER, ((FULL, address),), None if token is None else Secret(token), file)


def _check(address: str, hosts: tuple[str, ...], called: str) -> None:
    """Raises ConfigurationError for an address that is neither this machine's nor one of AWS's on it."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    is_plain = address.isascii() and address.isprintable() and not parts.username and port != 0
    if parts.scheme in ("http", "https") and is_plain and "\\" not in address and " " not in address:
        if host == "localhost" or host in hosts:
            return
        try:
            if ipaddress.ip_address(host).is_loopback:
                return
        except ValueError:
            pass
    raise ConfigurationError(
        f"{called}, and {printable(address, 200)} is no address that they come from",
        f"this machine's own, or {' or '.join(hosts)}",
    )


def fetch(step: Provider) -> Answer:
    """The keys. Blocks, for some seconds at most.

    Raises ServiceUnreachableError or ServiceRefusedError, ConfigurationError for a token that cannot be read.
    """
    return Answer(_from_container(step) if step.source == CONTAINER else _from_instance(step), None)


def _from_container(step: Provider) -> Keys:
    from botocore.credentials import ContainerProvider
    from botocore.exceptions import BotoCoreError

    address = dict(step.settings)[FULL]
    environment = {FULL: address}
    token = _token(step)
    if token is not None:
        environment[TOKEN] = token.reveal()
    try:
        return _keys(ContainerProvider(environ=environment).load(), step)
    except (BotoCoreError, ValueError, LookupError, TypeError, AttributeError):
        # Its text repeats what was answered.
        raise _nothing(step, f"the container's endpoint {printable(address, 200)} gave no keys") from None


def _token(step: Provider) -> Secret | None:
    token = step.token
    if step.token_file:
        try:
            with opened(Path(step.token_file)) as (descriptor, _):
                token = Secret(os.pread(descriptor, LARGEST_TOKEN, 0).decode("utf-8", "replace"))
        except FileNotFoundError:
            shown = printable(step.token_file, 300)
            raise ConfigurationError(
                f"the token of the container's endpoint is not there: {shown}", f"{TOKEN_FILE} names it"
            ) from None
    if token is not None and not (token.reveal().isprintable() and token.reveal().isascii()):
        raise ConfigurationError(
            "the token of the container's endpoint holds what no header can", f"see {TOKEN} and {TOKEN_FILE}"
        )
    return token


def _from_instance(step: Provider) -> Keys:
    from botocore.credentials import InstanceMetadataProvider
    from botocore.exceptions import BotoCoreError
    from botocore.utils import InstanceMetadataFetcher

    settings: dict[str, Any] = dict(step.settings)
    seconds = _number(settings.pop("metadata_service_timeout", ""), MOST_SECONDS)
    attempts = int(_number(settings.pop("metadata_service_num_attempts", ""), MOST_ATTEMPTS))
    for key in ("ec2_metadata_v1_disabled",):
        settings[key] = settings.get(key, "").lower() == "true"
    mode = "ec2_metadata_service_endpoint_mode"
    settings[mode] = settings.get(mode, "").lower()
    try:
        fetcher = InstanceMetadataFetcher(timeout=seconds, num_attempts=attempts, env={}, config=settings)
        return _keys(InstanceMetadataProvider(iam_role_fetcher=fetcher).load(), step)
    except (BotoCoreError, ValueError, LookupError, TypeError, AttributeError):
        raise _nothing(step, "the metadata service of EC2 gave no keys") from None


def _number(written: str, most: float) -> float:
    """A limit that the caller sets; botocore's own is one second, and one attempt."""
    try:
        return min(max(float(written), 1.0), most)
    except ValueError:
        return 1.0


def _keys(found: Any, step: Provider) -> Keys:
    """Raises AttributeError if nothing was found."""
    frozen = found.get_frozen_credentials()
    # The one place where botocore keeps it.
    expires = found._expiry_time
    if not frozen.access_key or not frozen.secret_key or not frozen.token or expires is None:
        raise ServiceRefusedError(f"{_of(step)} are not whole", "is the machine's role still there?")
    return Keys(frozen.access_key, Secret(frozen.secret_key), Secret(frozen.token), expires.astimezone(UTC))


def _of(step: Provider) -> str:
    return f"the keys that {step.source} has for profile “{printable(step.profile)}”"


def _nothing(step: Provider, why: str) -> ServiceUnreachableError:
    return ServiceUnreachableError(
        f"{why} (credential_source of profile “{printable(step.profile)}”)",
        "does this run on a machine, or in a container, that has a role?",
    )

"""What a command's environment is for AWS credentials (botocore, credentials.py and configprovider.py)."""

from __future__ import annotations

from collections.abc import Mapping

from keyturn.aws.calls import Keys
from keyturn.aws.endpoints import REGIONS
from keyturn.aws.plan import Plan
from keyturn.ground.clock import timestamp
from keyturn.ground.errors import ConfigurationError
from keyturn.ground.secret import Secret
from keyturn.sdk.run import Invocation

# Everything by which the caller's environment could name other credentials, or a half of them: a stale
# AWS_CREDENTIAL_EXPIRATION beside new keys is fatal to botocore.
REMOVED = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_CREDENTIAL_FILE",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_SESSION_EXPIRATION",
    "AWS_ACCOUNT_ID",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
)


def credentials(keys: Keys) -> dict[str, bytes]:
    """The variables that carry `keys`. Raises ConfigurationError for what no variable can carry."""
    carried = {
        "AWS_ACCESS_KEY_ID": _carried("access key id", keys.key_id),
        "AWS_SECRET_ACCESS_KEY": _carried("secret access key", keys.secret),
    }
    if keys.token is not None:
        carried["AWS_SESSION_TOKEN"] = _carried("session token", keys.token)
    if keys.expires is not None:
        carried["AWS_CREDENTIAL_EXPIRATION"] = timestamp(keys.expires).encode()
    return carried


def region(plan: Plan, invocation: Invocation) -> tuple[dict[str, bytes], str]:
    """The variables of the region, and why.

    What the caller set stays as it is (stories 30 to 32); else the plan's region goes into both
    variables, for each SDK reads only one of them.
    """
    for name in REGIONS:
        if invocation.variable(name):
            return {}, f"region: {name} as the caller set it"
    if plan.region is None:
        return {}, "region: none is configured"
    value = _carried("region", plan.region.value)
    return dict.fromkeys(REGIONS, value), f"region: {plan.region.source}"


def child_profile(name: str, treatment: str, profiles: Mapping[str, object]) -> tuple[dict[str, bytes], str]:
    """AWS_PROFILE for a command that takes keys before it, so that the profile's other settings hold.

    Not for a profile that the files do not have: botocore ends with ProfileNotFound then. `default`
    needs no naming.
    """
    if treatment != "variable" or name == "default" or name not in profiles:
        return {}, ""
    return {"AWS_PROFILE": _carried("profile", name)}, "the profile's other settings: through AWS_PROFILE"


def _carried(what: str, value: str | Secret) -> bytes:
    revealed = value.reveal() if isinstance(value, Secret) else value
    try:
        encoded = revealed.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        encoded = b"\0"
    if b"\0" in encoded:
        raise ConfigurationError(f"the {what} holds characters that no environment variable can carry")
    return encoded

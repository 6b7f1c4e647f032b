"""What a credential_process prints: keys, as “Sourcing credentials with an external process” of the AWS SDKs'
reference guide has them, or something that is none."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime

from keyturn.aws.calls import Keys
from keyturn.ground.errors import ConfigurationError, KeyturnError, ServiceRefusedError
from keyturn.ground.names import printable
from keyturn.ground.secret import Secret
from keyturn.sdk.printed import Printed

# Which processes this command was started by, so that none waits for itself.
VARIABLE = "KEYTURN_CREDENTIAL_PROCESS"
_SEPARATOR = ","


def mark(profile: str, words: Sequence[str]) -> str:
    """What tells one process of one profile from others, and nothing about it."""
    return hashlib.sha256("\0".join((profile, *words)).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def marks_of(value: str) -> tuple[str, ...]:
    """The marks in VARIABLE."""
    return tuple(filter(None, value.split(_SEPARATOR)))


def joined(marks: Sequence[str]) -> str:
    """The inverse of `marks_of`."""
    return _SEPARATOR.join(marks)


def check_end(printed: Printed, profile: str, seconds: float) -> None:
    """Raises ServiceRefusedError for a process that came to nothing, by how it ended."""
    called = _called(profile)
    hint = "run it by itself to see why: it is in the AWS config file"
    if printed.is_late:
        raise ServiceRefusedError(
            f"{called} did not end in {seconds:g} s",
            "does it ask for something where nobody answers? sign in with it first",
            "or give it longer: keyturn settings set aws.process_seconds SECONDS",
        )
    if printed.status in (126, 127):
        raise ConfigurationError(f"{called} cannot be run (status {printed.status})", hint)
    if printed.is_cut:
        raise ServiceRefusedError(f"{called} printed far more than keys", hint)
    if printed.status:
        raise ServiceRefusedError(f"{called} ended with status {printed.status}", hint)


def parse(output: Secret, profile: str, now: datetime) -> Keys:
    """The keys that a process printed. Raises ServiceRefusedError, which shows nothing of what it printed."""
    called = _called(profile)
    try:
        found = json.loads(output.reveal())
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        said = "printed no JSON object" if output.reveal().strip() else "printed nothing"
        raise _garbage(f"{called} {said}")
    version = found.get("Version")
    if version != 1 or isinstance(version, bool):
        raise _garbage(f"{called} printed no “Version” 1")
    values: dict[str, str] = {}
    for key in ("AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"):
        value = found.get(key)
        if value is None and key in ("SessionToken", "Expiration"):
            value = ""
        if not isinstance(value, str) or (not value and key in ("AccessKeyId", "SecretAccessKey")):
            raise _garbage(f"{called} printed no “{key}”" if not value else f"{called}: “{key}” is no text")
        values[key] = value
    expires = _moment(values["Expiration"], called)
    if expires is not None and expires <= now:
        raise ServiceRefusedError(
            f"{called} printed keys that have expired", "sign in anew with what it belongs to"
        )
    token = Secret(values["SessionToken"]) if values["SessionToken"] else None
    return Keys(values["AccessKeyId"], Secret(values["SecretAccessKey"]), token, expires)


def cycle(profile: str) -> KeyturnError:
    """The error for a process that, by way of others, asks for its own profile."""
    return ConfigurationError(
        f"{_called(profile)} asks Keyturn for what it should itself bring",
        "let the program that it runs use another profile",
    )


def _moment(written: str, called: str) -> datetime | None:
    if not written:
        return None
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise _garbage(f"{called} printed an “Expiration” that is no moment")
    return found.astimezone(UTC)


def _garbage(message: str) -> ServiceRefusedError:
    return ServiceRefusedError(
        message, 'it has to print {"Version": 1, "AccessKeyId": …, "SecretAccessKey": …} and nothing else'
    )


def _called(profile: str) -> str:
    return f"the credential_process of profile “{printable(profile)}”"

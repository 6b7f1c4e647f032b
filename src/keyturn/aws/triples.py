"""Temporary keys that somebody brings: id, secret and session token, from a page or a program.

Read are the forms that AWS shows (the access portal's “Option 1: Set AWS environment variables” for each
shell, “Option 2” for a credentials file; `aws configure export-credentials` with each of its formats; the
answer of STS): nothing of it is executed.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from keyturn.ground.errors import UsageError
from keyturn.ground.secret import Secret

LONGEST = 64 * 1024

KEY_ID, SECRET, TOKEN, EXPIRES = "key id", "secret", "token", "expires"
# Each name that one of the forms has for it, in lower case.
_NAMES = {
    "aws_access_key_id": KEY_ID,
    "accesskeyid": KEY_ID,
    "aws_secret_access_key": SECRET,
    "secretaccesskey": SECRET,
    "aws_session_token": TOKEN,
    "aws_security_token": TOKEN,
    "sessiontoken": TOKEN,
    "aws_credential_expiration": EXPIRES,
    "expiration": EXPIRES,
}
_VARIABLE = {KEY_ID: "AWS_ACCESS_KEY_ID", SECRET: "AWS_SECRET_ACCESS_KEY", TOKEN: "AWS_SESSION_TOKEN"}

# export NAME=…, NAME=…, set NAME=…, $Env:NAME=…, set -gx NAME …; the credentials file's `name = …`.
_LINE = re.compile(
    r"\s*(?:export\s+|set\s+-\w+\s+|set\s+|setx\s+|\$env:)?(?P<name>[A-Za-z_]+)(?:\s*=\s*|\s+)(?P<value>.+?);?\s*",
    re.IGNORECASE,
)
_KEY_ID = re.compile(r"[A-Z0-9]{16,128}", re.ASCII)
_VALUE = re.compile(r"[\x21-\x7e]+", re.ASCII)


@dataclass(frozen=True)
class Triple:
    """Temporary keys; `expires` (UTC) if whoever gave them said so."""

    key_id: str
    secret: Secret
    token: Secret
    expires: datetime | None


def parse(written: Secret) -> Triple:
    """The keys in what was pasted. Raises UsageError, which repeats nothing of it."""
    text = written.reveal()
    if len(text) > LONGEST:
        raise UsageError("what was pasted is far more than keys")
    found = _of_json(text) if text.lstrip().startswith("{") else _of_lines(text)
    for part in (KEY_ID, SECRET, TOKEN):
        if not found.get(part):
            raise UsageError(
                f"what was pasted holds no {_VARIABLE[part]}",
                "paste the whole block: three lines of `export AWS_…`, or the JSON of"
                " `aws configure export-credentials`",
            )
    if not _KEY_ID.fullmatch(found[KEY_ID]):
        raise UsageError("what was pasted has an AWS_ACCESS_KEY_ID that is none")
    for part in (SECRET, TOKEN):
        if not _VALUE.fullmatch(found[part]):
            raise UsageError(f"what was pasted has an {_VARIABLE[part]} with characters that none has")
    expires = moment(found.get(EXPIRES, ""))
    if found.get(EXPIRES) and expires is None:
        raise UsageError("what was pasted ends at something that is no moment")
    return Triple(found[KEY_ID], Secret(found[SECRET]), Secret(found[TOKEN]), expires)


def moment(written: str) -> datetime | None:
    """A moment as AWS writes it (ISO 8601 with its zone), in UTC; None for anything else."""
    try:
        found = datetime.fromisoformat(written.strip())
    except ValueError:
        return None
    return None if found.tzinfo is None else found.astimezone(UTC)


def _of_json(text: str) -> dict[str, str]:
    """`aws configure export-credentials`, or STS's answer, which has them one level down."""
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        raise UsageError("what was pasted begins as JSON and is none") from None
    inner = whole.get("Credentials", whole) if isinstance(whole, Mapping) else {}
    found: dict[str, str] = {}
    for name, value in inner.items() if isinstance(inner, Mapping) else ():
        part = _NAMES.get(name.lower())
        if part is not None and isinstance(value, str):
            found[part] = value
    return found


def _of_lines(text: str) -> dict[str, str]:
    """Assignments of a shell or of a credentials file, one a line; every other line is passed over.

    Raises UsageError for two values of one name: which is meant?
    """
    found: dict[str, str] = {}
    for line in re.split(r"[\r\n]+", text):
        match = _LINE.fullmatch(line)
        part = None if match is None else _NAMES.get(match["name"].lower())
        if match is None or part is None:
            continue
        value = _unquoted(match["value"])
        if found.setdefault(part, value) != value:
            raise UsageError("what was pasted has several keys", "paste one block at a time")
    return found


def _unquoted(value: str) -> str:
    """A shell's word without its quotes; what no shell would take is left as it is, and refused later."""
    try:
        words = shlex.split(value, comments=False)
    except ValueError:
        return value
    return words[0] if len(words) == 1 else value

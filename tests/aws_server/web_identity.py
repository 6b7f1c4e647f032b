"""AssumeRoleWithWebIdentity of the local AWS, and an issuer of tokens that it trusts.

A token is a JSON web token, here signed by a secret that only the issuer and this server know. Codes and
texts of refusals are AWS's own (STS API reference, AssumeRoleWithWebIdentity).
"""

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from moto.iam.models import iam_backends

from tests.aws_server.account import ACCOUNT, World

ACTION = "AssumeRoleWithWebIdentity"
ISSUER, AUDIENCE = "https://tokens.example", "sts.amazonaws.com"
# In the place of a principal's ARN among those that a role trusts.
SUBJECT = "subject:"


class TokenError(Exception):
    """A refusal: status, code and text."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(code)
        self.status, self.code, self.text = status, code, text


class WebIdentities:
    """The issuer, and what STS makes of its tokens."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._secret = os.urandom(32)

    def token(self, subject: str, seconds: float, audience: str = AUDIENCE) -> str:
        """A token that ends in so many seconds."""
        claims = {"iss": ISSUER, "aud": audience, "sub": subject, "exp": self._world.clock.now() + seconds}
        parts = [_packed({"alg": "HS256", "typ": "JWT"}), _packed(claims)]
        return ".".join([*parts, self._signature(".".join(parts))])

    def answer(self, form: Mapping[str, str], call: dict[str, Any]) -> bytes:
        """The XML of success. Raises TokenError."""
        arn, session = form.get("RoleArn", ""), form.get("RoleSessionName", "")
        seconds = int(form.get("DurationSeconds", "3600"))
        subject = self._subject(form.get("WebIdentityToken", ""))
        role = self._world.roles.get(arn)
        if role is None or SUBJECT + subject not in role.trusted:
            raise TokenError(403, "AccessDenied", f"Not authorized to perform sts:{ACTION}")
        if not 900 <= seconds <= role.max_seconds:
            text = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
            raise TokenError(400, "ValidationError", text)
        given = machine_keys(self._world, arn, seconds, session)
        call["key_kind"] = "web"
        fields = "".join(f"<{name}>{value}</{name}>" for name, value in given.items())
        return (
            f'<{ACTION}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{ACTION}Result>'
            f"<Credentials>{fields}</Credentials><SubjectFromWebIdentityToken>{subject}"
            f"</SubjectFromWebIdentityToken></{ACTION}Result></{ACTION}Response>"
        ).encode()

    def _subject(self, token: str) -> str:
        head, _, signature = token.rpartition(".")
        try:
            claims = json.loads(base64.urlsafe_b64decode(head.split(".")[1] + "=="))
        except (ValueError, IndexError):
            raise TokenError(
                400, "InvalidIdentityToken", "The ID Token provided is not a valid JWT."
            ) from None
        if not hmac.compare_digest(signature, self._signature(head)):
            raise TokenError(400, "InvalidIdentityToken", "Token signature verification failed")
        if claims["aud"] != AUDIENCE:
            raise TokenError(400, "InvalidIdentityToken", "Incorrect token audience")
        if claims["exp"] <= self._world.clock.now():
            raise TokenError(
                400, "ExpiredTokenException", "Token expired: current date/time must be before it"
            )
        return str(claims["sub"])

    def _signature(self, text: str) -> str:
        digest = hmac.new(self._secret, text.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def machine_keys(world: World, role: str, seconds: float, session: str = "i-0123456789") -> dict[str, str]:
    """Keys of a role as the machine has them that it belongs to."""
    partition = role.split(":")[1]
    key = iam_backends[ACCOUNT][partition].create_temp_access_key()
    known = iam_backends[ACCOUNT][partition].get_role_by_arn(role)
    name = role.split("/")[-1]
    issued = world.issue(
        key_id=key.access_key_id,
        kind="role",
        account=ACCOUNT,
        partition=partition,
        arn=f"arn:{partition}:sts::{ACCOUNT}:assumed-role/{name}/{session}",
        user_id=f"{known.id}:{session}",
        name=name,
        role=role,
        expires=world.clock.now() + seconds,
        has_mfa=False,
        from_global=False,
    )
    return {
        "AccessKeyId": issued.key_id,
        "SecretAccessKey": issued.secret,
        "SessionToken": issued.token,
        "Expiration": datetime.fromtimestamp(int(issued.expires), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _packed(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

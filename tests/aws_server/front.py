"""What stands before moto: counts the calls, goes wrong when told to, and is told so below `/-/`.

AWS itself has no path like that. A command is a POST of a JSON object; the answer is JSON as well.
"""

import io
import json
import re
import socket
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, TypeAlias
from urllib.parse import parse_qs

from tests.aws_server import web_identity
from tests.aws_server.account import ACCOUNT, World

Environ: TypeAlias = dict[str, Any]
Start: TypeAlias = Callable[..., Any]
Wsgi: TypeAlias = Callable[[Environ, Start], Iterable[bytes]]
Command: TypeAlias = Callable[..., Any]

CONTROL = "/-/"
FORM = "application/x-www-form-urlencoded"
SIGNATURE_SECONDS = 15 * 60
# How a call fails: status, code, text. AWS's own, as SDKs retry them.
FAILURES = {
    "500": (500, "InternalFailure", "The request processing has failed because of an unknown error."),
    "503": (503, "ServiceUnavailable", "The request has failed due to a temporary failure of the server."),
    "throttled": (400, "Throttling", "Rate exceeded"),
}
CLOSED = "closed"
NOT_ACTIVATED = (
    f"STS is not activated in this region for account:{ACCOUNT}. Your account administrator can activate STS"
    " in this region using the IAM Console."
)


class Front:
    """A WSGI application around moto's."""

    def __init__(
        self, world: World, moto: Wsgi, commands: dict[str, Command], identities: web_identity.WebIdentities
    ) -> None:
        self._world = world
        self._identities = identities
        self._moto = moto
        self._commands = commands

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        path = str(environ.get("PATH_INFO", ""))
        if path.startswith(CONTROL):
            return self._control(path.removeprefix(CONTROL), environ, start)
        call = self._note(environ)
        faults = self._world.faults
        if faults.slow and faults.slow_action in ("", call["action"]):
            time.sleep(faults.slow)
        failure = self._failure(call)
        if failure == CLOSED:
            call["status"] = 0
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            raise ConnectionResetError("closed as told")
        if failure:
            return self._refuse(start, call, *FAILURES[failure])
        refusal = self._refusal(call)
        if refusal:
            return self._refuse(start, call, *refusal)
        if call["action"] == web_identity.ACTION:
            return self._by_token(environ, start, call)
        return self._pass_on(environ, start, call)

    def _by_token(self, environ: Environ, start: Start, call: dict[str, Any]) -> list[bytes]:
        """Nobody signs this request, and moto would want it signed."""
        try:
            body = self._identities.answer(form_of(environ), call)
        except web_identity.TokenError as error:
            return self._refuse(start, call, error.status, error.code, error.text)
        call["status"] = 200
        start("200 OK", [("Content-Type", "text/xml"), ("Content-Length", str(len(body)))])
        return [body]

    def _note(self, environ: Environ) -> dict[str, Any]:
        """Add a request to the list of calls."""
        form = form_of(environ)
        scope = (
            str(environ.get("HTTP_AUTHORIZATION", "")).partition("Credential=")[2].split(",")[0].split("/")
        )
        key_id, _, region, service, _ = scope if len(scope) == 5 else ("", "", "", "", "")
        target = str(environ.get("HTTP_X_AMZ_TARGET", "")).rpartition(".")[2]
        serial, code = form.get("SerialNumber", ""), form.get("TokenCode", "")
        world = self._world
        call: dict[str, Any] = {
            "at": world.clock.now(),
            "action": form.get("Action") or target or f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}",
            "service": service,
            "region": region,
            "host": str(environ.get("HTTP_HOST", "")),
            "agent": str(environ.get("HTTP_USER_AGENT", "")),
            "signed_at": str(environ.get("HTTP_X_AMZ_DATE", "")),
            "key_id": key_id,
            "key_kind": kind_of(world, key_id),
            "caller": world.arn_of(key_id),
            "serial": serial,
            "step": world.matching_step(serial, code) if code else None,
            "has_code": bool(code),
            "role": form.get("RoleArn", ""),
            "session_name": form.get("RoleSessionName", ""),
            "external_id": form.get("ExternalId", ""),
            "seconds": int(form["DurationSeconds"]) if form.get("DurationSeconds", "").isdecimal() else None,
            "status": None,
            "error": "",
        }
        with world.lock:
            world.calls.append(call)
        return call

    def _failure(self, call: dict[str, Any]) -> str:
        faults = self._world.faults
        with self._world.lock:
            if not faults.failing or faults.failing_action not in ("", call["action"]):
                return ""
            faults.failing -= 1
            return faults.how

    def _refusal(self, call: dict[str, Any]) -> tuple[int, str, str] | None:
        """What AWS refuses before it looks at the keys."""
        if call["service"] == "sts" and call["region"] in self._world.faults.disabled_regions:
            return 403, "RegionDisabledException", NOT_ACTIVATED
        now = self._world.clock.of_callers()
        try:
            signed = datetime.strptime(call["signed_at"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
        except ValueError:
            return None
        early, late = now - SIGNATURE_SECONDS, now + SIGNATURE_SECONDS
        if signed < early:
            why = f"expired: {stamp(signed)} is now earlier than {stamp(early)} ({stamp(now)} - 15 min.)"
        elif signed > late:
            why = (
                f"not yet current: {stamp(signed)} is still later than {stamp(late)} ({stamp(now)} + 15 min.)"
            )
        else:
            return None
        return 403, "SignatureDoesNotMatch", f"Signature {why}"

    def _refuse(self, start: Start, call: dict[str, Any], status: int, code: str, text: str) -> list[bytes]:
        call["status"], call["error"] = status, code
        kind = "Receiver" if status >= 500 else "Sender"
        body = (
            f"<ErrorResponse><Error><Type>{kind}</Type><Code>{code}</Code><Message>{text}</Message></Error>"
            "<RequestId>0</RequestId></ErrorResponse>"
        ).encode()
        start(
            f"{status} {code}",
            [("Content-Type", "text/xml"), ("Content-Length", str(len(body)))],
        )
        return [body]

    def _pass_on(self, environ: Environ, start: Start, call: dict[str, Any]) -> Iterable[bytes]:
        """moto's answer. Errors of access control lose a level of XML that AWS's do not have."""
        kept: list[Any] = []

        def keep(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
            kept[:] = [status, headers]

        parts = self._moto(environ, keep)
        body = b"".join(parts)
        close = getattr(parts, "close", None)
        if close:
            close()
        status, headers = kept
        call["status"] = int(status.split()[0])
        if call["status"] >= 400:
            body = body.replace(b"<Errors>", b"").replace(b"</Errors>", b"")
            found = re.search(rb"<Code>(.*?)</Code>|\"__type\": *\"(.*?)\"", body)
            call["error"] = (found[1] or found[2]).decode() if found else ""
            headers = [pair for pair in headers if pair[0].lower() != "content-length"]
            headers.append(("Content-Length", str(len(body))))
        start(status, headers)
        return [body]

    def _control(self, name: str, environ: Environ, start: Start) -> list[bytes]:
        given = json.loads(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)) or b"{}")
        try:
            status, found = "200 OK", self._commands[name](**given)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test that asked is told
            status, found = "400 Bad Request", f"{type(error).__name__}: {error}"
        start(status, [("Content-Type", "application/json")])
        return [json.dumps(found).encode()]


def form_of(environ: Environ) -> dict[str, str]:
    """The fields of a form in the body, which stays readable."""
    if not str(environ.get("CONTENT_TYPE", "")).startswith(FORM):
        return {}
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return {name: values[-1] for name, values in parse_qs(body.decode(errors="replace")).items()}


def kind_of(world: World, key_id: str) -> str:
    """user, root, session, federated or role; empty for an unsigned request."""
    if key_id in world.issued:
        return world.issued[key_id].kind
    if key_id in world.roots:
        return "root"
    return "user" if key_id else ""


def stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y%m%dT%H%M%SZ")

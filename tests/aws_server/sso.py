"""The stand-in for IAM Identity Center on the loopback: OIDC, the page that a person sees, and the portal.

    with SsoServer() as sso:
        …  # AWS_ENDPOINT_URL_SSO_OIDC and AWS_ENDPOINT_URL_SSO from sso.environment()

It runs in threads of the test. What it refuses is in `sso_rules.py`.
"""

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.aws_server.sso_rules import Account, Refusal, Rules

START_URL = "https://keyturn-test.awsapps.com/start"
REGION = "eu-central-1"
ACCOUNTS = (
    Account("111111111111", "Development", "dev@example.com", ["Admin", "ReadOnly"]),
    Account("222222222222", "Production; $(reboot) `id`", "prod@example.com", ["ReadOnly"]),
    Account("333333333333", "Ünïcode & Söhne", "u@example.com", ["Admin", "Billing", "ReadOnly"]),
)
# Agrees by itself, as who is signed in at the portal already has only to click.
PAGE = """<!doctype html><title>Sign in</title><form method="post" action="/authorize?{query}">
<button id="allow">Allow access</button></form><script>document.forms[0].submit()</script>"""


@dataclass(frozen=True)
class Call:
    """A request: the operation's name as botocore has it, and how it ended."""

    operation: str
    status: int
    error: str


class SsoServer:
    """`decision` is what the person at the page does: "allow" or "deny"."""

    def __init__(
        self,
        accounts: Sequence[Account] = ACCOUNTS,
        start_url: str = START_URL,
        issue: Callable[[str, str, float], dict[str, Any]] | None = None,
    ) -> None:
        self.rules = Rules(start_url, list(accounts), issue)
        self.decision = "allow"
        self.calls: list[Call] = []
        self._lock = threading.Lock()
        self._failures: dict[str, list[int]] = {}
        self.slow: dict[str, float] = {}

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def environment(self) -> dict[str, str]:
        """The variables that send tools here that are new enough."""
        return {"AWS_ENDPOINT_URL_SSO_OIDC": self.endpoint, "AWS_ENDPOINT_URL_SSO": self.endpoint}

    def config_text(self, session: str = "corp", **profiles: str) -> str:
        """An `sso-session`, and profiles by their names: `dev="111111111111/Admin"`."""
        text = (
            f"[sso-session {session}]\nsso_start_url = {self.rules.start_url}\nsso_region = {REGION}\n"
            "sso_registration_scopes = sso:account:access\n"
        )
        for name, place in profiles.items():
            account, _, role = place.partition("/")
            text += f"\n[profile {name}]\nsso_session = {session}\n"
            text += f"sso_account_id = {account}\nsso_role_name = {role}\nregion = {REGION}\n"
        return text

    def count(self, operation: str, *, error: str | None = None) -> int:
        """How often an operation was called; with `error`, how often it ended so ("" is well)."""
        with self._lock:
            return sum(call.operation == operation and error in (None, call.error) for call in self.calls)

    def approve(self, code: str, decision: str = "approved") -> None:
        """The person types a code into the page and says yes ("denied": no)."""
        with self._lock:
            (device,) = [each for each in self.rules.devices.values() if each.code == code]
            device.decision = decision

    def advance(self, seconds: float) -> None:
        """Move the service's time."""
        with self._lock:
            self.rules.moved += seconds

    def revoke(self) -> None:
        """End every sign-in, as an administrator can."""
        with self._lock:
            for session in self.rules.sessions.values():
                session.is_over = True

    def end_access(self) -> None:
        """Every access token has expired here; refresh tokens are good."""
        with self._lock:
            self.rules.access.clear()

    def forget_clients(self) -> None:
        with self._lock:
            self.rules.clients.clear()

    def fail_next(self, operation: str, *statuses: int) -> None:
        """The next calls of an operation end with these statuses; 0: the connection is closed."""
        with self._lock:
            self._failures[operation] = list(statuses)

    def answer(self, operation: str, work: Callable[[], Any]) -> tuple[int, Any, str]:
        """Do the work of one call and note it: status, content, and the name of the error."""
        time.sleep(self.slow.get(operation, 0.0))
        with self._lock:
            failures = self._failures.get(operation)
            status, content, kind = 200, None, ""
            if failures:
                status = failures.pop(0)
                kind, content = "InternalServerException", {"message": "out of order"}
            else:
                try:
                    content = work()
                except Refusal as refusal:
                    status, kind = refusal.status, refusal.kind
                    content = {
                        "error": refusal.kind,
                        "error_description": refusal.text,
                        "message": refusal.text,
                    }
            self.calls.append(Call(operation, status, kind))
            return status, content, kind


def _handler(sso: SsoServer) -> type[BaseHTTPRequestHandler]:
    rules = sso.rules

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *given: Any) -> None:
            """Silent."""

        def do_POST(self) -> None:
            given = self._body()
            path = urlsplit(self.path).path
            if path == "/authorize":
                self._decided()
            elif path == "/client/register":
                self._call("RegisterClient", lambda: rules.register(given))
            elif path == "/device_authorization":
                self._call("StartDeviceAuthorization", lambda: rules.begin(given, sso.endpoint))
            elif path == "/token":
                name = {"refresh_token": "Refresh", "authorization_code": "Exchange"}
                operation = name.get(given.get("grantType", ""), "Poll")
                self._call(operation, lambda: rules.token(given))
            elif path == "/logout":
                self._call("Logout", self._logout)
            else:
                self._page(404, "no such page")

        def do_GET(self) -> None:
            path, query = urlsplit(self.path).path, self._query()
            if path == "/authorize":
                self._authorize(query)
            elif path == "/federation/credentials":
                self._portal(
                    "GetRoleCredentials",
                    lambda: rules.role_credentials(query.get("account_id", ""), query.get("role_name", "")),
                )
            elif path == "/assignment/accounts":
                rows = [
                    {"accountId": each.id, "accountName": each.name, "emailAddress": each.email}
                    for each in rules.accounts
                ]
                token = query.get("next_token", "")
                self._portal("ListAccounts", lambda: rules.paged("accountList", rows, token))
            elif path == "/assignment/roles":
                self._portal("ListAccountRoles", lambda: self._roles(query))
            else:
                self._page(404, "no such page")

        def _roles(self, query: dict[str, str]) -> dict[str, Any]:
            account = query.get("account_id", "")
            found = [each for each in rules.accounts if each.id == account]
            if not found:
                raise Refusal("ResourceNotFoundException", 404, "no such account")
            rows = [{"roleName": role, "accountId": account} for role in found[0].roles]
            return rules.paged("roleList", rows, query.get("next_token", ""))

        def _portal(self, operation: str, work: Callable[[], Any]) -> None:
            def checked() -> Any:
                rules.check(self._bearer())
                return work()

            self._call(operation, checked)

        def _logout(self) -> dict[str, Any]:
            rules.sessions[rules.check(self._bearer())].is_over = True
            return {}

        def _bearer(self) -> str:
            return str(self.headers.get("x-amz-sso_bearer_token", ""))

        def _authorize(self, query: dict[str, str]) -> None:
            status, _, kind = sso.answer("Authorize", lambda: rules.check_authorize(query))
            text = kind if kind else PAGE.format(query=escape(urlsplit(self.path).query))
            self._page(status, text)

        def _decided(self) -> None:
            query = self._query()
            if sso.decision == "deny":
                back = {"error": "access_denied", "state": query.get("state", "")}
            else:
                status, code, kind = sso.answer("Agree", lambda: rules.agree(query))
                if kind:
                    self._page(status, kind)
                    return
                back = {"code": code, "state": query.get("state", "")}
            self.send_response(302)
            self.send_header("Location", f"{query['redirect_uri']}?{urlencode(back)}")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _call(self, operation: str, work: Callable[[], Any]) -> None:
            status, content, kind = sso.answer(operation, work)
            if not status:
                self.close_connection = True
                self.connection.close()
                return
            body = json.dumps(content).encode()
            self.send_response(status)
            if kind:
                self.send_header("x-amzn-ErrorType", kind)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _page(self, status: int, text: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _query(self) -> dict[str, str]:
            return dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))

        def _body(self) -> dict[str, Any]:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            try:
                found = json.loads(content or b"{}")
            except ValueError:
                return {}
            return found if isinstance(found, dict) else {}

        def date_time_string(self, timestamp: float | None = None) -> str:
            return super().date_time_string(int(rules.now() if timestamp is None else timestamp))

    return Handler

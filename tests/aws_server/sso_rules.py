"""IAM Identity Center as a stand-in that says no: who is known, what was agreed to, and what is refused.

The rules are RFC 6749, 7636, 8252 and 8628; names and codes of errors are from AWS's “OIDC API Reference” and
“Portal API Reference”. Time is the machine's, and can be moved.
"""

import base64
import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
GRANTS = {DEVICE, "authorization_code", "refresh_token"}
SCOPES = {"sso:account:access", "codewhisperer:analysis"}
REGISTERED, CODE_LASTS, DEVICE_LASTS = 90 * 86400, 60, 600
# A poll may come this much early: clocks and schedulers.
LENIENT = 0.3


class Refusal(Exception):  # noqa: N818  # as in the services' words
    def __init__(self, kind: str, status: int = 400, text: str = "") -> None:
        super().__init__(kind)
        self.kind = kind
        self.status = status
        self.text = text or f"{kind} by the stand-in"


@dataclass
class Client:
    secret: str
    expires: float
    scopes: list[str]
    grants: set[str]
    redirects: list[str]


@dataclass
class Device:
    client: str
    code: str
    expires: float
    interval: float
    polled: float = -1e9
    decision: str = ""
    is_used: bool = False


@dataclass
class Code:
    client: str
    redirect: str
    challenge: str
    expires: float
    session: str = ""


@dataclass
class Session:
    """A person's sign-in; `refresh` is the one refresh token that is good."""

    client: str
    refresh: str = ""
    is_over: bool = False


@dataclass
class Account:
    id: str
    name: str
    email: str
    roles: list[str]


@dataclass
class Rules:
    """The service's memory. `issue` makes keys of a role: a mapping as GetRoleCredentials has it."""

    start_url: str
    accounts: list[Account]
    issue: Callable[[str, str, float], dict[str, Any]] | None = None
    token_seconds: int = 3600
    role_seconds: int = 3600
    interval: float = 1
    refreshes: bool = True
    page: int = 2
    moved: float = 0.0
    clients: dict[str, Client] = field(default_factory=dict)
    devices: dict[str, Device] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    access: dict[str, tuple[str, float]] = field(default_factory=dict)
    old_refreshes: dict[str, str] = field(default_factory=dict)

    def now(self) -> float:
        return time.time() + self.moved

    # --- OIDC ---------------------------------------------------------------------------------------------

    def register(self, given: dict[str, Any]) -> dict[str, Any]:
        if given.get("clientType") != "public" or not given.get("clientName"):
            raise Refusal("InvalidClientMetadataException")
        scopes = given.get("scopes") or ["sso:account:access"]
        if not set(scopes) <= SCOPES:
            raise Refusal("InvalidScopeException")
        grants = set(given.get("grantTypes") or {DEVICE, "refresh_token"})
        if not grants <= GRANTS:
            raise Refusal("UnsupportedGrantTypeException")
        redirects = given.get("redirectUris") or []
        if "authorization_code" in grants:
            if given.get("issuerUrl") != self.start_url:
                raise Refusal("InvalidRequestException", text="issuerUrl")
            if not redirects or any(not _is_loopback(each) or urlsplit(each).port for each in redirects):
                raise Refusal("InvalidRedirectUriException")
        client = f"client-{secrets.token_hex(6)}"
        secret = f"client-secret-{secrets.token_hex(16)}"
        now = int(self.now())
        self.clients[client] = Client(secret, now + REGISTERED, scopes, grants, redirects)
        return {
            "clientId": client,
            "clientSecret": secret,
            "clientIdIssuedAt": now,
            "clientSecretExpiresAt": now + REGISTERED,
        }

    def client(self, given: dict[str, Any], grant: str) -> Client:
        client = self.clients.get(given.get("clientId", ""))
        if client is None or client.secret != given.get("clientSecret") or client.expires <= self.now():
            raise Refusal("InvalidClientException", 401)
        if grant not in client.grants:
            raise Refusal("UnauthorizedClientException")
        return client

    def begin(self, given: dict[str, Any], page: str) -> dict[str, Any]:
        self.client(given, DEVICE)
        if given.get("startUrl") != self.start_url:
            raise Refusal("InvalidRequestException", text="startUrl")
        device, code = f"device-{secrets.token_hex(16)}", f"{_letters()}-{_letters()}"
        self.devices[device] = Device(given["clientId"], code, self.now() + DEVICE_LASTS, self.interval)
        return {
            "deviceCode": device,
            "userCode": code,
            "verificationUri": f"{page}/device",
            "verificationUriComplete": f"{page}/device?user_code={code}",
            "expiresIn": DEVICE_LASTS,
            "interval": self.interval,
        }

    def token(self, given: dict[str, Any]) -> dict[str, Any]:
        grant = given.get("grantType", "")
        if grant not in GRANTS:
            raise Refusal("UnsupportedGrantTypeException")
        self.client(given, grant)
        if grant == DEVICE:
            return self._by_device(given)
        if grant == "authorization_code":
            return self._by_code(given)
        return self._by_refresh(given)

    def _by_device(self, given: dict[str, Any]) -> dict[str, Any]:
        device = self.devices.get(given.get("deviceCode", ""))
        if device is None or device.client != given["clientId"] or device.is_used:
            raise Refusal("InvalidGrantException")
        now, early = self.now(), self.now() - device.polled < device.interval - LENIENT
        device.polled = now
        if device.expires <= now:
            raise Refusal("ExpiredTokenException")
        if early:
            device.interval += 5
            raise Refusal("SlowDownException")
        if device.decision == "denied":
            raise Refusal("AccessDeniedException")
        if not device.decision:
            raise Refusal("AuthorizationPendingException")
        device.is_used = True
        return self._tokens(self._session(given["clientId"]))

    def _by_code(self, given: dict[str, Any]) -> dict[str, Any]:
        code = self.codes.get(given.get("code", ""))
        if code is None or code.client != given["clientId"] or code.expires <= self.now():
            raise Refusal("InvalidGrantException")
        if code.session:
            # RFC 6749, 4.1.2: a code that comes twice was stolen, and what it brought is taken back.
            self.sessions[code.session].is_over = True
            raise Refusal("InvalidGrantException", text="used")
        is_theirs = code.challenge == _digest(given.get("codeVerifier", ""))
        if code.redirect != given.get("redirectUri") or not is_theirs:
            raise Refusal("InvalidGrantException")
        code.session = self._session(given["clientId"])
        return self._tokens(code.session)

    def _by_refresh(self, given: dict[str, Any]) -> dict[str, Any]:
        token = given.get("refreshToken", "")
        if token in self.old_refreshes:
            self.sessions[self.old_refreshes[token]].is_over = True
            raise Refusal("InvalidGrantException", text="rotated")
        found = [name for name, each in self.sessions.items() if token and each.refresh == token]
        if not found or self.sessions[found[0]].is_over:
            raise Refusal("InvalidGrantException")
        if self.sessions[found[0]].client != given["clientId"]:
            raise Refusal("InvalidClientException", 401)
        self.old_refreshes[token] = found[0]
        return self._tokens(found[0])

    def _session(self, client: str) -> str:
        name = secrets.token_hex(8)
        self.sessions[name] = Session(client)
        return name

    def _tokens(self, name: str) -> dict[str, Any]:
        access = f"access-{secrets.token_urlsafe(24)}"
        self.access[access] = (name, self.now() + self.token_seconds)
        answer: dict[str, Any] = {
            "accessToken": access,
            "tokenType": "Bearer",
            "expiresIn": self.token_seconds,
        }
        session = self.sessions[name]
        if self.refreshes and "refresh_token" in self.clients[session.client].grants:
            session.refresh = answer["refreshToken"] = f"refresh-{secrets.token_urlsafe(24)}"
        return answer

    def check_authorize(self, query: dict[str, str]) -> None:
        """What a browser brings; nothing that is wrong is sent back to a program."""
        client = self.clients.get(query.get("client_id", ""))
        if client is None or client.expires <= self.now() or "authorization_code" not in client.grants:
            raise Refusal("InvalidClientException", 401)
        if _without_port(query.get("redirect_uri", "")) not in client.redirects:
            raise Refusal("InvalidRedirectUriException")
        if query.get("response_type") != "code" or query.get("code_challenge_method") != "S256":
            raise Refusal("InvalidRequestException", text="response_type")
        if not query.get("state") or len(query.get("code_challenge", "")) != 43:
            raise Refusal("InvalidRequestException", text="state or code_challenge")
        if query.get("scopes", "").split(" ") != client.scopes:
            raise Refusal("InvalidScopeException")

    def agree(self, query: dict[str, str]) -> str:
        """The authorization code, once the person has agreed."""
        self.check_authorize(query)
        code = f"code-{secrets.token_urlsafe(24)}"
        self.codes[code] = Code(
            query["client_id"], query["redirect_uri"], query["code_challenge"], self.now() + CODE_LASTS
        )
        return code

    # --- the portal ---------------------------------------------------------------------------------------

    def check(self, token: str) -> str:
        session, expires = self.access.get(token, ("", 0.0))
        if not session or expires <= self.now() or self.sessions[session].is_over:
            raise Refusal("UnauthorizedException", 401, "Session token not found or invalid")
        return session

    def role_credentials(self, account: str, role: str) -> dict[str, Any]:
        if not any(each.id == account and role in each.roles for each in self.accounts):
            raise Refusal("ForbiddenException", 403, "No access")
        expires = self.now() + self.role_seconds
        if self.issue is not None:
            return {"roleCredentials": self.issue(account, role, expires)}
        keys = {
            "accessKeyId": f"ASIA{secrets.token_hex(8).upper()}",
            "secretAccessKey": secrets.token_urlsafe(30),
            "sessionToken": f"{account}/{role}/{secrets.token_urlsafe(24)}",
        }
        return {"roleCredentials": {**keys, "expiration": int(expires * 1000)}}

    def paged(self, key: str, rows: list[dict[str, str]], token: str) -> dict[str, Any]:
        """One page; a service may give fewer than it is asked for."""
        if token and not token.isdigit():
            raise Refusal("InvalidRequestException", text="next_token")
        start = int(token or 0)
        answer: dict[str, Any] = {key: rows[start : start + self.page]}
        if start + self.page < len(rows):
            answer["nextToken"] = str(start + self.page)
        return answer


def _letters() -> str:
    return "".join(secrets.choice("BCDFGHJKLMNPQRSTVWXZ") for _ in range(4))


def _digest(verifier: str) -> str:
    if not 43 <= len(verifier) <= 128:
        return "no verifier (RFC 7636, 4.1)"
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _is_loopback(uri: str) -> bool:
    parts = urlsplit(uri)
    return parts.scheme == "http" and parts.hostname == "127.0.0.1" and parts.path == "/oauth/callback"


def _without_port(uri: str) -> str:
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.hostname}{parts.path}" if not parts.query else ""

"""The calls to IAM Identity Center's OIDC service that end in a token. Each blocks; none is tried twice.

The service: AWS's “OIDC API Reference”. The flows: RFC 8628 (device authorization), RFC 6749 with RFC 7636
(authorization code with PKCE) and RFC 8252 (native programs).
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from keyturn.aws import sts
from keyturn.aws.calls import Network
from keyturn.aws.sso_config import SsoSession
from keyturn.aws.sts import Trouble, Unanswered
from keyturn.ground.errors import DeniedError, ServiceRefusedError
from keyturn.ground.names import printable
from keyturn.ground.secret import Secret
from keyturn.sdk.sign_in import CALLBACK, PORT, Redirected

SERVICE = "sso-oidc"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
# RFC 8628, 3.5: for a service that says nothing, and by how much longer once it says slow_down.
INTERVAL, SLOWER = 5.0, 5.0
LONGEST_INTERVAL = 60.0
# What a service may give a person to type, in characters; longer ones are no user's code.
LONGEST_CODE = 100
LONGEST_VALUE = 16 * 1024


class Flow(StrEnum):
    """How a person signs in: by a code typed in any browser, or in a browser of this machine."""

    DEVICE = "device"
    BROWSER = "browser"


@dataclass(frozen=True)
class Registration:
    """This program as the service knows it, for one session and flow, until `expires` (UTC)."""

    client_id: str
    secret: Secret
    expires: datetime
    flow: Flow


@dataclass(frozen=True)
class Token:
    """What a sign-in brings. `refresh` renews it once; `expires` (UTC) is by this machine's clock."""

    access: Secret
    expires: datetime
    refresh: Secret | None
    registration: Registration


@dataclass(frozen=True)
class Device:
    """A sign-in by code that waits for its person. `address` has the code in it, `page` has not."""

    device_code: Secret
    user_code: str
    page: str
    address: str
    seconds: float
    interval: float


@dataclass(frozen=True)
class Challenge:
    """What ties an authorization code to who asked for it (RFC 7636), and its answer to its question."""

    verifier: Secret
    state: Secret

    @classmethod
    def new(cls) -> Challenge:
        return cls(Secret(secrets.token_urlsafe(48)), Secret(secrets.token_urlsafe(24)))

    @property
    def digest(self) -> str:
        hashed = hashlib.sha256(self.verifier.reveal().encode("ascii")).digest()
        return base64.urlsafe_b64encode(hashed).decode("ascii").rstrip("=")


class Oidc:
    """The service of one session, reached through `network`.

    Every method raises Unanswered, Refused as `sts.ask` does (`Refused.code` is the service's name of the
    error), and Unanswered(NONSENSE) for an answer that has not what it should.
    """

    def __init__(self, session: SsoSession, network: Network) -> None:
        self._session = session
        self._network = network

    def register(self, flow: Flow, now: datetime) -> Registration:
        """Make this program known to the service; no person has to agree to that."""
        wanted: dict[str, Any] = {
            "clientName": "keyturn",
            "clientType": "public",
            "scopes": list(self._session.scopes),
        }
        if flow is Flow.BROWSER:
            # Without a port: any will do at a loopback address (RFC 8252, 7.3).
            wanted["redirectUris"] = [f"http://127.0.0.1{CALLBACK}"]
            wanted["grantTypes"] = ["authorization_code", "refresh_token"]
            wanted["issuerUrl"] = self._session.start_url
        else:
            wanted["grantTypes"] = [DEVICE_GRANT, "refresh_token"]
        with self._calling() as client:
            made = client.register_client(**wanted)
            expires = datetime.fromtimestamp(float(made["clientSecretExpiresAt"]), UTC)
            return Registration(_text(made["clientId"]), _secret(made["clientSecret"]), expires, flow)

    def begin(self, registration: Registration) -> Device:
        """Begin a sign-in by code."""
        with self._calling(registration.secret) as client:
            made = client.start_device_authorization(
                clientId=registration.client_id,
                clientSecret=registration.secret.reveal(),
                startUrl=self._session.start_url,
            )
            user_code, page = _text(made["userCode"]), _page(made["verificationUri"])
            if not user_code.isprintable() or len(user_code) > LONGEST_CODE:
                raise ValueError("no user code")
            return Device(
                _secret(made["deviceCode"]),
                user_code,
                page,
                _page(made.get("verificationUriComplete") or page),
                min(float(made["expiresIn"]), 3600.0),
                max(float(made.get("interval") or INTERVAL), 1.0),
            )

    def poll(self, registration: Registration, device: Device, now: datetime) -> Token:
        """The token, once the person has agreed. Before that Refused, with the reason as its code."""
        code = device.device_code
        return self._create(registration, now, code, grantType=DEVICE_GRANT, deviceCode=code)

    def address(self, registration: Registration, challenge: Challenge) -> str:
        """Where a browser goes to sign in; `PORT` stands for the port that it is sent back to.

        The names are those of AWS's own programs: the operation is in no published model.
        """
        with self._calling() as client:
            parts = urlsplit(client.meta.endpoint_url)
        query = urlencode(
            {
                "response_type": "code",
                "client_id": registration.client_id,
                "redirect_uri": redirect_uri(PORT),
                "state": challenge.state.reveal(),
                "code_challenge_method": "S256",
                "code_challenge": challenge.digest,
                "scopes": " ".join(self._session.scopes),
            },
            quote_via=quote,
        )
        # What stands for the port was encoded with the rest.
        query = query.replace(quote(PORT), PORT)
        return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}/authorize?{query}"

    def exchange(
        self, registration: Registration, challenge: Challenge, redirected: Redirected, now: datetime
    ) -> Token:
        """The token for what a browser was sent back with.

        Raises DeniedError if the person said no, ServiceRefusedError for an answer to another question.
        """
        found = parse_qs(redirected.query.reveal(), keep_blank_values=True, max_num_fields=20)
        states, codes = found.get("state", []), found.get("code", [])
        if len(states) != 1 or Secret(states[0]) != challenge.state:
            raise ServiceRefusedError(
                "the browser came back with the answer to another sign-in", "try again: keyturn aws sso login"
            )
        error = found.get("error", [""])[0]
        if error:
            raise refused_by_person(error)
        if len(codes) != 1 or not codes[0]:
            raise Unanswered(Trouble.NONSENSE, "the sign-in page")
        code = Secret(codes[0])
        return self._create(
            registration,
            now,
            code,
            challenge.verifier,
            grantType="authorization_code",
            code=code,
            codeVerifier=challenge.verifier,
            redirectUri=redirect_uri(str(redirected.port)),
        )

    def refresh(self, token: Token, now: datetime) -> Token:
        """A new token for one that can be refreshed; the old refresh token is used up."""
        assert token.refresh is not None
        return self._create(
            token.registration, now, token.refresh, grantType="refresh_token", refreshToken=token.refresh
        )

    def _create(self, registration: Registration, now: datetime, *sent: Secret, **wanted: Any) -> Token:
        given = {
            name: value.reveal() if isinstance(value, Secret) else value for name, value in wanted.items()
        }
        with self._calling(registration.secret, *sent) as client:
            made = client.create_token(
                clientId=registration.client_id, clientSecret=registration.secret.reveal(), **given
            )
            seconds = min(max(int(made["expiresIn"]), 0), 10 * 365 * 86400)
            refresh = made.get("refreshToken")
            return Token(
                _secret(made["accessToken"]),
                now + timedelta(seconds=seconds),
                _secret(refresh) if refresh else None,
                registration,
            )

    @contextmanager
    def _calling(self, *sent: Secret) -> Iterator[Any]:
        with sts.calling(SERVICE, self._session.oidc, None, self._network, *sent) as client:
            yield client


def redirect_uri(port: str) -> str:
    """The address that a browser is sent back to."""
    return f"http://127.0.0.1:{port}{CALLBACK}"


def refused_by_person(error: str) -> DeniedError | ServiceRefusedError:
    """What a browser that came back without a code says (RFC 6749, 4.1.2.1)."""
    if error in ("access_denied", "AccessDeniedException"):
        return DeniedError("the sign-in was denied in the browser")
    return ServiceRefusedError(
        f"the sign-in page refused: {printable(error, 60)}", "try again: keyturn aws sso login"
    )


def _text(value: object) -> str:
    if not isinstance(value, str) or not value or len(value) > LONGEST_VALUE or not value.isascii():
        # No text: what stands in it may be a token.
        raise ValueError("not a value of this service")
    return value


def _secret(value: object) -> Secret:
    text = _text(value)
    # A token goes into a header.
    if not text.isprintable() or " " in text:
        raise ValueError("not a token of this service")
    return Secret(text)


def _page(value: object) -> str:
    """An address that a person is shown."""
    page = _text(value)
    parts = urlsplit(page)
    is_local = parts.hostname in ("127.0.0.1", "localhost")
    if not page.isprintable() or " " in page or not (parts.scheme == "https" or is_local):
        raise ValueError("not a page of this service")
    return page

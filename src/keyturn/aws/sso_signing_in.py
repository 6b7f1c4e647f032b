"""One sign-in of a person, by either flow: from the registration to a token that is kept."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Protocol, TypeVar

from keyturn.aws import refusals
from keyturn.aws.calls import Network
from keyturn.aws.sso_config import SsoSession, called
from keyturn.aws.sso_oidc import LONGEST_INTERVAL, SLOWER, Challenge, Device, Flow, Oidc, Registration, Token
from keyturn.aws.sso_tokens import TokenStore
from keyturn.aws.sts import Refused, Trouble, Unanswered
from keyturn.ground.clock import Clock
from keyturn.ground.errors import DeniedError, KeyturnError, ServiceRefusedError
from keyturn.ground.names import printable
from keyturn.sdk.sign_in import Browsing

T = TypeVar("T")

SERVICE = "IAM Identity Center"
TRY_AGAIN = "try again: keyturn aws sso login"
# What the service may say of a registration that it does not know any more.
_UNKNOWN_CLIENT = frozenset({"InvalidClientException", "UnauthorizedClientException"})
# A call that got no answer may get one: RFC 8628, 3.5.
_PASSING = frozenset({Trouble.BUSY, Trouble.INTERRUPTED, Trouble.UNREACHED, Trouble.PROXY})


class Keeping(Protocol):
    """Blocking work on the sign-ins of the account that this one will be kept in."""

    async def __call__(self, work: Callable[[TokenStore], T]) -> T: ...


class Calling(Protocol):
    """One call to a service, in a thread."""

    async def __call__(self, work: Callable[[], T]) -> T: ...


class SigningIn:
    """One of them. `carry_out` raises DeniedError for a no or for a person who came too late."""

    def __init__(
        self,
        keeping: Keeping,
        session: SsoSession,
        network: Network,
        clock: Clock,
        calling: Calling,
        sleep: Callable[[float], Coroutine[Any, Any, None]],
    ) -> None:
        self._keeping = keeping
        self._session = session
        self._oidc = Oidc(session, network)
        self._clock = clock
        self._calling = calling
        self._sleep = sleep
        self._doing = f"signing in to “{session.title}”"

    async def carry_out(self, browsing: Browsing, flow: Flow | None) -> None:
        """Sign in and keep the token. Raises ServiceRefusedError and its kinds besides."""
        chosen = flow or (Flow.BROWSER if browsing.has_browser else Flow.DEVICE)
        begin = self._in_browser if chosen is Flow.BROWSER else self._by_code
        try:
            registration, is_new = await self._registered(chosen)
            try:
                token = await begin(browsing, registration)
            except Refused as refused:
                if is_new or refused.code not in _UNKNOWN_CLIENT:
                    raise
                # It was kept, and the service has forgotten it.
                await self._keeping(lambda store: store.drop_registration(self._session, chosen))
                registration, _ = await self._registered(chosen)
                token = await begin(browsing, registration)
        except Unanswered as error:
            raise refusals.no_answer(error, self._doing, SERVICE) from None
        except Refused as refused:
            raise self._explained(refused) from None
        await self._keeping(lambda store: store.keep(self._session, token))

    async def _registered(self, flow: Flow) -> tuple[Registration, bool]:
        """A registration, and whether it was made just now."""
        found = await self._keeping(lambda store: store.registration(self._session, flow))
        if found is not None:
            return found, False
        made = await self._calling(partial(self._oidc.register, flow, self._clock.now()))
        await self._keeping(lambda store: store.keep_registration(self._session, made))
        return made, True

    async def _in_browser(self, browsing: Browsing, registration: Registration) -> Token:
        challenge = Challenge.new()
        address = await self._calling(partial(self._oidc.address, registration, challenge))
        redirected = await browsing.browse(address, f"sign in to “{self._session.title}” in your browser")
        return await self._calling(
            partial(self._oidc.exchange, registration, challenge, redirected, self._clock.now())
        )

    async def _by_code(self, browsing: Browsing, registration: Registration) -> Token:
        device = await self._calling(partial(self._oidc.begin, registration))
        await browsing.show(*_instructions(self._session, device))
        deadline, interval = self._clock.boot() + device.seconds, device.interval
        while self._clock.boot() < deadline:
            await self._sleep(interval)
            try:
                return await self._calling(partial(self._oidc.poll, registration, device, self._clock.now()))
            except Unanswered as error:
                if error.trouble not in _PASSING:
                    raise
                interval = min(interval * 2, LONGEST_INTERVAL)
            except Refused as refused:
                if refused.code == "SlowDownException":
                    interval = min(interval + SLOWER, LONGEST_INTERVAL)
                elif refused.code != "AuthorizationPendingException":
                    raise
        raise _too_late(self._session)

    def _explained(self, refused: Refused) -> KeyturnError:
        if refused.code == "ExpiredTokenException":
            return _too_late(self._session)
        if refused.code == "AccessDeniedException":
            return DeniedError(f"{self._doing}: it was denied in the browser")
        says = f"AWS says: {refused.message or 'nothing'}"
        if refused.code == "InvalidScopeException":
            return ServiceRefusedError(
                f"{self._doing}: IAM Identity Center does not know the scopes that are asked for",
                "they are sso_registration_scopes in the sso-session",
                says,
            )
        if refused.code == "InvalidRequestException":
            return ServiceRefusedError(
                f"{self._doing}: IAM Identity Center refuses the request",
                f"are sso_start_url and sso_region ({self._session.region}) right?",
                says,
            )
        code = printable(refused.code, 60) or "without a reason"
        return ServiceRefusedError(f"{self._doing}: IAM Identity Center refuses ({code})", TRY_AGAIN, says)


def _instructions(session: SsoSession, device: Device) -> list[str]:
    lines = [
        f"to sign in to “{session.title}”, open this page in any browser: {printable(device.page, 500)}",
        f"and type the code: {printable(device.user_code)}",
    ]
    if device.address != device.page:
        lines.append(f"or open this one, which has the code: {printable(device.address, 500)}")
    return lines


def _too_late(session: SsoSession) -> DeniedError:
    return DeniedError(f"nobody signed in in time: the code of {called(session)} has expired", TRY_AGAIN)

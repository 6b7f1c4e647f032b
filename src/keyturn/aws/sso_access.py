"""Getting a role's keys through a sign-in: from what is kept, refreshed, or by asking the person anew.

Who asks for keys is given a question, if there is one for its person; the answer is kept in the account, and
everybody who waits looks again. A refresh is made once for all who need it: its token works once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Protocol, TypeVar

from keyturn.aws import refusals, sso
from keyturn.aws.calls import Network
from keyturn.aws.sso import Account
from keyturn.aws.sso_config import SsoSession, SsoSource, called
from keyturn.aws.sso_oidc import Flow, Oidc, Token
from keyturn.aws.sso_signing_in import SigningIn
from keyturn.aws.sso_tokens import SignIn, TokenStore
from keyturn.aws.sts import Answer, Refused, Trouble, Unanswered
from keyturn.ground.clock import Clock
from keyturn.ground.errors import SignedOutError
from keyturn.ground.secret import Secret
from keyturn.sdk.sign_in import Browsing, SignInQuestion

T = TypeVar("T")
log = logging.getLogger(__name__)

CALLS_AT_ONCE = 16
LONGEST_CALL = 60.0
PAUSES = (0.5, 2.0)
# With less left a token is refreshed while it still is good; with less than the second it is not used.
FRESH_SECONDS, USABLE_SECONDS = 600.0, 30.0
SERVICE = "IAM Identity Center"

Sleep = Callable[[float], Coroutine[object, object, None]]


class Stores(Protocol):
    """The sign-ins of accounts that are open."""

    async def do(self, account: str, work: Callable[[TokenStore], T]) -> T:
        """Do blocking work on those of one account. Raises LockedError if it is not open."""


class SsoAccess:
    """Of one keeper. `account` is always the id of one that the caller was permitted to use."""

    def __init__(self, clock: Clock, stores: Stores, sleep: Sleep = asyncio.sleep) -> None:
        self._clock = clock
        self._stores = stores
        self._sleep = sleep
        self._threads = ThreadPoolExecutor(CALLS_AT_ONCE, "sso")
        self._refreshes: dict[tuple[str, str], asyncio.Task[Token | None]] = {}

    async def question(self, account: str, source: SsoSource, network: Network) -> SignInQuestion | None:
        """What a person has to do before `keys` can be had; None if nothing.

        Raises ServiceUnreachableError if a refresh that is needed got no answer.
        """
        if await self.is_signed_in(account, source.session, network):
            return None
        return self.sign_in_question(account, source.session, network)

    async def is_signed_in(self, account: str, session: SsoSession, network: Network) -> bool:
        """Whether nobody has to do anything before the portal is asked. Raises as `question`."""
        return await self._token(account, session, network) is not None

    async def sign_ins(self, account: str) -> list[SignIn]:
        """What is kept in the account, ended ones too."""
        return await self._stores.do(account, lambda store: store.sign_ins())

    def sign_in_question(
        self, account: str, session: SsoSession, network: Network, flow: Flow | None = None
    ) -> SignInQuestion:
        """Have a person sign in, whatever is kept; `flow` None: as it suits where they sit."""

        async def carry_out(browsing: Browsing) -> None:
            signing_in = SigningIn(
                partial(self._stores.do, account), session, network, self._clock, self.call, self._sleep
            )
            await signing_in.carry_out(browsing, flow)

        return SignInQuestion(f"{account}\n{session.key}", session.title, carry_out)

    async def keys(self, account: str, source: SsoSource, network: Network) -> Answer:
        """The keys of the role, and the service's own time.

        Raises SignedOutError if the person has to sign in first, ServiceRefusedError and its kinds else.
        """
        doing = f"getting {source.title}"
        return await self._with_token(
            account,
            source.session,
            network,
            doing,
            lambda access: sso.role_credentials(source, access, network),
        )

    async def accounts(self, account: str, session: SsoSession, network: Network) -> list[Account]:
        """The AWS accounts of the person. Raises as `keys`."""
        return await self._with_token(
            account,
            session,
            network,
            "listing accounts",
            lambda access: sso.accounts(session, access, network),
        )

    async def roles(self, account: str, session: SsoSession, network: Network, aws_account: str) -> list[str]:
        """The person's roles in an AWS account. Raises as `keys`."""
        doing = f"listing the roles of {aws_account}"
        return await self._with_token(
            account,
            session,
            network,
            doing,
            lambda access: sso.roles(session, aws_account, access, network),
        )

    async def sign_out(self, account: str, session: SsoSession, network: Network) -> bool:
        """Forget a sign-in, and end it at the service; whether the service heard of it.

        What is kept is forgotten in any case, and first of all.
        """
        token = await self._stores.do(account, lambda store: store.find(session))
        await self._stores.do(account, lambda store: store.drop(session))
        if token is None:
            return True
        access = token.access
        try:
            await self.call(lambda: sso.end(session, access, network))
        except Refused as refused:
            # Ended already.
            return refused.code == sso.UNAUTHORIZED
        except Unanswered:
            return False
        return True

    async def call(self, work: Callable[[], T]) -> T:
        """Make one call, in a thread, with a limit. Raises what it raises, and Unanswered."""
        try:
            async with asyncio.timeout(LONGEST_CALL):
                return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except TimeoutError:
            raise Unanswered(Trouble.INTERRUPTED, SERVICE) from None

    async def _with_token(
        self, account: str, session: SsoSession, network: Network, doing: str, work: Callable[[Secret], T]
    ) -> T:
        """What `work` brings; a token that the service has ended is refreshed once."""
        for is_last in (False, True):
            token = await self._token(account, session, network)
            if token is None:
                break
            try:
                return await self._patiently(partial(work, token.access))
            except Unanswered as error:
                raise refusals.no_answer(error, doing, SERVICE) from None
            except Refused as refused:
                if refused.code != sso.UNAUTHORIZED:
                    raise sso.explain(refused, doing, session) from None
                await self._forget_access(account, session, token.access)
                if is_last:
                    break
        raise SignedOutError(f"{doing}: {called(session)} has ended", "sign in: keyturn aws sso login")

    async def _forget_access(self, account: str, session: SsoSession, access: Secret) -> None:
        await self._stores.do(account, lambda store: store.forget_access(session, access))

    async def _patiently(self, work: Callable[[], T]) -> T:
        for pause in PAUSES:
            try:
                return await self.call(work)
            except Unanswered as error:
                if error.trouble in (Trouble.TLS, Trouble.NONSENSE):
                    raise
            await self._sleep(pause)
        return await self.call(work)

    async def _token(self, account: str, session: SsoSession, network: Network) -> Token | None:
        """A token that can be used now; None if somebody has to sign in."""
        token = await self._stores.do(account, lambda store: store.find(session))
        if token is None or self._left(token) >= FRESH_SECONDS:
            return token
        if token.refresh is None or token.registration.expires <= self._clock.now():
            return token if self._left(token) >= USABLE_SECONDS else None
        # Whatever the network: two refreshes by one token would look like a theft.
        place = (account, session.key)
        task = self._refreshes.get(place)
        if task is None:
            task = asyncio.create_task(self._refresh(account, session, network))
            self._refreshes[place] = task
            task.add_done_callback(lambda done: self._refreshed(place, done))
        return await asyncio.shield(task)

    def _refreshed(self, place: tuple[str, str], task: asyncio.Task[Token | None]) -> None:
        self._refreshes.pop(place, None)
        # Perhaps nobody waits any more; then its failure is nobody's.
        if not task.cancelled():
            task.exception()

    async def _refresh(self, account: str, session: SsoSession, network: Network) -> Token | None:
        token = await self._stores.do(account, lambda store: store.find(session))
        if token is None or self._left(token) >= FRESH_SECONDS or token.refresh is None:
            return token
        is_good = self._left(token) >= USABLE_SECONDS
        try:
            new = await self.call(partial(Oidc(session, network).refresh, token, self._clock.now()))
        except Unanswered as error:
            if is_good:
                return token
            raise refusals.no_answer(error, f"refreshing {called(session)}", SERVICE) from None
        except Refused as refused:
            log.info("a sign-in could not be refreshed: %s", refused.code)
            spent = replace(token, refresh=None)
            await self._stores.do(account, lambda store: store.keep(session, spent))
            return spent if is_good else None
        # A service that issues no other one leaves the old one good (RFC 6749, 6).
        kept = new if new.refresh is not None else replace(new, refresh=token.refresh)
        await self._stores.do(account, lambda store: store.keep(session, kept))
        return kept

    def _left(self, token: Token) -> float:
        return (token.expires - self._clock.now()).total_seconds()

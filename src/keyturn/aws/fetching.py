"""How each kind of step is made: by a call in a thread, by a sign-in, or by what a program printed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from keyturn.aws import cache, process_source, provider_sources
from keyturn.aws.calls import Call, Keys, Network
from keyturn.aws.hops import Hop
from keyturn.aws.origins import Process, Provider, SsoRole
from keyturn.aws.sso_config import SsoSource
from keyturn.aws.sts import Answer
from keyturn.ground.clock import Clock
from keyturn.ground.errors import NotYetError
from keyturn.ground.secret import Secret
from keyturn.sdk.printed import Outputs, Printed, ProcessQuestion
from keyturn.sdk.sign_in import SignInQuestion

CALLS_AT_ONCE = 16
# From what a program printed to the last launcher that waited for it, which has to come back first.
WAITED_SECONDS = 20.0

Ask = Callable[[Call, Keys, Network, Secret | None], Answer]


class SignIns(Protocol):
    """Keys by the sign-ins of an account; both raise KeyturnError."""

    async def question(self, account: str, source: SsoSource, network: Network) -> SignInQuestion | None:
        """What a person has to do before there can be keys; None if nothing."""

    async def keys(self, account: str, source: SsoSource, network: Network) -> Answer:
        """The role's keys. Raises SignedOutError if the service wants a new sign-in."""


@dataclass(frozen=True)
class Fresh:
    """Keys that a program printed; `lasts` is for how many seconds, if it said so."""

    keys: Keys
    lasts: float | None


class Fetching:
    """Of one executor; `ask` makes one call to STS, and blocks."""

    def __init__(self, clock: Clock, outputs: Outputs, ask: Ask, sso: SignIns | None) -> None:
        self._clock = clock
        self._outputs = outputs
        self._ask = ask
        self._sso = sso
        # Not the default one: that is for the disk, and must not wait for a network.
        self._threads = ThreadPoolExecutor(CALLS_AT_ONCE, "sts")

    async def answer(self, hop: Hop, network: Network, code: Secret | None) -> Answer:
        """One request. Raises what `ask` raises, and KeyturnError."""
        call, loop = hop.call, asyncio.get_running_loop()
        if isinstance(call, SsoRole):
            return await self._sign_ins.keys(hop.account, call.source, network)
        if isinstance(call, Provider):
            return await loop.run_in_executor(self._threads, provider_sources.fetch, call)
        assert not isinstance(call, Process)
        return await loop.run_in_executor(self._threads, self._ask, call, hop.keys, network, code)

    async def sign_in_question(self, hop: Hop, call: SsoRole, network: Network) -> SignInQuestion | None:
        """What a person has to do first; None if there is a sign-in that can be used."""
        return await self._sign_ins.question(hop.account, call.source, network)

    async def is_silent(self, hop: Hop, network: Network) -> bool:
        """Whether a step can be made without anybody's typing, signing in, or running a program."""
        if isinstance(hop.call, SsoRole):
            return await self.sign_in_question(hop, hop.call, network) is None
        return hop.typed_for is None and not isinstance(hop.call, Process)

    def printed(self, hop: Hop, call: Process) -> Fresh | None:
        """What the program printed a moment ago; None if it has to be run."""
        output = self._outputs.get(hop.name)
        if output is None:
            return None
        now, age = self._clock.now(), self._outputs.age(hop.name)
        keys = process_source.parse(output, call.profile, now - timedelta(seconds=age))
        if keys.expires is None:
            return Fresh(keys, None)
        lasts = (keys.expires - now).total_seconds()
        # Those who waited for them get them however soon they end; who comes later gets new ones.
        is_stale = lasts < cache.USABLE_SECONDS and age > WAITED_SECONDS
        return None if is_stale or lasts <= 0 else Fresh(keys, lasts)

    def process_question(self, hop: Hop, call: Process) -> ProcessQuestion:
        """What is to be run on the caller's side, and how its output is looked at there and then."""

        def check(printed: Printed) -> None:
            process_source.check_end(printed, call.profile, call.seconds)
            process_source.parse(printed.output, call.profile, self._clock.now())

        marks = ((process_source.VARIABLE, process_source.joined(call.marks)),)
        return ProcessQuestion(hop.name, call.words, call.seconds, marks, check)

    def drop(self, name: str) -> None:
        """What a program printed turned out to be of no use."""
        self._outputs.drop(name)

    @property
    def _sign_ins(self) -> SignIns:
        if self._sso is None:
            raise NotYetError("signing in through IAM Identity Center is not wired up here")
        return self._sso

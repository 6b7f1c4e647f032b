"""Makes the calls of a plan, through one cache: what several ask for at once is asked for once.

A call is a task of its own: who asked first may go away, and the others still get what it brings. A question
for a code is never part of it, for a question belongs to one caller and its terminal.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Sequence

from keyturn import otp
from keyturn.aws import cache, devices, fetching, refusals, sts
from keyturn.aws.cache import Cache
from keyturn.aws.calls import Keys, Mfa, Network
from keyturn.aws.devices import Devices, Sleep
from keyturn.aws.fetching import Ask, Fetching, SignIns
from keyturn.aws.hops import Flight, Hop, hop
from keyturn.aws.ledger import Ledger
from keyturn.aws.origins import Process, Provider, SsoRole
from keyturn.aws.plan import Plan
from keyturn.aws.sts import Refused, Trouble, Unanswered
from keyturn.ground.clock import Clock
from keyturn.ground.errors import (
    CodeUnusableError,
    ConfigurationError,
    KeyturnError,
    ServiceRefusedError,
    SignedOutError,
)
from keyturn.ground.secret import Secret
from keyturn.otp import OneTimePassword
from keyturn.sdk.codes import CodeQuestion, TypedCodes
from keyturn.sdk.printed import Outputs
from keyturn.sdk.run import Worker

log = logging.getLogger(__name__)

# Before the second and the third try of a call without a code, each up to half as long again.
PAUSES = (0.5, 2.0)
# A server that sends a byte now and then keeps every limit of a socket.
LONGEST_CALL = 60.0
# A typed code that waited this long for another call is not sent: STS takes the step before, no older one.
OLDEST_CODE = 30.0
CODES_TRIED = 2
RENEWAL_PAUSE = 60.0
# So long a caller that asks again waits for a renewal; then it gets the keys that are still good.
RENEWAL_WAIT = 5.0


class Executor:
    """Of one keeper: its cache is gone with it. `ask` makes one call, in a thread (sts.ask).

    What programs of the caller's print is taken from `outputs`.
    """

    def __init__(
        self,
        clock: Clock,
        typed: TypedCodes,
        ledger: Ledger,
        ask: Ask = sts.ask,
        sleep: Sleep = asyncio.sleep,
        outputs: Outputs | None = None,
        sso: SignIns | None = None,
    ) -> None:
        self._clock = clock
        self._typed = typed
        self._sleep = sleep
        self._devices = Devices(clock, ledger, sleep)
        self._fetching = Fetching(clock, outputs or Outputs(clock), ask, sso)
        self._cache = Cache(clock)
        self._signed_out = 0
        self._flights: dict[tuple[str, Network], Flight] = {}
        self._renewals: dict[str, tuple[float, asyncio.Task[None]]] = {}
        self._background: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(fetching.CALLS_AT_ONCE)

    @property
    def devices(self) -> Devices:
        """The devices whose codes the calls use: whoever else sends codes sends them through these."""
        return self._devices

    async def keys(self, plan: Plan, network: Network, worker: Worker, *, asks_again: bool = False) -> Keys:
        """The keys at the plan's end.

        `asks_again`: the caller is an SDK, which keeps what it gets, and asks again and again while that is
        about to end. It gets new keys where a command would get the old ones and have them renewed.

        Raises ServiceRefusedError, CodeUnusableError, ConfigurationError, and what `worker` raises.
        """
        if not plan.calls:
            return plan.keys
        names = cache.names(plan.keys, plan.calls, f"{worker.account} {self._signed_out}")
        if asks_again:
            await self._renew_now(plan, names, network, worker.account)
        return await self._walk(plan, names, network, worker)

    def forget_sign_ins(self) -> None:
        """Somebody signed out: keys that came through a sign-in so far are not handed out any more."""
        self._signed_out += 1

    def forget(self) -> None:
        """Drop all temporary keys: the next plan's calls are made anew."""
        self._cache = Cache(self._clock)

    async def _walk(self, plan: Plan, names: Sequence[str], network: Network, worker: Worker) -> Keys:
        """From the last call whose keys are still here to the end of the plan."""
        for is_last_try in (False, True):
            start, keys = self._start(plan, names, network, worker.account)
            try:
                for index in range(start, len(names)):
                    step = hop(plan, names, index, keys, worker.account)
                    keys = await self._obtain(step, network, worker)
            except KeyturnError:
                # Keys that we thought good may be refused: then they were forgotten, and are made anew.
                if is_last_try or start == 0 or self._cache.get(names[start - 1]) is not None:
                    raise
            else:
                return keys
        raise AssertionError("the last try returns or raises")

    def _start(self, plan: Plan, names: Sequence[str], network: Network, account: str) -> tuple[int, Keys]:
        for index in reversed(range(len(names))):
            entry = self._cache.get(names[index])
            if entry is not None:
                if self._cache.is_ageing(entry):
                    self._renew_ahead(plan, names[: index + 1], network, account)
                return index + 1, entry.keys
        return 0, plan.keys

    async def _obtain(self, hop: Hop, network: Network, worker: Worker) -> Keys:
        is_signed_out = False
        while True:
            entry = self._cache.get(hop.name)
            if entry is not None:
                return entry.keys
            if isinstance(hop.call, Process):
                printed = self._fetching.printed(hop, hop.call)
                if printed is None:
                    await worker.output(self._fetching.process_question(hop, hop.call))
                    continue
                if printed.lasts is not None:
                    self._cache.put(hop.name, printed.keys, self._clock.boot() + printed.lasts)
                return printed.keys
            if isinstance(hop.call, SsoRole) and (hop.name, network) not in self._flights:
                question = await self._fetching.sign_in_question(hop, hop.call, network)
                if question is not None:
                    await worker.sign_in(question)
                    continue
            flight = self._flights.get((hop.name, network))
            if flight is None:
                mfa, typed = hop.typed_for, None
                if mfa is not None:
                    if not self._typed.has(mfa.serial):
                        await worker.code(CodeQuestion(mfa.serial, refusals.purpose(hop.call), mfa.process))
                        # Meanwhile others may have come so far that none is needed.
                        continue
                    typed = self._devices.take_typed(mfa.serial, self._typed.take(mfa.serial))
                flight = self._begin(hop, network, typed)
            try:
                return await worker.follow(flight.task, flight.tell)
            except SignedOutError:
                if is_signed_out or not isinstance(hop.call, SsoRole):
                    raise
                is_signed_out = True

    def _begin(self, hop: Hop, network: Network, typed: Secret | None) -> Flight:
        place = (hop.name, network)
        flight = self._flights[place] = Flight(lambda: refusals.step(hop.call))

        async def fly() -> Keys:
            try:
                return await self._fly(hop, network, typed, flight)
            finally:
                # Before anybody can see that it is over: who comes then is not to be given what it brought.
                del self._flights[place]

        flight.task = asyncio.create_task(fly())
        # Perhaps nobody waits any more when it fails; then it is nobody's error.
        flight.task.add_done_callback(lambda task: task.cancelled() or task.exception())
        return flight

    async def _fly(self, hop: Hop, network: Network, typed: Secret | None, flight: Flight) -> Keys:
        """Make the call and keep what it brings."""
        mfa = hop.mfa
        if isinstance(hop.call, Provider | SsoRole):
            # These have tries of their own.
            return await self._once(hop, network, None)
        if mfa is None:
            return await self._patiently(hop, network)
        lock = self._devices.lock(mfa.serial)
        if lock.locked():
            flight.line = lambda: f"{refusals.step(hop.call)}: waiting for the device's turn"
        password = None if mfa.secret is None else _password(mfa.secret, hop.source)
        asked_at = self._clock.boot()
        async with lock:
            found = self._cache.get(hop.name)
            # A caller with other proxies may have made the same call.
            if found is not None and not self._cache.is_ageing(found):
                return found.keys
            if password is not None:
                return await self._with_own_code(hop, mfa, network, password, flight)
            if self._clock.boot() - asked_at > OLDEST_CODE:
                raise CodeUnusableError("another call took long, and the one-time code is too old now")
            flight.line = lambda: refusals.step(hop.call)
            await self._devices.record_typed(mfa.serial)
            return await self._once(hop, network, typed)

    async def _patiently(self, hop: Hop, network: Network) -> Keys:
        for pause in PAUSES:
            try:
                async with self._slots:
                    return await self._send(hop, network, None)
            except Unanswered as error:
                if error.trouble in (Trouble.TLS, Trouble.NONSENSE):
                    raise refusals.unanswered(error, hop.call) from None
            await self._sleep(pause * random.uniform(1.0, 1.5))
        return await self._once(hop, network, None)

    async def _once(self, hop: Hop, network: Network, code: Secret | None) -> Keys:
        try:
            async with self._slots:
                return await self._send(hop, network, code)
        except Unanswered as error:
            raise refusals.unanswered(error, hop.call) from None

    async def _with_own_code(
        self, hop: Hop, mfa: Mfa, network: Network, password: OneTimePassword, flight: Flight
    ) -> Keys:
        """A call that may have arrived is tried once more, with the next step's code."""
        tries = 0
        while True:
            async with self._slots:
                # Made when it can be sent: in a queue it would grow old.
                code = await self._devices.next_code(mfa.serial, password)
                if isinstance(code, Secret):
                    tries += 1
                    flight.line = lambda: refusals.step(hop.call)
                    try:
                        return await self._send(hop, network, code)
                    except Unanswered as error:
                        if tries == CODES_TRIED or error.trouble not in sts.PASSING:
                            raise refusals.unanswered(error, hop.call) from None
                        continue
            await self._devices.wait(code, flight.say)

    async def _send(self, hop: Hop, network: Network, code: Secret | None) -> Keys:
        """One request. Raises Unanswered, and KeyturnError for a refusal."""
        sent = self._clock.boot()
        try:
            async with asyncio.timeout(LONGEST_CALL):
                answer = await self._fetching.answer(hop, network, code)
        except TimeoutError:
            raise Unanswered(Trouble.INTERRUPTED, "what was asked") from None
        except Refused as refused:
            assert not isinstance(hop.call, Provider | Process | SsoRole)
            if refused.code in refusals.OUTDATED:
                self._cache.forget(hop.source_name)
                self._fetching.drop(hop.source_name)
            raise refusals.explain(
                refused, hop.call, hop.source, self._clock.now(), hop.typed_for is not None
            ) from None
        # STS's own clock says how long they last: this machine's may be wrong.
        assert answer.keys.expires is not None
        lasts = (answer.keys.expires - (answer.date or self._clock.now())).total_seconds()
        if not isinstance(hop.call, Provider | Process | SsoRole):
            lasts = min(lasts, hop.call.duration)
        elif lasts <= 0:
            raise ServiceRefusedError(
                f"{refusals.step(hop.call)}: they have expired already", "is this machine's clock right?"
            )
        self._cache.put(hop.name, answer.keys, sent + lasts)
        return answer.keys

    async def _renew_now(self, plan: Plan, names: Sequence[str], network: Network, account: str) -> None:
        """Renew the last of `names` if it is ageing; whether that worked, the cache knows."""
        entry = self._cache.get(names[-1])
        if entry is not None and self._cache.is_ageing(entry):
            renewal = self._renew_ahead(plan, names, network, account)
            await asyncio.wait((renewal,), timeout=RENEWAL_WAIT)

    def _renew_ahead(
        self, plan: Plan, names: Sequence[str], network: Network, account: str
    ) -> asyncio.Task[None]:
        """Renew the last of `names` while it is still good, unless somebody would have to type a code.

        The renewal, which may be one that somebody else began.
        """
        now, last = self._clock.boot(), names[-1]
        self._renewals = {
            name: each for name, each in self._renewals.items() if now - each[0] < RENEWAL_PAUSE
        }
        if last not in self._renewals:
            task = asyncio.create_task(self._renew(plan, names, network, account))
            self._renewals[last] = (now, task)
            self._background.add(task)
            task.add_done_callback(self._background.discard)
        return self._renewals[last][1]

    async def _renew(self, plan: Plan, names: Sequence[str], network: Network, account: str) -> None:
        keys = plan.keys
        try:
            for index, name in enumerate(names):
                entry = self._cache.get(name)
                if entry is not None and not self._cache.is_ageing(entry):
                    keys = entry.keys
                    continue
                step = hop(plan, names, index, keys, account)
                if not await self._fetching.is_silent(step, network):
                    return
                flight = self._flights.get((name, network)) or self._begin(step, network, None)
                keys = await asyncio.shield(flight.task)
        except KeyturnError as error:
            # Who comes when they have ended is told.
            log.info("temporary keys could not be renewed ahead: %s", error.code)


def _password(secret: Secret, source: str) -> OneTimePassword:
    """What makes the codes. Raises ConfigurationError, which names the item."""
    try:
        password = otp.parse(secret)
    except ConfigurationError as error:
        raise ConfigurationError(f"{source}: {error.message}", *error.hints) from None
    return devices.check_digits(password, source)

"""The codes of MFA devices: sent one after the other, each once, by an agent and by the next one after it."""

from __future__ import annotations

import asyncio
import logging
import math
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from keyturn.aws.ledger import STEPS_AHEAD, Ledger, Turn
from keyturn.ground.clock import Clock
from keyturn.ground.errors import CodeUnusableError, ConfigurationError, StorageError
from keyturn.ground.secret import Secret
from keyturn.otp import OneTimePassword

log = logging.getLogger(__name__)

DIGITS = 6
PERIOD = 30
DISK_SECONDS = 5.0
# How often the clock is looked at while a step passes: it may be set meanwhile.
GLANCE_SECONDS = 1.0

Sleep = Callable[[float], Awaitable[None]]
Tell = Callable[[Callable[[], str]], None]
"""Takes what those who wait are told: a line that may change."""


@dataclass(frozen=True)
class Pause:
    """No code may be sent before `until` (Unix time). `doubt` says why, if it is not just a used step."""

    until: int
    doubt: str
    period: int


class Devices:
    """Of one keeper, by serial; what has to outlive it is in the ledger."""

    def __init__(self, clock: Clock, ledger: Ledger, sleep: Sleep) -> None:
        self._clock = clock
        self._ledger = ledger
        self._sleep = sleep
        self._locks: dict[str, asyncio.Lock] = {}
        self._last: dict[str, Secret] = {}

    def lock(self, serial: str) -> asyncio.Lock:
        """The lock under which a device's codes are sent."""
        return self._locks.setdefault(serial, asyncio.Lock())

    def take_typed(self, serial: str, typed: Secret | None) -> Secret:
        """A code that AWS can take: exactly six digits, and not the one that was used last (story 6).

        Raises CodeUnusableError, which does not show it.
        """
        code = Secret("" if typed is None else typed.reveal().strip())
        if re.fullmatch(r"[0-9]{6}", code.reveal()) is None:
            raise CodeUnusableError("that is no one-time code: AWS's are six digits, and nothing around them")
        if code == self._last.get(serial):
            raise CodeUnusableError(
                "that one-time code was used already: each works once", "wait for the device's next one"
            )
        self._last[serial] = code
        return code

    async def record_typed(self, serial: str) -> None:
        """To be called before a typed code is sent: an item with the same device's secret must not make
        the code of this step again."""
        begins = int(self._clock.now().timestamp()) // PERIOD * PERIOD
        await self._claim(serial, begins, begins + PERIOD)

    async def next_code(self, serial: str, password: OneTimePassword) -> Secret | Pause:
        """The code of this step, recorded as used and to be sent at once; or how long there is none."""
        step = password.step(self._clock.now())
        begins, ends = step * password.period, (step + 1) * password.period
        turn = await self._claim(serial, begins, ends)
        if turn.doubt:
            log.warning("%s: waiting for the next one-time code", turn.doubt)
        code = password.code(step)
        # It may have been typed; and two steps in a million have the same.
        if turn.granted and code != self._last.get(serial):
            self._last[serial] = code
            return code
        return Pause(turn.free_at or ends, turn.doubt, password.period)

    async def wait(self, pause: Pause, tell: Tell) -> None:
        """Wait until there is a code to be had, with a countdown."""
        why = f" ({pause.doubt})" if pause.doubt else ""
        tell(lambda: f"next one-time code in {max(0, math.ceil(self._left(pause)))} s{why}")
        # If the clock is set back by much meanwhile, the ledger is asked again what that means.
        while 0 < (left := self._left(pause)) <= (STEPS_AHEAD + 2) * pause.period:
            await self._sleep(min(left, GLANCE_SECONDS))

    def _left(self, pause: Pause) -> float:
        return pause.until - self._clock.now().timestamp()

    async def _claim(self, serial: str, begins: int, ends: int) -> Turn:
        try:
            async with asyncio.timeout(DISK_SECONDS):
                return await asyncio.to_thread(self._ledger.claim, serial, begins, ends)
        except TimeoutError:
            raise StorageError(
                "the record of used one-time codes cannot be written: the disk does not answer",
                "no code was sent",
            ) from None


def check_digits(password: OneTimePassword, source: str) -> OneTimePassword:
    """`password`, if it makes codes that AWS can take; `source` names its item."""
    if password.digits != DIGITS:
        raise ConfigurationError(
            f"{source}: its one-time codes have {password.digits} digits, and AWS's have {DIGITS}",
            "is it another service's?",
        )
    return password

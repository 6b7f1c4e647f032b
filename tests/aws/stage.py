"""An executor with a strict STS and time of its own, for the tests of what it does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from keyturn.aws.calls import Call, Keys, Mfa, Network
from keyturn.aws.executor import Executor
from keyturn.aws.fetching import Ask
from keyturn.aws.ledger import Ledger
from keyturn.aws.plan import Plan
from keyturn.ground.secret import Secret
from keyturn.sdk.codes import TypedCodes
from tests.aws.strict import Caller, MovedClock, Person, StrictSts, hidden, plan, session, shown


class Stage:
    """Ada has a device whose secret her item holds, grace one that only a person can read."""

    def __init__(self, directory: Path) -> None:
        self.clock = MovedClock()
        self.sts = StrictSts(self.clock)
        self.ada, self.grace = self.sts.add_user("ada"), self.sts.add_user("grace")
        self.known = self.sts.add_device(self.ada, "ada")
        self.seen = self.sts.add_device(self.grace, "grace")
        self.typed = TypedCodes(self.clock)
        self.path = directory / "one-time-codes.json"
        self.executor = self.start()
        self.person = Person(self.clock, self.typed, {self.seen.serial: self.seen})

    def start(self, ask: Ask | None = None) -> Executor:
        """Another keeper's, with nothing but what is on the disk."""
        return Executor(self.clock, self.typed, Ledger(self.path), ask or self.sts.ask, self.clock.sleep)

    async def keys(self, wanted: Plan, network: Network | None = None, caller: Caller | None = None) -> Keys:
        return await self.executor.keys(wanted, network or Network(), caller or self.person)

    async def sdk_keys(self, wanted: Plan) -> Keys:
        """As `keys`, for a caller that keeps what it gets and asks again."""
        return await self.executor.keys(wanted, Network(), self.person, asks_again=True)

    async def all_keys(self, wanted: list[Plan]) -> list[Keys]:
        """Of all these plans, asked for at once."""
        return await asyncio.gather(*map(self.keys, wanted))

    def session(self, *calls: Call) -> Plan:
        """Ada's session, and what is called with it."""
        return plan(self.ada, session(self.known), *calls)

    def typed_session(self, *calls: Call) -> Plan:
        """Grace's, for which a code has to be typed."""
        return plan(self.grace, session(hidden(self.seen)), *calls)

    async def type(self, code: str) -> Keys:
        """Grace's session, with this code typed."""
        self.typed.offer(self.seen.serial, Secret(code))
        return await self.keys(self.typed_session())

    def current(self, device: Mfa | None = None) -> str:
        """What a device shows now; grace's, unless another is named."""
        return shown(device or self.seen, int(self.clock.time // 30)).reveal()

    async def settle(self) -> int:
        """Wait until nothing is renewed in the background; how much there was."""
        under_way = list(self.executor._background)
        await asyncio.gather(*under_way)
        return len(under_way)


def run(work: Callable[[], Awaitable[object]]) -> None:
    async def main() -> None:
        await work()

    asyncio.run(main())

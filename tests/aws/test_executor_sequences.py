"""Any sequence of commands, while time goes by: nothing is refused that could have been known, no code is
sent twice (stories 1, 2, 3, 9, 10, 37, 92, 96)."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keyturn.aws.calls import AssumeRole, Call, Keys, Mfa, Network, Sts
from keyturn.aws.executor import Executor
from keyturn.aws.ledger import Ledger
from keyturn.aws.plan import Plan
from keyturn.aws.sts import Answer, Trouble
from keyturn.ground.errors import ServiceUnreachableError
from keyturn.ground.secret import Secret
from keyturn.sdk.codes import TypedCodes
from tests.aws.strict import HOUR, Inline, MovedClock, Person, StrictSts, hidden, plan, role, session

REGIONS = ("eu-central-1", "us-east-1", "ap-east-1")
PASSING = (Trouble.BUSY, Trouble.INTERRUPTED, Trouble.UNREACHED)


class Machine:
    """Two users, one with an item that holds the device's secret, one with a device to read codes from."""

    def __init__(self, path: Path) -> None:
        self.clock = MovedClock()
        self.sts = StrictSts(self.clock)
        self.typed = TypedCodes(self.clock)
        self.path = path
        self.sent: set[tuple[str, str, int]] = set()
        ada, grace = self.sts.add_user("ada"), self.sts.add_user("grace")
        known, seen = self.sts.add_device(ada, "ada"), self.sts.add_device(grace, "grace")
        self.person = Person(self.clock, self.typed, {seen.serial: seen})
        self.plans = [*self._plans(ada, known), *self._plans(grace, hidden(seen))]
        self.executor = self.start()

    def _plans(self, user: Keys, device: Mfa) -> list[Plan]:
        add = self.sts.add_role
        strict = role(add("strict", needs_mfa=True))
        calls: list[tuple[Call, ...]] = [
            (),
            (session(device),),
            *((session(device), role(strict.role, sts=Sts(region))) for region in REGIONS),
            (session(device), role(add("short"), duration=900)),
            (session(device), strict, role(add("inner"))),
            (role(add("long", True, 12 * HOUR), 12 * HOUR, mfa=device),),
            (role(add("other", True, 12 * HOUR), 2 * HOUR, mfa=device), role(add("inner"))),
            (role(add("plain", longest=12 * HOUR), 12 * HOUR),),
        ]
        return [plan(user, *each) for each in calls]

    def start(self) -> Executor:
        started = Executor(self.clock, self.typed, Ledger(self.path), self._ask, self.clock.sleep)
        started._fetching._threads = Inline(1)
        return started

    def _ask(self, call: Call, keys: Keys, network: Network, code: Secret | None) -> Answer:
        if code is not None and call.mfa is not None:
            use = (call.mfa.serial, code.reveal(), int(self.clock.time // 300))
            assert use not in self.sent, "a code was sent twice"
            self.sent.add(use)
        return self.sts.ask(call, keys, network, code)

    async def command(self, number: int) -> None:
        wanted = self.plans[number % len(self.plans)]
        try:
            keys = await self.executor.keys(wanted, Network(), self.person)
        except ServiceUnreachableError:
            return
        # What a command gets is good for a while, and is what its profile names.
        if not wanted.calls:
            assert keys is wanted.keys
            return
        issued = self.sts.world.issued[keys.key_id]
        assert issued.expires - self.clock.time >= 290
        last = wanted.calls[-1]
        assert issued.arn == (last.role if isinstance(last, AssumeRole) else wanted.keys.key_id)


commands = st.lists(st.integers(0, 19), min_size=1, max_size=12).map(lambda numbers: ("commands", numbers))
waits = st.sampled_from([1, 10, 29, 31, 290, 310, 600, 900, HOUR - 400, HOUR, 11 * HOUR, 12 * HOUR]).map(
    lambda seconds: ("wait", seconds)
)
clocks = st.floats(-12, 12).map(lambda seconds: ("clock", seconds))
failures = st.tuples(st.sampled_from(PASSING), st.booleans()).map(lambda failure: ("fail", failure))
others = st.sampled_from(["die", "forget"]).map(lambda what: (what, None))
sequences = st.lists(commands | commands | waits | clocks | failures | others, max_size=14)


async def play(machine: Machine, sequence: list[tuple[str, object]]) -> None:
    asyncio.get_running_loop().set_default_executor(Inline(1))
    for what, how in sequence:
        if what == "commands":
            assert isinstance(how, list)
            await asyncio.gather(*map(machine.command, how))
        elif what == "wait":
            assert isinstance(how, int)
            machine.clock.time += how
        elif what == "clock":
            assert isinstance(how, float)
            machine.clock.wrong_by = how
        elif what == "fail":
            assert isinstance(how, tuple)
            machine.sts.failing.append(how)
        elif what == "die":
            await asyncio.gather(*machine.executor._background)
            machine.executor = machine.start()
        else:
            machine.executor.forget()
    await asyncio.gather(*machine.executor._background)


def check(path: Path, sequence: list[tuple[str, object]]) -> None:
    path.unlink(missing_ok=True)
    machine = Machine(path)
    asyncio.run(play(machine, sequence))
    assert machine.sts.refusals == []


@given(sequence=sequences)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_sequence_is_refused(tmp_path: Path, sequence: list[tuple[str, object]]) -> None:
    check(tmp_path / "one-time-codes.json", sequence)


@pytest.mark.soak
@pytest.mark.timeout(1200)
@given(sequence=sequences)
@settings(max_examples=4000, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_sequence_is_refused_for_long(tmp_path: Path, sequence: list[tuple[str, object]]) -> None:
    check(tmp_path / "one-time-codes.json", sequence)


def test_the_sts_of_these_tests_says_no(tmp_path: Path) -> None:
    """Else they could not fail."""
    machine = Machine(tmp_path / "one-time-codes.json")
    machine.path.mkdir()
    machine.path.rmdir()
    wanted = machine.plans[1]

    async def work() -> None:
        await machine.executor.keys(wanted, Network(), machine.person)
        machine.path.unlink()
        machine.executor = machine.start()
        await machine.executor.keys(wanted, Network(), machine.person)

    with pytest.raises(AssertionError, match="sent twice"):
        asyncio.run(work())

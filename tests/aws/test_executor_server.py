"""The executor with botocore, against the local AWS: what it says no to, and what it says."""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from keyturn.aws.calls import AssumeRole, Call, GetSessionToken, Keys, Mfa, Network, Sts
from keyturn.aws.executor import Executor
from keyturn.aws.ledger import Ledger
from keyturn.aws.plan import Plan
from keyturn.ground.errors import ServiceRefusedError, ServiceUnreachableError
from keyturn.ground.secret import Secret
from keyturn.sdk.codes import TypedCodes
from tests.aws.stage import run
from tests.aws.strict import HOUR, Caller, plan
from tests.aws_server.client import LocalAws

REGIONS = ("eu-central-1", "us-east-1", "ap-east-1")


class CommonClock:
    """The time of a server and of an executor: to wait for a code moves it for both."""

    def __init__(self, aws: LocalAws) -> None:
        self._aws = aws
        self.moved = aws.now() - time.time()

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time() + self.moved, UTC)

    def boot(self) -> float:
        return time.monotonic() + self.moved

    def awake(self) -> float:
        return self.boot()

    def advance(self, seconds: float) -> None:
        self.moved += seconds
        self._aws.advance(seconds)

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds)
        await asyncio.sleep(0)


class Place:
    """A server with a user of this name and her device, and an executor that asks it."""

    def __init__(self, aws: LocalAws, name: str, directory: Path) -> None:
        self.aws = aws
        self.name = name
        self.clock = CommonClock(aws)
        self.typed = TypedCodes(self.clock)
        self.path = directory / "one-time-codes.json"
        self.executor = self.start()
        user = aws.add_user(name)
        self.keys_of_user = Keys(user.access_key_id, Secret(user.secret_access_key))
        device = aws.add_device(name)
        self.device = Mfa(device.serial, Secret(device.secret))

    def start(self) -> Executor:
        return Executor(self.clock, self.typed, Ledger(self.path), sleep=self.clock.sleep)

    def sts(self, region: str = REGIONS[0]) -> Sts:
        return Sts(region, endpoint=self.aws.endpoint)

    def session(self, *calls: Call) -> Plan:
        return plan(self.keys_of_user, GetSessionToken(self.device, 12 * HOUR, self.sts()), *calls)

    def add_role(self, name: str, **conditions: Any) -> str:
        """A role that trusts the user, or `trusted`; its ARN."""
        trusted = conditions.pop("trusted", [self.name])
        return self.aws.add_role(f"{self.name}-{name}", trusted, **conditions)

    def role(self, arn: str, duration: int = HOUR, region: str = REGIONS[0]) -> AssumeRole:
        return AssumeRole("prod", arn, duration, self.sts(region), "ada")

    async def keys(self, wanted: Plan) -> Keys:
        return await self.executor.keys(wanted, Network(), Caller())


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    with LocalAws() as server:
        yield server


_numbers = count(1)


@pytest.fixture
def place(aws: LocalAws, tmp_path: Path) -> Iterator[Place]:
    aws.forget_calls()
    yield Place(aws, f"ada{next(_numbers)}", tmp_path)
    aws.mend()


def counts(aws: LocalAws) -> tuple[int, int]:
    return len(aws.calls("GetSessionToken")), len(aws.calls("AssumeRole"))


def test_a_hundred_cold_calls_also_with_a_slow_sts_that_fails_once(place: Place) -> None:
    """Story 9: ten roles in three regions over one user with MFA."""
    roles = [place.add_role(f"r{number}", needs_mfa=True) for number in range(10)]
    wanted = [place.session(place.role(arn, region=REGIONS[number % 3])) for number, arn in enumerate(roles)]

    async def all_of_them() -> None:
        found = await asyncio.gather(*(place.keys(wanted[number % 10]) for number in range(100)))
        assert len({keys.key_id for keys in found}) == 10

    async def work() -> None:
        await all_of_them()
        assert counts(place.aws) == (1, 10)
        place.executor.forget()
        place.aws.slow(3)
        place.aws.fail_next(1)
        started = time.monotonic()
        await all_of_them()
        # One after the other they would take half a minute.
        assert time.monotonic() - started < 20

    run(work)
    # The call that failed had used its code.
    assert counts(place.aws) == (3, 20)
    assert [call.error for call in place.aws.calls() if call.error] == ["InternalFailure"]
    steps = [call.step for call in place.aws.calls("GetSessionToken")]
    assert len(set(steps)) == 3
    assert None not in steps


def test_the_next_agent_does_not_repeat_a_code(place: Place) -> None:
    async def work() -> None:
        await place.keys(place.session())
        place.executor = place.start()
        await place.keys(place.session())

    run(work)
    assert [call.status for call in place.aws.calls("GetSessionToken")] == [200, 200]


def test_without_the_record_it_would(place: Place) -> None:
    """The server says no to a code that it saw: else the test above could not fail."""

    async def work() -> None:
        while int(place.clock.now().timestamp()) % 30 > 20:
            place.clock.advance(5)
        await place.keys(place.session())
        place.path.unlink()
        place.executor = place.start()
        with pytest.raises(ServiceRefusedError, match="refused the one-time code"):
            await place.keys(place.session())

    run(work)


def test_an_hour_of_work_over_sessions_that_end(place: Place) -> None:
    """Stories 10, 37 and 96: two days, a command every forty minutes, in an order that never asks twice."""
    role = place.role(place.add_role("r", needs_mfa=True))
    inner = place.role(place.add_role("inner", trusted=[role.role]))

    async def work() -> None:
        for number in range(72):
            wanted = (place.session(role), place.session(), place.session(role, inner))[number % 3]
            await asyncio.gather(place.keys(wanted), place.keys(wanted))
            place.clock.advance(40 * 60)
        await asyncio.gather(*place.executor._background)

    run(work)
    assert [call.error for call in place.aws.calls() if call.error] == []
    assert len(place.aws.calls("GetSessionToken")) in (4, 5)


def wrong_secret(place: Place) -> Plan:
    return plan(replace(place.keys_of_user, secret=Secret("CANARY")), *place.session().calls)


def deleted_key(place: Place) -> Plan:
    return plan(replace(place.keys_of_user, key_id="AKIAIOSFODNN7EXAMPLE"), *place.session().calls)


def wrong_device(place: Place) -> Plan:
    place.aws.add_user(f"{place.name}-friend")
    other = place.aws.add_device(f"{place.name}-friend")
    mfa = Mfa(other.serial, Secret(other.secret))
    return plan(place.keys_of_user, GetSessionToken(mfa, 900, place.sts()))


def wrong_code(place: Place) -> Plan:
    mfa = replace(place.device, secret=Secret("JBSWY3DPEHPK3PXP"))
    return plan(place.keys_of_user, GetSessionToken(mfa, 900, place.sts()))


def wrong_clock(place: Place) -> Plan:
    place.aws.skew(61)
    return place.session()


def not_trusted(place: Place) -> Plan:
    return place.session(place.role(place.add_role("r", trusted=[])))


def wants_mfa(place: Place) -> Plan:
    return plan(place.keys_of_user, place.role(place.add_role("r", needs_mfa=True)))


def wants_external_id(place: Place) -> Plan:
    return plan(place.keys_of_user, place.role(place.add_role("r", external_id="x-1")))


def too_long(place: Place) -> Plan:
    return plan(place.keys_of_user, place.role(place.add_role("r"), 2 * HOUR))


def too_long_chained(place: Place) -> Plan:
    return place.session(place.role(place.add_role("r", max_seconds=12 * HOUR), 2 * HOUR))


def disabled_region(place: Place) -> Plan:
    place.aws.disable_region("ap-east-1")
    return plan(place.keys_of_user, place.role(place.add_role("r"), region="ap-east-1"))


def wrong_session_of_a_session(place: Place) -> Plan:
    return plan(place.keys_of_user, place.session().calls[0], place.session().calls[0])


@pytest.mark.parametrize(
    ("change", "line", "hint"),
    [
        (wrong_secret, "the secret access key of item “AWS” does not belong to its", "store the secret"),
        (deleted_key, "AWS does not know the access key id of item “AWS”", "deleted or deactivated"),
        (wrong_device, "AWS does not know the MFA device", "item “AWS”"),
        (wrong_code, "AWS refused the one-time code", "“one-time password” of item “AWS”"),
        (wrong_clock, "clock is 6[0-3] s behind AWS's", "set the clock"),
        (
            not_trusted,
            "profile “prod”: arn:.* may not be assumed with item “AWS”",
            "AWS says: User: arn",
        ),
        (wants_mfa, "may not be assumed with item “AWS”", "if it demands MFA"),
        (wants_external_id, "may not be assumed with item “AWS”", "external id"),
        (too_long, "the role allows less than the 2 h", "lower duration_seconds"),
        (too_long_chained, "one hour at most, and 2 h are asked for", "3600"),
        (disabled_region, "STS is not active in the region ap-east-1", "another region"),
        (wrong_session_of_a_session, "the keys of item “AWS” are temporary", "long-term"),
    ],
)
def test_what_the_server_refuses_is_one_line_and_a_hint(
    place: Place, change: Callable[[Place], Plan], line: str, hint: str
) -> None:
    wanted = change(place)

    async def work() -> None:
        with pytest.raises(ServiceRefusedError, match=line) as caught:
            await place.keys(wanted)
        assert type(caught.value) is ServiceRefusedError
        assert any(hint in each for each in caught.value.hints), caught.value.hints
        assert "CANARY" not in str(caught.value) + "".join(caught.value.hints)

    run(work)


def test_a_server_that_hangs_up_costs_a_code_each_time(place: Place) -> None:
    async def work() -> None:
        place.aws.fail_next(2, "closed")
        with pytest.raises(ServiceUnreachableError):
            await place.keys(place.session())

    run(work)
    steps = [call.step for call in place.aws.calls("GetSessionToken")]
    assert len(steps) == len(set(steps)) == 2

"""One-time codes of an item: each is sent once, at its time."""

import asyncio
import logging
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from keyturn.aws import ledger as ledgers
from keyturn.aws.ledger import Ledger
from keyturn.aws.sts import Trouble
from keyturn.ground.errors import (
    ConfigurationError,
    ServiceRefusedError,
    ServiceUnreachableError,
)
from keyturn.ground.secret import Secret
from tests.aws.stage import Stage, run
from tests.aws.strict import HOUR, Caller, plan, role, session


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def test_two_codes_in_one_step_are_not_sent(stage: Stage) -> None:
    """Story 1: what needs another code waits for the next step, and says so."""
    long = [
        plan(stage.ada, role(stage.sts.add_role(name, True, 12 * HOUR), 12 * HOUR, mfa=stage.known))
        for name in "ab"
    ]

    async def work() -> None:
        stage.clock.time += 18
        started = stage.clock.time
        await stage.keys(long[0])
        assert stage.clock.time == started
        await stage.keys(long[1])
        assert stage.clock.time // 30 == started // 30 + 1

    run(work)
    assert stage.sts.refusals == []


def test_the_wait_is_counted_down(stage: Stage) -> None:
    caller = Caller()

    async def work() -> None:
        await stage.keys(stage.session())
        stage.executor.forget()
        stage.clock.time += 18

        async def slowly(seconds: float) -> None:
            stage.clock.time += seconds
            await asyncio.sleep(0.03)

        stage.executor._devices._sleep = slowly
        await stage.keys(stage.session(), caller=caller)

    run(work)
    waits = [line for line in caller.lines if line.startswith("next one-time code in ")]
    assert waits[0] in ("next one-time code in 12 s", "next one-time code in 11 s")
    assert len(set(waits)) > 5
    assert "next one-time code in 3 s" in waits


def test_an_agent_that_died_between_two_codes_does_not_repeat_one(stage: Stage) -> None:
    async def work() -> None:
        await stage.keys(stage.session())
        stage.executor = stage.start()
        await stage.keys(stage.session())

    run(work)
    assert stage.sts.count("GetSessionToken") == 2
    assert stage.sts.refusals == []


KILLED = """
import asyncio, os, sys
from pathlib import Path
from keyturn.aws.calls import GetSessionToken, Keys, Mfa, Network, Sts
from keyturn.aws.executor import Executor
from keyturn.aws.ledger import Ledger
from keyturn.aws.plan import Plan
from keyturn.ground.clock import SystemClock
from keyturn.ground.secret import Secret
from keyturn.sdk.codes import TypedCodes

def ask(call, keys, network, code):
    print(code.reveal(), flush=True)
    os.kill(os.getpid(), 9)

async def main():
    clock = SystemClock()
    executor = Executor(clock, TypedCodes(clock), Ledger(Path(sys.argv[1])), ask)
    device = Mfa("arn:aws:iam::123456789012:mfa/ada", Secret("JBSWY3DPEHPK3PXP"))
    call = GetSessionToken(device, 3600, Sts("eu-central-1"))
    wanted = Plan(Keys("AKIAADA", Secret("secret")), None, (), calls=(call,))
    async def follow(work, line):
        return await work
    worker = type("Worker", (), {"follow": staticmethod(follow), "account": ""})()
    await executor.keys(wanted, Network(), worker)

asyncio.run(main())
"""


def test_a_killed_agent_has_recorded_the_code_that_it_was_sending(tmp_path: Path) -> None:
    """By its real clock and its real death: the step was claimed before the code left."""
    path = tmp_path / "one-time-codes.json"
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(path)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert len(done.stdout.strip()) == 6
    assert done.stdout.strip() not in path.read_text()
    begins = int(time.time()) // 30 * 30
    # It used this step, or the one before if that has just ended.
    ledger, serial = Ledger(path), "arn:aws:iam::123456789012:mfa/ada"
    turns = [ledger.claim(serial, start, start + 30) for start in (begins - 30, begins)]
    assert [turn.granted for turn in turns].count(False) == 1


@pytest.mark.parametrize("trouble", [Trouble.BUSY, Trouble.INTERRUPTED])
@pytest.mark.parametrize("was_done", [False, True])
def test_a_call_with_a_code_is_tried_once_more_with_the_next(
    stage: Stage, trouble: Trouble, was_done: bool
) -> None:
    wanted = stage.session()

    async def work() -> None:
        stage.sts.failing.append((trouble, was_done))
        await stage.keys(wanted)
        stage.executor.forget()
        stage.sts.failing.extend([(trouble, was_done)] * 3)
        with pytest.raises(ServiceUnreachableError):
            await stage.keys(wanted)

    run(work)
    assert stage.sts.count("GetSessionToken") == 4
    assert stage.sts.refusals == []


def test_nobody_waits_half_a_minute_to_hear_that_the_network_is_down(stage: Stage) -> None:
    async def work() -> None:
        started = stage.clock.time
        stage.sts.failing.append((Trouble.UNREACHED, False))
        with pytest.raises(ServiceUnreachableError):
            await stage.keys(stage.session())
        assert stage.clock.time == started

    run(work)


def test_a_refused_code_is_not_followed_by_another(stage: Stage) -> None:
    """Each wrong one brings the device nearer to being locked."""
    wrong = replace(stage.known, secret=Secret("JBSWY3DPEHPK3PXP"))

    async def work() -> None:
        with pytest.raises(ServiceRefusedError, match="refused the one-time code"):
            await stage.keys(plan(stage.ada, session(wrong)))

    run(work)
    assert stage.sts.count("GetSessionToken") == 1


@pytest.mark.parametrize("spoilt", [b"", b"{"])
def test_a_spoilt_record_costs_a_step_and_is_told(
    stage: Stage, spoilt: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> None:
        await stage.keys(stage.session())
        stage.path.write_bytes(spoilt)
        stage.executor = stage.start()
        await stage.keys(stage.session())

    with caplog.at_level(logging.WARNING):
        run(work)
    assert stage.sts.count("GetSessionToken") == 2
    assert stage.sts.refusals == []
    assert ledgers.UNREADABLE in caplog.text


def test_nothing_is_sent_if_it_cannot_be_recorded(stage: Stage, tmp_path: Path) -> None:
    stage.path = tmp_path / "missing" / "one-time-codes.json"
    stage.executor = stage.start()

    async def work() -> None:
        with pytest.raises(ConfigurationError, match="cannot write"):
            await stage.keys(stage.session())
        with pytest.raises(ConfigurationError, match="cannot write"):
            await stage.keys(stage.typed_session())

    run(work)
    assert stage.sts.asked == []


def test_devices_do_not_wait_for_each_other(stage: Stage) -> None:
    async def work() -> None:
        started = stage.clock.time
        other = stage.sts.add_device(stage.grace, "other")
        await asyncio.gather(stage.keys(stage.session()), stage.keys(plan(stage.grace, session(other))))
        assert stage.clock.time == started

    run(work)


@pytest.mark.parametrize(
    "secret",
    [
        "CANARY1",
        "otpauth://hotp/a?secret=JBSWY3DPEHPK3PXP",
        "otpauth://totp/a?secret=JBSWY3DPEHPK3PXP&digits=8",
    ],
)
def test_an_item_whose_secret_cannot_be_used_is_named(stage: Stage, secret: str) -> None:
    async def work() -> None:
        with pytest.raises(ConfigurationError, match="item “AWS”") as caught:
            await stage.keys(plan(stage.ada, session(replace(stage.known, secret=Secret(secret)))))
        assert "CANARY1" not in str(caught.value)
        assert "JBSWY3DPEHPK3PXP" not in str(caught.value)

    run(work)
    assert stage.sts.asked == []

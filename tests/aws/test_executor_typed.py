"""Codes that somebody types: asked for once, and only if nobody else knows."""

import asyncio
import logging
import os
from dataclasses import replace
from pathlib import Path

import pytest

from keyturn.aws.calls import Keys, Network, Sts
from keyturn.aws.executor import Executor
from keyturn.aws.ledger import Ledger
from keyturn.aws.sts import Trouble
from keyturn.ground.errors import (
    CodeUnusableError,
    KeyturnError,
    LockedError,
    ServiceUnreachableError,
)
from keyturn.ground.secret import Secret
from keyturn.sdk.codes import CodeQuestion
from tests.aws.stage import Stage, run
from tests.aws.strict import HOUR, Caller, Person, hidden, plan, role, session, shown


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def test_a_hundred_callers_ask_a_person_once(stage: Stage) -> None:
    """Stories 5, 9 and 10: and again when the session has ended."""
    roles = [stage.sts.add_role(f"r{number}", needs_mfa=True) for number in range(10)]
    wanted = [
        plan(stage.grace, session(hidden(stage.seen)), role(arn, sts=Sts("us-east-1"))) for arn in roles
    ]

    async def work() -> None:
        for times in (1, 2):
            person = Person(stage.clock, stage.typed, {stage.seen.serial: stage.seen})
            await asyncio.gather(*(stage.keys(wanted[number % 10], caller=person) for number in range(100)))
            assert len(person.questions) == 1
            assert stage.sts.count("GetSessionToken") == times
            stage.clock.time += 12 * HOUR

    run(work)
    assert stage.sts.refusals == []


def test_what_is_asked_for_is_named(stage: Stage) -> None:
    by_command = replace(hidden(stage.seen), process="ykman oath code -s aws")
    long = role(stage.sts.add_role("r", True, 12 * HOUR), 12 * HOUR, mfa=by_command)

    async def work() -> None:
        await stage.keys(plan(stage.grace, long))
        await stage.keys(stage.typed_session())

    run(work)
    serial = stage.seen.serial
    assert stage.person.questions == [
        CodeQuestion(serial, "assume the role of profile “r”", "ykman oath code -s aws"),
        CodeQuestion(serial, "get temporary keys"),
    ]


def test_a_caller_that_has_to_come_back_leaves_nothing_behind(stage: Stage) -> None:
    class Away(Caller):
        async def code(self, question: CodeQuestion) -> None:
            raise LockedError("there is nobody to ask")

    async def work() -> None:
        with pytest.raises(LockedError):
            await stage.keys(stage.typed_session(), caller=Away())
        assert stage.sts.asked == []
        # What was typed meanwhile is what the next one finds.
        await stage.type(stage.current())

    run(work)
    assert stage.person.questions == []


@pytest.mark.parametrize(
    "typed", ["", "12345", "1234567", "976249 lasts 24s", "12345a", "١٢٣٤٥٦", "123 456", "-12345"]
)
def test_what_is_no_code_is_refused_here_and_not_shown(stage: Stage, typed: str) -> None:
    """Story 6."""

    async def work() -> None:
        with pytest.raises(CodeUnusableError) as caught:
            await stage.type(typed)
        shown_text = " ".join([caught.value.message, *caught.value.hints])
        assert not typed or typed not in shown_text
        assert "976249" not in shown_text

    run(work)
    assert stage.sts.asked == []


def test_blanks_around_a_code_do_no_harm(stage: Stage) -> None:
    run(lambda: stage.type(f" {stage.current()}\n"))
    assert stage.sts.refusals == []


def test_the_same_code_twice_is_refused_here(stage: Stage) -> None:
    async def work() -> None:
        await stage.type(stage.current())
        stage.executor.forget()
        with pytest.raises(CodeUnusableError, match="used already"):
            await stage.type(stage.current())
        stage.clock.time += 30
        await stage.type(stage.current())

    run(work)
    assert stage.sts.refusals == []


@pytest.mark.parametrize("trouble", list(Trouble))
def test_a_call_with_a_typed_code_is_not_repeated(stage: Stage, trouble: Trouble) -> None:
    async def work() -> None:
        stage.sts.failing.append((trouble, True))
        with pytest.raises(ServiceUnreachableError):
            await stage.type(stage.current())

    run(work)
    assert stage.sts.count("GetSessionToken") == 1


def test_a_typed_code_is_not_made_again_by_an_item_with_the_same_device(stage: Stage) -> None:
    """In either order, also by the next agent."""
    by_item = plan(stage.grace, session(stage.seen), role(stage.sts.add_role("r", True)))
    long = plan(stage.grace, role(stage.sts.add_role("q", True, 12 * HOUR), 12 * HOUR, mfa=stage.seen))

    async def work() -> None:
        code = stage.current()
        await stage.type(code)
        stage.executor = stage.start()
        await stage.keys(by_item)
        stage.executor.forget()
        made = stage.current()
        assert made != code
        stage.typed.offer(stage.seen.serial, Secret(made))
        with pytest.raises(CodeUnusableError):
            await stage.keys(stage.typed_session())
        await stage.keys(long)

    run(work)
    assert stage.sts.refusals == []


def test_a_device_whose_clock_is_ahead_does_not_make_an_item_repeat_its_code(stage: Stage) -> None:
    async def work() -> None:
        await stage.type(shown(stage.seen, int(stage.clock.time // 30) + 1).reveal())
        stage.clock.time += 30
        long = role(stage.sts.add_role("q", True, 12 * HOUR), 12 * HOUR, mfa=stage.seen)
        await stage.keys(plan(stage.grace, long))

    run(work)
    assert stage.sts.count("AssumeRole") == 1
    assert stage.sts.refusals == []


def test_a_typed_code_that_waited_too_long_is_not_sent(stage: Stage) -> None:
    """Another call with the device goes first, and takes long."""
    long = [
        plan(stage.grace, role(stage.sts.add_role(name, True, 12 * HOUR), 12 * HOUR, mfa=hidden(stage.seen)))
        for name in "ab"
    ]

    async def work() -> None:
        lock = stage.executor._devices.lock(stage.seen.serial)
        async with lock:
            stage.typed.offer(stage.seen.serial, Secret(stage.current()))
            waiting = asyncio.create_task(stage.keys(long[0]))
            await asyncio.sleep(0.05)
            stage.clock.time += 61
        with pytest.raises(CodeUnusableError, match="too old"):
            await waiting

    run(work)
    assert stage.sts.asked == []


def test_no_error_and_no_line_holds_a_code(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    caller, codes = Caller(), set[str]()
    ask = stage.sts.ask

    def remember(call: object, keys: Keys, network: Network, code: Secret | None) -> object:
        codes.add("" if code is None else code.reveal())
        return ask(call, keys, network, code)  # type: ignore[arg-type]

    stage.executor = Executor(stage.clock, stage.typed, Ledger(stage.path), remember, stage.clock.sleep)  # type: ignore[arg-type]

    async def work() -> None:
        shown_text = ""
        for trouble in Trouble:
            stage.sts.failing.extend([(trouble, False)] * 2)
            try:
                await stage.keys(stage.session(), caller=caller)
            except KeyturnError as error:
                shown_text += repr(error) + " ".join(error.hints)
            stage.sts.failing.clear()
        wrong = replace(stage.known, secret=Secret("JBSWY3DPEHPK3PXP"))
        try:
            await stage.keys(plan(stage.ada, session(wrong)), caller=caller)
        except KeyturnError as error:
            shown_text += repr(error) + " ".join(error.hints)
        shown_text += "\n".join(caller.lines) + caplog.text + stage.path.read_text()
        assert len(codes) >= 8
        assert len(stage.sts.refusals) == 1
        assert not [code for code in codes if code in shown_text]

    with caplog.at_level(logging.DEBUG, "keyturn"):
        run(work)
    assert os.stat(stage.path).st_mode & 0o077 == 0

"""Electing who is asked, with made-up callers and a real loop."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from keyturn.agent import questions
from keyturn.agent.questions import Matter, Purpose, Questions
from keyturn.agent.uses import Use
from keyturn.ground.errors import CancelledByPersonError, DeniedError, KeyturnError, LockedError
from tests.agent.people import MadeUp, caller, terminal

UNLOCK = Matter("unlock", "account")
FIRST, SECOND = terminal(1), terminal(2)


@pytest.fixture(autouse=True)
def _look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "LOOK_SECONDS", 0.01)


def play(script: Callable[[Questions], Awaitable[None]], answer_seconds: float = 60) -> None:
    """Run a script against fresh questions; afterwards nothing may be left open."""

    async def run() -> None:
        found = Questions(lambda: answer_seconds)
        await asyncio.wait_for(script(found), 10)
        await asyncio.sleep(0)
        assert not found.is_open, "a round was left open"

    asyncio.run(run())


async def waiting(
    asked: Questions, who: MadeUp, matter: Matter = UNLOCK, *, may_ask: bool = True
) -> "asyncio.Task[str | None]":
    purpose = Purpose((f"for {who.pid}",), Use("account"))
    task = asyncio.create_task(asked.wait(matter, who, purpose, may_ask=may_ask))
    await asyncio.sleep(0)
    return task


async def talking(asked: Questions, ticket: str, who: MadeUp) -> None:
    """Hold the conversation until it is cut off."""
    assert asked.report(ticket, who) is not None
    await asyncio.sleep(60)


async def outcome(task: "asyncio.Task[str | None]") -> str | type[KeyturnError] | None:
    try:
        return await task
    except KeyturnError as error:
        return type(error)


def test_one_is_elected_and_the_others_follow() -> None:
    async def script(asked: Questions) -> None:
        crowd = [await waiting(asked, caller(pid, FIRST)) for pid in range(10, 60)]
        ticket = await crowd[0]
        assert ticket is not None
        assert not any(task.done() for task in crowd[1:])
        reported = asked.report(ticket, caller(10, FIRST))
        assert reported == (UNLOCK, Purpose(("for 10",), Use("account")))
        asked.settle(UNLOCK)
        assert [await task for task in crowd[1:]] == [None] * 49

    play(script)


def test_nobody_in_the_foreground_is_locked_at_once() -> None:
    async def script(asked: Questions) -> None:
        background = caller(10, FIRST)
        background.state.foreground = False
        assert await outcome(await waiting(asked, background)) is LockedError
        assert await outcome(await waiting(asked, caller(11))) is LockedError
        assert await outcome(await waiting(asked, caller(12, FIRST), may_ask=False)) is LockedError

    play(script)


def test_a_background_caller_waits_while_somebody_talks() -> None:
    async def script(asked: Questions) -> None:
        first = await waiting(asked, caller(10, FIRST))
        second = await waiting(asked, caller(11))
        assert await first is not None
        asked.settle(UNLOCK)
        assert await second is None

    play(script)


def test_cancelling_ends_this_terminal_and_asks_the_next() -> None:
    async def script(asked: Questions) -> None:
        talker = await waiting(asked, caller(10, FIRST))
        same, other = await waiting(asked, caller(11, FIRST)), await waiting(asked, caller(20, SECOND))
        ticket = await talker
        assert ticket is not None
        asked.report(ticket, caller(10, FIRST))
        asked.fail(UNLOCK, ticket, CancelledByPersonError("cancelled"))
        assert await outcome(same) is CancelledByPersonError
        next_ticket = await other
        assert next_ticket not in (None, ticket)
        assert next_ticket is not None
        assert asked.report(ticket, caller(10, FIRST)) is None, "the first one's turn is over"
        assert asked.report(next_ticket, caller(20, SECOND)) is not None
        asked.settle(UNLOCK)

    play(script)


def test_of_many_that_are_left_one_is_elected() -> None:
    async def script(asked: Questions) -> None:
        ticket = await (await waiting(asked, caller(10, FIRST)))
        assert ticket is not None
        left = [await waiting(asked, caller(pid, SECOND)) for pid in range(20, 25)]
        asked.drop(UNLOCK, ticket)
        await asyncio.sleep(0)
        assert [task.done() for task in left] == [True, False, False, False, False]
        asked.settle(UNLOCK)
        assert [await task for task in left[1:]] == [None] * 4

    play(script)


@pytest.mark.parametrize("how", ["dies", "stops"])
def test_a_talker_that_dies_or_stops_loses_its_turn(how: str) -> None:
    async def script(asked: Questions) -> None:
        lost = caller(10, FIRST)
        talker, other = await waiting(asked, lost), await waiting(asked, caller(20, SECOND))
        ticket = await talker
        assert ticket is not None
        conversation = asyncio.create_task(talking(asked, ticket, lost))
        await asyncio.sleep(0)
        lost.state.alive, lost.state.stopped = how != "dies", how == "stops"
        assert await other is not None
        with pytest.raises(asyncio.CancelledError):
            await conversation
        asked.settle(UNLOCK)

    play(script)


def test_a_stopped_talker_keeps_its_turn_while_nobody_else_waits() -> None:
    async def script(asked: Questions) -> None:
        only = caller(10, FIRST)
        ticket = await (await waiting(asked, only))
        assert ticket is not None
        only.state.stopped = True
        await asyncio.sleep(0.05)
        assert asked.report(ticket, only) is not None
        asked.settle(UNLOCK)

    play(script)


def test_only_the_elected_process_may_report() -> None:
    async def script(asked: Questions) -> None:
        ticket = await (await waiting(asked, caller(10, FIRST)))
        assert ticket is not None
        assert asked.report(ticket, caller(11, FIRST)) is None
        assert asked.report("another", caller(10, FIRST)) is None
        assert asked.report(ticket, caller(10, FIRST)) is not None
        asked.settle(UNLOCK)

    play(script)


def test_a_question_that_nobody_answers_is_denied() -> None:
    async def script(asked: Questions) -> None:
        talker = await waiting(asked, caller(10, FIRST))
        ticket = await talker
        assert ticket is not None
        same = await waiting(asked, caller(11, FIRST))

        conversation = asyncio.create_task(talking(asked, ticket, caller(10, FIRST)))
        assert await outcome(same) is DeniedError
        with pytest.raises(asyncio.CancelledError):
            await conversation
        assert isinstance(asked.verdict(ticket), DeniedError)

    play(script, answer_seconds=0.05)


def test_settling_elsewhere_cuts_the_conversation_off_without_a_verdict() -> None:
    async def script(asked: Questions) -> None:
        ticket = await (await waiting(asked, caller(10, FIRST)))
        assert ticket is not None

        conversation = asyncio.create_task(talking(asked, ticket, caller(10, FIRST)))
        await asyncio.sleep(0)
        asked.settle(UNLOCK)
        with pytest.raises(asyncio.CancelledError):
            await conversation
        assert asked.verdict(ticket) is None

    play(script)


def test_a_waiter_that_hangs_up_is_forgotten() -> None:
    async def script(asked: Questions) -> None:
        ticket = await (await waiting(asked, caller(10, FIRST)))
        assert ticket is not None
        gone = await waiting(asked, caller(11, FIRST))
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        asked.drop(UNLOCK, ticket)

    play(script)


def test_different_matters_are_asked_for_side_by_side() -> None:
    async def script(asked: Questions) -> None:
        one, two = Matter("approve", "account", FIRST), Matter("approve", "account", SECOND)
        first = await (await waiting(asked, caller(10, FIRST), one))
        second = await (await waiting(asked, caller(20, SECOND), two))
        assert None not in (first, second)
        asked.settle(one)
        asked.settle(two)

    play(script)

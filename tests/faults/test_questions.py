"""Turns that are over, and who may end whose: each guard was found alive without its test."""

import asyncio

import pytest

from keyturn.agent import questions
from keyturn.agent.callers import Caller
from keyturn.agent.questions import Matter, Questions
from keyturn.ground.errors import CancelledByPersonError, DeniedError, LockedError
from tests.agent.people import caller, terminal
from tests.agent.test_questions import FIRST, SECOND, UNLOCK, outcome, play, talking, waiting


@pytest.fixture(autouse=True)
def _look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "LOOK_SECONDS", 0.01)


def test_a_ticket_whose_turn_is_over_ends_nobody_elses() -> None:
    async def script(asked: Questions) -> None:
        first = await waiting(asked, caller(10, FIRST))
        old = await first
        assert old is not None
        second, third = await waiting(asked, caller(20, SECOND)), await waiting(asked, caller(21, SECOND))
        asked.drop(UNLOCK, old)
        now = await second
        assert now not in (None, old)
        for stale in (old, "another"):
            asked.fail(UNLOCK, stale, CancelledByPersonError("cancelled"))
            asked.drop(UNLOCK, stale)
        await asyncio.sleep(0.05)
        assert not third.done(), "the second one still talks"
        assert now is not None
        assert asked.report(now, caller(20, SECOND)) is not None
        asked.settle(UNLOCK)
        assert await third is None

    play(script)


def test_what_is_no_longer_asked_can_be_settled_failed_and_dropped() -> None:
    async def script(asked: Questions) -> None:
        asked.settle(UNLOCK)
        asked.fail(UNLOCK, "ticket", DeniedError("no"))
        asked.drop(UNLOCK, "ticket")

    play(script)


def test_the_conversation_that_settles_goes_on_to_its_own_end() -> None:
    async def script(asked: Questions) -> None:
        who = caller(10, FIRST)
        ticket = await (await waiting(asked, who))
        assert ticket is not None

        async def converse() -> str:
            assert asked.report(ticket, who) is not None
            asked.settle(UNLOCK)
            await asyncio.sleep(0.02)
            return "ended by itself"

        assert await asyncio.create_task(converse()) == "ended by itself"

    play(script)


def test_the_conversation_that_is_told_no_goes_on_to_its_own_end() -> None:
    async def script(asked: Questions) -> None:
        who = caller(10, FIRST)
        ticket = await (await waiting(asked, who))
        assert ticket is not None

        async def converse() -> str:
            assert asked.report(ticket, who) is not None
            asked.fail(UNLOCK, ticket, DeniedError("no"))
            await asyncio.sleep(0.02)
            return "ended by itself"

        assert await asyncio.create_task(converse()) == "ended by itself"
        assert asked.verdict(ticket) is None, "it knows it already"

    play(script)


def test_a_no_is_not_heard_in_another_terminal() -> None:
    async def script(asked: Questions) -> None:
        ticket = await (await waiting(asked, caller(10, FIRST)))
        assert ticket is not None
        others = [await waiting(asked, caller(pid, SECOND)) for pid in (20, 21)]
        asked.fail(UNLOCK, ticket, DeniedError("no"))
        next_ticket = await others[0]
        assert next_ticket is not None
        await asyncio.sleep(0.02)
        assert not others[1].done()
        asked.settle(UNLOCK)
        assert await others[1] is None

    play(script)


def test_an_elected_one_that_never_reports_loses_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """It became something else than our CLI, and lives."""
    monkeypatch.setattr(questions, "REPORT_SECONDS", 0.05)

    async def script(asked: Questions) -> None:
        mute = caller(10, FIRST)
        ticket = await (await waiting(asked, mute))
        assert ticket is not None
        other = await waiting(asked, caller(20, SECOND))
        await asyncio.sleep(0.02)
        assert not other.done()
        assert await other not in (None, ticket)
        assert asked.report(ticket, mute) is None
        assert asked.verdict(ticket) is None, "nobody said no"
        asked.settle(UNLOCK)

    play(script)


def test_an_elected_one_has_its_time_to_report_and_the_person_theirs_to_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(questions, "REPORT_SECONDS", 0.05)

    async def script(asked: Questions) -> None:
        who = caller(10, FIRST)
        ticket = await (await waiting(asked, who))
        assert ticket is not None
        conversation = asyncio.create_task(talking(asked, ticket, who))
        other = await waiting(asked, caller(20, SECOND))
        await asyncio.sleep(0.15)
        assert not other.done(), "the time to report does not count while the person answers"
        asked.settle(UNLOCK)
        assert await other is None
        await asyncio.gather(conversation, return_exceptions=True)

    play(script, answer_seconds=60)


def test_a_reported_talker_that_dies_after_its_time_is_no_denial() -> None:
    async def script(asked: Questions) -> None:
        who = caller(10, FIRST)
        ticket = await (await waiting(asked, who))
        assert ticket is not None
        conversation = asyncio.create_task(talking(asked, ticket, who))
        same = await waiting(asked, caller(11, FIRST))
        who.state.alive = False
        await asyncio.sleep(0)
        next_ticket = await same
        assert next_ticket is not None, "it was elected; nobody had said no"
        await asyncio.gather(conversation, return_exceptions=True)
        asked.settle(UNLOCK)

    play(script, answer_seconds=0)


def test_a_process_that_cannot_be_seen_is_nobody_elected() -> None:
    async def script(asked: Questions) -> None:
        ticket = await (await waiting(asked, caller(10, FIRST)))
        assert ticket is not None
        assert asked.report(ticket, Caller(10, None, FIRST, None)) is None
        assert not questions._is_same_process(Caller(10, None, None, None), caller(10, FIRST))
        asked.settle(UNLOCK)

    play(script)


def test_nobody_is_watched_after_the_turn() -> None:
    async def script(asked: Questions) -> None:
        before = asyncio.all_tasks()
        for how in ("settle", "drop", "fail"):
            ticket = await (await waiting(asked, caller(10, FIRST)))
            assert ticket is not None
            if how == "settle":
                asked.settle(UNLOCK)
            elif how == "drop":
                asked.drop(UNLOCK, ticket)
            else:
                asked.fail(UNLOCK, ticket, DeniedError("no"))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert asyncio.all_tasks() == before, how

    play(script)


def test_one_that_hangs_up_in_the_same_moment_keeps_nothing_from_being_settled() -> None:
    async def script(asked: Questions) -> None:
        assert await (await waiting(asked, caller(10, FIRST))) is not None
        gone, other = await waiting(asked, caller(11, FIRST)), await waiting(asked, caller(12, FIRST))
        gone.cancel()
        asked.settle(UNLOCK)
        assert await other is None
        await asyncio.gather(gone, return_exceptions=True)

    play(script)


@pytest.mark.parametrize(("kind", "words"), [("unlock", "is locked"), ("approve", "needs an approval")])
def test_what_nobody_can_be_asked_says_what_is_missing(kind: str, words: str) -> None:
    matter = Matter("unlock" if kind == "unlock" else "approve", "account", terminal(1))

    async def script(asked: Questions) -> None:
        assert await outcome(await waiting(asked, caller(12), matter)) is LockedError

    play(script)
    assert words in questions.nobody_to_ask(matter).message

"""Temporary keys are kept for as long as they are good, and renewed before that ends."""

import asyncio
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from keyturn.aws import executor
from keyturn.aws.calls import Network
from keyturn.aws.sts import Answer, Trouble
from keyturn.ground.errors import ServiceRefusedError
from keyturn.ground.secret import Secret
from tests.aws.stage import Stage, run
from tests.aws.strict import HOUR, hidden, plan, role, session


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def test_keys_with_less_than_five_minutes_left_are_not_handed_out(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Story 37."""
    wanted = plan(stage.ada, role(stage.sts.add_role("r"), duration=900))

    async def work() -> None:
        first = await stage.keys(wanted)
        stage.clock.time += 900 - 301
        assert await stage.keys(wanted, Network((("HTTPS_PROXY", "http://a"),))) == first
        stage.clock.time += 2
        stage.executor._renewals.clear()
        assert await stage.keys(wanted) != first

    async def fail(*_: object) -> None:
        """Renew nothing."""

    monkeypatch.setattr(stage.executor, "_renew", fail)
    run(work)
    assert stage.sts.count("AssumeRole") == 2


def test_keys_with_sixteen_minutes_left_are_renewed_while_they_serve(stage: Stage) -> None:
    wanted = stage.session(role(stage.sts.add_role("r", needs_mfa=True)))

    async def work() -> None:
        first = await stage.keys(wanted)
        stage.clock.time += HOUR - 959
        for _ in range(20):
            assert await stage.keys(wanted) == first
        assert await stage.settle() == 1
        renewed = await stage.keys(wanted)
        assert renewed != first
        # So does the session that it came from, in its time; and a code is no reason not to.
        stage.clock.time += 11 * HOUR
        assert await stage.keys(stage.session()) == await stage.keys(stage.session())
        assert await stage.settle() == 1

    run(work)
    assert (stage.sts.count("GetSessionToken"), stage.sts.count("AssumeRole")) == (2, 2)
    assert stage.sts.refusals == []


def test_nothing_is_renewed_ahead_with_a_typed_code(stage: Stage) -> None:
    wanted = plan(stage.ada, session(hidden(stage.known)))

    async def work() -> None:
        stage.typed.offer(stage.known.serial, Secret(stage.current(stage.known)))
        await stage.keys(wanted)
        stage.clock.time += 12 * HOUR - 599
        stage.typed.offer(stage.known.serial, Secret(stage.current(stage.known)))
        await stage.keys(wanted)
        await stage.settle()

    run(work)
    assert stage.sts.count("GetSessionToken") == 1


def test_a_renewal_that_fails_is_not_tried_again_at_once(stage: Stage) -> None:
    wanted = plan(stage.ada, role(stage.sts.add_role("r")))

    async def work() -> None:
        first = await stage.keys(wanted)
        stage.clock.time += HOUR - 599
        stage.sts.failing.extend([(Trouble.UNREACHED, False)] * 3)
        for _ in range(20):
            assert await stage.keys(wanted) == first
            await stage.settle()
        assert stage.sts.count("AssumeRole") == 4
        stage.clock.time += 61
        await stage.keys(wanted)
        assert await stage.settle() == 1
        assert await stage.keys(wanted) != first

    run(work)


def test_an_sdk_gets_new_keys_when_it_first_asks_for_them(stage: Stage) -> None:
    """botocore asks again on each call from 15 minutes before the end, until it gets others."""
    wanted = stage.session(role(stage.sts.add_role("r", needs_mfa=True)))

    async def work() -> None:
        first = await stage.sdk_keys(wanted)
        stage.clock.time += HOUR - 961
        assert await stage.sdk_keys(wanted) == first
        stage.clock.time += 2
        found = await asyncio.gather(*(stage.sdk_keys(wanted) for _ in range(20)))
        assert {keys.key_id for keys in found} != {first.key_id}
        assert len({keys.key_id for keys in found}) == 1
        assert await stage.sdk_keys(wanted) == found[0]

    run(work)
    assert (stage.sts.count("GetSessionToken"), stage.sts.count("AssumeRole")) == (1, 2)


def test_an_sdk_gets_new_keys_of_a_session_by_the_items_own_code(stage: Stage) -> None:
    async def work() -> None:
        first = await stage.sdk_keys(stage.session())
        stage.clock.time += 12 * HOUR - 959
        assert await stage.sdk_keys(stage.session()) != first

    run(work)
    assert stage.sts.refusals == []


@pytest.mark.parametrize("lasts", [900, 1800])
def test_keys_that_are_short_lived_are_not_new_on_each_call(stage: Stage, lasts: int) -> None:
    """Story 92: with keys of 15 minutes botocore asks before every call."""
    wanted = plan(stage.ada, role(stage.sts.add_role("r"), duration=lasts))

    async def work() -> None:
        first = await stage.sdk_keys(wanted)
        stage.clock.time += lasts - 601
        assert await stage.sdk_keys(wanted) == first
        stage.clock.time += 2
        assert await stage.sdk_keys(wanted) != first

    run(work)


def test_an_sdk_gets_the_old_keys_where_somebody_would_have_to_type(stage: Stage) -> None:
    wanted = plan(stage.ada, session(hidden(stage.known)))

    async def work() -> None:
        stage.typed.offer(stage.known.serial, Secret(stage.current(stage.known)))
        first = await stage.sdk_keys(wanted)
        stage.clock.time += 12 * HOUR - 400
        stage.typed.offer(stage.known.serial, Secret(stage.current(stage.known)))
        assert await stage.sdk_keys(wanted) == first

    run(work)
    assert stage.sts.count("GetSessionToken") == 1


def test_an_sdk_gets_the_old_keys_where_sts_fails_or_is_slow(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = plan(stage.ada, role(stage.sts.add_role("r")))
    asked, answered = threading.Event(), threading.Event()

    def slow(*given: Any) -> Answer:
        if asked.is_set():
            answered.wait(20)
        return stage.sts.ask(*given)

    async def work() -> None:
        stage.executor = stage.start(slow)
        first = await stage.sdk_keys(wanted)
        stage.clock.time += HOUR - 900
        stage.sts.failing.extend([(Trouble.UNREACHED, False)] * 3)
        for _ in range(5):
            assert await stage.sdk_keys(wanted) == first
        assert stage.sts.count("AssumeRole") == 4, "once a minute, with its own tries"
        stage.clock.time += 61
        asked.set()
        monkeypatch.setattr(executor, "RENEWAL_WAIT", 0.05)
        assert await stage.sdk_keys(wanted) == first
        answered.set()
        await stage.settle()
        assert await stage.sdk_keys(wanted) != first

    run(work)


def test_a_session_that_aws_does_not_know_any_more_is_made_anew(stage: Stage) -> None:
    async def work() -> None:
        kept = await stage.keys(stage.session())
        del stage.sts.world.issued[kept.key_id]
        wanted = stage.session(role(stage.sts.add_role("r", needs_mfa=True)))
        found = await asyncio.gather(*(stage.keys(wanted) for _ in range(10)))
        assert len({keys.key_id for keys in found}) == 1

    run(work)
    assert stage.sts.count("GetSessionToken") == 2


def test_a_deleted_key_is_told_of_and_not_asked_with_for_ever(stage: Stage) -> None:
    async def work() -> None:
        kept = await stage.keys(stage.session())
        del stage.sts.world.issued[kept.key_id]
        stage.sts.users.clear()
        with pytest.raises(ServiceRefusedError, match="does not know the access key id of item “AWS”"):
            await stage.keys(stage.session(role(stage.sts.add_role("r"))))

    run(work)
    assert (stage.sts.count("GetSessionToken"), stage.sts.count("AssumeRole")) == (2, 1)


@pytest.mark.parametrize("wrong_by", [-290.0, 290.0])
def test_how_long_keys_last_is_told_by_awss_clock(stage: Stage, wrong_by: float) -> None:
    """The local clock is wrong when they come, or is set later: neither does harm."""
    wanted = plan(stage.ada, role(stage.sts.add_role("r")))

    async def work() -> None:
        stage.clock.wrong_by = wrong_by
        first = await stage.keys(wanted)
        stage.clock.wrong_by = -wrong_by * 1000
        stage.clock.time += HOUR - 961
        assert await stage.keys(wanted) == first
        assert not stage.executor._background
        stage.clock.time += 662
        assert await stage.keys(wanted) != first

    run(work)


def test_without_a_date_header_keys_last_no_longer_than_was_asked_for(stage: Stage) -> None:
    stage.sts.tells_date = False
    wanted = plan(stage.ada, role(stage.sts.add_role("r")))

    async def work() -> None:
        stage.clock.wrong_by = -86400.0
        first = await stage.keys(wanted)
        stage.clock.time += HOUR - 299
        assert await stage.keys(wanted) != first

    run(work)


def test_to_forget_is_to_ask_again(stage: Stage) -> None:
    wanted = plan(stage.ada, role(stage.sts.add_role("r")))

    async def work() -> None:
        first = await stage.keys(wanted)
        stage.executor.forget()
        assert await stage.keys(wanted) != first

    run(work)


def test_a_role_of_a_role_is_kept_with_all_that_led_to_it(stage: Stage) -> None:
    outer, inner = role(stage.sts.add_role("outer")), role(stage.sts.add_role("inner"))
    other = replace(outer, session_name="grace")

    async def work() -> None:
        first = await stage.keys(plan(stage.ada, outer, inner))
        assert await stage.keys(plan(stage.ada, outer, inner)) == first
        assert await stage.keys(plan(stage.ada, other, inner)) != first

    run(work)
    assert stage.sts.count("AssumeRole") == 4


def test_the_keys_in_the_middle_may_be_gone(stage: Stage) -> None:
    """What is needed is the end of the chain: nobody types a code for a session that nothing needs now."""
    wanted = plan(stage.ada, session(hidden(stage.known), 900), role(stage.sts.add_role("r")))

    async def work() -> None:
        stage.typed.offer(stage.known.serial, Secret(stage.current(stage.known)))
        first = await stage.keys(wanted)
        stage.clock.time += 1200
        assert await stage.keys(wanted) == first

    run(work)
    assert stage.sts.count("GetSessionToken") == 1

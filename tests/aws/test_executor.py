"""What several ask for at once is asked for once; what fails is tried again only where that can help."""

import asyncio
import gc
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from keyturn.aws import executor as executing
from keyturn.aws import fetching
from keyturn.aws.calls import Call, Keys, Network, Sts
from keyturn.aws.sts import Answer, Trouble, Unanswered
from keyturn.ground.errors import ServiceRefusedError, ServiceUnreachableError
from keyturn.ground.secret import Secret
from tests.aws.stage import Stage, run
from tests.aws.strict import Caller, plan, role, session

T = TypeVar("T")

REGIONS = ("eu-central-1", "us-east-1", "ap-east-1")


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


@pytest.mark.parametrize("trouble", [None, Trouble.BUSY, Trouble.INTERRUPTED])
def test_a_hundred_callers_for_ten_roles_use_one_code(stage: Stage, trouble: Trouble | None) -> None:
    """Story 9."""
    roles = [stage.sts.add_role(f"r{number}", needs_mfa=True) for number in range(10)]
    calls = [role(arn, sts=Sts(REGIONS[number % 3])) for number, arn in enumerate(roles)]
    if trouble is not None:
        stage.sts.failing.append((trouble, True))

    async def work() -> None:
        asked = [stage.keys(stage.session(calls[number % 10])) for number in range(100)]
        found = await asyncio.gather(*asked)
        assert len({keys.key_id for keys in found}) == 10

    run(work)
    assert stage.sts.count("AssumeRole") == 10
    assert stage.sts.count("GetSessionToken") == (1 if trouble is None else 2)
    assert stage.sts.refusals == []


@pytest.mark.parametrize("first", ["role", "plain"])
def test_a_role_and_the_user_share_a_session_in_either_order(stage: Stage, first: str) -> None:
    """Stories 2, 3, 92 and 96: also the same plan twice, at once."""
    wanted = [stage.session(role(stage.sts.add_role("r", needs_mfa=True))), stage.session()]

    async def work() -> None:
        for each in wanted if first == "role" else wanted[::-1]:
            assert await stage.keys(each) == await stage.keys(each)

    run(work)
    assert stage.sts.count("GetSessionToken") == 1
    assert stage.sts.count("AssumeRole") == 1


def test_one_session_serves_all_regions(stage: Stage) -> None:
    async def work() -> None:
        for region in REGIONS:
            await stage.keys(plan(stage.ada, session(stage.known, sts=Sts(region))))

    run(work)
    assert stage.sts.count("GetSessionToken") == 1


def test_a_plan_without_calls_is_its_keys(stage: Stage) -> None:
    run(lambda: check_without_calls(stage))
    assert stage.sts.asked == []


async def check_without_calls(stage: Stage) -> None:
    assert await stage.keys(plan(stage.ada)) is stage.ada


def test_a_failure_is_shared_and_not_kept(stage: Stage) -> None:
    wanted = stage.session()

    async def work() -> None:
        stage.sts.failing.append((Trouble.UNREACHED, False))
        found = await asyncio.gather(*(stage.keys(wanted) for _ in range(20)), return_exceptions=True)
        assert {type(each) for each in found} == {ServiceUnreachableError}
        assert stage.sts.count("GetSessionToken") == 1
        await stage.keys(wanted)

    run(work)
    assert stage.sts.count("GetSessionToken") == 2


def test_a_call_goes_on_when_its_first_caller_goes_away(stage: Stage) -> None:
    may_answer = threading.Event()

    def slow(call: Call, keys: Keys, network: Network, code: Secret | None) -> Answer:
        assert may_answer.wait(20)
        return stage.sts.ask(call, keys, network, code)

    stage.executor = stage.start(slow)
    wanted = stage.session()

    async def work() -> None:
        first = asyncio.create_task(stage.keys(wanted))
        await asyncio.sleep(0.1)
        second = asyncio.create_task(stage.keys(wanted))
        await asyncio.sleep(0.05)
        first.cancel()
        await asyncio.wait((first,))
        assert first.cancelled()
        may_answer.set()
        await second
        assert "getting a session" in stage.person.lines[0]

    run(work)
    assert stage.sts.count("GetSessionToken") == 1


def test_what_is_over_is_not_joined(stage: Stage) -> None:
    """Also in the moment in which it ends."""

    class Watching(Caller):
        async def follow(self, work: asyncio.Future[T], line: Callable[[], str]) -> T:
            while not work.done():  # noqa: ASYNC110  # in every round of the loop: that is the point
                await asyncio.sleep(0)
            return work.result()

    async def work() -> None:
        for _ in range(20):
            stage.sts.failing.append((Trouble.TLS, False))
            with pytest.raises(ServiceUnreachableError):
                await stage.keys(stage.session(), caller=Watching())
        await stage.keys(stage.session(), caller=Watching())

    run(work)
    assert stage.sts.count("GetSessionToken") == 21


def test_a_failure_that_nobody_waits_for_is_nobodys(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    over = threading.Event()

    def ask(call: Call, keys: Keys, network: Network, code: Secret | None) -> Answer:
        assert over.wait(20)
        raise Unanswered(Trouble.TLS, "sts.example.com")

    stage.executor = stage.start(ask)

    async def work() -> None:
        only = asyncio.create_task(stage.keys(stage.session()))
        await asyncio.sleep(0.05)
        only.cancel()
        over.set()
        await asyncio.sleep(0.1)
        assert not stage.executor._flights

    run(work)
    gc.collect()
    assert "never retrieved" not in caplog.text


def test_a_caller_with_another_network_does_not_share_a_failure(stage: Stage) -> None:
    behind_proxy = Network((("HTTPS_PROXY", "http://broken.example:3128"),))

    def ask(call: Call, keys: Keys, network: Network, code: Secret | None) -> Answer:
        if network == behind_proxy:
            time.sleep(0.05)
            raise Unanswered(Trouble.PROXY, "sts.example.com")
        return stage.sts.ask(call, keys, network, code)

    stage.executor = stage.start(ask)
    wanted = stage.session()

    async def work() -> None:
        broken, fine = await asyncio.gather(
            stage.keys(wanted, behind_proxy), stage.keys(wanted), return_exceptions=True
        )
        assert isinstance(broken, ServiceUnreachableError)
        assert isinstance(fine, Keys)
        # Keys are keys, however they came.
        assert await stage.keys(wanted, behind_proxy) == fine

    run(work)


def test_callers_with_different_networks_use_one_code(stage: Stage) -> None:
    networks = [Network((("HTTPS_PROXY", f"http://{name}.example:3128"),)) for name in "abc"]

    async def work() -> None:
        found = await asyncio.gather(*(stage.keys(stage.session(), network) for network in networks))
        assert found[0] == found[1] == found[2]

    run(work)
    assert stage.sts.count("GetSessionToken") == 1


def test_a_code_is_made_when_it_can_be_sent(stage: Stage) -> None:
    """All lines are busy for two minutes: a code from before would be refused."""
    over = threading.Event()

    def ask(call: Call, keys: Keys, network: Network, code: Secret | None) -> Answer:
        assert code is not None or over.wait(20)
        return stage.sts.ask(call, keys, network, code)

    stage.executor = stage.start(ask)
    arn = stage.sts.add_role("r")
    busy = [plan(stage.ada, replace(role(arn), session_name=f"ada-{number}")) for number in range(16)]

    async def work() -> None:
        calls = [asyncio.create_task(stage.keys(each)) for each in busy]
        await asyncio.sleep(0.1)
        waiting = asyncio.create_task(stage.keys(stage.session()))
        await asyncio.sleep(0.1)
        stage.clock.time += 120
        over.set()
        await asyncio.gather(waiting, *calls)

    run(work)
    assert stage.sts.refusals == []


def test_no_more_calls_at_once_than_the_limit(stage: Stage) -> None:
    under_way, most, lock = 0, 0, threading.Lock()

    def ask(call: Call, keys: Keys, network: Network, code: Secret | None) -> Answer:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        time.sleep(0.05)
        with lock:
            under_way -= 1
        return stage.sts.ask(call, keys, network, code)

    stage.executor = stage.start(ask)
    arn = stage.sts.add_role("r")
    wanted = [plan(stage.ada, replace(role(arn), session_name=f"ada-{number}")) for number in range(50)]
    run(lambda: stage.all_keys(wanted))
    assert most == fetching.CALLS_AT_ONCE
    assert stage.sts.count("AssumeRole") == 50


@pytest.mark.parametrize("trouble", [Trouble.UNREACHED, Trouble.INTERRUPTED, Trouble.BUSY, Trouble.PROXY])
def test_a_call_without_a_code_is_tried_three_times(stage: Stage, trouble: Trouble) -> None:
    wanted = plan(stage.ada, role(stage.sts.add_role("r")))

    async def work() -> None:
        stage.sts.failing.extend([(trouble, True)] * 2)
        await stage.keys(wanted)
        stage.executor.forget()
        stage.sts.failing.extend([(trouble, True)] * 3)
        with pytest.raises(ServiceUnreachableError):
            await stage.keys(wanted)

    run(work)
    assert stage.sts.count("AssumeRole") == 6


@pytest.mark.parametrize("trouble", [Trouble.TLS, Trouble.NONSENSE])
def test_what_would_fail_again_is_not_tried_again(stage: Stage, trouble: Trouble) -> None:
    async def work() -> None:
        stage.sts.failing.append((trouble, False))
        with pytest.raises(ServiceUnreachableError):
            await stage.keys(plan(stage.ada, role(stage.sts.add_role("r"))))

    run(work)
    assert stage.sts.count("AssumeRole") == 1


def test_a_refusal_is_not_tried_again(stage: Stage) -> None:
    async def work() -> None:
        with pytest.raises(ServiceRefusedError, match="may not be assumed"):
            await stage.keys(plan(stage.ada, role(stage.sts.add_role("r", needs_mfa=True))))

    run(work)
    assert stage.sts.count("AssumeRole") == 1


def test_a_call_that_never_ends_is_given_up(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executing, "LONGEST_CALL", 0.1)
    over = threading.Event()

    def ask(call: Call, keys: Keys, network: Network, code: Secret | None) -> Answer:
        over.wait(20)
        return stage.sts.ask(call, keys, network, code)

    stage.executor = stage.start(ask)

    async def work() -> None:
        with pytest.raises(ServiceUnreachableError):
            await stage.keys(plan(stage.ada, role(stage.sts.add_role("r"))))
        over.set()

    run(work)

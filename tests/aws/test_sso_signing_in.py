"""Signing in by both flows, and every way in which it does not come to a token."""

import asyncio
import dataclasses
import itertools
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from keyturn.aws.sso_config import SsoSession
from keyturn.ground.errors import DeniedError, KeyturnError, ServiceRefusedError, ServiceUnreachableError
from tests.aws.sso_stage import Stage
from tests.aws_server.sso import SsoServer


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with SsoServer() as sso:
        yield Stage(sso, tmp_path)


def fails(stage: Stage, kind: type[KeyturnError], words: str) -> None:
    """The sign-in ends with this error, which tells no secret, and nothing is kept."""
    with pytest.raises(kind, match=words) as error:
        asyncio.run(stage.sign_in())
    assert error.type is kind
    assert error.value.hints or kind is DeniedError
    told = "".join(traceback.format_exception(error.value))
    rules = stage.sso.rules
    secrets = [*rules.access, *rules.devices, *rules.codes, *(each.secret for each in rules.clients.values())]
    assert not [secret for secret in secrets if secret in told]
    assert stage.stores.store.find(stage.session) is None


def test_by_a_code(stage: Stage) -> None:
    asyncio.run(stage.sign_in())
    token = stage.stores.store.find(stage.session)
    assert token is not None
    assert token.access.reveal() in stage.sso.rules.access
    assert token.refresh is not None
    (device,) = stage.sso.rules.devices.values()
    assert stage.person.shown[1].endswith(device.code)
    assert stage.person.shown[2].endswith(f"user_code={device.code}")


def test_in_a_browser(stage: Stage) -> None:
    stage.person.has_browser = True
    asyncio.run(stage.sign_in())
    token = stage.stores.store.find(stage.session)
    assert token is not None
    assert token.access.reveal() in stage.sso.rules.access
    # The page's address holds neither the verifier nor the client's secret.
    (client,) = stage.sso.rules.clients.values()
    assert client.secret not in stage.person.shown[0]
    assert stage.sso.count("Exchange", error="") == 1


def test_a_registration_is_kept_until_it_ends_one_a_flow(stage: Stage) -> None:
    asyncio.run(stage.sign_in())
    asyncio.run(stage.sign_in())
    assert stage.sso.count("RegisterClient") == 1
    stage.person.has_browser = True
    asyncio.run(stage.sign_in())
    asyncio.run(stage.sign_in())
    assert stage.sso.count("RegisterClient") == 2
    stage.time.move(91 * 86400)
    asyncio.run(stage.sign_in())
    assert stage.sso.count("RegisterClient") == 3


def test_a_registration_that_the_service_does_not_know_is_made_anew(stage: Stage) -> None:
    asyncio.run(stage.sign_in())
    stage.sso.forget_clients()
    asyncio.run(stage.sign_in())
    assert stage.sso.count("RegisterClient") == 2


def test_slow_down_is_obeyed(stage: Stage) -> None:
    """RFC 8628, 3.5: five seconds more each time, and no poll comes early again."""
    stage.sso.rules.interval = 3
    polls: list[float] = []
    answer = stage.sso.answer

    def noted(operation: str, work: object) -> tuple[int, object, str]:
        if operation == "Poll":
            polls.append(stage.time.boot())
            if len(polls) == 2:
                (device,) = stage.sso.rules.devices.values()
                device.polled = stage.sso.rules.now()
            if len(polls) == 5:
                (device,) = stage.sso.rules.devices.values()
                device.decision = "approved"
        return answer(operation, work)  # type: ignore[arg-type]

    stage.sso.answer = noted  # type: ignore[method-assign]
    stage.person.answers = ["left"]
    asyncio.run(stage.sign_in())
    pauses = [later - earlier for earlier, later in itertools.pairwise(polls)]
    assert [round(pause) for pause in pauses] == [3, 8, 8, 8]
    assert stage.sso.count("Poll", error="SlowDownException") == 1


def test_nobody_comes_until_the_code_has_expired(stage: Stage) -> None:
    stage.person.answers = ["left"]
    stage.sso.rules.interval = 30
    fails(stage, DeniedError, "nobody signed in in time")
    assert stage.sso.count("Poll") > 3


def test_the_service_says_that_the_code_has_expired(stage: Stage) -> None:
    stage.person.answers = ["left"]
    original = stage.time.sleep

    async def overslept(seconds: float) -> None:
        await original(seconds)
        stage.sso.advance(700)

    stage.access._sleep = overslept
    fails(stage, DeniedError, "has expired")


@pytest.mark.parametrize(
    ("answer", "has_browser", "kind", "words"),
    [
        ("denied", False, DeniedError, "denied in the browser"),
        ("deny", True, DeniedError, "denied in the browser"),
        ("another state", True, ServiceRefusedError, "another sign-in"),
        ("another code", True, ServiceRefusedError, "refuses"),
        ("another port", True, ServiceRefusedError, "refuses"),
        ("no code", True, ServiceUnreachableError, "the sign-in page"),
    ],
)
def test_what_a_person_or_a_page_may_answer(
    stage: Stage, answer: str, has_browser: bool, kind: type[KeyturnError], words: str
) -> None:
    stage.person.answers, stage.person.has_browser = [answer], has_browser
    fails(stage, kind, words)


def test_a_service_that_hiccups_while_it_is_polled(stage: Stage) -> None:
    stage.sso.fail_next("Poll", 500, 0, 503)
    asyncio.run(stage.sign_in())
    assert stage.stores.store.find(stage.session) is not None


@pytest.mark.parametrize("operation", ["RegisterClient", "StartDeviceAuthorization"])
def test_a_service_that_is_down(stage: Stage, operation: str) -> None:
    stage.sso.fail_next(operation, 500)
    fails(stage, ServiceUnreachableError, "signing in to “corp”: .* is busy or fails")


def test_scopes_and_start_pages_that_the_service_does_not_know(stage: Stage) -> None:
    right = stage.session

    def session(**more: object) -> SsoSession:
        return dataclasses.replace(right, **more)  # type: ignore[arg-type]

    stage.session = session(scopes=("everything",))
    fails(stage, ServiceRefusedError, "does not know the scopes")
    stage.session = session(start_url="https://other.awsapps.com/start")
    fails(stage, ServiceRefusedError, "refuses the request")
    stage.person.has_browser = True
    fails(stage, ServiceRefusedError, "refuses the request")


def test_what_is_no_such_service(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.sso.rules.register = lambda given: {"clientId": 1}  # type: ignore[method-assign]
    fails(stage, ServiceUnreachableError, "is not IAM Identity Center")


@pytest.mark.parametrize(
    ("page", "code"),
    [("http://elsewhere.example/device", "AB"), ("https://x/\x1b[2J", "AB"), ("https://x", "A\x1b[2J")],
)
def test_a_page_or_code_that_would_do_something_to_the_terminal(stage: Stage, page: str, code: str) -> None:
    begin = stage.sso.rules.begin

    def begun(given: dict[str, object], here: str) -> dict[str, object]:
        return {**begin(given, here), "verificationUri": page, "userCode": code}

    stage.sso.rules.begin = begun  # type: ignore[method-assign,assignment]
    fails(stage, ServiceUnreachableError, "is not IAM Identity Center")
    assert not stage.person.shown

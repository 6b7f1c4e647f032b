"""Touch ID, with a stand-in for LAContext that also says no: there is no Mac here."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from keyturn.auth import touch_id
from keyturn.auth.protocol import Asking
from keyturn.auth.touch_id import Outcome, TouchId
from keyturn.ground.errors import DeniedError, UnreachableError, UnusableError
from tests.auth.person import Scripted

# LAError: authenticationFailed, userCancel, userFallback, systemCancel, biometryNotAvailable, …NotEnrolled,
# …Lockout, appCancel, notInteractive
DENIED, FALLBACK = -1, -3
ALL = (-1, -2, -3, -4, -5, -6, -7, -8, -9, -1004)


class Failure:
    """Implements what is used of NSError."""

    def __init__(self, code: int) -> None:
        self._code = code

    def code(self) -> int:
        return self._code


class Mac:
    """Implements LocalContext: answers from another thread, as LAContext does."""

    def __init__(self, error: int | None = None, policies: tuple[int, ...] = (1, 2, 4)) -> None:
        self.asked: list[tuple[int, str]] = []
        self._error = error
        self._policies = policies

    def canEvaluatePolicy_error_(self, policy: int, error: None) -> tuple[bool, Any]:  # noqa: N802
        return (True, None) if policy in self._policies else (False, Failure(-6))

    def evaluatePolicy_localizedReason_reply_(  # noqa: N802
        self, policy: int, reason: str, reply: Callable[[bool, Any], None]
    ) -> None:
        assert policy in self._policies
        assert reason, "an empty reason is an exception in LocalAuthentication"
        self.asked.append((policy, reason))
        failure = None if self._error is None else Failure(self._error)
        threading.Timer(0.01, reply, (failure is None, failure)).start()


def test_a_yes_is_a_yes() -> None:
    mac = Mac()
    assert touch_id.evaluate(mac, "use “prod”") == Outcome()
    assert mac.asked == [(4, "use “prod”")]


@pytest.mark.parametrize("code", ALL)
def test_no_error_is_a_yes(code: int) -> None:
    outcome = touch_id.evaluate(Mac(code), "x")
    assert outcome.fault
    assert outcome.is_no == (code in (-1, -2, -4))


@pytest.mark.parametrize(("policies", "asked"), [((1, 2), 1), ((2,), 2)])
def test_the_first_policy_that_can_be_evaluated_is(policies: tuple[int, ...], asked: int) -> None:
    mac = Mac(policies=policies)
    assert touch_id.evaluate(mac, "x") == Outcome()
    assert mac.asked == [(asked, "x")]


def test_a_mac_without_any_asks_nobody() -> None:
    mac = Mac(policies=())
    assert touch_id.evaluate(mac, "x").fault
    assert not mac.asked


@pytest.mark.parametrize(
    ("answer", "error"),
    [(Outcome("no", is_no=True), DeniedError), (Outcome("broken"), UnusableError), (None, UnusableError)],
)
def test_what_the_helper_says_is_what_is_raised(answer: Outcome | None, error: type[Exception]) -> None:
    async def helper(room: str, task: bytes, asking: Asking) -> bytes:
        assert b"prod" in task
        if answer is None:
            raise UnreachableError("the helper failed")
        return msgspec.msgpack.encode(answer)

    with pytest.raises(error) as caught:
        asyncio.run(TouchId(helper, ["use “prod”"], 1).approve(Scripted([])))
    assert type(caught.value) is error


def test_here_the_library_is_missing() -> None:
    outcome = msgspec.msgpack.decode(touch_id.work(msgspec.msgpack.encode(touch_id.Task("x")), Silent()))
    assert outcome["fault"]
    assert not outcome["is_no"]


class Silent:
    """Implements `Prompter`."""

    def secret(self, prompt: str, warning: str = "") -> Any:
        raise AssertionError

    def text(self, prompt: str, warning: str = "") -> str:
        raise AssertionError

    def show(self, line: str) -> None:
        raise AssertionError

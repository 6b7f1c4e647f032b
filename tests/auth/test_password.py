"""The password as an authenticator: three tries, then slower."""

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

import pytest

from keyturn.auth.password import ATTEMPTS, Attempts, Password, Verifier
from keyturn.ground.errors import CancelledByPersonError, DeniedError, WrongPasswordError
from keyturn.ground.secret import Secret
from tests.vaults.templates import StoppedClock

T = TypeVar("T")


class Typist:
    """Answers questions from a list and keeps the warnings that came with them."""

    def __init__(self, *answers: str | None) -> None:
        self._answers = list(answers)
        self.warnings: list[str] = []

    prompter = None

    async def text(self, prompt: str, warning: str = "") -> str:
        raise AssertionError("nothing is asked in clear")

    async def show(self, *lines: str) -> None:
        raise AssertionError("nothing is shown")

    async def unless_other_way(self, work: Coroutine[object, object, T]) -> T:
        return await work

    async def secret(self, prompt: str, warning: str = "") -> Secret:
        assert prompt == "password: "
        self.warnings.append(warning)
        answer = self._answers.pop(0)
        if answer is None:
            raise CancelledByPersonError("cancelled")
        return Secret(answer)


async def check(secret: Secret) -> None:
    if secret != Secret("right"):
        raise WrongPasswordError("wrong password")


def approve(typist: Typist) -> None:
    asyncio.run(Password("password: ", check).approve(typist))


@pytest.mark.parametrize("wrong", range(ATTEMPTS))
def test_the_right_password_within_three_tries(wrong: int) -> None:
    typist = Typist(*["wrong"] * wrong, "right")
    approve(typist)
    assert typist.warnings == [""] + [f"wrong password ({n} of 3)" for n in range(1, wrong + 1)]


def test_three_wrong_ones_are_denied() -> None:
    typist = Typist("a", "b", "c", "right")
    with pytest.raises(DeniedError, match="3 times"):
        approve(typist)
    assert len(typist.warnings) == 3


def test_cancelling_is_not_denying() -> None:
    with pytest.raises(CancelledByPersonError):
        approve(Typist("wrong", None))


def test_a_verifier_knows_its_password_and_no_other() -> None:
    verifier = Verifier(Secret("right"))
    assert verifier.matches(Secret("right"))
    for other in ("", "Right", "right ", "wrong"):
        assert not verifier.matches(Secret(other))
    assert "right" not in repr(vars(verifier))


def test_pauses_grow_and_end() -> None:
    clock = StoppedClock()
    attempts = Attempts(clock)
    pauses = []
    for _ in range(8):
        for _ in range(ATTEMPTS):
            attempts.check_pause()
            attempts.failed()
        with pytest.raises(DeniedError, match="try again in"):
            attempts.check_pause()
        start = clock.seconds
        while True:
            try:
                attempts.check_pause()
                break
            except DeniedError:
                clock.seconds += 1
        pauses.append(clock.seconds - start)
    assert pauses == [5, 10, 20, 40, 80, 160, 300, 300]
    attempts.succeeded()
    attempts.failed()
    attempts.check_pause()

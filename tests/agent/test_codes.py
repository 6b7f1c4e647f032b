"""Codes that somebody types, or that a command prints."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import pytest

from keyturn.agent import codes
from keyturn.ground.errors import ConfigurationError, UnusableError
from keyturn.ground.secret import Secret
from keyturn.sdk.codes import KEPT_SECONDS, CodeQuestion, TypedCodes
from tests.vaults.templates import StoppedClock

DEVICE = "arn:aws:iam::1:mfa/ada"


class Typist:
    """Answers from a list."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.warnings: list[str] = []

    async def text(self, prompt: str, warning: str = "") -> str:
        assert DEVICE in prompt
        self.warnings.append(warning)
        return self.answers.pop(0)


class Shell(Typist):
    """Has commands run, and never asks."""

    def __init__(self, status: int, output: str) -> None:
        super().__init__()
        self.result = (status, Secret(output))
        self.commands: list[str] = []

    async def execute(self, command: str, seconds: float) -> tuple[int, Secret]:
        self.commands.append(command)
        return self.result


def obtain(asking: Typist, process: str = "") -> str:
    question = CodeQuestion(DEVICE, "assume a role", process)
    return asyncio.run(codes.obtain(cast(Any, asking), question)).reveal()


@pytest.mark.parametrize("answers", [["123456"], ["", "123456"], ["12345", "1234567", "12345a", " 123 456 "]])
def test_a_person_is_asked_until_it_is_a_code(answers: Sequence[str]) -> None:
    typist = Typist(*answers)
    assert obtain(typist) == "123456"
    assert len(typist.warnings) == len(answers)
    assert typist.warnings[0] == ""
    assert all("6 digits" in warning for warning in typist.warnings[1:])


def test_digits_of_other_scripts_are_no_code() -> None:
    assert obtain(Typist("١٢٣٤٥٦", "123456")) == "123456"


def test_a_command_is_run_instead_of_asking() -> None:
    shell = Shell(0, "123456\n")
    assert obtain(shell, "oath code") == "123456"
    assert shell.commands == ["oath code"]


@pytest.mark.parametrize("output", ["", "976249 lasts 24s …", "12345", "1234567", "123456\n654321"])
def test_story_6_what_a_command_prints_is_a_code_or_nothing(output: str) -> None:
    with pytest.raises(ConfigurationError, match="something else than 6 digits") as caught:
        obtain(Shell(0, output), "oath code")
    assert not output or output not in str(caught.value)


def test_a_command_that_fails_gives_no_code_whatever_it_prints() -> None:
    with pytest.raises(ConfigurationError, match="ended with status 3"):
        obtain(Shell(3, "123456"), "oath code")


def test_where_no_command_can_be_run_nobody_is_asked_in_its_place() -> None:
    with pytest.raises(UnusableError):
        obtain(Typist("123456"), "oath code")


def test_a_typed_code_is_for_one_and_not_for_ever() -> None:
    clock = StoppedClock()
    typed = TypedCodes(clock)
    assert not typed.has(DEVICE)
    typed.offer(DEVICE, Secret("123456"))
    assert typed.take("another device") is None
    assert typed.has(DEVICE)
    taken = typed.take(DEVICE)
    assert taken is not None
    assert (taken.reveal(), typed.take(DEVICE), typed.has(DEVICE)) == ("123456", None, False)
    typed.offer(DEVICE, Secret("123456"))
    clock.seconds += KEPT_SECONDS
    assert (typed.has(DEVICE), typed.take(DEVICE)) == (False, None)

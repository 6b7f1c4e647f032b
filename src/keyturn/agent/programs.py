"""Programs of a person's configuration, run in the process tree of the command that they called."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from keyturn.auth.protocol import Asking
from keyturn.ground.errors import UnusableError
from keyturn.ground.secret import Secret
from keyturn.sdk.printed import Printed, ProcessQuestion


@runtime_checkable
class RunningPrograms(Protocol):
    """An `Asking` through whose other end programs can be run."""

    async def run_program(
        self, words: tuple[str, ...], assign: tuple[tuple[str, str], ...], seconds: float
    ) -> Printed:
        """How a program ended that got the variables `assign` besides the caller's own."""


async def obtain(asking: Asking, question: ProcessQuestion) -> Secret:
    """What the program printed. Raises what `question.check` finds wrong with it."""
    if not isinstance(asking, RunningPrograms):
        raise UnusableError("no program of the caller's can be run from here")
    printed = await asking.run_program(question.words, question.assign, question.seconds)
    question.check(printed)
    return printed.output

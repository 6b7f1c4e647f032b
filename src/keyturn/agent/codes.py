"""One-time codes that no vault holds: a person types them, or a command of theirs prints them."""

from __future__ import annotations

import re
from typing import Protocol, runtime_checkable

from keyturn.auth.protocol import Asking
from keyturn.ground.errors import ConfigurationError, UnusableError
from keyturn.ground.names import printable
from keyturn.ground.secret import Secret
from keyturn.sdk.codes import CodeQuestion

# A hardware key that wants a touch is given the time for it.
COMMAND_SECONDS = 60.0


@runtime_checkable
class Executing(Protocol):
    """An `Asking` whose person's commands can be run, in the process tree of the command that they called."""

    async def execute(self, command: str, seconds: float) -> tuple[int, Secret]:
        """A command line's exit status and output."""


async def obtain(asking: Asking, question: CodeQuestion) -> Secret:
    """The code. Raises ConfigurationError for a command that prints none."""
    return await (_printed(asking, question) if question.process else _typed(asking, question))


async def _typed(asking: Asking, question: CodeQuestion) -> Secret:
    warning = ""
    while True:
        typed = await asking.text(f"one-time code of {printable(question.device, 200)}: ", warning)
        code = re.sub(r"\s", "", typed)
        if is_code(code, question.digits):
            return Secret(code)
        warning = f"a code of this device is {question.digits} digits"


async def _printed(asking: Asking, question: CodeQuestion) -> Secret:
    if not isinstance(asking, Executing):
        raise UnusableError("no command of the caller's can be run from here")
    status, output = await asking.execute(question.process, COMMAND_SECONDS)
    called = f"the command for one-time codes of {printable(question.device, 200)}"
    if status:
        raise ConfigurationError(
            f"{called} ended with status {status}", "try it by itself: it is mfa_process"
        )
    code = output.reveal().strip()
    if not is_code(code, question.digits):
        # Not shown, and no part of it is taken for one (story 6).
        raise ConfigurationError(
            f"{called} printed something else than {question.digits} digits",
            "it is mfa_process in the profile",
        )
    return Secret(code)


def is_code(text: str, digits: int) -> bool:
    """Whether it is exactly so many ASCII digits."""
    return len(text) == digits and text.isascii() and text.isdigit()

"""Touch ID, an Apple Watch, or the login password in the system's own dialog (macOS, LocalAuthentication).

The upper half sends a helper the task; `work` does it there, for the framework is foreign code with threads
of its own. Killed, the helper takes its dialog with it. This file has been tested against a stand-in for
LAContext only: this project has had no Mac to run it on.
"""

from __future__ import annotations

import asyncio
import importlib.util
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from keyturn.auth.pam import Helper
from keyturn.auth.protocol import Asking
from keyturn.ground.errors import DeniedError, UnreachableError, UnusableError
from keyturn.ground.names import printable
from keyturn.ground.prompter import Prompter

# LAPolicy: biometrics or watch, biometrics, any of the owner's ways with the login password.
POLICIES = (4, 1, 2)
# LAError: those by which a person or the system said no. All others say that it cannot be done here.
NO = {-1: "not recognised", -2: "cancelled in the dialog", -4: "the system closed the dialog"}
LONGEST = 200


class LocalContext(Protocol):
    """What is used of LAContext, as pyobjc shows it."""

    def canEvaluatePolicy_error_(self, policy: int, error: None) -> tuple[bool, Any]:  # noqa: N802
        """Whether `policy` could be evaluated, and why not."""

    def evaluatePolicy_localizedReason_reply_(  # noqa: N802
        self, policy: int, reason: str, reply: Callable[[bool, Any], None]
    ) -> None:
        """Ask the person; `reply` is called in another thread."""


class Task(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    reason: str


class Outcome(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`is_no`: somebody said no; else `fault` is why it cannot be done, or empty for a yes."""

    fault: str = ""
    is_no: bool = False


class TouchId:
    """Asks the Mac. `lines` say what the person is to agree to; `seconds` is how long a dialog may stand."""

    name = "touch-id"

    def __init__(self, helper: Helper, lines: Sequence[str], seconds: float) -> None:
        self._helper = helper
        self._lines = lines
        self._seconds = seconds

    async def unavailable(self) -> str:
        if not _is_mac():
            return "Touch ID is for macOS"
        if not _has_library():
            return "its library is not installed: pip install 'keyturn[macos]'"
        return ""

    async def approve(self, asking: Asking) -> None:
        await asking.show("waiting for Touch ID, the watch, or the system's dialog")
        # The dialog reads “keyturn is trying to …”.
        reason = printable("; ".join(self._lines), LONGEST) or "let a command use your credentials"
        task = msgspec.msgpack.encode(Task(reason))
        try:
            async with asyncio.timeout(self._seconds):
                output = await self._helper("touch-id", task, asking)
        except TimeoutError:
            raise DeniedError("nobody answered the system's dialog in time") from None
        except UnreachableError:
            raise UnusableError("the helper for Touch ID failed") from None
        outcome = msgspec.msgpack.decode(output, type=Outcome)
        if outcome.is_no:
            raise DeniedError(f"Touch ID: {outcome.fault}")
        if outcome.fault:
            raise UnusableError(outcome.fault)


def _is_mac() -> bool:
    return sys.platform == "darwin"


def _has_library() -> bool:
    return importlib.util.find_spec("LocalAuthentication") is not None


def work(task: bytes, prompter: Prompter) -> bytes:
    """The helper's entry; the person is asked by the system."""
    reason = msgspec.msgpack.decode(task, type=Task).reason
    try:
        from LocalAuthentication import LAContext  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        return msgspec.msgpack.encode(Outcome("LocalAuthentication cannot be loaded"))
    return msgspec.msgpack.encode(evaluate(LAContext.alloc().init(), reason))


def evaluate(context: LocalContext, reason: str) -> Outcome:
    """Ask by the first policy that this machine can evaluate; blocks until there is an answer."""
    policy = next((each for each in POLICIES if context.canEvaluatePolicy_error_(each, None)[0]), None)
    if policy is None:
        return Outcome("this Mac has no Touch ID, no watch and no login password")
    answered = threading.Event()
    outcome = Outcome("Touch ID gave no answer")

    def reply(success: bool, error: Any) -> None:
        nonlocal outcome
        outcome = Outcome() if success else _failure(error)
        answered.set()

    context.evaluatePolicy_localizedReason_reply_(policy, reason, reply)
    answered.wait()
    return outcome


def _failure(error: Any) -> Outcome:
    code = int(error.code()) if error is not None else -1
    if code in NO:
        return Outcome(NO[code], is_no=True)
    return Outcome(f"Touch ID cannot be used now (error {code})")

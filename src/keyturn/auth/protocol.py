"""What an authenticator is: it answers yes or no and gives no key (a slot gives a key)."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Protocol, TypeVar

from keyturn.ground.secret import Secret
from keyturn.processes.facts import Process

T = TypeVar("T")


class OtherWayError(Exception):
    """The person wants to agree in another way: the next authenticator is tried."""


class Asking(Protocol):
    """A conversation with the person who is to agree.

    When the person cancels or hangs up, or the matter is settled elsewhere, the task that talks is
    cancelled (asyncio.CancelledError), wherever it waits: clean up in `finally`.
    """

    @property
    def prompter(self) -> Process | None:
        """The process that puts the questions, as the kernel described it; None if it is not known."""

    async def secret(self, prompt: str, warning: str = "") -> Secret:
        """Text that the person types unseen; `warning` is about the last answer."""

    async def text(self, prompt: str, warning: str = "") -> str:
        """Text that the person sees while typing it."""

    async def show(self, *lines: str) -> None:
        """Lines that stay until the next question or the end; returns at once."""

    async def unless_other_way(self, work: Coroutine[object, object, T]) -> T:
        """Do `work`, offering the person to agree in another way meanwhile.

        Raises OtherWayError, the work cancelled, if that is taken up.
        """


class Authenticator(Protocol):
    """Gets a person's agreement."""

    name: str

    async def unavailable(self) -> str:
        """Why it cannot be used here and now, for a person to read; empty if it can. Takes milliseconds."""

    async def approve(self, asking: Asking) -> None:
        """Return when the person agreed. Raises DeniedError for a no, UnusableError to try the next."""

"""Questions to a person, from code that runs in a helper process and may block."""

from __future__ import annotations

from typing import Protocol

from keyturn.ground.secret import Secret


class Prompter(Protocol):
    """The person at the caller's terminal, at the other end of some pipes.

    There is no "cancelled": a person who cancels ends the helper.
    """

    def secret(self, prompt: str, warning: str = "") -> Secret:
        """Text that the person types unseen; `warning` is about the last answer."""

    def text(self, prompt: str, warning: str = "") -> str:
        """Text that the person sees while typing it."""

    def show(self, line: str) -> None:
        """A line for the person to read (“touch the key”); it stays until the next question or the end."""

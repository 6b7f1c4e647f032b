"""What asking a person looks like from below; `cli/` implements it on the terminal."""

from __future__ import annotations

from typing import Protocol

from keyturn.ground.secret import Secret


class Prompter(Protocol):
    """Asks one person on one terminal. Every method raises CancelledByPersonError on Ctrl-C."""

    def secret(self, question: str) -> Secret:
        """Text that is not echoed; the question is erased when answered."""

    def confirm(self, question: str, *, default: bool) -> bool:
        """A yes or a no."""

    def tell(self, line: str) -> None:
        """One line on the terminal that stays."""

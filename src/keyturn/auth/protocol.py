"""What an authenticator is: it answers yes or no and gives no key (a slot gives a key)."""

from __future__ import annotations

from typing import Protocol

from keyturn.ground.secret import Secret


class Asking(Protocol):
    """A conversation with the person who is to agree; ends with CancelledByPersonError on Ctrl-C."""

    async def secret(self, prompt: str, warning: str = "") -> Secret:
        """Text that the person types unseen."""


class Authenticator(Protocol):
    """Gets a person's agreement. System authentication (polkit, PAM, Touch ID) will be others of these."""

    name: str

    def unavailable(self) -> str:
        """Why it cannot be used here and now, for a person to read; empty if it can."""

    async def approve(self, asking: Asking) -> None:
        """Return when the person agreed. Raises DeniedError or CancelledByPersonError if not."""

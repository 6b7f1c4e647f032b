"""One-time codes that no vault holds: somebody types them, or a command of theirs prints them."""

from __future__ import annotations

from dataclasses import dataclass

from keyturn.ground.clock import Clock
from keyturn.ground.secret import Secret

# A service takes a code for a step or so after its own; an older one would be refused, and use up a try.
KEPT_SECONDS = 60.0


@dataclass(frozen=True)
class CodeQuestion:
    """Which device's code is needed, and `purpose`, a phrase for what.

    `process` is a command line that prints it, run by a shell on the caller's side; empty: a person is asked.
    """

    device: str
    purpose: str
    process: str = ""
    digits: int = 6


class TypedCodes:
    """Codes that were typed and not used yet, one a device."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._codes: dict[str, tuple[Secret, float]] = {}

    def offer(self, device: str, code: Secret) -> None:
        """Keep a code that was just typed for whoever needs it first."""
        self._codes[device] = (code, self._clock.boot() + KEPT_SECONDS)

    def has(self, device: str) -> bool:
        """Whether there is one to take."""
        found = self._codes.get(device)
        if found is not None and found[1] <= self._clock.boot():
            del self._codes[device]
            return False
        return found is not None

    def take(self, device: str) -> Secret | None:
        """The code, which nobody else gets then; None if there is none."""
        return self._codes.pop(device)[0] if self.has(device) else None

"""Noticing afterwards that the machine slept: for where nobody tells it."""

from __future__ import annotations

from keyturn.ground.clock import Clock

# Two clocks are never read at the same moment. Nobody takes anything from a machine in so short a sleep.
SECONDS = 5.0


class SuspendDetector:
    """Compares the clock that goes on in suspend with the one that does not."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._asleep = self._seconds_asleep()

    def has_slept(self) -> bool:
        """Whether the machine was suspended for more than SECONDS since the last call or the start."""
        before, now = self._asleep, self._seconds_asleep()
        # A pause between the two readings makes it look less; the next one must not look like more.
        self._asleep = max(before, now)
        return now - before > SECONDS

    def _seconds_asleep(self) -> float:
        """How long the machine was suspended since it was started, at least."""
        boot = self._clock.boot()
        return boot - self._clock.awake()

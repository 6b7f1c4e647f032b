"""The clocks. Everything else is handed one, so that tests can move time."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The wall clock, UTC; for what is written into files and shown, never for deadlines."""

    def boot(self) -> float:
        """Seconds since boot, suspend included; for every deadline."""

    def awake(self) -> float:
        """Seconds since boot that the machine was not suspended; only beside `boot`."""


class SystemClock:
    """The machine's clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def boot(self) -> float:
        if sys.platform == "linux":
            return time.clock_gettime(time.CLOCK_BOOTTIME)
        # macOS: CLOCK_MONOTONIC goes on while the machine sleeps (clock_gettime(3)).
        return time.clock_gettime(time.CLOCK_MONOTONIC)

    def awake(self) -> float:
        if sys.platform == "darwin":
            return time.clock_gettime(time.CLOCK_UPTIME_RAW)
        return time.clock_gettime(time.CLOCK_MONOTONIC)


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC with whole seconds, as items and slots carry it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

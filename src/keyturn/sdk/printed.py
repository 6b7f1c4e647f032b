"""Programs of a person's own configuration whose output a plugin needs: run on the caller's side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from keyturn.ground.clock import Clock
from keyturn.ground.secret import Secret

# For all who waited for it, and the launcher that has to come back first. What is worth keeping longer is
# kept by who asked.
KEPT_SECONDS = 60.0


@dataclass(frozen=True)
class Printed:
    """How a program ended: its status as a shell has it, whether it ran out of time, and what it printed.

    `is_cut`: it printed more than anybody reads.
    """

    status: int
    output: Secret
    is_late: bool = False
    is_cut: bool = False


@dataclass(frozen=True)
class ProcessQuestion:
    """Which program is to be run, and what its output is kept under.

    `words` are the program and its arguments (no shell is between), `assign` variables that it gets besides
    the caller's. `check` raises KeyturnError for an end or an output that is of no use.
    """

    name: str
    words: tuple[str, ...] = field(repr=False)
    seconds: float
    assign: tuple[tuple[str, str], ...]
    check: Callable[[Printed], None] = field(repr=False, compare=False)


class Outputs:
    """What programs printed a moment ago, by the name of the question."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._outputs: dict[str, tuple[Secret, float]] = {}

    def age(self, name: str) -> float:
        """How long ago it was printed, in seconds; for one that `get` gives."""
        return KEPT_SECONDS - (self._outputs[name][1] - self._clock.boot())

    def offer(self, name: str, output: Secret) -> None:
        """Keep what was just printed for all who wait for it."""
        now = self._clock.boot()
        self._outputs = {each: kept for each, kept in self._outputs.items() if kept[1] > now}
        self._outputs[name] = (output, now + KEPT_SECONDS)

    def get(self, name: str) -> Secret | None:
        """The output; None if there is none that is new enough."""
        found = self._outputs.get(name)
        return found[0] if found is not None and found[1] > self._clock.boot() else None

    def drop(self, name: str) -> None:
        """It turned out to be of no use."""
        self._outputs.pop(name, None)

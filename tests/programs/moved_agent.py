"""An agent whose clocks a test moves, and which takes SIGUSR1 for “the screen was locked”.

    python -m tests.programs.moved_agent PLACE CONFIG DATA STATE RUNTIME

PLACE/moved holds two numbers of seconds: by how much the machine is later, awake and in suspend.
"""

import asyncio
import signal
import sys
from pathlib import Path

from keyturn.agent import supervisor
from keyturn.agent.forgetting import Forgetting
from keyturn.ground.clock import SystemClock
from keyturn.ground.paths import Directories

PLACE = Path(sys.argv[1])


class MovedClock(SystemClock):
    """The machine's clocks, moved on."""

    def _moved(self) -> tuple[float, float]:
        awake, asleep = (PLACE / "moved").read_text().split()
        return float(awake), float(asleep)

    def boot(self) -> float:
        return super().boot() + sum(self._moved())

    def awake(self) -> float:
        return super().awake() + self._moved()[0]


def start(self: Forgetting) -> None:
    begin(self)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, lambda: asyncio.ensure_future(self._on_screen_lock()))


begin = Forgetting.start
Forgetting.start = start  # type: ignore[method-assign]
supervisor.SystemClock = MovedClock  # type: ignore[attr-defined]

if __name__ == "__main__":
    raise SystemExit(supervisor.start(Directories(*map(Path, sys.argv[2:6]))))

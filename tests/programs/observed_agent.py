"""The agent as it is, but for what lets a test look on; run as a program.

    python -I observed_agent.py PLACE CONFIG DATA STATE RUNTIME

PLACE/shift moves its clock on by so many seconds, and its idle timer looks five times a second; its log takes
every level, asyncio's own included; each helper is started by PLACE/interpreter.
"""

import asyncio
import functools
import logging
import sys
from pathlib import Path

from keyturn.agent import forgetting, supervisor
from keyturn.ground.clock import SystemClock
from keyturn.ground.paths import Directories
from keyturn.processes.timer import BootTimer

LOOK_SECONDS = 0.2
PLACE = Path(sys.argv[1])


class MovedClock(SystemClock):
    """The machine's clock, moved on: as if it had been suspended."""

    def boot(self) -> float:
        shift = PLACE / "shift"
        return super().boot() + (float(shift.read_text() or 0) if shift.exists() else 0)


class AttentiveTimer(BootTimer):
    """Comes early: the keeper compares with its clock whenever it comes, and sets it anew."""

    def set_in(self, seconds: float) -> None:
        super().set_in(min(seconds, LOOK_SECONDS))


def log_everything(path: Path) -> None:
    keep_log(path)
    root = logging.getLogger()
    root.setLevel(1)
    for name in ("keyturn", "asyncio"):
        logging.getLogger(name).setLevel(1)
    root.addHandler(logging.getLogger("keyturn").handlers[0])


keep_log = supervisor._log_to
supervisor._log_to = log_everything
supervisor.SystemClock = MovedClock  # type: ignore[attr-defined]
forgetting.BootTimer = AttentiveTimer  # type: ignore[attr-defined]
asyncio.run = functools.partial(asyncio.run, debug=True)
sys.executable = str(PLACE / "interpreter")

raise SystemExit(supervisor.start(Directories(*map(Path, sys.argv[2:6]))))

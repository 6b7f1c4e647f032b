"""An agent whose wall clock a test moves: half a minute passes at once.

    python -m tests.programs.later_agent PLACE CONFIG DATA STATE RUNTIME

PLACE/later holds by how many seconds it is later than the machine has it.
"""

import sys
from datetime import datetime, timedelta
from pathlib import Path

from keyturn.agent import supervisor
from keyturn.ground.clock import SystemClock
from keyturn.ground.paths import Directories

PLACE = Path(sys.argv[1])


class LaterClock(SystemClock):
    """The machine's clocks, the one on the wall moved on."""

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=float((PLACE / "later").read_text()))


supervisor.SystemClock = LaterClock  # type: ignore[attr-defined]

if __name__ == "__main__":
    raise SystemExit(supervisor.start(Directories(*map(Path, sys.argv[2:6]))))

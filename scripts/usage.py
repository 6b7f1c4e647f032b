"""What processes use, as the system counts it: memory, processor time, wake-ups."""

import subprocess
from pathlib import Path


def resident(pids: list[int]) -> float:
    """MB that the processes occupy, shared pages counted for each."""
    listed = subprocess.run(
        ["ps", "-o", "rss=", "-p", ",".join(map(str, pids))], capture_output=True, check=True
    ).stdout
    return sum(map(int, listed.split())) / 1024


def proportional(pids: list[int]) -> float | None:
    """MB with shared pages counted once. None where the system does not tell."""
    total = 0
    for pid in pids:
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            return None
        total += next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
    return total / 1024


def processor_seconds(pid: int) -> float | None:
    """What a process's threads have used so far (Linux). Unlike time on the wall, no neighbour adds to it."""
    try:
        texts = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/schedstat")]
    except OSError:
        return None
    return sum(int(text.split()[0]) for text in texts) / 1e9 if texts else None


def wake_ups(pids: list[int]) -> int | None:
    """How often the processes' threads have waited for something and were woken, so far (Linux)."""
    try:
        texts = [path.read_text() for pid in pids for path in Path(f"/proc/{pid}/task").glob("*/status")]
    except OSError:
        return None
    lines = [
        line for text in texts for line in text.splitlines() if line.startswith("voluntary_ctxt_switches")
    ]
    return sum(int(line.split()[1]) for line in lines) if lines else None

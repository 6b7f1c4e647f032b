"""Looking into processes as root can, and as a neighbour of the same user would."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.parts import needs

LARGEST_REGION = 1 << 30


def pids_with(marker: str) -> list[int]:
    """The processes whose command line holds `marker`."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if marker.encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return sorted(found)


def regions(pid: int) -> Iterator[bytes]:
    """The content of every readable region of a process's memory; needs root for our hardened ones."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            span, access = line.split()[:2]
            low, high = (int(part, 16) for part in span.split("-"))
            if not access.startswith("r") or high - low > LARGEST_REGION:
                continue
            try:
                memory.seek(low)
                yield memory.read(high - low)
            except (OSError, ValueError, OverflowError):
                continue


def holds(pid: int, secret: str) -> bool:
    """Whether the text stands anywhere in a process's memory, in one of the forms Python keeps text in."""
    forms = [secret.encode(), secret.encode("utf-16-le"), secret.encode("utf-32-le")]
    count = 0
    for content in regions(pid):
        count += 1
        if any(form in content for form in forms):
            return True
    assert count, f"nothing of process {pid} could be read, so nothing was looked at"
    return False


def unprivileged() -> tuple[str, ...]:
    """The words before a command that run it as root without any of root's capabilities."""
    return (needs("setpriv"), "--bounding-set=-all", "--inh-caps=-all")


def neighbour_can_open(pid: int, name: str) -> bool:
    """Whether a process of the same user without any privilege opens /proc/PID/NAME for reading.

    Both have to run by `unprivileged`: the kernel compares the capabilities of the two besides their uids.
    """
    # Opening is what counts: the first byte of /proc/PID/mem is never mapped.
    command = ["sh", "-c", f": < /proc/{pid}/{name}"]
    done = subprocess.run([*unprivileged(), *command], capture_output=True, check=False)
    return done.returncode == 0

"""Looking into processes as root can, and as a neighbour of the same user would."""

import contextlib
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


def pids_of(home: Path) -> list[int]:
    """The processes that work for the user with this home: it stands in their words or their environment."""
    found = set(pids_with(str(home)))
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                if str(home).encode() in (entry / "environ").read_bytes():
                    found.add(int(entry.name))
    return sorted(found)


def regions(pid: int) -> Iterator[bytes]:
    """The content of every readable region of a process's memory; needs root for our hardened ones.

    What is mapped from a file and cannot be written is that file's content and is left out.
    """
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            span, access, _, _, inode = line.split()[:5]
            low, high = (int(part, 16) for part in span.split("-"))
            if access[0] != "r" or (access[1] != "w" and inode != "0") or high - low > LARGEST_REGION:
                continue
            try:
                memory.seek(low)
                yield memory.read(high - low)
            except (OSError, ValueError, OverflowError):
                continue


def forms(secret: str) -> list[bytes]:
    """A text in the forms that Python keeps text in."""
    return [secret.encode(), secret.encode("utf-16-le"), secret.encode("utf-32-le")]


def holds(pid: int, secret: str) -> bool:
    """Whether the text stands anywhere in a process's memory."""
    return bool(held(pid, [secret]))


def held(pid: int, wanted: list[str]) -> set[str]:
    """Those of the texts that stand anywhere in a process's memory, read once for all."""
    found: set[str] = set()
    count = 0
    for content in regions(pid):
        count += 1
        found |= {secret for secret in wanted if any(form in content for form in forms(secret))}
    assert count, f"nothing of process {pid} could be read, so nothing was looked at"
    return found


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

"""Running a command of the person's own, as their shell would: in their directory, on their terminal."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from keyturn.ground.clock import Clock
from keyturn.ground.world import here

# As a shell has it for a command that was ended for taking too long (timeout(1)), that is not there, and
# that cannot be run.
TOO_LONG, NOT_FOUND, NOT_EXECUTABLE = 124, 127, 126
LARGEST = 64 * 1024
# From being told to end until it is made to.
END_SECONDS = 1.0


@dataclass(frozen=True)
class Ended:
    """A command's exit status, as a shell has it, and at most LARGEST bytes of what it printed.

    `is_late`: its time was over; `is_cut`: it had more to say. Either way it was ended.
    """

    status: int
    output: bytes = field(repr=False)
    is_late: bool = False
    is_cut: bool = False


def run(command: str, seconds: float, clock: Clock) -> tuple[int, bytes]:
    """The exit status and the output of a command line; TOO_LONG after `seconds`."""
    ended = run_to_end(command, seconds, clock)
    return ended.status, ended.output


def run_to_end(
    command: str | Sequence[str],
    seconds: float,
    clock: Clock,
    assign: Mapping[str, str] = MappingProxyType({}),
) -> Ended:
    """Run a command line by a shell, or a program by its words without one, for `seconds` at most.

    It has no stdin: what is piped in is the wrapped command's. Its stderr is ours, and so is its
    environment, with `assign` besides.
    """
    words = ["/bin/sh", "-c", command] if isinstance(command, str) else list(command)
    more = {os.fsencode(name): os.fsencode(value) for name, value in assign.items()}
    environment = {**here().variables, **more} if more else None
    try:
        process = subprocess.Popen(words, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    except FileNotFoundError:
        return Ended(NOT_FOUND, b"")
    except (OSError, ValueError):
        return Ended(NOT_EXECUTABLE, b"")
    assert process.stdout is not None
    output, is_late = b"", False
    left: list[int] = []
    try:
        output, is_late = _read(process.stdout.fileno(), seconds, clock)
        is_cut = len(output) > LARGEST
        if is_late or is_cut:
            left = [process.pid, *_descendants(process.pid)]
            _send(left, signal.SIGTERM)
        # It has said everything, and may take its time to end: as long as is left.
        status = process.wait(timeout=END_SECONDS)
    except subprocess.TimeoutExpired:
        is_late, status = True, 0
    finally:
        process.stdout.close()
        if process.poll() is None:
            process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=END_SECONDS)
        # What it has started would keep our stderr open, and whoever reads that waiting.
        _send(left[1:], signal.SIGKILL)
    if is_late:
        status = TOO_LONG
    return Ended(status if status >= 0 else 128 - status, output[:LARGEST], is_late, len(output) > LARGEST)


def _send(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(OSError):
            os.kill(pid, number)


def _descendants(pid: int) -> list[int]:
    """The processes below one. It keeps our process group, or it could not use the terminal; so no group of
    its own tells them."""
    children: dict[int, list[int]] = {}
    for child, parent in _parents():
        children.setdefault(parent, []).append(child)
    found, waiting = [], [pid]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def _parents() -> Iterator[tuple[int, int]]:
    """Every process with its parent, by /proc or, where there is none, by ps(1)."""
    if os.path.isdir("/proc/self"):
        for name in os.listdir("/proc"):
            if name.isdigit():
                with contextlib.suppress(OSError, ValueError, IndexError), open(f"/proc/{name}/stat") as stat:
                    # The name in the parentheses may hold anything.
                    yield int(name), int(stat.read().rpartition(")")[2].split()[1])
        return
    listed = subprocess.run(
        ["/bin/ps", "-A", "-o", "pid=,ppid="], stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    for line in listed.stdout.split(b"\n"):
        if len(line.split()) == 2:
            own, parent = line.split()
            yield int(own), int(parent)


def _read(descriptor: int, seconds: float, clock: Clock) -> tuple[bytes, bool]:
    """What comes until its end or until there is too much; and whether the time was over first."""
    output, until = b"", clock.boot() + seconds
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while len(output) <= LARGEST:
            left = until - clock.boot()
            if left <= 0 or not selector.select(left):
                return output, True
            part = os.read(descriptor, 4096)
            if not part:
                break
            output += part
    return output, False

"""Running a command line of the person's own, as their shell would: in their directory, on their terminal."""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess

from keyturn.ground.clock import Clock

# As a shell has it for a command that was ended for taking too long (timeout(1)).
TOO_LONG = 124
LARGEST = 64 * 1024
# From being told to end until it is made to.
END_SECONDS = 1.0


def run(command: str, seconds: float, clock: Clock) -> tuple[int, bytes]:
    """Its exit status, as a shell has it, and at most LARGEST bytes of what it printed.

    It has no stdin: what is piped in is the wrapped command's. Its stderr is ours. After `seconds`, or with
    more to say than that, it is ended.
    """
    process = subprocess.Popen(["/bin/sh", "-c", command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    assert process.stdout is not None
    output, is_late = b"", False
    try:
        output, is_late = _read(process.stdout.fileno(), seconds, clock)
        if is_late or len(output) > LARGEST:
            process.terminate()
        status = process.wait(timeout=END_SECONDS)
    except subprocess.TimeoutExpired:
        is_late, status = True, 0
    finally:
        process.stdout.close()
        if process.poll() is None:
            process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=END_SECONDS)
    if is_late:
        status = TOO_LONG
    return (status if status >= 0 else 128 - status), output[:LARGEST]


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

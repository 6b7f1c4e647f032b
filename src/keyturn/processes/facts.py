"""What is known of a process on every platform."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Process:
    """One process as the kernel described it at one moment.

    `start` tells it from a later process with the same pid (clock ticks since boot on Linux,
    microseconds on macOS). `terminal` is the controlling terminal's device number, 0 for none;
    `foreground_group` that terminal's foreground process group. `nested`: it lives in a pid
    namespace below ours.
    """

    pid: int
    start: int
    parent: int
    group: int
    session: int
    terminal: int
    foreground_group: int
    uid: int
    is_stopped: bool
    nested: bool

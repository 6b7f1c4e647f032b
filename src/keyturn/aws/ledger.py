"""Which one-time codes were used: a code works once for a device and step, whoever asks, across both calls.

It is written before a code is sent, so that an agent that dies in between never sends that code again. What
is kept is which steps were used, by a hash of the device's serial: never a code. They are compared one by
one, for a clock may go back as well.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import msgspec

from keyturn.ground import files
from keyturn.ground.errors import DamagedError

LARGEST = 1024 * 1024
# Of each device the steps used last, and the devices used last: AWS takes a code for a minute and a half, so
# what is older could come again only by a clock that jumps about.
STEPS_KEPT = 32
DEVICES_KEPT = 64
# How many steps `floor` may be ahead. If it is further, the clock was set back since, perhaps by years.
STEPS_AHEAD = 3
UNREADABLE = "the record of used one-time codes cannot be read"


class _Record(msgspec.Struct, forbid_unknown_fields=True):
    """The steps that each device used, from when to when; any may have been that begins before `floor`."""

    floor: int = 0
    used: dict[str, list[tuple[int, int]]] = msgspec.field(default_factory=dict)
    version: int = 1

    def __post_init__(self) -> None:
        if self.version != 1:
            raise ValueError("another version")


@dataclass(frozen=True)
class Turn:
    """Whether a step's code may be sent. If not: from when (Unix time) a code may be, and, if it is not
    only that this step's was used, why."""

    granted: bool
    free_at: int = 0
    doubt: str = ""


class Ledger:
    """The file at `path`, shared by all agents of a user that have this state directory."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def claim(self, device: str, begins: int, ends: int) -> Turn:
        """Ask for the code of the step from `begins` to `ends` (Unix time), which is now; granted once.

        Raises ConfigurationError if it cannot be recorded: then the code must not be sent.
        """
        name = hashlib.sha256(device.encode("utf-8", "surrogatepass")).hexdigest()
        with files.changing(self._path):
            record = self._read()
            doubt = ""
            if record is None or record.floor > ends + STEPS_AHEAD * (ends - begins):
                # Any device's code of this step may have been used.
                used, doubt = {} if record is None else record.used, UNREADABLE
                record = _Record(ends, used)
            steps = record.used.pop(name, [])
            free_at = max(
                (end for start, end in (*steps, (0, record.floor)) if start < ends and begins < end),
                default=0,
            )
            if not free_at:
                steps.append((begins, ends))
            if doubt or not free_at:
                record.used[name] = steps[-STEPS_KEPT:]
                record.used = dict(list(record.used.items())[-DEVICES_KEPT:])
                files.write_atomically(self._path, msgspec.json.encode(record) + b"\n")
        return Turn(not free_at, free_at, doubt)

    def _read(self) -> _Record | None:
        """None if what is there cannot be trusted; no file is an empty record."""
        try:
            content, _ = files.read(self._path, LARGEST)
            return msgspec.json.decode(content, type=_Record)
        except FileNotFoundError:
            return _Record()
        except (OSError, DamagedError, msgspec.DecodeError, ValueError):
            return None

"""The audit log: one JSON line for each use of an item, in the state directory.

It names who, what and by which yes; never a secret, an argument or an environment. The keeper is the only
writer. A line is written before the command gets anything; a disk that is full stops no command.
"""

from __future__ import annotations

import itertools
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from keyturn.agent.callers import Caller
from keyturn.agent.questions import Purpose
from keyturn.ground.clock import Clock
from keyturn.ground.errors import KeyturnError
from keyturn.processes import identity

log = logging.getLogger("keyturn")

# Some 4,000 uses a file.
LARGEST = 1024 * 1024
FILES_KEPT = 4
ALLOWED = "allowed"


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """One use. `outcome` is `allowed` or the code of the error that stood in its way; `how` the kind of yes.

    `terminal` and `session` are the caller's terminal session, empty and 0 without one; `program` is the real
    path; `source` says which scope chose the item; `item` is its id or, for `keyturn item get`, as typed.
    """

    time: str
    outcome: str
    account: str
    item: str
    how: str = ""
    plugin: str = ""
    command: str = ""
    program: str = ""
    source: str = ""
    terminal: str = ""
    session: int = 0
    pid: int = 0


class Audit:
    """Appends to the log; nothing is opened before the first use."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._descriptor: int | None = None
        self._encoder = msgspec.json.Encoder()

    def write(self, caller: Caller, purpose: Purpose, outcome: KeyturnError | None, how: str = "") -> None:
        """Note one use, whose `outcome` is None if it was allowed, and `how`, the kind of yes."""
        use = purpose.use
        record = Record(
            time=self._clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            outcome=ALLOWED if outcome is None else outcome.code,
            account=use.account,
            item=use.item,
            how=how,
            plugin=use.plugin,
            command=purpose.command,
            program=use.program.path if use.program is not None else "",
            source=purpose.source,
            terminal=identity.terminal_name(caller.terminal.terminal) if caller.terminal is not None else "",
            session=caller.terminal.session if caller.terminal is not None else 0,
            pid=caller.pid,
        )
        try:
            line = self._encoder.encode(record)
        except UnicodeEncodeError:
            line = self._encoder.encode(msgspec.structs.replace(record, program="?", item="?"))
        try:
            self._append(line + b"\n")
        except OSError as error:
            log.error("the audit log cannot be written: %s", error.strerror)

    def _append(self, line: bytes) -> None:
        if self._descriptor is None:
            self._descriptor = _open(self._path)
        # Somebody may have moved the file away or removed it: what is written then would be read by nobody.
        size = _size_of_same(self._descriptor, self._path)
        if size is None or size > LARGEST:
            os.close(self._descriptor)
            self._descriptor = None
            if size is not None:
                _rotate(self._path)
            self._descriptor = _open(self._path)
        os.write(self._descriptor, line)


def _open(path: Path) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
    return os.open(path, flags, 0o600)


def _size_of_same(descriptor: int, path: Path) -> int | None:
    """The size of the open file if it is the one at `path`, else None."""
    mine = os.fstat(descriptor)
    try:
        there = os.lstat(path)
    except FileNotFoundError:
        return None
    return mine.st_size if (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino) else None


def _rotate(path: Path) -> None:
    files = _files(path)
    for older, newer in itertools.pairwise(files):
        if newer.exists():
            os.replace(newer, older)


def _files(path: Path) -> list[Path]:
    """The log's files, the oldest first."""
    return [*(path.with_name(f"{path.name}.{number}") for number in range(FILES_KEPT - 1, 0, -1)), path]


def read(path: Path) -> Iterator[Record]:
    """All records, the oldest first. A line that was cut off, by a crash say, is passed over."""
    decoder = msgspec.json.Decoder(Record)
    for file in _files(path):
        try:
            content = file.read_bytes()
        except FileNotFoundError:
            continue
        for line in content.splitlines():
            try:
                yield decoder.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue

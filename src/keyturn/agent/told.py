"""What a person was told once and need not hear again: hashes in a file of the state directory."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from keyturn.ground import files
from keyturn.ground.errors import ConfigurationError

# A hash each; the oldest go first, and are told once more at worst.
KEPT = 1000


class Told:
    """Remembers on disk. Where the disk cannot be read or written, everything is new each time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def new(self, news: Mapping[str, str]) -> list[str]:
        """Those lines whose keys were not seen before. Touches the disk: run it off the loop."""
        marks = {hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest(): key for key in news}
        with contextlib.suppress(ConfigurationError), files.changing(self._path):
            known = self._read()
            fresh = [mark for mark in marks if mark not in known]
            if fresh:
                files.write_atomically(self._path, msgspec.json.encode([*known, *fresh][-KEPT:]))
            return [news[marks[mark]] for mark in fresh]
        return list(news.values())

    def _read(self) -> list[str]:
        try:
            return msgspec.json.decode(files.read(self._path)[0], type=list[str])
        except (FileNotFoundError, msgspec.DecodeError):
            return []

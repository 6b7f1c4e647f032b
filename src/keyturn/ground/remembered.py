"""A small file with its parsed content, read again only when it is another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from keyturn.ground import files
from keyturn.ground.files import FileIdentity

T = TypeVar("T")


class Remembered(Generic[T]):
    """`load` reads the file at `path` and may raise; neither a failure nor an absence is remembered."""

    def __init__(self, path: Path, load: Callable[[Path], T]) -> None:
        self.path = path
        self._load = load
        self._known: tuple[FileIdentity, T] | None = None

    def get(self) -> T:
        """What `load` gives for the file as it is now. Raises what `load` raises."""
        try:
            there = files.identity(self.path)
        except OSError:
            there = None
        if there is None or self._known is None or self._known[0] != there:
            self._known = None
            content = self._load(self.path)
            # Looked at before it was read: a file that changes in between is read again the next time.
            if there is not None:
                self._known = (there, content)
            return content
        return self._known[1]

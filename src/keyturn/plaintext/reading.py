"""Reading a file that may hold credentials: where it may be, and what is in it, once and as it is."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from keyturn.ground import files
from keyturn.ground.errors import DamagedError
from keyturn.ground.files import FileIdentity
from keyturn.plaintext.entries import Entry, Format, text_of
from keyturn.plaintext.formats import FORMATS
from keyturn.plaintext.lines import Expression

# A file of credentials has some kilobytes; what is larger is something else, or somebody's prank.
LARGEST = 2 * 1024 * 1024
# PyYAML reads some hundred kilobytes a second.
LARGEST_YAML = 512 * 1024
# An expression may take long over much.
LARGEST_EXPRESSION = 64 * 1024

_USER = re.compile(r"[^\s/@]*:[^\s@]*@")


@dataclass(frozen=True)
class Source:
    """A file as it was read: `path` as the tool has it, `real` where its links lead, and its status then.

    `pattern` is the expression of the format `regex`.
    """

    path: Path
    real: Path
    format: str
    text: str = field(repr=False)
    status: os.stat_result
    pattern: str = ""

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What stands in it. Raises UnreadableError."""
        return _parsed(self.format, self.pattern, self.text)


def places(written: Iterable[str], environment: Mapping[str, str], root: str = "") -> list[Path]:
    """Where a file may be, as far as `environment` tells: `~/…`, `/…`, `$NAME/…` or `$NAME`.

    `root` is the directory that `/` stands for in `/…`; empty: the root.
    """
    home = environment.get("HOME", "")
    result: list[Path] = []
    for place in written:
        if place.startswith("/"):
            result.append(Path(root + place))
            continue
        first, _, rest = place.partition("/")
        base = home if first == "~" else environment.get(first[1:], "")
        if first != "~" and base.startswith("~/") and os.path.isabs(home):
            # Some tools expand this themselves.
            base = home + base[1:]
        # Without more behind it the variable is the file; some take several, as PATH does.
        for each in [base] if rest else base.split(":"):
            if os.path.isabs(each):
                result.append(Path(each) / rest if rest else Path(each))
    return list(dict.fromkeys(result))


def read(path: Path, form: str, pattern: str = "") -> Source:
    """A file, read once.

    Raises FileNotFoundError, other OSErrors, DamagedError for what is no regular file or too large (a pipe or
    a device is not opened), UnreadableError for what is no text.
    """
    found = os.stat(path)
    if not stat.S_ISREG(found.st_mode):
        raise DamagedError(f"{path} is not a regular file")
    largest = {"yaml": LARGEST_YAML, "regex": LARGEST_EXPRESSION}.get(form, LARGEST)
    content, identity = files.read(path, largest)
    if identity != FileIdentity.of(found):
        raise DamagedError(f"{path} was changed while it was read")
    return Source(path, Path(os.path.realpath(path)), form, text_of(content), found, pattern)


@lru_cache(maxsize=8)
def _parsed(form: str, pattern: str, text: str) -> tuple[Entry, ...]:
    reader: Format = Expression(pattern) if pattern else FORMATS[form]
    return tuple(reader.entries(text))


def without_password(text: str) -> str:
    """Text that may be shown: of an address the part before the host may be a name and a password."""
    return _USER.sub("…@", text)

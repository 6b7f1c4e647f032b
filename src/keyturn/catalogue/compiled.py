"""The built-in plugins in a form that is read at once.

To parse TOML takes most of the time that loading a plugin takes, so what it says is kept as JSON beside it: a
line for each file, its name, the hash of its content and its tables. The TOML file is what counts. Where it
is not the one that the line was made from, it is parsed, and a test says that the lines are to be made anew.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from keyturn.ground import files

if TYPE_CHECKING:
    from keyturn.sdk.schema import Plugin

FILE = "plugins.compiled"

# A hundred plugins have a third of a megabyte.
_LARGEST = 8 * 1024 * 1024


def of(name: str, content: bytes, directory: Path) -> Plugin | None:
    """The plugin called `name`, whose file has this content; None where that has to be parsed."""
    made_from, tables = _lines(directory).get(name, ("", b""))
    if not made_from or made_from != _hash(content):
        return None
    from keyturn.sdk.schema import Plugin

    try:
        return msgspec.json.decode(tables, type=Plugin)
    except msgspec.DecodeError:
        # The schema is another one by now; the file itself gives the error its line.
        return None


def text(directory: Path) -> str:
    """What the file has to say. A plugin that uses the credential of another is left out: it is no whole."""
    import json
    import tomllib

    lines = []
    for path in sorted(directory.glob("*.toml")):
        content = path.read_bytes()
        tables = tomllib.loads(content.decode())
        if "uses" not in tables:
            written = json.dumps(tables, ensure_ascii=False, separators=(",", ":"))
            lines.append(f"{path.stem}\t{_hash(content)}\t{written}\n")
    return "".join(lines)


def forget() -> None:
    """It is read anew from now on."""
    _lines.cache_clear()


@lru_cache(maxsize=16)
def _lines(directory: Path) -> dict[str, tuple[str, bytes]]:
    try:
        content, _ = files.read(directory / FILE, _LARGEST)
    except OSError:
        return {}
    found = (line.split(b"\t", 2) for line in content.split(b"\n"))
    return {parts[0].decode(): (parts[1].decode(), parts[2]) for parts in found if len(parts) == 3}


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()

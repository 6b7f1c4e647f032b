"""Data to stdout, everything else to stderr; an error is one lower-case line and its hints."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

from keyturn.ground.errors import KeyturnError

# The version of every `--format json`; a reader may rely on what is there within one version.
JSON_VERSION = 1
# Wide enough that nothing is folded for a reader that is not a window.
UNFOLDED = 100_000
# Columns whose cells stay in one piece.
WHOLE = ("id", "setting", "command")


def error(problem: KeyturnError) -> None:
    """One line and its hints to stderr."""
    for text in (f"keyturn: {problem.message}", *(f"  hint: {hint}" for hint in problem.hints)):
        note(text)


def note(text: str) -> None:
    """Progress and remarks, a line to stderr. Nobody left to read it is no error."""
    try:
        _write(sys.stderr, clean(text))
    except OSError:
        return


def line(text: str) -> None:
    """One line of data, to stdout, as it is."""
    _write(sys.stdout, text)


def data(content: bytes) -> None:
    """Data to stdout, these bytes and nothing else."""
    if sys.stdout is not None:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.flush()


def flush() -> None:
    """What was written has left the process, or this raises OSError."""
    if sys.stdout is not None:
        sys.stdout.flush()


def as_json(kind: str, content: Any) -> None:
    """`content` under the name `kind`, with the version of the format."""
    import json

    text = json.dumps({"version": JSON_VERSION, kind: content}, indent=2, ensure_ascii=False)
    # JSON escapes the control characters of ASCII; those above it could steer a terminal as well.
    _write(sys.stdout, "".join(c if c.isprintable() or c == "\n" else _escaped(c) for c in text))


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], nothing: str) -> None:
    """Rows under headings; without rows the remark `nothing`.

    What is there to be copied is never folded.
    """
    if not rows:
        note(nothing)
        return
    if sys.stdout is None:
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=None, pad_edge=False, show_edge=False, header_style="bold")
    for heading in headings:
        drawn.add_column(heading, overflow="fold", no_wrap=heading in WHOLE)
    for row in rows:
        drawn.add_row(*(Text(clean(cell)) for cell in row))
    width = None if sys.stdout.isatty() else UNFOLDED
    console = Console(file=sys.stdout, width=width, highlight=False, soft_wrap=False)
    with console.capture() as captured:
        console.print(drawn)
    for text in captured.get().splitlines():
        line(text.rstrip())


def width() -> int | None:
    """The columns of the window that stdout is; None where it is none."""
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or None
    except (OSError, ValueError, AttributeError):
        return None


def clean(text: str) -> str:
    """`text` without what could steer a terminal: names and titles come from elsewhere."""
    return "".join(c if c.isprintable() else "·" for c in text)


def time_left(seconds: int) -> str:
    """11 h 5 min, 9 min, 30 s."""
    hours, minutes = divmod(max(seconds, 0) // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min" if minutes else f"{max(seconds, 0)} s"


def _write(stream: Any, text: str) -> None:
    if stream is None:
        return
    stream.flush()
    stream.buffer.write((text + "\n").encode("utf-8", "backslashreplace"))
    stream.flush()

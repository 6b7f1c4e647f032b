"""Text in columns, for commands that have to start fast: rich costs four times the interpreter's start."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from keyturn.cli.output import clean


def aligned(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """One line for the headings and one a row; nothing is folded, and nothing in it steers a terminal."""
    table = [headings, *([cell if cell.isprintable() else clean(cell) for cell in row] for row in rows)]
    widths = [max(map(_width, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(
            cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in table
    ]


def fitted(
    headings: Sequence[str], rows: Sequence[Sequence[str]], spare: Sequence[str], width: int | None
) -> list[str]:
    """As `aligned`, without those columns of `spare`, in order, that a window of `width` has no room for.

    A line that a terminal breaks is in no column any more. Without a window (None) all are there.
    """
    kept = list(headings)
    while True:
        at = [headings.index(heading) for heading in kept]
        lines = aligned(kept, [[row[place] for place in at] for row in rows])
        wanting = [heading for heading in spare if heading in kept]
        if width is None or not wanting or max(map(_width, lines)) <= width:
            return lines
        kept.remove(wanting[0])


def _width(text: str) -> int:
    """How many columns a terminal gives to `text`."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )

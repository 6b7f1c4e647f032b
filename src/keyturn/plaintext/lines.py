"""Files of lines: PostgreSQL's .pgpass; files that are one value; and what an expression finds in a text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from keyturn.ground.secret import Secret
from keyturn.plaintext.entries import BOM, Entry, Lines, Span, lines_of

_FIELD = re.compile(r"(?:[^:\\]|\\.)*")


class Pgpass:
    """The format `pgpass`: `host:port:database:user:password` (PostgreSQL's documentation, Password File).

    A path is the first four, without their backslashes; the whole line goes, for without its password it is
    none.
    """

    def entries(self, text: str) -> list[Entry]:
        return [
            Entry(tuple(map(_plain, fields[:4])), Secret(password), number, (span,))
            for number, span, fields in _pgpass(text)
            if (password := _plain(fields[4]))
        ]

    def is_same_without(self, before: str, after: str, gone: Sequence[Entry]) -> bool:
        numbers = {entry.line for entry in gone}
        old = [text for number, text in enumerate(_plain_lines(before), 1) if number not in numbers]
        return len(numbers) == len(gone) and old == _plain_lines(after)


def _plain(written: str) -> str:
    return re.sub(r"\\(.)", r"\1", written)


def _plain_lines(text: str) -> list[str]:
    """Lines with their ends, as a file that is read line by line in text mode has them."""
    text = text.removeprefix(BOM)
    return [text[start:whole] for start, _, whole in lines_of(text)]


def _pgpass(text: str) -> Iterator[tuple[int, Span, list[str]]]:
    for number, (start, end, whole) in enumerate(lines_of(text), 1):
        start += text.startswith(BOM) and not start
        if text.startswith("#", start):
            continue
        fields: list[str] = []
        at = start
        while len(fields) < 5:
            match = _FIELD.match(text, at, end)
            assert match is not None
            fields.append(match.group())
            at = match.end() + 1
            if at > end:
                break
        if len(fields) == 5:
            yield number, (start, whole), fields


class Whole:
    """The format `text`: the file is the value, with white space around it that stays."""

    def entries(self, text: str) -> list[Entry]:
        value = text.removeprefix(BOM).strip()
        if not value:
            return []
        start = text.index(value)
        stuck = "it has more than one line" if "\n" in value or "\r" in value else ""
        return [Entry((), Secret(value), 1, ((start, start + len(value)),), stuck=stuck)]

    def is_same_without(self, before: str, after: str, gone: Sequence[Entry]) -> bool:
        value = before.removeprefix(BOM).strip()
        return len(gone) == 1 and after == before.replace(value, "", 1)


class Expression:
    """The format `regex`: what the named groups of an expression match, in a language that is not read here.

    A path is the number of the match and the group's name. Nothing of it goes: what would be left is not
    known to mean anything.
    """

    def __init__(self, pattern: str) -> None:
        self._pattern = re.compile(pattern)

    def entries(self, text: str) -> list[Entry]:
        lines = Lines(text)
        return [
            Entry(
                (str(number), name),
                Secret(value),
                lines.at(match.start(name))[0],
                stuck="it stands in a file whose language is not understood here",
            )
            for number, match in enumerate(self._pattern.finditer(text))
            for name, value in match.groupdict().items()
            if value
        ]

    def is_same_without(self, before: str, after: str, gone: Sequence[Entry]) -> bool:
        return False

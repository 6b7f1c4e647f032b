"""The .netrc file (ftp(1)): machines with login and password, in words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from keyturn.ground.secret import Secret
from keyturn.plaintext.entries import Entry, Lines, Path, Span, UnreadableError, line_cut

_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s"]\S*', re.DOTALL)
_BLANK_LINE = re.compile(r"\r?\n[ \t]*(?:\r?\n|\Z)|\r[ \t]*\r")
_KEYS = ("login", "user", "account", "password")


@dataclass(frozen=True)
class _Pair:
    path: Path
    value: str
    key: Span
    span: Span


class Netrc:
    """The format `netrc`: paths are a machine's name and `login`, `account` or `password`."""

    def entries(self, text: str) -> list[Entry]:
        lines = Lines(text)
        return [
            Entry(pair.path, Secret(pair.value), lines.at(pair.span[0])[0], (_cut(text, lines, pair),))
            for pair in _pairs(text)
            if pair.value
        ]

    def is_same_without(self, before: str, after: str, gone: Sequence[Entry]) -> bool:
        paths = {entry.path for entry in gone}
        wanted = list(_shape(before))
        going = [each for each in wanted if each[0] in paths]
        return len(going) == len(gone) and [e for e in wanted if e[0] not in paths] == list(_shape(after))


def _pairs(text: str) -> Iterator[_Pair]:
    for path, value, key, span in _read(text):
        if path[-1] in _KEYS and len(path) == 2:
            yield _Pair(path, value, key, span)


def _shape(text: str) -> Iterator[tuple[Path, str]]:
    """Everything that the file says, in order: machines, their words, and the text of macros."""
    for path, value, _, _ in _read(text):
        yield path, value


def _read(text: str) -> Iterator[tuple[Path, str, Span, Span]]:
    """Path, value, and where keyword and value stand. Raises UnreadableError."""
    at = 0
    machine = ""
    is_inside = False
    while (word := _next(text, at)) is not None:
        at = word.end()
        name = word.group()
        if name.startswith("#"):
            # A comment, to the end of the line.
            end = re.compile(r"[\r\n]|\Z").search(text, at)
            assert end is not None
            at = end.start()
        elif name == "default":
            machine, is_inside = "default", True
            yield (machine,), "", word.span(), word.span()
        elif name == "macdef":
            blank = _BLANK_LINE.search(text, at)
            end_at = blank.start() if blank is not None else len(text)
            yield ("macdef",), text[at:end_at], word.span(), (at, end_at)
            at = end_at
        elif name in ("machine", *_KEYS):
            value = _next(text, at)
            if value is None or (name != "machine" and not is_inside):
                raise UnreadableError("it is not a netrc file")
            at = value.end()
            if name == "machine":
                machine, is_inside = _unquoted(value.group()), True
                yield (machine,), "", word.span(), value.span()
            else:
                key = "login" if name == "user" else name
                yield (machine, key), _unquoted(value.group()), word.span(), value.span()
        else:
            raise UnreadableError("it is not a netrc file")


def _next(text: str, at: int) -> re.Match[str] | None:
    return _WORD.search(text, at)


def _unquoted(word: str) -> str:
    if word[0] != '"':
        return word
    return re.sub(r"\\(.)", r"\1", word[1:-1], flags=re.DOTALL)


def _cut(text: str, lines: Lines, pair: _Pair) -> Span:
    """Its lines if it is alone there, else the two words and the space before them."""
    start, end = pair.key[0], pair.span[1]
    whole = line_cut(text, lines, (start, end), "#")
    if whole is not None:
        return whole
    before = len(text[:start]) - len(text[:start].rstrip(" \t"))
    return start - before, end

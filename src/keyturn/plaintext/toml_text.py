"""TOML 1.0: a small reader of positions beside the standard library's, which says what is valid."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence

from keyturn.ground.secret import Secret
from keyturn.plaintext.entries import (
    BOM,
    Entry,
    Group,
    Lines,
    Path,
    UnreadableError,
    is_same_tree,
    leaves,
    line_cut,
)

_SPACE = re.compile(r"[ \t]*")
_GAP = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_STRING = re.compile(
    r'"""(?:[^\\"]|\\.|"(?!""))*"{3,5}'
    r"|'''(?:[^']|'(?!''))*'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_OTHER = re.compile(r"[^,\]}#\r\n]+")


class Toml:
    """The format `toml`. Only strings are entries."""

    def entries(self, text: str) -> list[Entry]:
        whole = tree(text)
        try:
            found = _Reader(text).read()
        except (IndexError, ValueError, AttributeError, RecursionError):
            found = None
        known = {path: leaf for path, leaf in leaves(whole) if isinstance(leaf, str)}
        if found is None or any(known.get(entry.path) != entry.value.reveal() for entry in found):
            raise UnreadableError("it is TOML of a kind that is not understood here")
        return found

    def is_same_without(self, before: str, after: str, gone: Sequence[Entry]) -> bool:
        return is_same_tree(tree(before), tree(after), gone)


def tree(text: str) -> object:
    """As the standard library reads it. Raises UnreadableError."""
    try:
        return tomllib.loads(text.removeprefix(BOM))
    except (tomllib.TOMLDecodeError, RecursionError):
        pass
    raise UnreadableError("it is not TOML")


class _Reader:
    """Reads valid TOML once, from the beginning; on anything else it may raise what it likes."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = len(BOM) if text.startswith(BOM) else 0
        self._lines = Lines(text)
        self._found: list[Entry] = []
        self._counts: dict[Path, int] = {}

    def read(self) -> list[Entry]:
        table: Path = ()
        while self._skip(_GAP) < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table, None)
        return self._found

    def _skip(self, what: re.Pattern[str]) -> int:
        match = what.match(self._text, self._at)
        assert match is not None
        self._at = match.end()
        return self._at

    def _header(self) -> Path:
        is_list = self._text.startswith("[[", self._at)
        self._at += 2 if is_list else 1
        names = self._key()
        self._at += 2 if is_list else 1
        path: Path = ()
        for place, name in enumerate(names):
            path = (*path, name)
            if is_list and place == len(names) - 1:
                self._counts[path] = self._counts.get(path, -1) + 1
                # A new element: lists within the one before do not count on.
                self._counts = {
                    each: number
                    for each, number in self._counts.items()
                    if each == path or each[: len(path)] != path
                }
            if path in self._counts:
                path = (*path, str(self._counts[path]))
        return path

    def _key(self) -> list[str]:
        names: list[str] = []
        while True:
            self._skip(_SPACE)
            start = self._at
            if self._text[start] in "\"'":
                self._skip(_STRING)
                names.append(_value(self._text[start : self._at]))
            else:
                self._skip(_BARE_KEY)
                names.append(self._text[start : self._at])
            self._skip(_SPACE)
            if self._text[self._at] != ".":
                return names
            self._at += 1

    def _pair(self, above: Path, group: Group | None) -> None:
        self._skip(_SPACE)
        start = self._at
        path = (*above, *self._key())
        assert self._text[self._at] == "="
        self._at += 1
        self._skip(_SPACE)
        value_start = self._at
        place = len(self._found)
        text = self._value(path)
        if group is not None:
            group.members.append((start, self._at))
        if not text:
            return
        entry = Entry(path, Secret(text), self._lines.at(value_start)[0])
        if group is not None:
            entry = Entry(entry.path, entry.value, entry.line, group=group, place=len(group.members) - 1)
        else:
            cut = line_cut(self._text, self._lines, (start, self._at), "#")
            stuck = "" if cut is not None else "something else stands in its line"
            entry = Entry(entry.path, entry.value, entry.line, (cut,) if cut else (), stuck=stuck)
        self._found.insert(place, entry)

    def _value(self, path: Path) -> str:
        """Go over a value; its text if it is a string. Strings in lists are entries that are stuck."""
        start = self._at
        first = self._text[start]
        if first in "\"'":
            self._skip(_STRING)
            return _value(self._text[start : self._at])
        if first == "{":
            self._at += 1
            group = Group()
            while self._text[self._skip(_SPACE)] != "}":
                if self._text[self._at] == ",":
                    self._at += 1
                else:
                    self._pair(path, group)
            self._at += 1
        elif first == "[":
            self._at += 1
            count = 0
            while self._text[self._skip(_GAP)] != "]":
                if self._text[self._at] == ",":
                    self._at += 1
                    continue
                line = self._lines.at(self._at)[0]
                if text := self._value((*path, str(count))):
                    inner = (*path, str(count))
                    self._found.append(Entry(inner, Secret(text), line, stuck="it stands in a list"))
                count += 1
            self._at += 1
        else:
            self._skip(_OTHER)
        return ""


def _value(token: str) -> str:
    found = tomllib.loads(f"x = {token}")["x"]
    assert isinstance(found, str)
    return found

"""INI files, in the dialects of the tools: sections, `key = value`, lines that go on below.

Lines are told apart as Python's configparser does it. What differs between the tools is what a line means
that is indented, and what of a line is the value: see `Ini` and `keyturn.plaintext.ini_values`.
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from keyturn.ground.secret import Secret
from keyturn.plaintext.entries import BOM, Entry, Span, UnreadableError, is_same_tree, lines_of
from keyturn.plaintext.ini_values import as_written

_HEADER = re.compile(r"\[(?P<name>.+)\]")
_COMMENTS = ("#", ";")
# A section for what stands before the first header; no file has one of this name, for it is no text.
_ROOT = "\0root"


@dataclass
class _Option:
    """A key with the lines that are its value."""

    section: str
    key: str
    line: int
    start: int
    parts: list[str]
    cuts: list[Span]


@dataclass(frozen=True)
class Ini:
    """A dialect. `delimiters` part key and value; `said` gives what a written value says, and the comment
    behind it. With `goes_on` an indented line goes on with the value above; else it is a line like any other.
    With `joined` a line goes on below where it ends in a backslash.
    """

    delimiters: str = "=:"
    said: Callable[[str], tuple[str, str]] = as_written
    goes_on: bool = True
    joined: bool = False

    def entries(self, text: str) -> list[Entry]:
        return [entry for option in self._options(text) if (entry := self._entry(text, option)) is not None]

    def _options(self, text: str) -> list[_Option]:
        found: list[_Option] = []
        section, indent = "", 0
        option: _Option | None = None
        for number, (start, end, whole) in enumerate(lines_of(text), 1):
            start += text.startswith(BOM) and not start
            line = text[start:end]
            value = line.strip()
            if option is not None and self.joined and option.parts and option.parts[-1].endswith("\\"):
                option.parts.append(value)
                option.cuts.append((start, whole))
                continue
            if not value or value.startswith(_COMMENTS):
                continue
            depth = len(line) - len(line.lstrip())
            if option is not None and self.goes_on and depth > indent:
                option.parts.append(value)
                option.cuts.append((start, whole))
                continue
            indent = depth
            header = _HEADER.match(value)
            if header is not None:
                section, option = header["name"], None
                continue
            key, mark, rest = self._parted(value)
            option = _Option(section, key, number, start + depth, [rest] if mark else [], [(start, whole)])
            found.append(option)
        return found

    def _parted(self, line: str) -> tuple[str, str, str]:
        places = [place for mark in self.delimiters if (place := line.find(mark)) >= 0]
        if not places:
            return line, "", ""
        at = min(places)
        return line[:at].rstrip(), line[at], line[at + 1 :].strip()

    def _entry(self, text: str, option: _Option) -> Entry | None:
        written = "\n".join(option.parts).strip()
        cuts = tuple(option.cuts)
        value, comment = self.said(written) if len(option.parts) == 1 else (written, "")
        if comment:
            # The comment stays, where it stood.
            end = text.index(comment, option.start + len(option.key))
            cuts = ((option.start, end),)
        if not value:
            return None
        stuck = "its value has more than one line" if len(option.parts) > 1 else ""
        return Entry((option.section, option.key), Secret(value), option.line, cuts, stuck=stuck)

    def is_same_without(self, before: str, after: str, gone: Sequence[Entry]) -> bool:
        first = {entry.path: entry for entry in reversed(gone)}
        return is_same_tree(self._tree(before), self._tree(after), list(first.values()))

    def _tree(self, text: str) -> dict[str, dict[str, str | None]]:
        """As the standard library reads it."""
        parser = configparser.RawConfigParser(
            strict=False,
            allow_no_value=True,
            delimiters=tuple(self.delimiters),
            comment_prefixes=_COMMENTS,
            default_section="\0default",
        )
        parser.optionxform = str  # type: ignore[assignment,method-assign]  # as its documentation does it
        try:
            lines = re.sub(r"\r\n?", "\n", text.removeprefix(BOM))
            if not self.goes_on:
                lines = re.sub(r"(?m)^[^\S\n]+", "", lines)
            parser.read_string(f"[{_ROOT}]\n{lines}")
        except (configparser.Error, AttributeError):
            # AttributeError: up to Python 3.12 it stumbles over a line below a key without a value.
            parser = None  # type: ignore[assignment]
        if parser is None:
            raise UnreadableError("it is not an INI file")
        return {name if name != _ROOT else "": dict(parser.items(name)) for name in parser.sections()}

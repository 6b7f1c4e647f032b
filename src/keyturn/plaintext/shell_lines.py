"""Start-up files of shells, and other files of `NAME=value` lines: variables that are set to plain words.

A shell's grammar is not read here, only as much of it as tells a line that sets variables and does nothing
else from one that is part of more: quotes, comments, here-documents, parentheses, lines that go on. What
cannot be told for certain is found, and left where it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from keyturn.ground.secret import Secret
from keyturn.plaintext.entries import BOM, Entry, Group, Span

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_ASSIGNMENT = re.compile(rf"({_NAME})=", re.DOTALL)
_OPERATOR = re.compile(r"&&|\|\||;;|[;&|()]")
_HEREDOC = re.compile(r"<<-?[ \t]*(?:'(?P<single>[^']+)'|\"(?P<double>[^\"]+)\"|\\?(?P<plain>\w+))")
# Words before assignments, with their options, that do nothing else with them.
_SETTERS = ("export", "declare", "typeset", "readonly", "local")
# After these a command is expected, before those one has to be there.
_OPENS = re.compile(r"(?:^|[\s;])(?:then|do|else|begin|\{)\s*(?:#.*)?\Z")
_CLOSES = re.compile(r"\s*(?:fi|done|else|elif|end|\})(?:[\s;#]|\Z)")
_SETUVAR = re.compile(rf"SETUVAR (?:--export )?(?P<name>{_NAME}):(?P<value>.*)")


@dataclass
class _Word:
    """A word as it is written, and what it says; None: what it says depends on something else."""

    start: int
    end: int
    text: str
    value: str | None


@dataclass
class _Line:
    """A line, cut into commands. `alone`: it neither goes on from the one above nor into the one below."""

    number: int
    start: int
    end: int
    whole: int
    alone: bool
    commands: list[list[_Word]] = field(default_factory=list)
    operators: list[str] = field(default_factory=list)
    comment: int | None = None


class Shell:
    """The formats `shell` (bash, zsh, sh, and files like .env) and `fish`."""

    def __init__(self, *, is_fish: bool = False) -> None:
        self._is_fish = is_fish

    def entries(self, text: str) -> list[Entry]:
        return [entry for line in self._lines(text) for entry in self._of(text, line)]

    def _lines(self, text: str) -> list[_Line]:
        return _Scanner(text, is_fish=self._is_fish).scan()

    def _of(self, text: str, line: _Line) -> list[Entry]:
        if self._is_fish and (match := _SETUVAR.fullmatch(text, line.start, line.end)) is not None:
            return self._universal(match, line)
        found: list[Entry] = []
        for command in line.commands:
            group = Group(whole=_whole(text, line))
            set_here, only = self._set_by(command)
            stuck = ""
            if not line.alone:
                stuck = "it is part of something longer"
            elif len(line.commands) > 1 or any(each != ";" for each in line.operators):
                stuck = "other commands stand in its line"
            elif not only:
                stuck = "it is part of a command"
            for name, value, span in set_here:
                group.members.append(span)
                place = len(group.members) - 1
                if value:
                    found.append(
                        Entry((name,), Secret(value), line.number, group=group, place=place, stuck=stuck)
                    )
        return found

    @staticmethod
    def _universal(match: re.Match[str], line: _Line) -> list[Entry]:
        """The variable in a line of fish's own file."""
        value = re.sub(r"\\x([0-9a-f]{2})", lambda code: chr(int(code[1], 16)), match["value"])
        stuck = "its value is written in a way that is not understood here" if "\\" in value else ""
        whole = ((line.start, line.whole),)
        return [Entry((match["name"],), Secret(value), line.number, whole, stuck=stuck)] if value else []

    def _set_by(self, command: list[_Word]) -> tuple[list[tuple[str, str | None, Span]], bool]:
        """The variables that a command sets, with where each goes, and whether it does nothing else."""
        first = command[0].text if command else ""
        rest = command[1:]
        if first in ("set", "setenv"):
            options = [word.text for word in rest if word.text.startswith("-")]
            words = [word for word in rest if not word.text.startswith("-")]
            if self._is_fish and first == "set" and any("e" in _letters(option) for option in options):
                return [], False
            if (
                len(words) == 2
                and re.fullmatch(_NAME, words[0].text)
                and (self._is_fish or first == "setenv")
            ):
                return [(words[0].text, words[1].value, (command[0].start, command[-1].end))], True
            return [], False
        value: str | None
        if len(command) == 2 and re.fullmatch(_NAME, first) and rest[0].text.startswith("DEFAULT="):
            # pam_env.conf(5).
            value = rest[0].value
            span = (command[0].start, command[-1].end)
            return [(first, value.removeprefix("DEFAULT=") if value is not None else None, span)], True
        before = command[0].end if command else 0
        words = command
        if first in _SETTERS:
            words = [word for word in rest if not word.text.startswith("-")]
            before = words[0].start if words else before
        found: list[tuple[str, str | None, Span]] = []
        for place, word in enumerate(words):
            match = _ASSIGNMENT.match(word.text)
            if match is None:
                return found, False
            start = word.start if not place and first not in _SETTERS else _space_before(command, word)
            value = word.value[match.end() :] if word.value is not None else None
            found.append((match[1], value, (start, word.end)))
        return found, bool(found)

    def is_same_without(self, before: str, after: str, gone: Sequence[Entry]) -> bool:
        numbers: dict[int, set[str]] = {}
        for entry in gone:
            numbers.setdefault(entry.line, set()).update(entry.path)
        old, new = self._lines(before), self._lines(after)
        at = 0
        for line in old:
            names = numbers.get(line.number, set())
            if names and self._names(before, line) <= names and line.comment is None:
                continue
            if at == len(new) or not self._is_same_line(before, line, after, new[at], names):
                return False
            at += 1
        return at == len(new) and _empty_blocks(before, old) == _empty_blocks(after, new)

    def _names(self, text: str, line: _Line) -> set[str]:
        return {entry.path[0] for entry in self._of(text, line)} | {
            name for command in line.commands for name, _, _ in self._set_by(command)[0]
        }

    def _is_same_line(self, before: str, old: _Line, after: str, new: _Line, names: set[str]) -> bool:
        if not names:
            return before[old.start : old.whole] == after[new.start : new.whole]
        comments = [
            text[line.comment : line.whole] if line.comment is not None else ""
            for text, line in ((before, old), (after, new))
        ]
        left = [word for word in _words(old) if word.partition("=")[0] not in names]
        if self._names(before, old) <= names:
            left = []
        return comments[0] == comments[1] and _words(new) == left


def _letters(option: str) -> str:
    return option if not option.startswith("--") else "e" if option == "--erase" else ""


def _whole(text: str, line: _Line) -> Span:
    """The line; before a comment what stands there."""
    if line.comment is None:
        return line.start, line.whole
    first = min(word.start for command in line.commands for word in command)
    return first, line.comment


def _space_before(command: list[_Word], word: _Word) -> int:
    place = command.index(word)
    return command[place - 1].end if place else word.start


def _words(line: _Line) -> list[str]:
    return [word.text for command in line.commands for word in command]


def _empty_blocks(text: str, lines: Sequence[_Line]) -> int:
    """How many blocks have nothing between their first and their last word: an error in a shell."""
    code = [text[line.start : line.end] for line in lines if line.commands or not line.alone]
    return sum(1 for above, below in pairwise(code) if _OPENS.search(above) and _CLOSES.match(below))


class _Scanner:
    """Goes over the text once, with what is open at the end of each line."""

    def __init__(self, text: str, *, is_fish: bool) -> None:
        self._text = text
        self._is_fish = is_fish
        self._quote = ""
        self._depth = 0
        self._goes_on = False
        self._documents: list[str] = []  # the words that end here-documents

    def scan(self) -> list[_Line]:
        found: list[_Line] = []
        for number, (start, end, whole) in enumerate(_newlines(self._text), 1):
            start += self._text.startswith(BOM) and not start
            end -= self._text[start:end].endswith("\r")
            line = _Line(number, start, end, whole, alone=True)
            found.append(line)
            if self._documents:
                line.alone = False
                if self._text[start:end].strip("\t") == self._documents[0]:
                    self._documents.pop(0)
                continue
            line.alone = not self._is_open()
            self._line(line)
            line.alone = line.alone and not self._is_open()
        return found

    def _is_open(self) -> bool:
        return bool(self._quote or self._depth or self._goes_on or self._documents)

    def _line(self, line: _Line) -> None:
        at = line.start
        command: list[_Word] = []
        self._goes_on = False
        if self._quote:
            at = self._quoted(at, line.end)
            # The end of a word that began above.
        while at < line.end:
            character = self._text[at]
            if character in " \t":
                at += 1
            elif character == "#":
                line.comment = at
                break
            elif (match := _OPERATOR.match(self._text, at, line.end)) is not None:
                line.operators.append(match.group())
                self._depth = max(0, self._depth + (character == "(") - (character == ")"))
                line.commands += [command] if command else []
                command = []
                at = match.end()
            else:
                word = self._word(at, line.end)
                command.append(word)
                at = word.end
        line.commands += [command] if command else []
        code = self._text[line.start : line.comment if line.comment is not None else line.end].rstrip()
        self._goes_on = self._goes_on or code.endswith(("&&", "|"))

    def _word(self, at: int, end: int) -> _Word:
        start = at
        value: list[str] | None = []
        while at < end:
            character = self._text[at]
            if character in " \t" or _OPERATOR.match(self._text, at, end):
                break
            if character == "\\":
                if at + 1 >= end:
                    self._goes_on = True
                    value = None
                elif value is not None:
                    value.append(self._text[at + 1])
                at = min(at + 2, end)
            elif character in "'\"":
                self._quote = character
                inner = at + 1
                at = self._quoted(inner, end)
                said = self._inside(inner, at - 1, character) if not self._quote else None
                value = [*value, said] if value is not None and said is not None else None
            elif (match := _HEREDOC.match(self._text, at, end)) is not None and not self._is_fish:
                self._documents.append(match["single"] or match["double"] or match["plain"])
                value, at = None, match.end()
            else:
                # A variable, a command, a pattern: what it says is not in the file.
                if character in ("$`<>*?[{~" if self._is_fish else "$`<>"):
                    value = None
                elif value is not None:
                    value.append(character)
                at += 1 if self._text[at : at + 3] != "<<<" else 3
        return _Word(start, at, self._text[start:at], "".join(value) if value is not None else None)

    def _quoted(self, at: int, end: int) -> int:
        """Past the quote that ends what is open, or to the end of the line."""
        while at < end:
            character = self._text[at]
            if character == "\\" and (self._quote == '"' or self._is_fish):
                at += 2
                continue
            if character == self._quote:
                self._quote = ""
                return at + 1
            at += 1
        return end

    def _inside(self, start: int, end: int, quote: str) -> str | None:
        inner = self._text[start:end]
        if quote == "'":
            return re.sub(r"\\(['\\])", r"\1", inner) if self._is_fish else inner
        if re.search(r"(?<!\\)(?:\\\\)*[$`]", inner):
            return None
        return re.sub(r"\\([\"\\$`])", r"\1", inner)


def _newlines(text: str) -> list[tuple[int, int, int]]:
    """As `lines_of`, but a line ends at a line feed only, as shells have it."""
    found, at = [], 0
    while at < len(text):
        end = text.find("\n", at)
        found.append((at, end, end + 1) if end >= 0 else (at, len(text), len(text)))
        at = found[-1][2]
    return found

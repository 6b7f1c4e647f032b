"""The line of a start-up file that sources plugins.sh: finding it, appending it, taking it out again.

All of it works on bytes: a start-up file may be in any encoding, with any line ends. What is appended ends in
a comment. It says whose line it is and what was put before it, so that the very bytes can be given back; and
it keeps the path clear of a carriage return, which a shell would take for a part of the name.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

MARK = "# added by keyturn"
NEW_FILE = " in a new file"
# By the number of line ends that were put before the line.
AFTER = ("", " after a line end", " after two line ends")

_BRACED = r"\$\{(?:[^{}]|\$\{[^{}]*\})*\}"
_QUOTED = r"""'[^']*'|"(?:[^"\\]|\\.)*\""""
_TOKEN = re.compile(
    rf"""\s+ | (?P<comment>\#.*) | (?P<operator>[;&|()<>]+)
    | (?P<word>(?:{_QUOTED}|\\.|{_BRACED}|[^\s;&|()<>'"\\])+)""",
    re.VERBOSE | re.DOTALL,
)
_PIECE = re.compile(
    rf"""(?P<single>'[^']*') | (?P<double>"(?:[^"\\]|\\.)*") | \\(?P<escaped>.)
    | (?P<variable>{_BRACED}|\$[A-Za-z_][A-Za-z0-9_]*) | (?P<plain>[^'"\\$`*?\[]+)""",
    re.VERBOSE | re.DOTALL,
)
_INSIDE = re.compile(
    rf"""\\(?P<escaped>["\\$`]) | (?P<variable>{_BRACED}|\$[A-Za-z_][A-Za-z0-9_]*) | (?P<plain>[^$`])""",
    re.VERBOSE | re.DOTALL,
)
_VARIABLE = re.compile(r"\$\{?(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?:(?P<how>:?-)(?P<word>.*))?\}?\Z", re.DOTALL)

# Words of bash, zsh and fish after which a command begins.
_BEFORE_A_COMMAND = re.compile(
    r"(?:then|else|do|if|elif|while|until|\{|!|and|or|not|begin|builtin|command|time)\Z"
)
# A line that ends so needs the one below it.
_OPEN_END = re.compile(
    r"(?:(?:^|[\s;])(?:then|do|else|begin|\{|if|elif|while|until|!|and|or|not)|\\|&&|\||\()\s*(?:#.*)?\Z"
)
_CONTINUED = re.compile(rb"(?<!\\)(?:\\\\)*\\\r?\n?\Z")


@dataclass(frozen=True)
class SourceLine:
    """A line that sources plugins.sh. `number` counts from 1; `before` is how many line ends were put before
    it, if it is ours; `may_go`: it can be taken out without harm to what stands around it."""

    number: int
    is_ours: bool
    before: int
    made_file: bool
    may_go: bool


def find(content: bytes, target: str, variables: Mapping[str, str]) -> list[SourceLine]:
    """The lines that source the file `target`, however they spell it.

    `variables` are what `~`, `$HOME` and other names in a path stand for. A line in a comment, or one whose
    path cannot be told without running it, is none.
    """
    lines = content.decode("utf-8", "surrogateescape").split("\n")
    last = len(lines) - (not lines[-1])
    found = []
    above = ""
    for number, text in enumerate(lines, 1):
        tokens = _tokens(text.rstrip("\r")) or []
        if _sources(tokens, target, variables):
            comment = tokens[-1][1] if tokens[-1][0] == "comment" else ""
            suffix = comment.removeprefix(MARK) if comment.startswith(MARK) else None
            is_ours = suffix in (*AFTER, NEW_FILE)
            before = AFTER.index(suffix) if suffix in AFTER else 0
            # Alone in a block (`if … then` above it) it would leave that one empty: an error in bash.
            is_free = not _OPEN_END.search(above)
            may_go = _is_alone(tokens) and (is_free or (is_ours and number == last))
            found.append(SourceLine(number, is_ours, before, suffix == NEW_FILE, may_go))
        if text.strip() and not text.lstrip().startswith("#"):
            above = text.rstrip()
    return found


def append(content: bytes | None, line: str) -> bytes:
    """`content` (None: there is no file) with `line` as its last one, with the line ends that it has."""
    if content is None:
        return f"{line}  {MARK}{NEW_FILE}\n".encode()
    end = _line_end(content)
    before = int(bool(content) and not content.endswith(b"\n"))
    # After a backslash at the end, the shell would read our line as a part of that one.
    before += _CONTINUED.search(content) is not None
    return content + end * before + f"{line}  {MARK}{AFTER[before]}".encode() + end


def remove(content: bytes, target: str, variables: Mapping[str, str]) -> bytes | None:
    """`content` without the lines that source `target` and may go; None if the file was made for such a line
    and nothing else is in it."""
    made_file = False
    while gone := [each for each in find(content, target, variables) if each.may_go]:
        made_file = made_file or gone[-1].made_file
        content = _without(content, gone[-1])
    return None if made_file and not content else content


def _without(content: bytes, gone: SourceLine) -> bytes:
    lines = content.split(b"\n")
    above = b"".join(line + b"\n" for line in lines[: gone.number - 1])
    below = b"\n".join(lines[gone.number :])
    if not below:
        end = b"\r\n" if lines[gone.number - 1].endswith(b"\r") else b"\n"
        for _ in range(gone.before):
            above = above.removesuffix(end)
    return above + below


def _line_end(content: bytes) -> bytes:
    at = content.rfind(b"\n")
    return b"\r\n" if at > 0 and content[at - 1 : at] == b"\r" else b"\n"


def _tokens(line: str) -> list[tuple[str, str]] | None:
    """Words, operators and a comment, each with its kind; None where a quote stays open."""
    found, at = [], 0
    while at < len(line):
        match = _TOKEN.match(line, at)
        if match is None:
            return None
        if match.lastgroup is not None:
            found.append((match.lastgroup, match[0]))
        at = match.end()
    return found


def _sources(tokens: list[tuple[str, str]], target: str, variables: Mapping[str, str]) -> bool:
    """Whether one of the line's commands is `source` or `.` with the path `target`."""
    begins = True
    for (kind, text), following in pairwise([*tokens, ("", "")]):
        if begins and kind == "word" and text in ("source", ".") and following[0] == "word":
            path = expand(following[1], variables)
            if path is not None and _is_same(path, target):
                return True
        begins = (kind == "operator" and text[-1] not in "<>") or (
            kind == "word" and _BEFORE_A_COMMAND.match(text) is not None
        )
    return False


def _is_alone(tokens: list[tuple[str, str]]) -> bool:
    return [kind for kind, _ in tokens if kind != "comment"] == ["word", "word"]


def _is_same(path: str, target: str) -> bool:
    """Links are followed: the file may be sourced where a dotfiles repository has it."""
    if not os.path.isabs(path) or "\0" in path:
        return False
    return os.path.realpath(path) == os.path.realpath(target)


def expand(word: str, variables: Mapping[str, str]) -> str | None:
    """What a shell makes of a word; None where that takes more than quotes, `~` and variables."""
    if word == "~" or word.startswith("~/"):
        word = "$HOME" + word[1:]
    found, at = "", 0
    while at < len(word):
        match = _PIECE.match(word, at)
        if match is None:
            return None
        if match["single"] is not None:
            piece: str | None = match["single"][1:-1]
        elif match["double"] is not None:
            piece = _expand_inside(match["double"][1:-1], variables)
        elif match["variable"] is not None:
            piece = _value(match["variable"], variables)
        else:
            piece = match["escaped"] or match["plain"]
        if piece is None:
            return None
        found += piece
        at = match.end()
    return found


def _expand_inside(text: str, variables: Mapping[str, str]) -> str | None:
    """The text between double quotes."""
    found, at = "", 0
    while at < len(text):
        match = _INSIDE.match(text, at)
        if match is None:
            return None
        piece = _value(match["variable"], variables) if match["variable"] else match["escaped"] or match[0]
        if piece is None:
            return None
        found += piece
        at = match.end()
    return found


def _value(reference: str, variables: Mapping[str, str]) -> str | None:
    """What `$NAME`, `${NAME}`, `${NAME-WORD}` or `${NAME:-WORD}` stands for; None for any other form."""
    match = _VARIABLE.match(reference.removesuffix("}") if reference.startswith("${") else reference)
    if match is None:
        return None
    value = variables.get(match["name"])
    if match["how"] and (value is None or (match["how"] == ":-" and not value)):
        return expand(match["word"], variables)
    return value or ""

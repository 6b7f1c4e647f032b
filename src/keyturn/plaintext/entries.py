"""What every format of a credentials file has in common: entries, and text without some of them.

Formats work on text that was decoded by `text_of`, so that what is not cut is the same bytes again. No error
here repeats a word of a file: what does not parse may be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from keyturn.ground.errors import KeyturnError
from keyturn.ground.secret import Secret

Path = tuple[str, ...]
Span = tuple[int, int]

BOM = "\ufeff"
_LINE_END = re.compile(r"\r\n|\r|\n")


class UnreadableError(KeyturnError):
    """A file that does not parse. The message says why, without what it holds."""

    code = "unreadable"


class InseparableError(KeyturnError):
    """An entry that cannot be taken out without changing more than itself."""

    code = "inseparable"


@dataclass(eq=False)
class Group:
    """The members between two braces, parted by commas: from the start of a key to the end of its value.

    With `whole` they are words of one command, each with the space before it; that goes with the last one.
    """

    members: list[Span] = field(default_factory=list)
    whole: Span | None = None


@dataclass(frozen=True)
class Entry:
    """One value that is not empty, and where it stands.

    `path` are the keys that lead to it (numbers for places in lists); `line` counts from 1. It goes by the
    `cuts`, or as the member `place` of its `group`. `stuck` says why it cannot go; empty: it can.
    """

    path: Path
    value: Secret
    line: int
    cuts: tuple[Span, ...] = ()
    group: Group | None = None
    place: int = 0
    stuck: str = ""


class Format(Protocol):
    """One format. Both functions raise UnreadableError for what does not parse."""

    def entries(self, text: str) -> list[Entry]:
        """Every entry, in the order of the file."""

    def is_same_without(self, before: str, after: str, gone: Sequence[Entry]) -> bool:
        """Whether `after` says what `before` does but for the entries `gone`, by another way of reading than
        the one that found them."""


def text_of(content: bytes) -> str:
    """The text of a file. Raises UnreadableError for what is no text of one byte a character, or UTF-8."""
    if b"\0" in content:
        raise UnreadableError("it is not text")
    return content.decode("utf-8", "surrogateescape")


def content_of(text: str) -> bytes:
    """The inverse of `text_of`."""
    return text.encode("utf-8", "surrogateescape")


def lines_of(text: str) -> Iterator[tuple[int, int, int]]:
    """Start, end, and end with the line end, of every line; line ends are Python's universal newlines."""
    at = 0
    for match in _LINE_END.finditer(text):
        yield at, match.start(), match.end()
        at = match.end()
    if at < len(text):
        yield at, len(text), len(text)


class Lines:
    """Numbers of lines by positions in a text."""

    def __init__(self, text: str) -> None:
        self._spans = list(lines_of(text))

    def at(self, position: int) -> tuple[int, int, int, int]:
        """Number from 1, start, end, end with the line end, of the line that the position is in."""
        low, high = 0, len(self._spans) - 1
        while low < high:
            middle = (low + high) // 2
            if position >= self._spans[middle][2]:
                low = middle + 1
            else:
                high = middle
        return (low + 1, *self._spans[low]) if self._spans else (1, 0, 0, 0)


def line_cut(text: str, lines: Lines, span: Span, comment: str = "") -> Span | None:
    """What to cut so that the span goes: its whole lines if nothing else is in them, itself before a comment.

    `comment` are the characters that begin a comment behind a value. None: something else is in the line.
    """
    _, start, _, _ = lines.at(span[0])
    _, _, end, whole = lines.at(max(span[0], span[1] - 1))
    before, behind = text[start : span[0]], text[span[1] : end]
    if before.strip(" \t" + BOM):
        return None
    if not behind.strip():
        return (start + before.startswith(BOM), whole)
    left = behind.lstrip()
    if comment and left[0] in comment:
        return (span[0], span[1] + len(behind) - len(left))
    return None


def without(text: str, gone: Sequence[Entry]) -> str:
    """`text` without these entries. Raises InseparableError for one that is stuck."""
    cuts: list[Span] = []
    groups: dict[int, tuple[Group, set[int]]] = {}
    for entry in gone:
        if entry.stuck:
            raise InseparableError(entry.stuck)
        cuts.extend(entry.cuts)
        if entry.group is not None:
            groups.setdefault(id(entry.group), (entry.group, set()))[1].add(entry.place)
    for group, places in groups.values():
        if group.whole is None:
            cuts.extend(_group_cuts(group.members, places))
        elif len(places) == len(group.members):
            cuts.append(group.whole)
        else:
            cuts.extend(group.members[place] for place in places)
    parts, at = [], 0
    for start, end in sorted(cuts):
        # Two neighbours may both want the space between them.
        parts.append(text[at:start])
        at = max(at, end)
    return "".join(parts) + text[at:]


def _group_cuts(members: Sequence[Span], places: set[int]) -> Iterator[Span]:
    """One cut for each run of neighbours, with as many commas as it has members."""
    last = len(members) - 1
    for first in sorted(places):
        if first - 1 in places:
            continue
        end = first
        while end + 1 in places:
            end += 1
        if end < last:
            yield members[first][0], members[end + 1][0]
        elif first > 0:
            yield members[first - 1][1], members[end][1]
        else:
            yield members[0][0], members[last][1]


def leaves(tree: object) -> Iterator[tuple[Path, object]]:
    """Every value of nested mappings (or `Pairs`) and lists, with the keys that lead to it.

    What is empty is a leaf of its own.
    """
    todo: list[tuple[Path, object]] = [((), tree)]
    while todo:
        path, node = todo.pop()
        inner: list[tuple[Path, object]] = []
        if isinstance(node, Pairs):
            inner = [((*path, key), value) for key, value in node.pairs]
        elif isinstance(node, Mapping):
            inner = [((*path, str(key)), value) for key, value in node.items()]
        elif isinstance(node, list):
            inner = [((*path, str(number)), value) for number, value in enumerate(node)]
        if inner:
            todo.extend(reversed(inner))
        elif isinstance(node, Pairs | Mapping):
            yield path, EMPTY
        else:
            yield path, node


class Pairs:
    """A mapping as it was written: in order, and with keys that stand there twice."""

    def __init__(self, pairs: Iterable[tuple[str, object]]) -> None:
        self.pairs = list(pairs)


class _Empty:
    """Stands for a mapping without members."""


EMPTY = _Empty()


def is_same_tree(before: object, after: object, gone: Sequence[Entry]) -> bool:
    """Whether the trees have the same leaves in the same order, but for those at the paths of `gone`.

    Mappings that lose their last member may stay empty, or go with it.
    """
    paths = {entry.path for entry in gone}
    above = {path[:length] for path in paths for length in range(len(path))}

    def kept(tree: object) -> list[tuple[Path, object]]:
        found = [(path, leaf) for path, leaf in leaves(tree) if not (leaf is EMPTY and path in above)]
        return [(path, (type(leaf), leaf)) for path, leaf in found]

    wanted = [pair for pair in kept(before) if pair[0] not in paths]
    return len(kept(before)) - len(wanted) == len(gone) and wanted == kept(after)

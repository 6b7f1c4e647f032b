"""YAML by its events: a parser of other people's says what is what and where, and only spans are cut.

Working on events, nothing is built: an alias is a name here, so that a file of aliases of aliases costs no
more than its size. A library that writes YAML would write the whole file anew, in its own hand.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from keyturn.ground.secret import Secret
from keyturn.plaintext.entries import Entry, Group, Lines, Path, Span, UnreadableError, line_cut

# From a key to its value, without a comment or an explicit `?`.
_COLON = re.compile(r"[ \t]*:(?:[ \t]|\r|\n)*\Z")
_DASHES = re.compile(r"[ \t]*(?:-[ \t]+)+\Z")
_NULL = ("ScalarEvent", None, None, (True, False), "", None)
# Words that are no text where they stand without quotes (YAML 1.2, 10.3.2).
_NO_TEXT = ("~", "null", "Null", "NULL", "true", "True", "TRUE", "false", "False", "FALSE")
_SIGNED = ("anchor", "tag", "implicit", "value", "style", "flow_style", "explicit", "version", "tags")


@dataclass
class _Node:
    """A mapping or a sequence that is being read. `key`: path, start and end of the key whose value comes."""

    path: Path
    is_mapping: bool
    group: Group | None = None
    anchors: tuple[str, ...] = ()
    count: int = 0
    key: tuple[Path, int, int] | None = None
    key_event: int = 0
    key_problem: str = ""
    members: list[Span] = field(default_factory=list)


@dataclass
class _Scalar:
    """A value that may become an entry, once the whole file is known."""

    path: Path
    value: str
    key_start: int
    start: int
    end: int
    node: _Node | None
    anchors: tuple[str, ...]
    stuck: str
    events: tuple[int, int]
    place: int
    is_text: bool


@dataclass
class _Document:
    """What a file says: `signs` are its events without their places."""

    scalars: list[_Scalar]
    aliases: set[str]
    signs: list[tuple[Any, ...]]


class Yaml:
    """The format `yaml`. Every scalar that is not empty, null, true or false is an entry, by its text."""

    def entries(self, text: str) -> list[Entry]:
        document = _read(text)
        lines = Lines(text)
        scalars = [scalar for scalar in document.scalars if scalar.is_text]
        return [_entry(text, lines, scalar, document.aliases) for scalar in scalars]

    def is_same_without(self, before: str, after: str, gone: Sequence[Entry]) -> bool:
        old, new = _read(before), _read(after)
        paths = {entry.path for entry in gone}
        going = [scalar for scalar in old.scalars if scalar.path in paths]
        if len(going) != len(gone):
            return False
        events = {event for scalar in going for event in scalar.events}
        return _emptied(old.signs, events) == _only_null(new.signs)


def _emptied(signs: Sequence[tuple[Any, ...]], gone: set[int]) -> list[tuple[Any, ...]]:
    """The events without those; a mapping in block style that has lost its last member reads as null."""
    left: list[tuple[Any, ...]] = []
    lost = False
    for number, sign in enumerate(signs):
        if number in gone:
            lost = True
            continue
        opened = left[-1] if left else ()
        is_empty = sign[0] == "MappingEndEvent" and opened[:3] == ("MappingStartEvent", None, None)
        if lost and is_empty and opened[-1] is False:
            left[-1] = _NULL
            continue
        lost = False
        left.append(sign)
    return _only_null(left)


def _only_null(signs: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """A file whose one document is null says what an empty file says."""
    kinds = [sign[0] for sign in signs]
    is_null = len(signs) == 5 and kinds[1] == "DocumentStartEvent" and signs[2] == _NULL
    return [signs[0], signs[-1]] if is_null else signs


def _read(text: str) -> _Document:
    # Imported when a file of this format is met.
    import yaml

    reader = _Reader(text)
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            reader.take(event)
        return _Document(reader.scalars, reader.aliases, reader.signs)
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError):
        pass
    # Raised out here: the other exception quotes the text.
    raise UnreadableError("it is not YAML")


class _Reader:
    def __init__(self, text: str) -> None:
        self.scalars: list[_Scalar] = []
        self.aliases: set[str] = set()
        self.signs: list[tuple[Any, ...]] = []
        self._text = text
        self._stack: list[_Node] = []
        self._documents = 0
        self._known: dict[str, str] = {}  # anchor → text of its scalar

    def take(self, event: Any) -> None:
        kind = type(event).__name__
        self.signs.append(_sign(event, kind))
        if kind == "DocumentStartEvent":
            self._documents += 1
        elif kind in ("MappingStartEvent", "SequenceStartEvent"):
            self._open(event, is_mapping=kind == "MappingStartEvent")
        elif kind in ("MappingEndEvent", "SequenceEndEvent"):
            self._stack.pop()
            self._ended(event.end_mark.index)
        elif kind == "ScalarEvent":
            if event.anchor:
                self._known[event.anchor] = event.value
            self._scalar(event, event.value, (event.anchor,) if event.anchor else (), "")
        elif kind == "AliasEvent":
            self.aliases.add(event.anchor)
            value = self._known.get(event.anchor, "")
            self._scalar(event, value, (), "it is an alias of a value that stands elsewhere")

    def _open(self, event: Any, *, is_mapping: bool) -> None:
        top = self._stack[-1] if self._stack else None
        anchors = (*(top.anchors if top is not None else ()), *((event.anchor,) if event.anchor else ()))
        group = Group() if is_mapping and event.flow_style else None
        if top is not None and top.is_mapping and top.key is None:
            # A collection as a key: nothing in it is anybody's credential.
            top.key_problem = "its key is none of one word"
            self._stack.append(_Node((*top.path, "?"), is_mapping, group, anchors))
            return
        self._stack.append(_Node(self._path(top), is_mapping, group, anchors))

    def _path(self, top: _Node | None) -> Path:
        if top is None:
            return () if self._documents == 1 else (f"---{self._documents}",)
        return top.key[0] if top.key is not None else (*top.path, str(top.count))

    def _scalar(self, event: Any, value: str, anchors: tuple[str, ...], stuck: str) -> None:
        top = self._stack[-1] if self._stack else None
        start, end = event.start_mark.index, event.end_mark.index
        if top is not None and top.is_mapping and top.key is None:
            top.key = ((*top.path, value), start, end)
            top.key_event = len(self.signs) - 1
            top.key_problem = "its key is an alias" if stuck else ""
            return
        if value:
            self._value(event, top, value, anchors, stuck)
        self._ended(end)

    def _value(self, event: Any, top: _Node | None, value: str, anchors: tuple[str, ...], stuck: str) -> None:
        start, end = event.start_mark.index, event.end_mark.index
        if getattr(event, "style", None) in ("|", ">"):
            # The empty lines below are none of it.
            end = start + len(self._text[start:end].rstrip())
        key_start, key_event = start, len(self.signs) - 1
        if top is None or top.key is None:
            stuck = stuck or "it stands in a list" if top is not None else "it is the whole file"
        else:
            _, key_start, key_end = top.key
            key_event = top.key_event
            if not _COLON.match(self._text[key_end:start]):
                stuck = stuck or "its key is written in a way that is not understood here"
            stuck = stuck or top.key_problem
        self.scalars.append(
            _Scalar(
                self._path(top),
                value,
                key_start,
                start,
                end,
                top,
                (*(top.anchors if top is not None else ()), *anchors),
                stuck,
                (key_event, len(self.signs) - 1),
                len(top.members) if top is not None else 0,
                is_text=value not in _NO_TEXT or not getattr(event, "implicit", (False,))[0],
            )
        )

    def _ended(self, end: int) -> None:
        """A value has ended: it is the next member of what it stands in."""
        if not self._stack:
            return
        top = self._stack[-1]
        if not top.is_mapping:
            top.count += 1
            return
        if top.key is None:
            # A collection as a key has ended.
            top.key = ((*top.path, "?"), end, end)
            return
        member = (top.key[1], end)
        top.members.append(member)
        if top.group is not None:
            top.group.members.append(member)
        top.key = None


def _sign(event: Any, kind: str) -> tuple[Any, ...]:
    found = []
    for name in _SIGNED:
        if hasattr(event, name):
            value = getattr(event, name)
            found.append(tuple(sorted(value.items())) if isinstance(value, dict) else value)
    return (kind, *found)


def _entry(text: str, lines: Lines, scalar: _Scalar, aliases: set[str]) -> Entry:
    line = lines.at(scalar.start)[0]
    stuck = scalar.stuck
    if not stuck and any(anchor in aliases for anchor in scalar.anchors):
        stuck = "it is used in another place as well (an anchor)"
    if stuck or scalar.node is None:
        return Entry(scalar.path, Secret(scalar.value), line, stuck=stuck)
    if scalar.node.group is not None:
        return Entry(scalar.path, Secret(scalar.value), line, group=scalar.node.group, place=scalar.place)
    cut = _block_cut(text, lines, scalar, scalar.node)
    if cut is None:
        return Entry(scalar.path, Secret(scalar.value), line, stuck="something else stands in its line")
    return Entry(scalar.path, Secret(scalar.value), line, (cut,))


def _block_cut(text: str, lines: Lines, scalar: _Scalar, node: _Node) -> Span | None:
    cut = line_cut(text, lines, (scalar.key_start, scalar.end), "#")
    if cut is not None:
        return cut
    _, start, _, _ = lines.at(scalar.key_start)
    if not _DASHES.match(text[start : scalar.key_start]):
        return None
    # The first member of a mapping in a list: the next one takes its place behind the dash.
    if scalar.place + 1 < len(node.members):
        following = node.members[scalar.place + 1][0]
        return None if text[scalar.end : following].strip() else (scalar.key_start, following)
    return (scalar.key_start, scalar.end) if len(node.members) == 1 else None

"""JSON (RFC 8259), with a byte order mark in front if there is one."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from keyturn.ground.secret import Secret
from keyturn.plaintext.entries import BOM, Entry, Group, Lines, Pairs, Path, UnreadableError, is_same_tree

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+', re.DOTALL)


@dataclass
class _Container:
    """An object or a list that is being read."""

    path: Path
    group: Group | None  # None: a list
    count: int = 0
    key: str | None = None
    key_start: int = 0
    opened: list[int] = field(default_factory=list)


class Json:
    """The format `json`. Only strings are entries."""

    def entries(self, text: str) -> list[Entry]:
        tree(text)
        lines = Lines(text)
        found: list[Entry] = []
        stack: list[_Container] = []
        for match in _TOKEN.finditer(text, len(BOM) if text.startswith(BOM) else 0):
            token = match.group()
            if token in ":,":
                continue
            top = stack[-1] if stack else None
            if token in "}]":
                stack.pop()
                self._ended(stack, match.end())
            elif top is not None and top.group is not None and top.key is None:
                top.key, top.key_start = json.loads(token), match.start()
            elif token in "{[":
                stack.append(_Container(_path(top), Group() if token == "{" else None))
            else:
                if token[0] == '"' and (value := json.loads(token)):
                    place = len(top.group.members) if top is not None and top.group is not None else 0
                    found.append(
                        Entry(
                            _path(top),
                            Secret(value),
                            lines.at(match.start())[0],
                            group=top.group if top is not None else None,
                            place=place,
                            stuck="" if top is not None and top.group is not None else "it stands in a list",
                        )
                    )
                self._ended(stack, match.end())
        return found

    @staticmethod
    def _ended(stack: list[_Container], end: int) -> None:
        """A value has ended: it is the next member of what it stands in."""
        if not stack:
            return
        top = stack[-1]
        top.count += 1
        if top.group is not None:
            top.group.members.append((top.key_start, end))
            top.key = None

    def is_same_without(self, before: str, after: str, gone: Sequence[Entry]) -> bool:
        return is_same_tree(tree(before), tree(after), gone)


def _path(top: _Container | None) -> Path:
    if top is None:
        return ()
    return (*top.path, str(top.count) if top.key is None else top.key)


def tree(text: str) -> object:
    """As the standard library reads it. Raises UnreadableError."""
    try:
        return json.loads(text.removeprefix(BOM), object_pairs_hook=Pairs)
    except (ValueError, RecursionError):
        pass
    # Raised out here: the other exception holds the text.
    raise UnreadableError("it is not JSON")

"""What is wrong with a data file, for the person who writes it: the line, the key, and what was expected.

The parser says what it says of types and structures; here that becomes the words of the file.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Any, Literal, get_args, get_origin

import msgspec

# What the parser calls the kinds of values, and what a person who writes TOML calls them.
_KINDS = {
    "`str`": "text",
    "`int`": "a whole number",
    "`float`": "a number",
    "`bool`": "true or false",
    "`array`": "a list",
    "`object`": "a table",
    "`null`": "nothing",
    "`datetime`": "a date",
    "`date`": "a date",
    "`time`": "a time",
}
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>.*)`", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<name>.*)`", re.DOTALL)
_STEP = re.compile(r"\.?(?P<name>[^.\[\]]+)|\[(?P<place>\d+|\.\.\.)\]")
_HEADER = re.compile(r"^\s*(?P<opened>\[\[?)(?P<key>[^\[\]#]+)\]")
_PAIR = re.compile(r"""^\s*(?P<key>(?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_PART = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")


def of_syntax(error: ValueError | RecursionError) -> str:
    """What is no TOML by the parser's `error`, and where; without a word of the file."""
    if isinstance(error, RecursionError):
        return "not TOML that can be read: too deep"
    reason, _, place = str(error).partition(" (at ")
    found = re.match(r"line (\d+)", place)
    where = f"line {found[1]}: " if found else "at the end: "
    return f"{where}not TOML: {_lower(reason)}"


def of_value(error: msgspec.ValidationError, kind: type, text: str, table: str = "") -> str:
    """What `kind` says against the content of a file, whose `text` is looked at for the line.

    `line 4: executable[0].rnus: unknown key; did you mean “runs”?`: the line where it is found. `table` is
    the key of the table that was parsed, where it is not the whole file.
    """
    said, _, place = str(error).partition(" - at ")
    key = place.strip("`").removeprefix("key` in `").removeprefix("$").removeprefix(".")
    where, what = key, said
    if found := _UNKNOWN.fullmatch(said):
        where = f"{key}.{found['name']}".removeprefix(".")
        what = f"unknown key; {_known(kind, key, found['name'])}"
    elif found := _MISSING.fullmatch(said):
        what = f"the key “{found['name']}” is missing"
    elif said.startswith("Invalid enum value"):
        what = _allowed(kind, key, said)
    else:
        for theirs, ours in _KINDS.items():
            what = what.replace(theirs, ours)
        if said == "Expected `array`, got `object`" and where:
            name = re.sub(r"\[\d+\]", "", where)
            what = f"{what}: it is written [[{name}]]"
    where = f"{table}.{where}".strip(".") if table else where
    # A rule about several keys begins with one of them.
    first = what.split(" ", 1)[0]
    is_key = not _UNKNOWN.fullmatch(said) and first in _names(kind, _steps(where))
    line = line_of(text, f"{where}.{first}".strip(".") if is_key else where) or _line_saying(text, what)
    return f"{f'line {line}: ' if line else ''}{where or 'the file'}: {_lower(what)}"


def line_of(text: str, key: str) -> int | None:
    """The line, from 1, on which a key such as `executable[0].runs` stands, or else the table around it."""
    wanted = _steps(key)
    best, found = 0, None
    table: tuple[str | int, ...] = ()
    counts: dict[tuple[str | int, ...], int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            table = _table(header["key"], counts, is_list=header["opened"] == "[[")
            here = table
        elif pair := _PAIR.match(line):
            here = (*table, *_parts(pair["key"]))
        else:
            continue
        shared = min(len(here), len(wanted))
        if shared > best and wanted[:shared] == here[:shared]:
            best, found = shared, number
    return found


def _line_saying(text: str, what: str) -> int | None:
    """The line with the value that a complaint about the whole file quotes."""
    quoted = re.search(r"“([^”]+)”", what)
    if quoted is None:
        return None
    name = re.escape(quoted[1])
    stands = re.compile(rf"""["']{name}["']|^\s*{name}\s*=""")
    return next((number for number, line in enumerate(text.splitlines(), 1) if stands.search(line)), None)


def _table(key: str, counts: dict[tuple[str | int, ...], int], *, is_list: bool) -> tuple[str | int, ...]:
    """The path of a table by its header, with the places of the lists that it stands in."""
    path: tuple[str | int, ...] = ()
    parts = _parts(key)
    for at, part in enumerate(parts):
        path = (*path, part)
        if is_list and at == len(parts) - 1:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def _parts(key: str) -> list[str]:
    return [part.strip("\"'") for part in _PART.findall(key)]


def _steps(key: str) -> tuple[str | int, ...]:
    """A key as the parser writes it, in parts; `[...]` is some place in a table of any keys."""
    steps: list[str | int] = []
    for step in _STEP.finditer(key):
        place = step["place"]
        steps.append(step["name"] if place is None else int(place) if place.isdigit() else place)
    return tuple(steps)


def _known(kind: type, key: str, wrong: str) -> str:
    """What may stand where an unknown key stands."""
    names = _names(kind, _steps(key))
    close = difflib.get_close_matches(wrong, names, 1)
    if close:
        return f"did you mean “{close[0]}”?"
    return f"known here: {', '.join(sorted(names))}" if names else "it is not of the schema"


def _allowed(kind: type, key: str, said: str) -> str:
    """What may stand where one of a few words is expected."""
    wrong = said.partition("'")[2].rpartition("'")[0]
    words = sorted(_words(_at(kind, _steps(key))))
    close = difflib.get_close_matches(wrong, words, 1)
    hint = f"; did you mean “{close[0]}”?" if close else ""
    return f"expected one of {', '.join(words)}{hint}" if words else _lower(said)


def _words(kind: Any) -> set[str]:
    """The words of `Literal` types, wherever in `kind` they stand."""
    parts = get_args(kind)
    if get_origin(kind) is Literal:
        return {part for part in parts if isinstance(part, str)}
    return {word for part in parts for word in _words(part)}


def _names(kind: Any, steps: tuple[str | int, ...]) -> list[str]:
    """The keys of the table that `steps` lead to."""
    return [
        field.encode_name for each in _structs(_at(kind, steps)) for field in msgspec.structs.fields(each)
    ]


def _at(kind: Any, steps: tuple[str | int, ...]) -> Any:
    """The type of what `steps` lead to; for what is not there None."""
    for step in steps:
        kinds = list(_structs(kind))
        fields = {field.encode_name: field.type for each in kinds for field in msgspec.structs.fields(each)}
        if isinstance(step, str) and step in fields:
            kind = fields[step]
        elif not isinstance(step, int) and step != "...":
            return None
    return kind


def _structs(kind: Any) -> Iterable[type[msgspec.Struct]]:
    """The tables that `kind` may be, or hold: `tuple[X, ...]`, `X | None` and `dict[str, X]` are all X."""
    if get_origin(kind) is not None or get_args(kind):
        for part in get_args(kind):
            yield from _structs(part)
    elif isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield kind


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]

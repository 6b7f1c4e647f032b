"""Finding credentials: which files there are, and what stands in them."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from keyturn.ground import files
from keyturn.ground.errors import DamagedError
from keyturn.ground.files import FileIdentity
from keyturn.ground.secret import Secret
from keyturn.plaintext.definitions import ANY, Fields, File, Tool, stands_for
from keyturn.plaintext.entries import Entry, UnreadableError, text_of
from keyturn.plaintext.formats import FORMATS

# A file of credentials has some kilobytes; what is larger is something else, or somebody's prank.
LARGEST = 2 * 1024 * 1024
# PyYAML reads some hundred kilobytes a second.
LARGEST_YAML = 512 * 1024

_USER = re.compile(r"[^\s/@]*:[^\s@]*@")
# No credential: a reference to a variable, in files that know such, and words that stand for nothing.
_NO_VALUE = re.compile(r"\$\{[^{}]*\}|\$[A-Za-z_][A-Za-z0-9_]*|true|false|null|none|~", re.IGNORECASE)


@dataclass(frozen=True)
class Source:
    """A file as it was read: `path` as the tool has it, `real` where its links lead, and its status then."""

    path: Path
    real: Path
    format: str
    text: str = field(repr=False)
    status: os.stat_result


@dataclass(frozen=True)
class Found:
    """A credential in a file.

    `profile` tells it from others in the file. `fields` are values by label, `secrets` the labels that must
    not be shown, `going` the entries that go out of the file. `stuck` says why they cannot; empty: they can.
    """

    tool: Tool
    source: Source
    line: int
    profile: str
    fields: Mapping[str, Secret]
    secrets: tuple[str, ...]
    going: tuple[Entry, ...]
    stuck: str = ""

    @property
    def place(self) -> str:
        """The place as a person may name it: `path:line`."""
        return f"{self.source.path}:{self.line}"


@dataclass(frozen=True)
class Unread:
    """A file that is there and could not be looked into, and why."""

    path: Path
    reason: str


@dataclass(frozen=True)
class Report:
    found: tuple[Found, ...] = ()
    unread: tuple[Unread, ...] = ()


def scan(
    tools: Sequence[Tool], environment: Mapping[str, str], start_up_files: Iterable[tuple[Path, str]]
) -> Report:
    """Every credential of the tools: in their own files, and in `start_up_files` (path and format).

    `environment` tells where the files are. Each file is read once, whatever leads to it.
    """
    found: list[Found] = []
    unread: dict[Path, Unread] = {}
    sources: dict[tuple[str, str], Source | None] = {}
    taken: set[tuple[Path, tuple[str, ...], int]] = set()

    def look(tool: Tool, path: Path, form: str, fields: Fields, at: Sequence[str], named: str) -> None:
        key = (os.path.realpath(path), form)
        try:
            if key not in sources:
                sources[key] = None
                sources[key] = read(path, form)
            source = sources[key]
            for each in [] if source is None else _in_text(tool, source, fields, at, named):
                marks = {(each.source.real, entry.path, entry.line) for entry in each.going}
                # What a tool that is named earlier has claimed is no other one's.
                if not marks & taken:
                    taken.update(marks)
                    found.append(each)
        except (FileNotFoundError, NotADirectoryError):
            pass
        except OSError as error:
            unread.setdefault(path, Unread(path, files.reason(error)))
        except (UnreadableError, DamagedError) as error:
            sources[key] = None
            unread.setdefault(path, Unread(path, error.message.removeprefix(f"{path} ")))

    for tool in tools:
        for file in tool.files:
            for path in places(file, environment):
                look(tool, path, file.format, file.fields, file.at, file.named)
    for path, form in start_up_files:
        for tool in tools:
            for fields in tool.variables:
                look(tool, path, form, fields, (), "")
    found.sort(key=lambda each: (str(each.source.path), each.line))
    return Report(tuple(found), tuple(sorted(unread.values(), key=lambda each: each.path)))


def places(file: File, environment: Mapping[str, str]) -> list[Path]:
    """Where the file may be, as far as `environment` tells."""
    home = environment.get("HOME", "")
    result: list[Path] = []
    for place in file.places:
        first, _, rest = place.partition("/")
        base = home if first == "~" else environment.get(first[1:], "")
        if first != "~" and base.startswith("~/") and os.path.isabs(home):
            # Some tools expand this themselves.
            base = home + base[1:]
        # Without more behind it the variable is the file; some take several, as PATH does.
        for each in [base] if rest else base.split(":"):
            if os.path.isabs(each):
                result.append(Path(each) / rest if rest else Path(each))
    return list(dict.fromkeys(result))


def read(path: Path, form: str) -> Source:
    """A file, read once.

    Raises FileNotFoundError, other OSErrors, DamagedError for what is no regular file or too large (a pipe or
    a device is not opened), UnreadableError for what is no text.
    """
    found = os.stat(path)
    if not stat.S_ISREG(found.st_mode):
        raise DamagedError(f"{path} is not a regular file")
    content, identity = files.read(path, LARGEST_YAML if form == "yaml" else LARGEST)
    if identity != FileIdentity.of(found):
        raise DamagedError(f"{path} was changed while it was read")
    return Source(path, Path(os.path.realpath(path)), form, text_of(content), found)


def _in_text(tool: Tool, source: Source, fields: Fields, at: Sequence[str], named: str) -> Iterator[Found]:
    """The credentials that a file holds at the keys `at`."""
    if not _may_hold(fields, at, source.text):
        return
    groups: dict[tuple[str, ...], list[Entry]] = {}
    for entry in _entries(source):
        if len(entry.path) >= len(at) and None not in map(stands_for, at, entry.path):
            groups.setdefault(entry.path[: len(at)], []).append(entry)
    for top, entries in groups.items():
        found = _credential(tool, source, fields, at, named, top, entries)
        if found is not None:
            yield found


@lru_cache(maxsize=8)
def _parsed(form: str, text: str) -> tuple[Entry, ...]:
    return tuple(FORMATS[form].entries(text))


def _entries(source: Source) -> tuple[Entry, ...]:
    return _parsed(source.format, source.text)


def _may_hold(fields: Fields, at: Sequence[str], text: str) -> bool:
    """Whether the keys of the secrets that have to be there are in the text: most files need no parser."""
    plain = text.casefold()
    keys = [
        (key[-1] if isinstance(key, list) else key)
        for label, key in fields.secret.items()
        if label not in fields.optional
    ]
    wanted = [key or (at[-1] if at else "") for key in keys]
    return all(part.casefold() in plain for key in wanted for part in key.split(ANY))


def _credential(
    tool: Tool,
    source: Source,
    fields: Fields,
    at: Sequence[str],
    named: str,
    top: tuple[str, ...],
    entries: Sequence[Entry],
) -> Found | None:
    names = [stands_for(wanted, key) or "" for wanted, key in zip(at, top, strict=True) if ANY in wanted]
    values: dict[str, Secret] = {}
    going: list[Entry] = []
    stuck = ""
    for label, key in {**fields.taken, **fields.beside}.items():
        if isinstance(key, str) and key.startswith("@"):
            values[label] = Secret(names[int(key[1:]) - 1])
            continue
        here = _at(entries, (*top, *(key if isinstance(key, list) else [key] if key else [])))
        if not here or _NO_VALUE.fullmatch(here[-1].value.reveal()):
            if label in fields.taken and label not in fields.optional:
                return None
            continue
        values[label] = here[-1].value
        if label in fields.taken:
            going += here
            stuck = stuck or next((entry.stuck for entry in here if entry.stuck), "")
            if any(entry.value != here[-1].value for entry in here):
                stuck = stuck or "it stands there twice, with different values"
    stuck = stuck or _useless(fields, values)
    first = min(entry.line for entry in going for label in fields.secret if entry.value == values.get(label))
    secrets = tuple(label for label in values if label in fields.secret)
    name = _at(entries, (*top, named))[-1:] if named else []
    profile = without_password(name[0].value.reveal() if name else "/".join(names))
    ordered = tuple(sorted(going, key=lambda entry: entry.line))
    return Found(tool, source, first, profile, values, secrets, ordered, stuck)


def without_password(text: str) -> str:
    """Text that may be shown: of an address the part before the host may be a name and a password."""
    return _USER.sub("…@", text)


def _at(entries: Sequence[Entry], steps: tuple[str, ...]) -> list[Entry]:
    return [
        entry for entry in entries if len(entry.path) == len(steps) and all(map(_is_key, entry.path, steps))
    ]


def _is_key(key: str, wanted: str) -> bool:
    return key == wanted or key.casefold() == wanted.casefold()


def _useless(fields: Fields, values: Mapping[str, Secret]) -> str:
    """Why these values are of no use in a vault, or none that it could hold; empty if they are."""
    for label, prefixes in fields.refuse.items():
        for prefix, why in prefixes.items():
            if label in values and values[label].reveal().startswith(prefix):
                return why
    for value in values.values():
        try:
            value.reveal().encode()
        except UnicodeEncodeError:
            return "its value is not UTF-8"
    return ""


def by_file(found: Iterable[Found]) -> Iterator[list[Found]]:
    """The credentials of each file together, for a file is changed once."""
    groups: dict[tuple[Path, str], list[Found]] = {}
    for each in found:
        groups.setdefault((each.source.real, each.source.format), []).append(each)
    yield from groups.values()

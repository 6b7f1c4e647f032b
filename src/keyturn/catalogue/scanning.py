"""Finding every credential that lies about in plaintext: in the tools' own files, and in start-up files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from keyturn.catalogue import selection
from keyturn.catalogue.plaintext import Tool
from keyturn.catalogue.selection import Selected
from keyturn.ground import files
from keyturn.ground.errors import DamagedError
from keyturn.ground.secret import Secret
from keyturn.plaintext import reading
from keyturn.plaintext.entries import Entry, UnreadableError
from keyturn.plaintext.reading import Source
from keyturn.sdk.import_schema import ANY, Importer, Taken


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

    def makes_it(self, label: str) -> bool:
        """Whether this field makes the credential what it is, so that it must not be shown, and an item that
        holds the credential has to have it."""
        return label in self.secrets or any(entry.value == self.fields[label] for entry in self.going)


@dataclass(frozen=True)
class Unread:
    """A file that is there and could not be looked into, and why."""

    path: Path
    reason: str


@dataclass(frozen=True)
class Report:
    found: tuple[Found, ...] = ()
    unread: tuple[Unread, ...] = ()


Look = Callable[[Source], Iterable[Selected]]
Sought = TypeVar("Sought")


def scan(
    tools: Sequence[Tool],
    environment: Mapping[str, str],
    start_up_files: Iterable[tuple[Path, str]],
    platform: str,
) -> Report:
    """Every credential of the tools: in their own files, and in `start_up_files` (path and format).

    `environment` tells where the files are. Each file is read once, whatever leads to it. What two tools find
    is the one's that looks for it earlier among its own, and a plugin's before another tool's.
    """
    search = _Search()
    for tool, importer in _ranked(tools, lambda tool: [each for each in tool.importers if each.files]):
        if importer.os in (None, platform):
            for path in reading.places(importer.files, environment):
                search.look(tool, path, importer.format or "", importer.pattern, _in_file(tool, importer))
    variables = _ranked(tools, lambda tool: list(_variables(tool)))
    for path, form in start_up_files:
        for tool, (importer, mapping) in variables:
            search.look(tool, path, form, "", _in_start_up_file(tool, importer, mapping))
    return search.report()


def _ranked(tools: Sequence[Tool], those: Callable[[Tool], Sequence[Sought]]) -> list[tuple[Tool, Sought]]:
    """What each tool looks for, in the order in which it is claimed."""
    plugins = [
        (number, tool, each)
        for tool in tools
        if tool.plugin is not None
        for number, each in enumerate(those(tool))
    ]
    ranked = [(tool, each) for _, tool, each in sorted(plugins, key=lambda each: each[0])]
    return ranked + [(tool, each) for tool in tools if tool.plugin is None for each in those(tool)]


def _variables(tool: Tool) -> Iterator[tuple[Importer, Mapping[str, str]]]:
    for importer in tool.importers:
        for mapping in importer.variables():
            yield importer, mapping


def _in_file(tool: Tool, importer: Importer) -> Look:
    def look(source: Source) -> Iterable[Selected]:
        if not _may_hold(importer, source.text):
            return ()
        form, entries = source.format, source.entries
        return selection.select(importer, tool.definitions, form, entries, is_any_secret=True)

    return look


def _in_start_up_file(tool: Tool, importer: Importer, mapping: Mapping[str, str]) -> Look:
    def look(source: Source) -> Iterable[Selected]:
        if not any(variable in source.text for variable in mapping):
            return ()
        found = selection.of_variables(importer, mapping, tool.definitions, source.entries)
        return () if found is None else (found,)

    return look


def _may_hold(importer: Importer, text: str) -> bool:
    """Whether a key of a value is in the text: most files need no parser."""
    plain = text.casefold()
    for value in importer.fields.values():
        key = (value.key or value.take) if isinstance(value, Taken) else value
        last = key if isinstance(key, str) else key[-1]
        if last.startswith("@"):
            # What stands at `at` itself.
            step = importer.at[-1] if importer.at else ""
            if not isinstance(step, str) or all(part.casefold() in plain for part in step.split(ANY)):
                return True
        elif last.casefold() in plain:
            return True
    return False


class _Search:
    def __init__(self) -> None:
        self._found: list[Found] = []
        self._unread: dict[Path, Unread] = {}
        self._sources: dict[tuple[str, str, str], Source | None] = {}
        self._taken: set[tuple[Path, tuple[str, ...], int]] = set()

    def look(self, tool: Tool, path: Path, form: str, pattern: str, look: Look) -> None:
        key = (os.path.realpath(path), form, pattern)
        try:
            if key not in self._sources:
                self._sources[key] = None
                self._sources[key] = reading.read(path, form, pattern)
            source = self._sources[key]
            for each in [] if source is None else look(source):
                self._take(tool, self._sources[key], each)
        except (FileNotFoundError, NotADirectoryError):
            pass
        except OSError as error:
            self._unread.setdefault(path, Unread(path, files.reason(error)))
        except (UnreadableError, DamagedError) as error:
            self._sources[key] = None
            self._unread.setdefault(path, Unread(path, error.message.removeprefix(f"{path} ")))

    def _take(self, tool: Tool, source: Source | None, each: Selected) -> None:
        if source is None or not each.secrets:
            return
        marks = {(source.real, entry.path, entry.line) for entry in each.going}
        # What another one has claimed is no other one's.
        if marks & self._taken:
            return
        self._taken.update(marks)
        stuck = each.stuck or each.temporary
        self._found.append(
            Found(tool, source, each.line, each.profile, each.fields, each.secrets, each.going, stuck)
        )

    def report(self) -> Report:
        self._found.sort(key=lambda each: (str(each.source.path), each.line))
        return Report(tuple(self._found), tuple(sorted(self._unread.values(), key=lambda each: each.path)))


def by_file(found: Iterable[Found]) -> Iterator[list[Found]]:
    """The credentials of each file together, for a file is changed once."""
    groups: dict[tuple[Path, str], list[Found]] = {}
    for each in found:
        groups.setdefault((each.source.real, each.source.format), []).append(each)
    yield from groups.values()

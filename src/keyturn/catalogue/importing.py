"""Candidates in the files that a plugin's importers describe, and taking an imported one out of its file."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from keyturn.catalogue import selection
from keyturn.catalogue.selection import Selected
from keyturn.ground import files
from keyturn.ground.errors import DamagedError, KeyturnError
from keyturn.ground.names import plain_label, printable
from keyturn.ground.secret import Secret
from keyturn.plaintext import reading, replacing
from keyturn.plaintext.entries import InseparableError, UnreadableError, content_of
from keyturn.plaintext.formats import not_text, take_out
from keyturn.plaintext.reading import Source
from keyturn.sdk import importers
from keyturn.sdk.import_schema import Importer, Taken
from keyturn.sdk.importers import Candidate, FilePlace, Findings, Rejected
from keyturn.sdk.schema import Plugin

# Titles of items are for reading; what is longer is somebody's address.
_LONGEST_HINT = 60

Keep = Callable[[bytes, bytes, os.stat_result], None]


@dataclass(frozen=True)
class _Here:
    """Something that an importer found in a file."""

    importer: Importer
    source: Source
    selected: Selected


def find(
    plugin: Plugin, environment: Mapping[str, str], platform: str = sys.platform, root: str = ""
) -> Findings:
    """The plugin's credentials in the environment, then in the files that its importers describe.

    What a file has a part of, or could not be read, is among the rejected. Files of importers with a hook are
    not looked into: that is the hook's. `root` is the directory that `/` stands for in their paths.
    """
    return importers.from_environment(plugin, environment) + from_files(plugin, environment, platform, root)


def from_files(
    plugin: Plugin, environment: Mapping[str, str], platform: str = sys.platform, root: str = ""
) -> Findings:
    """The part of `find` that is about files. Equal credentials are offered once, the first that is found."""
    candidates: dict[frozenset[tuple[str, str]], Candidate] = {}
    rejected: dict[Rejected, None] = {}
    unread: dict[Path, Rejected] = {}
    for importer in plugin.importers:
        if importer.files and importer.hook is None:
            for each in _look(plugin, importer, environment, platform, root, unread):
                found = _judged(plugin, each)
                for candidate in found.candidates:
                    same = frozenset((label, value.reveal()) for label, value in candidate.fields.items())
                    candidates.setdefault(same, candidate)
                rejected.update(dict.fromkeys(found.rejected))
    return Findings(tuple(candidates.values()), (*rejected, *unread.values()))


def _look(
    plugin: Plugin,
    importer: Importer,
    environment: Mapping[str, str],
    platform: str,
    root: str,
    unread: dict[Path, Rejected],
) -> Iterator[_Here]:
    if importer.os not in (None, platform):
        return
    seen: set[Path] = set()
    for path in reading.places(importer.files, environment, root):
        real = Path(os.path.realpath(path))
        if real in seen:
            continue
        seen.add(real)
        try:
            yield from _in_file(plugin, importer, path)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, UnreadableError, DamagedError) as error:
            unread[path] = Rejected(str(path), _why_unread(path, error))


def _in_file(plugin: Plugin, importer: Importer, path: Path) -> list[_Here]:
    """Raises OSError, DamagedError, UnreadableError."""
    source = reading.read(path, importer.format or "", importer.pattern)
    definitions = plugin.credential.fields
    found = selection.select(importer, definitions, source.format, source.entries)
    return [_Here(importer, source, selected) for selected in found]


def _why_unread(path: Path, error: OSError | KeyturnError) -> str:
    return files.reason(error) if isinstance(error, OSError) else error.message.removeprefix(f"{path} ")


def _judged(plugin: Plugin, here: _Here) -> Findings:
    """Offered, rejected with a reason, or nothing to speak of."""
    importer, selected = here.importer, here.selected
    source = _phrase(here.source.path, selected.profile)
    there = {plain_label(label) for label in selected.fields}
    definitions = plugin.credential.fields
    required = [each.label for each in definitions if not each.optional]
    if not any(plain_label(label) in there for label in required or selected.secrets):
        # A host, a region, a user's name: nobody's credential.
        return Findings()
    missing = [label for label in (*required, *importer.need) if plain_label(label) not in there]
    if missing:
        return Findings(rejected=(Rejected(source, _why_missing(here, missing[0])),))
    if importer.need_any and not there & set(map(plain_label, importer.need_any)):
        return Findings(rejected=(Rejected(source, f"{' or '.join(importer.need_any)} is missing"),))
    if not required and not selected.secrets:
        return Findings()
    reason = importers.why_refused(plugin.credential, selected.fields) or selected.temporary
    if reason:
        return Findings(rejected=(Rejected(source, reason),))
    fields = {_label(plugin, label): value for label, value in selected.fields.items()}
    profile = selected.profile
    hint = "" if profile.casefold() == "default" else printable(profile, _LONGEST_HINT)
    return Findings((Candidate(source, hint, fields, FilePlace(here.source.path, profile, "")),))


def _label(plugin: Plugin, label: str) -> str:
    """A label as the credential has it."""
    definition = plugin.credential.field(label)
    return definition.label if definition is not None else label


def _why_missing(here: _Here, label: str) -> str:
    value = here.importer.fields.get(label, "")
    key = value if not isinstance(value, Taken) else value.key
    last = key if isinstance(key, str) else key[-1]
    source = here.source
    if any(path[-1].casefold() == last.casefold() for path in not_text(source.format, source.text) if path):
        return f"its {label} is not text"
    return f"its {label} is missing"


def _phrase(path: Path, profile: str) -> str:
    return f"“{printable(profile, _LONGEST_HINT)}” in {path}" if profile else str(path)


def remove(
    plugin: Plugin,
    place: FilePlace,
    expected: Mapping[str, Secret],
    uid: int,
    keep: Keep = lambda before, rest, status: None,
) -> None:
    """Take an imported credential out of the file that it came from, and change no other byte of that.

    What is there a second time, where another importer would find it, goes too.

    `expected` has the values by the labels of the candidate; `uid` is whose file it has to be. Just before
    the file is replaced, `keep` is given what was in it, what will be, and its status; what that raises
    leaves the file alone.

    Raises ConfigurationError, with nothing changed, if the file holds another credential by now, if this one
    cannot be taken out without changing more, or if the file may not be written.
    """
    source, selected = _again(plugin, place, expected)
    stuck = next((each.stuck for each in selected if each.stuck), "")
    if stuck:
        raise replacing.refused(place.path, f"the credential can be taken out only by hand: {stuck}")
    going = {(entry.path, entry.line): entry for each in selected for entry in each.going}
    before = content_of(source.text)
    try:
        rest = content_of(take_out(source.format, source.text, list(going.values())))
    except (InseparableError, UnreadableError) as error:
        raise replacing.refused(place.path, error.message) from None

    def last_look(temporary: str) -> None:
        keep(before, rest, source.status)

    replacing.replace(source.path, source.status, rest, uid, last_look)


def _again(plugin: Plugin, place: FilePlace, expected: Mapping[str, Secret]) -> tuple[Source, list[Selected]]:
    """The file, and the credential where it was found; with it what has the same secrets elsewhere in there.

    Raises ConfigurationError if it is not there as it was.
    """
    wanted = {plain_label(label): value for label, value in expected.items()}
    why = "it does not hold what was imported any more"
    source: Source | None = None
    same: list[Selected] = []
    is_there = False
    for importer in plugin.importers:
        if not importer.files or importer.hook is not None:
            continue
        try:
            for each in _in_file(plugin, importer, place.path):
                if source is not None and source.text != each.source.text:
                    raise replacing.refused(place.path, "it was changed meanwhile")
                fields = {plain_label(label): value for label, value in each.selected.fields.items()}
                secrets = {plain_label(label) for label in each.selected.secrets}
                if secrets and all(wanted.get(label) == fields[label] for label in secrets):
                    source = source or each.source
                    same.append(each.selected)
                    is_there = is_there or (each.selected.profile == place.profile and fields == wanted)
        except FileNotFoundError:
            why = "it is not there any more"
        except (OSError, UnreadableError, DamagedError) as error:
            why = _why_unread(place.path, error)
    if source is None or not is_there:
        raise replacing.refused(place.path, why)
    return source, same

"""`accounts.json`: the accounts of this configuration and where they lie."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from keyturn.ground import files
from keyturn.ground.errors import AmbiguousError, ConfigurationError, MissingError, UsageError
from keyturn.ground.names import printable
from keyturn.ground.remembered import Remembered
from keyturn.items import Id
from keyturn.vaults.places import KINDS, Place

FORMAT = 1


class Entry(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """One account: `title` is what this configuration calls it.

    It lies in `directory`, or, with a `place`, in another program's vault; that has an id of ours then.
    """

    id: Id
    title: str
    directory: str
    place: Place | None = None

    @property
    def where(self) -> str:
        """Where it is, for people."""
        if self.place is None:
            return self.directory
        kind = KINDS[self.place.backend]
        return f"{kind.title}, {kind.path_is} {self.place.path}" if self.place.path else kind.title


class _File(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    version: int
    accounts: list[Entry]


class Registry:
    """Reads and writes the list."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = Remembered(path, _load)

    def entries(self) -> list[Entry]:
        """All accounts, in the order of adding. Raises ConfigurationError for a damaged list."""
        return self._file.get()

    def find(self, wanted: str) -> Entry:
        """The account with this id or title. Raises MissingError, or AmbiguousError for a title of two."""
        entries = self.entries()
        by_id = [entry for entry in entries if entry.id == wanted]
        by_title = [entry for entry in entries if entry.title.casefold() == wanted.casefold()]
        for found in (by_id, by_title):
            if len(found) > 1:
                ids = " and ".join(entry.id for entry in found)
                raise AmbiguousError(f"{len(found)} accounts are called “{printable(wanted)}”: {ids}")
            if found:
                return found[0]
        titles = ", ".join(f"“{printable(entry.title)}”" for entry in entries) or "none"
        raise MissingError(f"there is no account “{printable(wanted)}”", f"accounts: {titles}")

    def add(self, entry: Entry) -> None:
        """List an account. Raises UsageError if its id or its title is listed already."""

        def change(entries: list[Entry]) -> list[Entry]:
            for other in entries:
                if other.id == entry.id:
                    raise UsageError(f"this account is listed already, as “{printable(other.title)}”")
            _refuse_taken(entry.title, entries)
            return [*entries, entry]

        self._change(change)

    def remove(self, entry: Entry) -> None:
        self._change(lambda entries: [other for other in entries if other.id != entry.id])

    def rename(self, entry: Entry, title: str) -> None:
        """Change what this configuration calls an account. Raises UsageError if the title is taken."""

        def change(entries: list[Entry]) -> list[Entry]:
            _refuse_taken(title, [other for other in entries if other.id != entry.id])
            renamed = msgspec.structs.replace(entry, title=title)
            return [renamed if other.id == entry.id else other for other in entries]

        self._change(change)

    def _change(self, change: Callable[[list[Entry]], list[Entry]]) -> None:
        with files.changing(self._path):
            content = msgspec.json.encode(_File(FORMAT, change(self.entries())))
            files.write_atomically(self._path, msgspec.json.format(content, indent=2) + b"\n")


def _load(path: Path) -> list[Entry]:
    try:
        content, _ = files.read(path)
        parsed = msgspec.json.decode(content, type=_File)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {files.reason(error)}", files.remedy(error)) from None
    except ValueError as error:
        raise ConfigurationError(
            f"{path}: {error}",
            "move it away and list the accounts anew: keyturn account add DIRECTORY",
        ) from None
    if parsed.version != FORMAT:
        raise ConfigurationError(
            f"{path} has format {parsed.version}; this Keyturn knows {FORMAT}",
            "a newer Keyturn wrote it: use that one",
        )
    return parsed.accounts


def _refuse_taken(title: str, entries: list[Entry]) -> None:
    if any(other.title.casefold() == title.casefold() for other in entries):
        raise UsageError(f"there is an account called “{printable(title)}” already", "give another name")

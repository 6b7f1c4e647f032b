"""What this machine remembers of an account, so that an old or a forged file is noticed.

Pins are kept in the state directory, never in the account's own: who could put an old vault back could
put old pins back beside it. They hold fingerprints, hashes and titles, and nothing that opens anything.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec

from keyturn.ground import files
from keyturn.ground.clock import Clock
from keyturn.ground.errors import DamagedError, ForgedError, ForkedError, NewerError, RolledBackError
from keyturn.ground.names import new_id
from keyturn.ground.remembered import Remembered
from keyturn.items import Id
from keyturn.vaults.age.directory import storage
from keyturn.vaults.age.documents import HISTORY, Digest, Generation

FORMAT: Literal[1] = 1
LARGEST = 4 * 1024 * 1024
ON_PURPOSE = "if this is your doing (a backup put back): keyturn account trust"


class FilePin(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The newest generation of a file that was seen here, and the SHA-256 of that file."""

    generation: Generation
    digest: Digest


class Change(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A change of identity that this machine has begun: the new fingerprint and the new slots' ids."""

    identity: Digest
    slots: list[Id]


class Pinned(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One account's pins. `files` has the key `account` and the ids of the vaults."""

    format: Literal[1]
    account: Id
    title: str
    directory: str
    identity: Digest
    change: Change | None
    files: dict[str, FilePin]


class _Self(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    format: Literal[1]
    machine: Id


class _Envelope(msgspec.Struct):
    format: Annotated[int, msgspec.Meta(ge=1)]


@dataclass(frozen=True)
class Sighting:
    """A file that opened: whose it is, and what identifies this state of it. `title`: empty if unknown."""

    account: str
    title: str
    directory: Path
    identity: str
    name: str
    path: Path
    generation: int
    digest: str
    history: list[tuple[int, str]]


Replace = Callable[[Pinned | None], Pinned | None]
Parsed = TypeVar("Parsed", Pinned, _Self)


class Machine:
    """This machine: its memory in the state directory `state`, its clock, the user, and a setting.

    `versions_kept`: how many older versions of each file stay beside it.
    """

    def __init__(self, state: Path, clock: Clock, uid: int, versions_kept: int = 5) -> None:
        self.clock = clock
        self.uid = uid
        self.versions_kept = versions_kept
        self._state = state
        self._directory = state / "pins"
        self._id = ""
        self._pinned: dict[str, Remembered[Pinned | None]] = {}

    @property
    def state(self) -> Path:
        """The state directory."""
        return self._state

    @property
    def id(self) -> str:
        """The random id that this machine writes into what it saves; made when first asked for."""
        if not self._id:
            path = self._state / "machine.json"
            with self._locked():
                found = _read(path, _Self)
                if found is None:
                    found = _Self(format=FORMAT, machine=new_id())
                    _write(path, found)
            self._id = found.machine
        return self._id

    def pinned(self, account: str) -> Pinned | None:
        """The pins of the account with this id; None if this machine never saw it.

        Raises DamagedError for a file that does not parse: that is not the same as no pins.
        """
        remembered = self._pinned.setdefault(
            account, Remembered(self._path(account), lambda _: self._load(account))
        )
        return remembered.get()

    def forget(self, account: str) -> None:
        """Drop the pins of an account; nothing happens if there are none."""
        with self._locked(), storage(self._path(account), "remove"), contextlib.suppress(FileNotFoundError):
            os.unlink(self._path(account))

    def witness(self, seen: Sighting) -> None:
        """Compare a file that opened with what was seen before, and remember it if it is news.

        Raises ForgedError for another identity, RolledBackError for an older generation, ForkedError for
        a file that does not descend from the one seen last; nothing is remembered then. Raises
        StorageError if it could not be remembered.
        """

        def compare(pinned: Pinned | None) -> Pinned:
            pin = FilePin(seen.generation, seen.digest)
            if pinned is None:
                pinned = Pinned(FORMAT, seen.account, "", "", seen.identity, None, {})
            check_identity(pinned, seen.identity)
            _check_descent(pinned.files.get(seen.name), seen)
            directory = _display(seen.directory)
            known = {**pinned.files, seen.name: pin}
            title = seen.title or pinned.title
            return msgspec.structs.replace(pinned, title=title, directory=directory, files=known)

        # Compared before anything is locked or written: what cannot be remembered is still refused.
        pinned = self._load(seen.account)
        if compare(pinned) != pinned:
            self.update(seen.account, compare)

    def trust(self, account: str, directory: Path, identity: str) -> None:
        """Pin `identity` for the account, whatever was pinned before; the files are pinned when next read."""
        first = Pinned(FORMAT, account, "", _display(directory), identity, None, {})
        self.update(account, lambda _: first)

    def update(self, account: str, change: Replace) -> Pinned | None:
        """Replace the pins of an account by what `change` makes of them, under the lock of all pins."""
        with self._locked():
            before = self._load(account)
            after = change(before)
            if after is not None and after != before:
                _write(self._path(account), after)
            return after

    def _load(self, account: str) -> Pinned | None:
        path = self._path(account)
        pinned = _read(path, Pinned)
        if pinned is not None and pinned.account != account:
            raise DamagedError(f"{path} holds the pins of another account")
        return pinned

    def _path(self, account: str) -> Path:
        return self._directory / f"{account}.json"

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        # Made here, so that a full or read-only disk is told as such: then reading goes on.
        with storage(self._directory, "create"):
            os.makedirs(self._state, mode=0o700, exist_ok=True)
            os.makedirs(self._directory, mode=0o700, exist_ok=True)
        files.private_directory(self._directory, self.uid)
        with contextlib.ExitStack() as stack:
            with storage(self._directory, "lock"):
                stack.enter_context(files.exclusively(self._directory / ".lock"))
            files.remove_leftovers(self._directory)
            files.remove_leftovers(self._state, "machine.json")
            yield


def check_identity(pinned: Pinned, identity: str) -> None:
    """Raises ForgedError if `identity` is neither the pinned one nor the one that a change here is making."""
    if identity != pinned.identity and (pinned.change is None or identity != pinned.change.identity):
        raise ForgedError(
            f"the account in {pinned.directory} has another identity than this machine knows",
            "if you changed a password or removed a slot on another machine: keyturn account trust",
            "if not, somebody may have put another account in its place",
        )


def _check_descent(pin: FilePin | None, seen: Sighting) -> None:
    if pin is None:
        return
    if seen.generation < pin.generation:
        raise RolledBackError(
            f"{seen.path} is older than when it was last seen here: generation {seen.generation}, "
            f"seen was {pin.generation}",
            ON_PURPOSE,
        )
    if seen.generation == pin.generation:
        descends = seen.digest == pin.digest
    else:
        descends = (pin.generation, pin.digest) in seen.history
    if not descends:
        raise ForkedError(
            f"{seen.path} does not descend from the version last seen here (generation {pin.generation})",
            f"two machines saved at once, or one saved more than {HISTORY} times; the other version may be "
            "in the directory `versions`, or where your files are synchronised",
            "to go on with the one that is there: keyturn account trust",
        )


def _display(directory: Path) -> str:
    return os.fsencode(directory).decode("utf-8", "backslashreplace")


def _read(path: Path, kind: type[Parsed]) -> Parsed | None:
    with storage(path, "read"):
        try:
            content, _ = files.read(path, LARGEST)
        except FileNotFoundError:
            return None
    found: Parsed | None
    try:
        found = msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        found = None
    if found is None or _encode(found) != content:
        _refuse_newer(path, content)
        raise DamagedError(
            f"{path} is damaged: what this machine knows of the account cannot be read",
            "if you have no reason to suspect anybody, delete that file: the account is then pinned anew",
        )
    return found


def _refuse_newer(path: Path, content: bytes) -> None:
    with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
        version = msgspec.json.decode(content, type=_Envelope).format
        if version > FORMAT:
            raise NewerError(f"{path} has format {version}; this Keyturn reads {FORMAT}", "update Keyturn")


def _write(path: Path, value: Pinned | _Self) -> None:
    with storage(path, "write"):
        files.write_atomically(path, _encode(value))


def _encode(value: Pinned | _Self) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n"

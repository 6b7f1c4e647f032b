"""The defaults of terminal sessions: one 0600 file each, in the runtime directory.

Files and not the agent's memory, so that an agent that ended, was killed or is locked changes nothing: a
terminal that works as *staging* must not fall through to *production*. For the same reason a file that is
there and cannot be read is refused, never taken for none.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import msgspec

from keyturn.ground import files
from keyturn.ground.errors import ConfigurationError, DamagedError
from keyturn.ground.paths import is_private
from keyturn.ground.remembered import Remembered
from keyturn.items import ItemReference
from keyturn.processes import identity
from keyturn.processes.identity import TerminalSession

FORMAT = 1
LARGEST = 1024 * 1024
# So many sessions are remembered; with more, all are read anew.
REMEMBERED = 256

Items = Mapping[str, ItemReference]


class SessionFile(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One session's file: whose it is, and the items by key (as `keys` writes it)."""

    version: int
    uid: int
    session: int
    terminal: int
    leader_start: int
    boot: str
    items: dict[str, ItemReference]

    @property
    def owner(self) -> TerminalSession:
        return TerminalSession(self.uid, self.session, self.terminal, self.leader_start, self.boot)


class SessionDefaults:
    """All session files of one runtime directory; each is read again only when it is another file."""

    def __init__(self, directory: Path, uid: int) -> None:
        self._directory = directory
        self._uid = uid
        self._known: dict[TerminalSession, Remembered[Items]] = {}

    def path(self, session: TerminalSession) -> Path:
        """Where the file of this session is. Every fact counts, so no other session finds it."""
        facts = (session.uid, session.session, session.terminal, session.leader_start, session.boot)
        return self._directory / f"{hashlib.sha256(repr(facts).encode()).hexdigest()[:32]}.json"

    def may_hold_any(self) -> bool:
        """False where no terminal session has had a default since the machine was started; one look."""
        return os.path.lexists(self._directory)

    def read(self, session: TerminalSession | None) -> Items:
        """The items of this session by key; none without a session, or if it has no file.

        Raises ConfigurationError for a file that is there and is not exactly this session's.
        """
        if session is None:
            return {}
        if session not in self._known:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[session] = Remembered(self.path(session), partial(self._load, session))
        return self._known[session].get()

    def change(self, session: TerminalSession, change: Callable[[Items], Items]) -> None:
        """Read, change and write under one lock; without items the file goes. Sweeps those of ended sessions.

        Raises ConfigurationError, and leaves a file as it was that cannot be read.
        """
        files.private_directory(self._directory, self._uid)
        path = self.path(session)
        with files.changing(self._directory):
            files.remove_leftovers(self._directory)
            items = dict(change(self._load(session, path)))
            if items:
                files.write_atomically(path, _encode(session, items))
            else:
                path.unlink(missing_ok=True)
            self._sweep(session.boot)

    def living(self) -> list[SessionFile]:
        """The files of all sessions that have not ended, without those that cannot be read."""
        found = [each for _, each in self._readable() if _is_alive(each)]
        return sorted(found, key=lambda each: (each.session, each.leader_start))

    def _sweep(self, boot: str) -> None:
        """Delete the files of sessions that have ended. One that cannot be read may be a living session's."""
        for path, found in self._readable():
            if found.boot != boot or not _is_alive(found):
                with contextlib.suppress(OSError):
                    path.unlink()

    def _readable(self) -> list[tuple[Path, SessionFile]]:
        found = []
        for path in sorted(self._directory.glob("*.json")):
            with contextlib.suppress(ConfigurationError, OSError):
                parsed = _parse(path)
                if parsed is not None and self.path(parsed.owner) == path:
                    found.append((path, parsed))
        return found

    def _load(self, session: TerminalSession, path: Path) -> Items:
        try:
            if not is_private(self._directory, self._uid):
                if not os.path.lexists(self._directory):
                    return {}
                raise ConfigurationError(
                    f"{self._directory} is not a private directory of yours",
                    f"look at it with `ls -ld {self._directory}`: it must be yours, no symlink, mode 0700",
                )
            parsed = _parse(path)
        except OSError as error:
            raise _refusal(path, f"cannot be read: {files.reason(error)}") from None
        if parsed is None:
            return {}
        if parsed.owner != session:
            raise _refusal(path, "is another session's")
        return parsed.items


def _parse(path: Path) -> SessionFile | None:
    """The file's content; None if nothing at all is there. Raises OSError and ConfigurationError."""
    try:
        content, _ = files.read(path, LARGEST)
    except DamagedError as error:
        raise _refusal(path, error.message.removeprefix(f"{path} ")) from None
    except FileNotFoundError:
        if os.path.lexists(path):
            # A link that leads nowhere.
            raise
        return None
    try:
        parsed = msgspec.json.decode(content, type=SessionFile)
        if parsed.version != FORMAT:
            raise ValueError(f"it has format {parsed.version}; this Keyturn knows {FORMAT}")
        if _encode(parsed.owner, parsed.items) != content:
            # A part twice, of which the parser drops one in silence; or somebody's own hand.
            raise ValueError("it is not as Keyturn writes it")
    except ValueError as error:
        raise _refusal(path, f"is not usable: {error}") from None
    return parsed


def _encode(session: TerminalSession, items: Items) -> bytes:
    file = SessionFile(
        FORMAT,
        session.uid,
        session.session,
        session.terminal,
        session.leader_start,
        session.boot,
        dict(items),
    )
    return msgspec.json.format(msgspec.json.encode(file, order="sorted"), indent=2) + b"\n"


def _refusal(path: Path, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"the defaults of this terminal session are not known: {path} {why}",
        f"mend it, or take it away (rm {path}) and choose anew: keyturn plugin init --scope session",
    )


def _is_alive(file: SessionFile) -> bool:
    """Whether the session's leader still is the process that it was."""
    leader = identity.read(file.session)
    return leader is not None and (leader.start, leader.uid) == (file.leader_start, file.uid)

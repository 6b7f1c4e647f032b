"""Session files: found by their own session alone, refused where unreadable, swept when it has ended."""

import dataclasses
import json
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from keyturn.ground.errors import ConfigurationError
from keyturn.ground.names import new_id
from keyturn.items import ItemReference
from keyturn.processes import identity
from keyturn.processes.identity import TerminalSession
from keyturn.scopes.sessions import REMEMBERED, Items, SessionDefaults

UID = os.getuid()


def reference(title: str = "AWS") -> ItemReference:
    return ItemReference(new_id(), new_id(), new_id(), title)


def session_of(pid: int, terminal: int = 34816) -> TerminalSession:
    """As if this process led a terminal session."""
    process = identity.read(pid)
    assert process is not None
    return TerminalSession(process.uid, pid, terminal, process.start, "boot-1")


def with_item(name: str, item: ItemReference) -> Callable[[Items], Items]:
    return lambda items: {**items, name: item}


def nothing(items: Items) -> Items:
    return {}


@pytest.fixture
def session() -> TerminalSession:
    return session_of(os.getpid())


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "sessions"


@pytest.fixture
def leader() -> Iterator["subprocess.Popen[bytes]"]:
    """A process that leads another session."""
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as child:
        yield child
        child.kill()


def test_what_is_set_is_read_by_everybody(place: Path, session: TerminalSession) -> None:
    item = reference()
    assert SessionDefaults(place, UID).read(session) == {}
    assert not place.exists(), "to read creates nothing"
    SessionDefaults(place, UID).change(session, with_item("aws", item))
    reading = SessionDefaults(place, UID)
    assert reading.read(session) == {"aws": item}
    [file] = place.glob("*.json")
    assert (place.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o700, 0o600)
    other = reference("another")
    SessionDefaults(place, UID).change(session, with_item("aws", other))
    assert reading.read(session) == {"aws": other}, "a change from elsewhere is seen"
    SessionDefaults(place, UID).change(session, nothing)
    assert reading.read(session) == {}
    assert not list(place.glob("*.json"))
    assert reading.read(None) == {}


def test_every_fact_of_a_session_counts(place: Path, session: TerminalSession) -> None:
    kept = SessionDefaults(place, UID)
    kept.change(session, with_item("aws", reference()))
    for other in (
        dataclasses.replace(session, uid=UID + 1),
        dataclasses.replace(session, session=1),
        dataclasses.replace(session, terminal=1),
        dataclasses.replace(session, leader_start=1),
        dataclasses.replace(session, boot="another"),
    ):
        assert kept.read(other) == {}
        # Under the name of another's: it is not taken for that one's.
        kept.path(other).write_bytes(kept.path(session).read_bytes())
        with pytest.raises(ConfigurationError, match="another session's"):
            kept.read(other)
        kept.path(other).unlink()


def as_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def as_dead_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def as_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def edited(old: bytes, new: bytes) -> Callable[[Path], None]:
    def edit(path: Path) -> None:
        content = path.read_bytes()
        assert old in content
        path.write_bytes(content.replace(old, new, 1))

    return edit


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-20]),
        lambda path: path.write_bytes(b"x" * 2_000_000),
        as_directory,
        as_dead_link,
        as_pipe,
        edited(b'"version": 1', b'"version": 2'),
        edited(b'"version": 1', b'"version": 1, "more": 1'),
        edited(b'"version": 1', b'"version": 1, "version": 1'),
        edited(b'"items": {', b'"items": {}, "items": {'),
        edited(
            b'"aws"',
            b'"aws ',
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(
    place: Path, session: TerminalSession, spoil: Callable[[Path], None]
) -> None:
    kept = SessionDefaults(place, UID)
    kept.change(session, with_item("aws", reference()))
    path = kept.path(session)
    assert kept.read(session)
    spoil(path)
    for each in (kept, kept, SessionDefaults(place, UID)):
        with pytest.raises(ConfigurationError, match="not known") as refused:
            each.read(session)
        assert str(path) in refused.value.message
        assert refused.value.hints
    with pytest.raises(ConfigurationError):
        kept.change(session, with_item("aws", reference()))
    assert os.path.lexists(path), "it stays, for the person to look at"


def test_a_newer_file_is_named_as_such(place: Path, session: TerminalSession) -> None:
    kept = SessionDefaults(place, UID)
    kept.change(session, with_item("aws", reference()))
    edited(b'"version": 1', b'"version": 2')(kept.path(session))
    with pytest.raises(ConfigurationError, match="it has format 2; this Keyturn knows 1"):
        kept.read(session)


def test_a_directory_that_is_not_ours_alone_is_refused(place: Path, session: TerminalSession) -> None:
    kept = SessionDefaults(place, UID)
    kept.change(session, with_item("aws", reference()))
    place.chmod(0o755)
    with pytest.raises(ConfigurationError, match="not a private directory"):
        SessionDefaults(place, UID).read(session)
    with pytest.raises(ConfigurationError, match="not a private directory"):
        kept.change(session, nothing)
    place.chmod(0o700)
    place.rename(place.with_name("moved"))
    place.symlink_to("moved")
    with pytest.raises(ConfigurationError, match="not a private directory"):
        SessionDefaults(place, UID).read(session)
    with pytest.raises(ConfigurationError, match="not a private directory"):
        SessionDefaults(place, UID + 1).read(session)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_ended_sessions_are_swept_when_one_writes(
    place: Path, session: TerminalSession, leader: "subprocess.Popen[bytes]"
) -> None:
    kept = SessionDefaults(place, UID)
    living, before = session_of(leader.pid), dataclasses.replace(session_of(leader.pid), boot="boot-0")
    earlier = dataclasses.replace(living, leader_start=living.leader_start - 1)
    kept.change(session, with_item("aws", reference()))
    content = json.loads(kept.path(session).read_bytes())
    for each in (living, before, earlier):
        content.update(dataclasses.asdict(each))
        kept.path(each).write_text(json.dumps(content, indent=2, sort_keys=True) + "\n")
    damaged = place / f"{'0' * 32}.json"
    damaged.write_bytes(b"{")
    for each in (living, before, earlier):
        assert kept.read(each)
    kept.change(session, with_item("aws", reference()))
    assert sorted(place.glob("*.json")) == sorted([kept.path(living), kept.path(session), damaged])
    leader.kill()
    leader.wait()
    assert [each.owner for each in kept.living()] == [session]
    assert kept.path(living).exists(), "only who writes sweeps"
    kept.change(session, with_item("cdk", reference()))
    assert sorted(place.glob("*.json")) == sorted([kept.path(session), damaged])


def _add(place: Path, session: TerminalSession, name: str) -> None:
    SessionDefaults(place, UID).change(session, with_item(name, reference(name)))


def test_writers_at_once_lose_nothing(place: Path, session: TerminalSession) -> None:
    fork = multiprocessing.get_context("fork")
    writers = [fork.Process(target=_add, args=(place, session, f"tool-{n}")) for n in range(12)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(SessionDefaults(place, UID).read(session)) == 12


def test_many_sessions_are_remembered_and_then_read_anew(place: Path, session: TerminalSession) -> None:
    kept = SessionDefaults(place, UID)
    item = reference()
    kept.change(session, with_item("aws", item))
    for terminal in range(600):
        assert kept.read(dataclasses.replace(session, terminal=terminal)) == {}
    assert len(kept._known) <= REMEMBERED
    assert kept.read(session) == {"aws": item}

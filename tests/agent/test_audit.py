"""The audit log as a file: one line a use, closed to others, rotated, and no obstacle."""

import json
import os
import stat
from pathlib import Path

import pytest

from keyturn.agent import audit
from keyturn.agent.audit import Audit
from keyturn.agent.questions import Purpose
from keyturn.agent.uses import Program, Use
from keyturn.ground.errors import DeniedError
from tests.agent.people import caller, terminal
from tests.vaults.templates import StoppedClock

USE = Use("account", "item", Program("aws", "/usr/bin/aws", 1, 2), "/srv", "")
PURPOSE = Purpose((), USE, "aws", "the global default")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


@pytest.fixture
def log(path: Path) -> Audit:
    return Audit(path, StoppedClock())


def write(log: Audit, *, refused: bool = False) -> None:
    outcome = DeniedError("secret text EXAMPLE") if refused else None
    log.write(caller(10, terminal(34816)), PURPOSE, outcome, "approved")


def test_a_line_says_who_what_and_by_which_yes(log: Audit, path: Path) -> None:
    write(log)
    write(log, refused=True)
    log.write(caller(11), PURPOSE, None, "inherited")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "EXAMPLE" not in path.read_text()
    first, second, third = (json.loads(line) for line in path.read_text().splitlines())
    assert first == {
        "time": "2024-05-06T07:08:09.000Z",
        "outcome": "allowed",
        "account": "account",
        "item": "item",
        "how": "approved",
        "plugin": "aws",
        "command": "aws",
        "program": "/usr/bin/aws",
        "source": "the global default",
        "terminal": "pts/0",
        "session": 34816,
        "pid": 10,
    }
    assert second["outcome"] == "denied"
    assert (third["how"], third.get("terminal"), third["pid"]) == ("inherited", None, 11)
    assert [record.outcome for record in audit.read(path)] == ["allowed", "denied", "allowed"]


def test_it_is_rotated_and_the_newest_are_kept(
    log: Audit, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "LARGEST", 1000)
    for _ in range(60):
        write(log)
    files = sorted(each.name for each in path.parent.iterdir())
    assert files == ["audit.jsonl", "audit.jsonl.1", "audit.jsonl.2", "audit.jsonl.3"]
    assert all(each.stat().st_size < 1500 for each in path.parent.iterdir())
    kept = list(audit.read(path))
    assert 12 < len(kept) < 60
    write(log, refused=True)
    assert list(audit.read(path))[-1].outcome == "denied", "the newest is the last"


@pytest.mark.parametrize("gone", ["removed", "moved"])
def test_a_log_that_is_taken_away_begins_anew(log: Audit, path: Path, gone: str) -> None:
    write(log)
    if gone == "removed":
        path.unlink()
    else:
        path.rename(path.with_name("elsewhere"))
    write(log, refused=True)
    assert [record.outcome for record in audit.read(path)] == ["denied"]


def test_what_is_no_record_is_passed_over(log: Audit, path: Path) -> None:
    write(log)
    with path.open("ab") as stream:
        stream.write(b'{"time": "cut o\n\xff\xfe\n[]\n')
    write(log, refused=True)
    assert [record.outcome for record in audit.read(path)] == ["allowed", "denied"]


def test_no_link_is_followed(log: Audit, path: Path) -> None:
    path.symlink_to(path.with_name("target"))
    write(log)
    assert not path.with_name("target").exists()


def test_a_disk_that_takes_nothing_stops_no_command(log: Audit, path: Path) -> None:
    path.mkdir()
    write(log)
    path.rmdir()
    write(log)
    assert len(list(audit.read(path))) == 1


def test_a_path_that_is_no_text_is_no_obstacle(log: Audit, path: Path) -> None:
    odd = Use("account", "item", Program("aws", os.fsdecode(b"/opt/\xff/aws"), 1, 2))
    log.write(caller(10), Purpose((), odd), None)
    assert len(list(audit.read(path))) == 1

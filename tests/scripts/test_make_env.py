"""An environment that cannot be made ends `make`; an optional one only where CI is set."""

from pathlib import Path

import pytest

from scripts import make_env

ALL = dict(make_env.ENVIRONMENTS)


@pytest.fixture(autouse=True)
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two environments without a lock."""
    monkeypatch.delenv("CI", raising=False)
    environments = {
        name: make_env.Environment(tmp_path / name, tmp_path / f"{name}.txt") for name in ("one", "two")
    }
    monkeypatch.setattr(make_env, "ENVIRONMENTS", environments)


def test_one_that_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    assert make_env.main(["one", "--optional", "two"]) == 1
    errors = capsys.readouterr().err
    assert "the environment 'one' could not be made: " in errors
    assert "two could not be made; its tests will be skipped" in errors


def test_one_that_is_not_needed(capsys: pytest.CaptureFixture[str]) -> None:
    assert make_env.main(["--optional", "two"]) == 0
    assert "two could not be made" in capsys.readouterr().err


def test_a_machine_that_checks_needs_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "1")
    assert make_env.main(["--optional", "two"]) == 1


def test_an_unknown_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert make_env.main(["--optional", "three"]) == 2
    assert make_env.main(["--optional"]) == 2
    assert capsys.readouterr().err.count("name environments of: one, two") == 2


def test_every_lock_is_made_and_used() -> None:
    locks = {path.stem for path in (make_env.ROOT / "locks").glob("*.txt")}
    assert locks == {environment.lock.stem for environment in ALL.values()} | {"runtime"}
    resolved = (make_env.ROOT / "scripts/lock").read_text()
    assert [name for name in locks if name not in resolved] == []

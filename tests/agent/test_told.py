"""Told once."""

import os
from pathlib import Path

from keyturn.agent.told import KEPT, Told


def test_news_are_told_once_whoever_asks(tmp_path: Path) -> None:
    path = tmp_path / "told.json"
    assert Told(path).new({"a": "line a", "b": "line b"}) == ["line a", "line b"]
    assert Told(path).new({"b": "line b, in other words", "c": "line c"}) == ["line c"]
    assert (path.stat().st_mode & 0o777, b"a" * 2 in path.read_bytes()) == (0o600, False)


def test_what_distinguishes_news_is_not_written_down(tmp_path: Path) -> None:
    path = tmp_path / "told.json"
    Told(path).new({"AKIAEXAMPLE": "line"})
    assert b"AKIAEXAMPLE" not in path.read_bytes()


def test_a_damaged_file_means_that_everything_is_new(tmp_path: Path) -> None:
    path = tmp_path / "told.json"
    path.write_text("{")
    assert Told(path).new({"a": "line"}) == ["line"]
    assert Told(path).new({"a": "line"}) == []


def test_a_file_that_cannot_be_written_means_it_too(tmp_path: Path) -> None:
    os.mkdir(tmp_path / "told.json")
    told = Told(tmp_path / "told.json")
    assert [told.new({"a": "line"}), told.new({"a": "line"})] == [["line"], ["line"]]


def test_it_does_not_grow_for_ever(tmp_path: Path) -> None:
    told = Told(tmp_path / "told.json")
    told.new({str(number): "line" for number in range(KEPT)})
    assert told.new({"one more": "line"}) == ["line"]
    assert told.new({str(KEPT - 1): "line", "0": "the oldest was let go"}) == ["the oldest was let go"]

"""A file is read once as long as it stays the same."""

from pathlib import Path

import pytest

from keyturn.ground.remembered import Remembered


class Loads:
    """Counts how often the file was read."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, path: Path) -> str:
        self.count += 1
        return path.read_text() if path.exists() else "nothing"


def test_it_is_read_again_only_when_it_changed(tmp_path: Path) -> None:
    path, load = tmp_path / "file", Loads()
    file = Remembered(path, load)
    assert (file.get(), file.get(), load.count) == ("nothing", "nothing", 2)
    path.write_text("one")
    assert (file.get(), file.get(), load.count) == ("one", "one", 3)
    path.write_text("other")
    assert (file.get(), file.get(), load.count) == ("other", "other", 4)
    path.unlink()
    assert file.get() == "nothing"


def test_a_failure_is_not_remembered(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"\xff")
    file = Remembered(path, lambda path: path.read_text(encoding="utf-8"))
    for _ in range(2):
        with pytest.raises(UnicodeDecodeError):
            file.get()
    path.write_text("good")
    assert file.get() == "good"

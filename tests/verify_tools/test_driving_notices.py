"""A tool that does otherwise is noticed: each check fails for one that breaks it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.verify_tools import table
from tests.verify_tools.driving import Driver, WrongError
from tests.verify_tools.recorder import Recorder

# It shows the token that it got if that is the right one.
GOOD = """#!/bin/sh
case "$*" in
version) echo hf 1.2.3 ;;
*--help) ;;
*) case "$HF_TOKEN" in *wrong*) exit 1 ;; *) echo "ada $HF_TOKEN" ;; esac ;;
esac
"""


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    """Of a script in the place of `hf`, which asks no server."""
    directory = tmp_path_factory.mktemp("hf")
    tool = table.load("hf")
    commands = msgspec.structs.replace(tool.commands, shows="ada " + tool.fields["user access token"])
    tool = msgspec.structs.replace(tool, server="none", accepts=(), commands=commands)
    write(directory / "hf", GOOD)
    with Recorder(directory) as recorder, Driver(tool, directory / "hf", recorder) as driver:
        yield driver


def write(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def test_a_good_one_passes_all(driver: Driver) -> None:
    write(driver.program, GOOD)
    assert driver.check() == "1.2.3"


@pytest.mark.parametrize(
    ("check", "old", "new", "said"),
    [
        ("check_bare", "*--help) ;;", "*--help) exit 3 ;;", "ended with 3"),
        ("check_right", 'echo "ada $HF_TOKEN"', "echo ada", "right: ended with 0"),
        ("check_right", "*wrong*) exit 1", "*) exit 1", "right: ended with 1"),
        ("check_wrong", "*wrong*) exit 1", "none) exit 1", "with a wrong credential it ended with 0"),
    ],
)
def test_a_tool_that_does_otherwise(driver: Driver, check: str, old: str, new: str, said: str) -> None:
    assert old in GOOD
    write(driver.program, GOOD.replace(old, new))
    driver.user.keyturn("agent", "stop").succeeds()
    with pytest.raises(WrongError, match=said):
        getattr(driver, check)()


@pytest.mark.parametrize(
    ("check", "change", "said"),
    [
        ("check_bare", {"bare": ("hf auth whoami",)}, "asks"),
        ("check_locked", {"authenticates": "hf version"}, "locked, it ended with 0 and not 190"),
    ],
)
def test_a_command_that_asks_where_it_should_not(
    driver: Driver, monkeypatch: pytest.MonkeyPatch, check: str, change: dict[str, object], said: str
) -> None:
    write(driver.program, GOOD)
    driver.user.keyturn("agent", "stop").succeeds()
    commands = msgspec.structs.replace(driver.tool.commands, **change)
    monkeypatch.setattr(driver, "tool", msgspec.structs.replace(driver.tool, commands=commands))
    with pytest.raises(WrongError, match=said):
        getattr(driver, check)()


def test_a_credential_that_never_arrives(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tool says that all is well, and no request came with the item's credential."""
    write(driver.program, GOOD)
    recording = msgspec.structs.replace(driver.tool, server="recorder", accepts=table.load("hf").accepts)
    monkeypatch.setattr(driver, "tool", recording)
    with pytest.raises(WrongError, match="what arrived was of"):
        driver.check_right()

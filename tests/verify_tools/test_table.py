"""The table of tools: strict, and of one mind with the catalogue."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest

from keyturn.catalogue import loader
from tests.aws_server.client import ROOT
from tests.verify_tools import table

LEAST = 30


def test_there_are_thirty_executables() -> None:
    assert len({table.load(name).runs for name in table.names()}) >= LEAST


@pytest.mark.parametrize("name", table.names())
def test_the_plugin_asks_for_what_authenticates_and_for_nothing_else(name: str) -> None:
    tool = table.load(name)
    executable = loader.load(tool.plugin).executable(tool.runs)
    assert executable is not None

    def needs(line: str) -> bool:
        return executable.needs_authentication([os.fsencode(word) for word in shlex.split(line)[1:]])

    assert needs(tool.commands.authenticates)
    assert [line for line in tool.commands.without_credential if needs(line)] == []


@pytest.mark.parametrize("name", table.names())
def test_a_tool_has_one_version(name: str) -> None:
    """What a registry gives tomorrow is no longer what was seen."""
    tool = table.load(name)
    pinned = {"pip": "==", "npm": "@", "go": "@", "cargo": "@"}
    for package in tool.packages[:1]:
        assert tool.source == "apt" or pinned[tool.source] in package[1:]


def test_what_is_driven_in_every_run_is_locked_in_the_same_version() -> None:
    asked = (ROOT / "locks/clis.in").read_text().splitlines()
    tools = [table.load(name) for name in table.names()]
    wanted = {tool.packages[0] for tool in tools if tool.in_tests and tool.source == "pip"}
    assert wanted == {line for line in asked if not line.startswith("#")}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('runs = "hf"', 'runs = "hf"\nrunz = "x"', "runz"),
        ('authenticates = "hf ', 'authenticates = "hg ', "is not a command line of hf"),
        ('header = "authorization"', 'header = "authorization"\nquery = "q"', "one of header"),
        ("[wrong]", "[wrong]\nother = 'x'", "wrong says which"),
        ('from = "pip"', 'from = "gem"', "gem"),
        ('from = "pip"', 'from = "pip"\nserver = "redis"', "accepts says how"),
    ],
)
def test_a_wrong_table_names_its_file(
    old: str, new: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (table.TOOLS / "hf.toml").read_text()
    assert old in text
    (tmp_path / "hf.toml").write_text(text.replace(old, new))
    monkeypatch.setattr(table, "TOOLS", tmp_path)
    with pytest.raises(ValueError, match=rf"hf\.toml: .*{said}"):
        table.load("hf")


def test_no_tools_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "TOOLS", tmp_path)
    with pytest.raises(ValueError, match="no tool"):
        table.names()


def test_a_text_is_expanded_once() -> None:
    values = {"token": "a{http}b", "http": "no"}
    assert table.expand("x {token} {unknown} {", values) == "x a{http}b {unknown} {"
    assert table.expand("{basic:ada:{token}}", {"token": "p"}) == "YWRhOnA="

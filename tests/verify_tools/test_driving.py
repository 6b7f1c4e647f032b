"""Some of the real tools, driven by Keyturn in every run of the tests; `make verify-tools` drives all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.aws_server.client import ROOT
from tests.parts import absent, needs
from tests.verify_tools import table
from tests.verify_tools.databases import AbsentError
from tests.verify_tools.driving import Driver
from tests.verify_tools.recorder import Recorder

CLIS = ROOT / ".tools/clis/bin"
DRIVEN = [name for name in table.names() if table.load(name).in_tests]


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    with Recorder(tmp_path_factory.mktemp("authority")) as found:
        yield found


def program(tool: table.Tool) -> Path:
    """Of the environment that `make tools` makes, or the system's."""
    if tool.source == "apt":
        return Path(needs(tool.runs))
    found = shutil.which(tool.runs, path=str(CLIS))
    if found is None:
        absent(f"{tool.runs} (make tools)")
    return Path(found)


@pytest.mark.parametrize("name", DRIVEN)
def test_the_right_credential_arrives_and_no_other(name: str, recorder: Recorder) -> None:
    """Hostile ones too; a wrong one is refused; locked: version and help run, and the rest ends with 190."""
    tool = table.load(name)
    try:
        with Driver(tool, program(tool), recorder) as driver:
            version = driver.check()
    except AbsentError as error:
        absent(str(error))
    pins = [package.partition("==")[2] for package in tool.packages if "==" in package]
    assert not pins or version == pins[0]


def test_there_are_ten_of_them() -> None:
    assert len(DRIVEN) >= 10

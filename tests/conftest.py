"""Fixtures for all tests: a home of its own for each, and one local AWS a run."""

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from _pytest.terminal import TerminalReporter

from tests.aws_server.client import LocalAws
from tests.parts import absent_parts, needs

# Speed is no property: a busy machine is no fault. In CI the same examples come each time.
hypothesis.settings.register_profile("keyturn", deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("keyturn")

FOREIGN = ("AWS_", "KEYTURN_", "XDG_")


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty HOME; nothing of the caller's AWS, Keyturn or XDG settings reaches a test."""
    for name in [name for name in os.environ if name.startswith(FOREIGN)]:
        monkeypatch.delenv(name)
    directory = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(directory))
    return directory


@pytest.fixture(scope="session")
def local_aws() -> Iterator[LocalAws]:
    """A server with the users `ada` and `grace`. Tests that change its users start one of their own."""
    with LocalAws("ada", "grace") as aws:
        yield aws


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("needs"):
        for part in mark.args:
            needs(part)


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """The closing lines: what tests recorded as "closing line", and the parts that were absent."""
    for report in terminalreporter.stats.get("passed", []):
        for name, text in report.user_properties:
            if name == "closing line":
                terminalreporter.write_line(str(text), yellow=True)
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = [report.longrepr[2] for report in skipped if isinstance(report.longrepr, tuple)]
    for part, tests in absent_parts(reasons).items():
        terminalreporter.write_line(f"absent here: {part} (tests skipped for it: {tests})", yellow=True)

"""A working day asks as often as docs/explanation/prompts.md says, in each preset."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from keyturn.ground.paths import resolve
from keyturn.ground.settings import Preset
from tests.aws_server.client import ROOT
from tests.programs.probe import Wrapped
from tests.programs.user import Terminal, User
from tests.vaults.templates import PASSWORD

PAGE = ROOT / "docs/explanation/prompts.md"
QUESTION = "password of account “Test”: "
MINUTE = 60


def documented() -> dict[str, int]:
    """The page's table: preset → questions."""
    rows = re.findall(r"^\| *`([a-z-]+)` *\| *(\d+) *\|", PAGE.read_text(), re.MULTILINE)
    assert len(rows) == len(Preset), "the table has a row for each preset"
    return {name: int(count) for name, count in rows}


class Day:
    """Three terminals, one agent whose clock is moved, and a count of the questions."""

    def __init__(self, wrapped: Wrapped) -> None:
        self.user = wrapped.user
        self.questions = 0
        self.commands = 0
        self._awake, self._asleep = 0.0, 0.0
        self.user.keyturn("agent", "stop").succeeds()
        self._move()
        directories = resolve(self.user.environment, os.getuid())
        places = [directories.config, directories.data, directories.state, directories.runtime]
        subprocess.run(
            [sys.executable, "-m", "tests.programs.moved_agent", self.user.home, *places],
            env={**self.user.environment, "PYTHONPATH": str(ROOT)},
            check=True,
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
        )
        self.terminals = {name: self._terminal() for name in "ABC"}

    def _terminal(self) -> Terminal:
        terminal = self.user.terminal()
        terminal.type(f"source {self.user.config}/plugins.sh")
        terminal.ready()
        return terminal

    def _move(self) -> None:
        (self.user.home / "moved").write_text(f"{self._awake} {self._asleep}")

    def later(self, minutes: float) -> None:
        self._awake += minutes * MINUTE
        self._move()

    def suspend(self, minutes: float) -> None:
        self._asleep += minutes * MINUTE
        self._move()

    def lock_screen(self) -> None:
        found = json.loads(self.user.keyturn("status", "--format", "json").succeeds().output)["status"]
        os.kill(found["pid"], signal.SIGUSR1)
        deadline = time.monotonic() + 10
        while json.loads(self.user.keyturn("status", "--format", "json").output)["status"]["approvals"]:
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def runs(self, name: str, command: str = "aws s3 ls") -> None:
        """A command in a terminal; if it asks, the person answers."""
        terminal = self.terminals[name]
        self.commands += 1
        terminal.type(command)
        terminal.expect(r"\r\n")
        terminal.expect(f"{re.escape(QUESTION)}|ready> ")
        if QUESTION in str(terminal.child.after):
            self.questions += 1
            terminal.type(PASSWORD)
            terminal.ready()
        assert terminal.status() == 0


@pytest.fixture
def wrapped() -> Iterator[Wrapped]:
    with User() as user:
        found = Wrapped(user)
        create = "keyturn item create --title Dev --tag keyturn/aws/access-key --no-input"
        fields = "'access key id[text]=AKIAIOSFODNN7EXAMPLE' 'secret access key[text]=EXAMPLE'"
        user.sh(f"keyturn signin --password-file password && {create} {fields}").succeeds()
        yield found


def a_day(day: Day) -> None:
    """As the page tells it."""
    # Nine o'clock, two hours of work: a command every few minutes in three windows.
    for number in range(16):
        day.runs("A")
        if number >= 4:
            day.runs("B")
        if number >= 10:
            day.runs("C", "aws s3 ls" if number % 2 else "keyturn item get Dev --field 'access key id'")
        day.later(7)
    # Coffee, with the screen locked.
    day.lock_screen()
    day.later(5)
    day.runs("A")
    day.runs("B")
    # Lunch, with the lid closed.
    day.later(2)
    day.suspend(55)
    day.runs("A")
    day.runs("C")
    # A meeting; the windows stay open.
    day.later(90)
    day.runs("A")
    # And a scheduled job of the window that is in use: it inherits.
    day.runs("A", "setsid -w sh -c 'exec \"$@\"' sh " + " ".join(day.user.launcher("aws")) + " s3 ls")


@pytest.mark.parametrize("preset", Preset)
def test_a_day_asks_as_often_as_the_page_says(wrapped: Wrapped, preset: Preset) -> None:
    wrapped.user.keyturn("settings", "set", "approval.preset", preset).succeeds()
    day = Day(wrapped)
    a_day(day)
    assert day.commands == 40
    assert day.questions == documented()[preset]

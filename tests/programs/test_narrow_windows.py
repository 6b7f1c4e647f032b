"""What is listed fits a window of 80 columns: a line that the terminal breaks is in no column any more."""

import pytest

from tests.programs.user import User

WIDTH = 80


@pytest.mark.parametrize("command", ["plugin list", "settings", "settings --help", "plugin --help"])
def test_every_line_fits(user: User, command: str) -> None:
    printed, status = user.terminal(columns=WIDTH).run(f"keyturn {command} 2>/dev/null")
    assert status == 0
    lines = printed.splitlines()
    assert len(lines) > 10
    long = [line for line in lines if len(line) > WIDTH]
    assert not long, long


def test_a_wide_window_and_a_pipe_get_all(user: User) -> None:
    heading = user.keyturn("plugin", "list", "amazon").succeeds().output.splitlines()[0]
    assert heading.split("  ")[0] == "executable"
    assert "required fields" in heading
    wide, _ = user.terminal(columns=200).run("keyturn plugin list amazon")
    assert wide.splitlines()[0].split() == heading.split()
    narrow, _ = user.terminal(columns=WIDTH).run("keyturn plugin list amazon")
    assert "required fields" not in narrow.splitlines()[0]
    assert narrow.splitlines()[0].split()[-2:] == ["installed", "configured"]


def test_a_setting_that_is_not_the_default_is_marked(user: User) -> None:
    user.keyturn("settings", "set", "approval.idle_minutes", "5").succeeds()
    printed, _ = user.terminal(columns=WIDTH).run("keyturn settings")
    assert "\napproval.idle_minutes = 5  (default: 10)\n    an approval ends" in printed
    assert "\napproval.hard_hours = 12\n    an approval ends" in printed

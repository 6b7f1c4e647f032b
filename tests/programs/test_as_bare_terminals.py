"""A wrapped command on a terminal: real interactive shells, job control, window size, our own prompt."""

import os
import re
from collections.abc import Iterator

import pytest

from tests.parts import needs
from tests.programs.probe import Wrapped, assert_as_bare
from tests.programs.user import PROMPT, Terminal, User
from tests.vaults.templates import PASSWORD

ASKED = "password of account “Test”: "
SHELLS = {
    "bash": ("bash", "--norc", "--noprofile"),
    "zsh": ("zsh", "-f", "+o", "PROMPT_SP", "-o", "NO_BEEP", "+o", "ZLE"),
    "fish": ("fish", "--no-config", "-C", f"function fish_prompt; echo -n '{PROMPT}'; end"),
}


@pytest.fixture(scope="module")
def wrapped() -> Iterator[Wrapped]:
    with User() as user:
        yield Wrapped(user)


@pytest.fixture
def locked(wrapped: Wrapped) -> Iterator[Wrapped]:
    """The account is locked, and no grant holds: the next command asks."""
    wrapped.user.keyturn("lock").succeeds()
    wrapped.probe.reports()
    yield wrapped
    wrapped.user.keyturn("signin", "--password-file", wrapped.user.password_file()).succeeds()


def open_shell(wrapped: Wrapped, shell: str = "bash", *, sourced: bool = True) -> Terminal:
    needs(shell)
    terminal = wrapped.user.terminal(SHELLS[shell])
    if sourced:
        source(wrapped, terminal)
    return terminal


def source(wrapped: Wrapped, terminal: Terminal) -> None:
    terminal.type(f"source {wrapped.user.config}/plugins.sh")
    terminal.ready()


def asked(terminal: Terminal, line: str) -> None:
    """Type a line and wait for our prompt."""
    terminal.type(line)
    terminal.expect(ASKED)


def echoes(terminal: Terminal) -> bool:
    """Whether the terminal is as the shell gives it to its commands (at its own prompt it is not)."""
    return re.search(r"(?<!-)\becho\b", terminal.run("stty -a")[0]) is not None


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_finds_no_difference(wrapped: Wrapped, shell: str) -> None:
    """The whole report: the group of its own, the foreground, the terminal's mode, `_`, …"""
    line = r"""aws s3 'a b' '' "it's" \$HOME '*'"""
    terminal = open_shell(wrapped, shell, sourced=False)
    terminal.type("true")  # bash exports the last word as `_` to the first command only by the next one
    terminal.ready()
    wrapped.probe.reports()
    terminal.type(line)
    terminal.ready()
    source(wrapped, terminal)
    for entrance in ("", "keyturn plugin run -- "):
        terminal.type(entrance + line)
        terminal.ready()
    bare, *others = wrapped.probe.reports()
    assert bare.argv == [b"aws", b"s3", b"a b", b"", b"it's", b"$HOME", b"*"]
    assert bare.sections["group"] == b"0"
    assert bare.sections["is in the foreground"] == b"1"
    assert len(others) == 2
    assert_as_bare(bare, *others)


@pytest.mark.parametrize("shell", SHELLS)
def test_status_and_ctrl_c_in_a_shell(wrapped: Wrapped, shell: str) -> None:
    status = "$status" if shell == "fish" else "$?"
    for sourced in (False, True):
        terminal = open_shell(wrapped, shell, sourced=sourced)
        terminal.type(f"aws exit 7; echo st''atus {status}")
        terminal.expect("status 7\r\n")
        terminal.ready()
        terminal.type("aws rest")
        terminal.expect("resting\r\n")
        terminal.press("c")
        terminal.ready()
        terminal.type(f"echo st''atus {status}")
        terminal.expect("status 130\r\n")


def test_job_control(wrapped: Wrapped) -> None:
    """Ctrl-Z, bg, fg, Ctrl-C, a loop that Ctrl-C ends: a person reads the same, but for the job's name."""
    read = []
    for sourced in (False, True):
        terminal = open_shell(wrapped, sourced=sourced)
        wrapped.probe.reports()
        terminal.type("aws rest")
        terminal.expect("resting\r\n")
        terminal.press("z")
        seen = [re.findall(r"\[\d\]\S* +\w+", terminal.ready())]
        (report,) = wrapped.probe.reports()
        for line in ("echo st''atus $?", "jobs -p", "bg", "jobs"):
            terminal.type(line)
            terminal.expect(r"\r\n")
            seen.append(
                re.findall(r"status \d+|^\d+|\[\d\]\S* +Running|\[\d\]", terminal.ready(), re.MULTILINE)
            )
        seen = [[word.replace(str(report.pid), "PID") for word in words] for words in seen]
        terminal.type("fg")
        terminal.expect("in front\r\n")
        terminal.press("c")
        terminal.ready()
        terminal.type("for i in 1 2 3; do aws rest; echo next; done")
        terminal.expect("resting\r\n")
        terminal.press("c")
        assert "next" not in terminal.ready()
        terminal.type("echo st''atus $?")
        terminal.expect("status 130\r\n")
        read.append(seen)
    assert read[0] == [["[1]+  Stopped"], ["status 148"], ["PID"], ["[1]"], ["[1]+  Running"]]
    assert read[1] == read[0]


@pytest.mark.parametrize("shell", SHELLS)
def test_stopping_and_going_on_in_a_shell(wrapped: Wrapped, shell: str) -> None:
    """fish has a status of its own after `fg`; so the statuses are compared."""
    status = "$status" if shell == "fish" else "$?"
    seen = []
    for sourced in (False, True):
        terminal = open_shell(wrapped, shell, sourced=sourced)
        terminal.type("aws rest")
        terminal.expect("resting\r\n")
        terminal.press("z")
        terminal.ready()
        terminal.type("fg")
        terminal.expect("in front\r\n")
        terminal.press("c")
        terminal.ready()
        terminal.type(f"echo st''atus {status}")
        terminal.expect(r"status (\d+)\r\n")
        match = terminal.child.match
        assert isinstance(match, re.Match)
        seen.append(match[1])
    assert seen[0] == seen[1]


def test_window_size(wrapped: Wrapped) -> None:
    for sourced in (False, True):
        terminal = open_shell(wrapped, sourced=sourced)
        terminal.type("aws watch")
        terminal.expect("size 100x50\r\n")
        terminal.child.setwinsize(33, 77)
        terminal.expect("now 77x33\r\n")
        terminal.ready()


def test_a_command_that_was_asked_for_finds_no_difference(locked: Wrapped) -> None:
    """Through launcher, CLI, launcher: with more descriptors, ignored and blocked signals and no locale."""
    terminal = open_shell(locked, sourced=False)
    arrange = "unset LANG; trap '' USR1 HUP; exec 5</etc/passwd 7>/dev/null; umask 027; ulimit -n 100"
    call = "env --ignore-signal=CHLD --block-signal=USR2,WINCH aws s3 6</"
    terminal.type(arrange)
    terminal.ready()
    terminal.type(call)
    terminal.ready()
    asked(terminal, call.replace("aws", " ".join(locked.launcher)))
    terminal.type(PASSWORD)
    terminal.ready()
    bare, after_question = locked.probe.reports()
    assert_as_bare(bare, after_question)


def test_ctrl_c_at_our_prompt_ends_the_command_as_a_signal_does(locked: Wrapped) -> None:
    terminal = open_shell(locked)
    asked(terminal, "for i in 1 2 3; do aws s3; echo next; done")
    terminal.press("c")
    assert "next" not in terminal.ready()
    by_launcher = " ".join(locked.launcher)
    asked(terminal, f"bash -c '{by_launcher} s3; echo went on'")
    terminal.press("c")
    assert "went on" not in terminal.ready()
    asked(terminal, "aws s3")
    terminal.press("c")
    terminal.ready()
    terminal.type("echo st''atus $?")
    terminal.expect("status 130\r\n")
    terminal.ready()
    assert echoes(terminal)
    assert locked.probe.reports() == []


def test_ctrl_z_at_our_prompt(locked: Wrapped) -> None:
    terminal = open_shell(locked)
    asked(terminal, "aws s3 ls")
    terminal.press("z")
    terminal.expect("Stopped")
    terminal.ready()
    assert echoes(terminal)
    assert terminal.run("echo here") == ("here\n", 0)
    asked(terminal, "fg")
    terminal.type(PASSWORD)
    terminal.ready()
    terminal.type("echo st''atus $?")
    terminal.expect("status 0\r\n")
    assert locked.probe.report().argv == [b"aws", b"s3", b"ls"]


def test_a_question_leaves_stdin_to_the_command(locked: Wrapped) -> None:
    """Story 56: what is piped in is the command's, and the answer is read from the terminal."""
    terminal = open_shell(locked)
    asked(terminal, "printf 'one\\ntwo\\n' | aws copy >copied")
    terminal.type(PASSWORD)
    terminal.ready()
    assert (locked.user.home / "copied").read_bytes() == b"one\ntwo\n"


def test_stdout_may_be_captured_while_the_question_is_on_the_terminal(locked: Wrapped) -> None:
    """Story 57."""
    terminal = open_shell(locked)
    asked(terminal, "x=$(aws copy </etc/hostname 2>errors); echo got $x")
    terminal.type(PASSWORD)
    terminal.ready()
    assert (locked.user.home / "errors").read_bytes() == b""
    assert os.path.getsize("/etc/hostname") == 0 or locked.probe.reports()


def test_no_question_from_the_background(locked: Wrapped) -> None:
    """Story 54: a job in the background does not fight for the terminal; it fails with a line."""
    terminal = open_shell(locked)
    terminal.type("aws s3 & wait $!; echo st''atus $?")
    assert "keyturn: " in terminal.expect("status 190\r\n")

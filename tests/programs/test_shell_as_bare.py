"""What a person does with a command in an interactive shell: pipes, jobs, `time`, documents, and signals.

Every line is typed into two shells, as it is and with plugins.sh sourced, and must show the same. The reports
of the probe, whether a whole environment is as bare, are compared in test_as_bare_terminals.
"""

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.programs.probe import Wrapped
from tests.programs.test_as_bare_terminals import SHELLS, open_shell
from tests.programs.user import Terminal, User

# Lines to type, and what must be printed for each, in order. `@` is the shell's last status.
EVERYWHERE = (
    ("printf 'one\\ntwo\\n' | aws copy | tail -1", "two\r\n"),
    ("aws pour | head -2; echo en''d", "y\r\ny\r\nend\r\n"),
    ("aws exit 7 | cat; echo st''atus @", "status 0\r\n"),
    ("true | aws exit 5; echo st''atus @", "status 5\r\n"),
    ("aws exit 3 && echo no || echo st''atus @", "status 3\r\n"),
    ("echo wo''rd | aws copy >file; cat file", "word\r\n"),
    ("aws die 15; echo st''atus @", "status 143\r\n"),
)
TIMED = {"bash": "real", "zsh": "total", "fish": "Executed in"}
OWN = {
    "bash": (
        ("aws exit 3 | aws exit 4 | true; echo st''atus ${PIPESTATUS[*]}", "status 3 4 0\r\n"),
        ("aws copy <<X\nfi''rst $((1+1))\nX", "fi''rst 2\r\n"),
        ("aws copy <<<'st''ring'", "string\r\n"),
        ("cat <(echo in''ner | aws copy)", "inner\r\n"),
        ("aws exit 7 & wait $!; echo st''atus $?", "status 7\r\n"),
        ("x=$(echo va''lue | aws copy); echo got $x", "got value\r\n"),
        ("for i in 1 2; do aws exit $i; echo st''atus $?; done", "status 1\r\nstatus 2\r\n"),
        ("X=1 aws exit 6; echo st''atus $? ${X-un''set}", "status 6 unset\r\n"),
    ),
    "zsh": (
        ("aws exit 3 | aws exit 4 | true; echo st''atus $pipestatus", "status 3 4 0\r\n"),
        ("aws copy <<X\nfi''rst $((1+1))\nX", "fi''rst 2\r\n"),
        ("aws copy <<<'st''ring'", "string\r\n"),
        ("cat <(echo in''ner | aws copy)", "inner\r\n"),
        ("cat =(echo in''ner | aws copy)", "inner\r\n"),
        ("aws exit 7 & wait $!; echo st''atus $?", "status 7\r\n"),
        ("x=$(echo va''lue | aws copy); echo got $x", "got value\r\n"),
        ("X=1 aws exit 6; echo st''atus $? ${X-un''set}", "status 6 unset\r\n"),
    ),
    "fish": (
        ("aws exit 3 | aws exit 4 | true; echo st''atus $pipestatus", "status 3 4 0\r\n"),
        ("cat (echo in''ner | aws copy | psub)", "inner\r\n"),
        ("set x (echo va''lue | aws copy); echo got $x", "got value\r\n"),
        ("X=1 aws exit 6; echo st''atus $status", "status 6\r\n"),
    ),
}


@pytest.fixture(scope="module")
def wrapped() -> Iterator[Wrapped]:
    with User() as user:
        yield Wrapped(user)


def both(wrapped: Wrapped, shell: str) -> list[Terminal]:
    return [open_shell(wrapped, shell, sourced=sourced) for sourced in (False, True)]


def show(terminal: Terminal, line: str, wanted: str) -> None:
    """Type the line and read what it prints: this and, where a line end follows, no more before it."""
    terminal.type(line)
    terminal.expect(re.escape(wanted))
    terminal.ready()


@pytest.mark.parametrize("shell", SHELLS)
def test_lines(wrapped: Wrapped, shell: str) -> None:
    status = "$status" if shell == "fish" else "$?"
    for terminal in both(wrapped, shell):
        wrapped.probe.reports()
        for line, wanted in (*EVERYWHERE, *OWN[shell]):
            show(terminal, line.replace("@", status), wanted)
        assert len(wrapped.probe.reports()) >= len(EVERYWHERE) + len(OWN[shell])


@pytest.mark.parametrize("shell", SHELLS)
def test_time(wrapped: Wrapped, shell: str) -> None:
    """zsh's tells nothing of a function: there an alias stands before it."""
    for terminal in both(wrapped, shell):
        show(terminal, "time aws exit 0", TIMED[shell])


@pytest.mark.parametrize("shell", SHELLS)
def test_the_size_of_the_window(wrapped: Wrapped, shell: str) -> None:
    for terminal in both(wrapped, shell):
        terminal.type("aws watch")
        terminal.expect("size 100x50\r\n")
        terminal.child.setwinsize(33, 77)
        terminal.expect("now 77x33\r\n")
        terminal.ready()


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def wait_for_end(pid: int) -> None:
    deadline = time.monotonic() + 20
    while os.path.exists(f"/proc/{pid}"):
        assert time.monotonic() < deadline, Path(f"/proc/{pid}/status").read_text()
        time.sleep(0.02)


# bash leaves a copy of itself between for any function, and fish loses the number: there it is the job's.
KILL = {"bash": "kill %1", "zsh": "kill $!", "fish": "kill (jobs -p)"}


@pytest.mark.parametrize("shell", SHELLS)
def test_in_the_background(wrapped: Wrapped, shell: str) -> None:
    """It is a job of the shell's, which goes on at once; it can be ended there, and brought to the front."""
    for terminal in both(wrapped, shell):
        wrapped.probe.reports()
        for end in (KILL[shell], "fg"):
            terminal.type("aws rest &")
            terminal.expect("resting\r\n")
            (report,) = wrapped.probe.reports()
            show(terminal, "jobs", "unning")
            if shell != "bash":
                assert parent(report.pid) == terminal.child.pid, "no shell between"
            terminal.type(end)
            if end == "fg":
                terminal.expect("in front\r\n")
                terminal.press("c")
            wait_for_end(report.pid)
            terminal.ready()


def test_a_stopped_job_has_its_name_in_zsh(wrapped: Wrapped) -> None:
    for terminal in both(wrapped, "zsh"):
        terminal.type("aws rest")
        terminal.expect("resting\r\n")
        terminal.press("z")
        terminal.expect(r"suspended .*aws rest\r\n")
        terminal.ready()
        show(terminal, "jobs", "aws rest\r\n")
        terminal.type("fg")
        terminal.expect("in front\r\n")
        terminal.press("c")
        terminal.ready()


def test_a_line_with_more_than_one_command_stays_in_front_in_fish(wrapped: Wrapped) -> None:
    """Only the one command that was typed goes into the background, and nothing else of a line."""
    terminal = open_shell(wrapped, "fish")
    for line in ("aws exit 4; true &", "true; aws exit 4 &", "function w; aws exit 4; end; w &"):
        show(terminal, f"{line}\nec''ho don''e", "done\r\n")
        show(terminal, "jobs", "no jobs")
    for line in ("aws rest 'a & b' >out 2>&1 &", '  aws rest "x;y" a\\&b \\\n  >out&'):
        terminal.type(line)
        terminal.ready()
        show(terminal, "jobs", "running")
        terminal.type("kill (jobs -p); wait")
        terminal.ready()


def test_a_persons_options_do_not_matter_in_zsh(wrapped: Wrapped) -> None:
    terminal = open_shell(wrapped, "zsh", sourced=False)
    terminal.type("setopt ksh_arrays no_unset sh_word_split warn_create_global extended_glob")
    terminal.ready()
    for _ in range(2):
        terminal.type(f"source {wrapped.user.config}/plugins.sh")
        assert "plugins.sh:" not in terminal.ready()
    show(terminal, "time aws exit 0", TIMED["zsh"])
    show(terminal, "aws exit 5; echo st''atus $?", "status 5\r\n")
    show(terminal, "echo ${#precmd_functions[@]} ho''oks", "1 hooks\r\n")

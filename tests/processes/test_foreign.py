"""A command line of the person's own: real shells, real signals."""

import os
import time

import pytest

from keyturn.ground.clock import SystemClock
from keyturn.processes import foreign


def run(command: str, seconds: float = 10) -> tuple[int, bytes]:
    return foreign.run(command, seconds, SystemClock())


def test_it_gives_status_and_output_as_a_shell_does() -> None:
    assert run("printf '123 456\\n'") == (0, b"123 456\n")
    assert run("echo out; exit 3") == (3, b"out\n")
    assert run("kill -TERM $$") == (143, b"")
    assert run("no-such-command 2>/dev/null")[0] == 127


def test_it_has_no_input_and_its_errors_are_not_its_output(capfd: pytest.CaptureFixture[str]) -> None:
    assert run("cat; echo touch the key >&2") == (0, b"")
    assert capfd.readouterr().err == "touch the key\n"


@pytest.mark.parametrize("command", ["sleep 30", "echo begun; sleep 30", "trap '' TERM; while :; do :; done"])
def test_one_that_takes_too_long_is_ended(command: str) -> None:
    began = time.monotonic()
    status, output = run(command, 0.3)
    assert (status, time.monotonic() - began < 8) == (foreign.TOO_LONG, True)
    assert output == (b"begun\n" if "begun" in command else b"")


def test_one_that_does_not_stop_talking_is_ended() -> None:
    began = time.monotonic()
    status, output = run("yes")
    assert (len(output), time.monotonic() - began < 5) == (foreign.LARGEST, True)
    assert status != 0


def test_it_runs_where_the_caller_is() -> None:
    assert run("pwd") == (0, os.fsencode(os.getcwd()) + b"\n")

"""A command that is killed at its question ends after its child, which puts the terminal back."""

import os
import signal
import subprocess
import sys

import pytest

WORK = """
import os, signal, sys, time
from keyturn.processes.private import run_privately

def put_back(number, frame):
    time.sleep(0.5)
    os.write(1, b"put back")
    os._exit(128 + number)

def work():
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, put_back)
    os.write(1, b"asking\\n")
    time.sleep(30)
    return 0

sys.exit(run_privately(work))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_it_waits_for_its_child(number: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", WORK], stdout=subprocess.PIPE) as command:
        assert command.stdout is not None
        assert command.stdout.readline() == b"asking\n"
        command.send_signal(number)
        assert command.wait(10) == 128 + number
        os.set_blocking(command.stdout.fileno(), False)
        assert command.stdout.read() == b"put back", "it is done by the time that the shell goes on"

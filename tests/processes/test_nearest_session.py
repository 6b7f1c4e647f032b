"""Whose terminal session counts for a process without one."""

import sys

import pytest

from keyturn.processes import identity
from tests.agent.kernel import OTHER_UID, Kernel, Made

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def nearest(kernel: Kernel, process: Made | None) -> int | None:
    assert process is not None
    found = identity.nearest_terminal_session(process.facts(), kernel.read)
    return found.session if found is not None else None


def test_the_nearest_within_so_many_session_changes() -> None:
    kernel = Kernel()
    shell = kernel.open_terminal()
    assert shell is not None
    other = kernel.open_terminal(shell)
    script = kernel.fork(shell)
    assert script is not None
    task = kernel.fork(script, setsid=True)
    assert task is not None
    below = kernel.fork(task)
    assert other is not None
    assert below is not None
    daemon = kernel.fork(below, setsid=True)
    stranger = kernel.fork(task, uid=OTHER_UID)
    for process, wanted in ((shell, shell), (other, other), (script, shell), (task, shell), (below, shell)):
        assert nearest(kernel, process) == wanted.session
    assert nearest(kernel, daemon) is None, "a daemon's two changes"
    assert nearest(kernel, stranger) is None, "never across a change of uid"
    kernel.end(script)
    assert nearest(kernel, below) is None, "its parent is gone"
    assert identity.nearest_terminal_session(None, kernel.read) is None


def test_a_shell_that_ended_lends_nothing() -> None:
    kernel = Kernel()
    shell = kernel.open_terminal()
    assert shell is not None
    job = kernel.fork(shell)
    assert nearest(kernel, job) == shell.session
    kernel.end(shell)
    assert nearest(kernel, job) is None

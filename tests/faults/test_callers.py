"""Who asks, as the kernel says it: real processes at real sockets."""

import contextlib
import os
import pty
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from keyturn.agent import callers
from keyturn.agent.callers import Caller, StrangerError
from keyturn.processes import identity, peers
from keyturn.processes.peers import Peer
from tests.faults.saving import wait_until

CLIENT = "import socket,sys;c=socket.socket(socket.AF_UNIX);c.connect(sys.argv[1]);sys.stdin.read()"


@contextlib.contextmanager
def connected(place: Path) -> Iterator[tuple[subprocess.Popen[bytes], socket.socket]]:
    """A process of ours that has connected, and our end of the connection."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(place / "s"))
        listening.listen()
        client = subprocess.Popen([sys.executable, "-c", CLIENT, str(place / "s")], stdin=subprocess.PIPE)
        try:
            connection, _ = listening.accept()
            with connection:
                yield client, connection
        finally:
            client.kill()
            client.communicate()


def without_pidfd(caller: Caller) -> Caller:
    """As on a system that gives none."""
    return Caller(caller.pid, caller.process, caller.terminal, None)


def test_a_caller_is_the_process_at_the_other_end(tmp_path: Path) -> None:
    with connected(tmp_path) as (client, connection):
        caller = callers.of(connection, os.getuid())
        assert caller.pid == client.pid
        assert caller.process is not None
        assert caller.process.parent == os.getpid()
        for each in (caller, without_pidfd(caller)):
            assert each.is_alive()
            assert each.now() is not None
            assert not each.is_stopped
        client.send_signal(signal.SIGSTOP)
        wait_until(lambda: caller.is_stopped)
        client.kill()
        client.communicate()
        for each in (caller, without_pidfd(caller)):
            assert not each.is_alive()
            assert each.now() is None
            assert not each.is_stopped
            assert not each.is_foreground


def test_a_pid_that_was_given_anew_is_not_the_caller(tmp_path: Path) -> None:
    with connected(tmp_path) as (_, connection):
        caller = callers.of(connection, os.getuid())
        assert caller.process is not None
        earlier = Caller(caller.pid, replace(caller.process, start=caller.process.start - 1), None, None)
        assert earlier.now() is None
        assert not earlier.is_alive()


@pytest.mark.parametrize("other", [1, -1])
def test_another_user_is_a_stranger(tmp_path: Path, other: int) -> None:
    with connected(tmp_path) as (_, connection), pytest.raises(StrangerError):
        callers.of(connection, os.getuid() + other)


def test_who_cannot_be_seen_has_no_process_and_no_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pid of 0 is what a process of another pid namespace shows."""
    with connected(tmp_path) as (_, connection):
        monkeypatch.setattr(peers, "of", lambda stream: Peer(0, os.getuid(), None))
        caller = callers.of(connection, os.getuid())
        assert (caller.process, caller.terminal) == (None, None)
        assert caller.now() is None
        assert not caller.is_alive()
        assert not caller.is_foreground


def of_pid(pid: int) -> Caller:
    process = identity.read(pid)
    assert process is not None
    return Caller(pid, process, identity.terminal_session(process), None)


@pytest.mark.skipif(sys.platform != "linux", reason="children are found in /proc")
def test_only_the_foreground_of_a_terminal_is_in_the_foreground() -> None:
    child, terminal = pty.fork()
    if child == 0:
        # With job control the first sleep is in a process group of its own, behind the second one's.
        os.execv("/bin/sh", ["/bin/sh", "-c", "set -m; sleep 60 & exec sleep 60"])
    try:
        wait_until(lambda: len(children_of(child)) == 1)
        [behind] = children_of(child)
        wait_until(lambda: os.getpgid(behind) != child and of_pid(child).is_foreground)
        caller, other = of_pid(child), of_pid(behind)
        assert other.terminal == caller.terminal is not None
        assert not other.is_foreground
        assert not Caller(caller.pid, caller.process, None, None).is_foreground
        os.kill(behind, signal.SIGKILL)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(terminal)
    assert not caller.is_foreground
    assert caller.now() is None


def children_of(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

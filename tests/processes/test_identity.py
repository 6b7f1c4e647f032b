"""Who a process is, asked of real processes."""

import contextlib
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from keyturn.processes import identity
from keyturn.processes.identity import TerminalSession
from tests.parts import needs

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@contextlib.contextmanager
def on_a_terminal(*command: str) -> Iterator[int]:
    """A process that leads a session on a pseudo-terminal of its own."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(command[0], command)
    try:
        time.sleep(0.2)
        yield pid
    finally:
        os.close(terminal)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def session_of(pid: int) -> TerminalSession | None:
    process = identity.read(pid)
    assert process is not None
    return identity.terminal_session(process)


def child_of(pid: int) -> int:
    text = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, check=True).stdout
    return int(text.split()[0])


def test_a_process_describes_itself_as_the_system_does() -> None:
    me = identity.read(os.getpid())
    assert me is not None
    assert (me.pid, me.parent, me.uid) == (os.getpid(), os.getppid(), os.getuid())
    assert (me.group, me.session) == (os.getpgrp(), os.getsid(0))
    assert not me.nested
    assert me.start > 0


def test_a_name_with_brackets_and_spaces_does_not_confuse() -> None:
    code = "import ctypes, time; ctypes.CDLL(None).prctl(15, b') Z 1 (x', 0, 0, 0); print(flush=True)"
    code += "; time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        found = identity.read(child.pid)
        child.kill()
    assert found is not None
    assert found.parent == os.getpid()


def test_a_process_that_ended_is_none() -> None:
    with subprocess.Popen(["true"]) as child:
        pass
    assert identity.read(child.pid) is None


def test_two_terminals_are_two_sessions_and_a_sub_shell_is_none_of_its_own() -> None:
    with on_a_terminal("sh", "-c", "sleep 60; :") as one, on_a_terminal("sleep", "60") as other:
        first = session_of(one)
        assert first is not None
        assert first != session_of(other)
        assert session_of(child_of(one)) == first


def test_setsid_leaves_the_terminal_session() -> None:
    needs("setsid")
    with on_a_terminal("sh", "-c", "setsid sleep 60; :") as leader:
        child = child_of(leader)
        assert session_of(leader) is not None
        assert session_of(child) is None


def test_a_terminal_whose_leader_is_gone_belongs_to_nobody() -> None:
    # The leader ends; its child, which ignores the hang-up, lives on.
    code = "import os, signal, time\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)\npid = os.fork()\n"
    code += "if pid == 0:\n    time.sleep(60)\nprint(pid, flush=True)\ntime.sleep(1)"
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-c", code])
    child = int(os.read(terminal, 100).split()[0])
    assert session_of(child) is not None
    os.waitpid(pid, 0)
    try:
        assert session_of(child) is None
    finally:
        os.kill(child, signal.SIGKILL)
        os.close(terminal)


def test_foreground_is_told_from_background() -> None:
    with on_a_terminal("sh", "-c", "set -m; sleep 60 & sleep 61; :") as leader:
        text = subprocess.run(["pgrep", "-P", str(leader)], capture_output=True, check=True).stdout
        children = [identity.read(int(pid)) for pid in text.split()]
        assert sorted(identity.is_foreground(each) for each in children if each) == [False, True]


def test_another_pid_namespace_is_seen_as_such() -> None:
    needs("root")
    unshare = needs("unshare")
    with subprocess.Popen([unshare, "--pid", "--fork", "sleep", "60"]) as outer:
        time.sleep(0.3)
        inner = child_of(outer.pid)
        found = identity.read(inner)
        os.kill(inner, signal.SIGKILL)
    assert found is not None
    assert found.nested
    assert identity.terminal_session(found) is None


def test_ancestors_begin_with_the_process_and_reach_its_parents() -> None:
    with subprocess.Popen(["sh", "-c", "sleep 60; :"], start_new_session=True) as shell:
        time.sleep(0.2)
        child = child_of(shell.pid)
        process = identity.read(child)
        assert process is not None
        pids = [each.pid for each in identity.ancestors(process)]
        assert pids[:3] == [child, shell.pid, os.getpid()]
        os.kill(child, signal.SIGKILL)


def test_a_stopped_process_is_seen_as_stopped() -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        try:
            running = identity.read(child.pid)
            assert running is not None
            assert not running.is_stopped
            os.kill(child.pid, signal.SIGSTOP)
            deadline = time.monotonic() + 10
            while not (found := identity.read(child.pid)) or not found.is_stopped:
                assert time.monotonic() < deadline
                time.sleep(0.01)
        finally:
            child.kill()


def test_the_working_directory_of_another_process(tmp_path: "os.PathLike[str]") -> None:
    with subprocess.Popen(["sleep", "60"], cwd=tmp_path) as child:
        assert identity.directory(child.pid) == os.fspath(tmp_path)
        os.rmdir(tmp_path)
        assert identity.directory(child.pid) is None
        child.kill()
    assert identity.directory(child.pid) is None

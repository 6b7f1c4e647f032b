"""The launcher and the agent that it finds or does not find.

None is started where none is needed; where none can be had there is one line and a status, in bounded time.
"""

import os
import shutil
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.programs.probe import Wrapped, assert_as_bare
from tests.programs.test_as_bare_ends import cmdline, stopped_agent
from tests.programs.user import BIN, User

NO_AUTHENTICATION = ["aws --version", "aws help", "aws s3 help", "aws", "aws configure set region x"]


@pytest.fixture(scope="module")
def wrapped() -> Iterator[Wrapped]:
    with User() as user:
        yield Wrapped(user)


@pytest.fixture
def without_agent(wrapped: Wrapped) -> Iterator[Wrapped]:
    """The agent is ended and may be replaced by something else; it is signed in to again afterwards."""
    user = wrapped.user
    user.keyturn("agent", "stop").succeeds()
    runtime = user.runtime / "keyturn"
    yield wrapped
    runtime.mkdir(exist_ok=True)
    runtime.chmod(0o700)
    socket_of(user).unlink(missing_ok=True)
    user.keyturn("signin", "--password-file", user.password_file()).succeeds()


def socket_of(user: User) -> Path:
    """The path that the launcher was made for."""
    words = (user.data / "launcher.py").read_bytes().split(b"CONFIGURATION = (b'")[1]
    return Path(os.fsdecode(words.split(b"'", 1)[0]))


def run(wrapped: Wrapped, *, seconds: float = 15.0, launcher: list[str] | None = None) -> tuple[int, str]:
    """`aws s3` without a terminal, which has to end in time: its status and what it said."""
    began = time.monotonic()
    done = wrapped.user.run(*(launcher or wrapped.launcher), "s3")
    assert time.monotonic() - began < seconds
    assert not done.output
    first, *hints = done.errors.splitlines() or [""]
    if done.status:
        assert first.startswith("keyturn: ")
        assert hints
        assert all(hint.startswith("  hint: ") for hint in hints)
    return done.status, first


@pytest.mark.parametrize("line", NO_AUTHENTICATION)
def test_no_agent_is_started_where_no_authentication_is_needed(without_agent: Wrapped, line: str) -> None:
    without_agent.probe.reports()
    without_agent.user.sh(without_agent.script(line)).succeeds()
    bare, *others = without_agent.probe.reports()
    assert len(others) == 2
    assert_as_bare(bare, *others, authenticated=False)
    assert not socket_of(without_agent.user).exists()


def test_no_vault_is_needed_either() -> None:
    with User() as user:
        directory = user.home / "bin"
        directory.mkdir()
        (directory / "aws").write_text('#!/bin/sh\necho "aws-cli/0 $*"\n')
        (directory / "aws").chmod(0o755)
        user.path.insert(0, str(directory))
        for word in ("--version", "help"):
            done = user.keyturn("plugin", "run", "--", "aws", word).succeeds()
            assert (done.output, done.errors) == (f"aws-cli/0 {word}\n", "")
        assert not list(user.runtime.rglob("*.sock"))
        assert not list(user.runtime.rglob("*.lock"))
        assert not user.config.exists()


@pytest.mark.parametrize("line", NO_AUTHENTICATION)
def test_a_locked_agent_is_no_obstacle(wrapped: Wrapped, line: str) -> None:
    wrapped.user.keyturn("lock").succeeds()
    wrapped.probe.reports()
    wrapped.user.sh(wrapped.script(line)).succeeds()
    assert_as_bare(*wrapped.probe.reports(), authenticated=False)
    assert run(wrapped)[0] == 190
    wrapped.user.keyturn("signin", "--password-file", wrapped.user.password_file()).succeeds()


def test_an_agent_that_was_killed_is_started_again(without_agent: Wrapped) -> None:
    user = without_agent.user
    user.keyturn("agent", "start").succeeds()
    for pid in stopped_agent(user).pids:
        os.kill(pid, signal.SIGKILL)
    assert socket_of(user).exists()
    status, line = run(without_agent)
    assert status == 190, line
    assert stopped_agent(user).pids


@pytest.mark.parametrize("how", ["--ignore-signal", "--block-signal=CHLD,TERM,INT,HUP"])
def test_the_agent_does_not_inherit_what_its_first_caller_ignores(without_agent: Wrapped, how: str) -> None:
    user = without_agent.user
    assert run(without_agent, launcher=["env", how, *without_agent.launcher])[0] == 190
    # The key derivation is a child of the agent's, whose status it has to get.
    user.keyturn("signin", "--password-file", user.password_file()).succeeds()
    assert run(without_agent)[0] == 0
    pids = stopped_agent(user).pids
    os.kill(min(pids), signal.SIGTERM)
    deadline = time.monotonic() + 5
    while any(cmdline(Path(f"/proc/{pid}")) for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_an_agent_that_hangs(wrapped: Wrapped) -> None:
    impatient = wrapped.user.home / "impatient"
    shutil.copytree(wrapped.user.data, impatient, ignore=shutil.ignore_patterns("__pycache__"))
    code = (impatient / "launcher.py").read_text()
    assert "ANSWER_SECONDS = 10\n" in code
    (impatient / "launcher.py").write_text(code.replace("ANSWER_SECONDS = 10\n", "ANSWER_SECONDS = 0.5\n"))
    entry = (impatient / "launcher").read_text().replace(str(wrapped.user.data), str(impatient))
    (impatient / "launcher").write_text(entry)
    launcher = [*wrapped.launcher[:-2], str(impatient / "launcher"), "aws"]
    with stopped_agent(wrapped.user):
        assert run(wrapped, seconds=8, launcher=launcher) == (194, "keyturn: the agent does not answer")
    assert run(wrapped, launcher=launcher)[0] == 0


@contextmanager
def agent_that(user: User, answer: Callable[[socket.socket], None]) -> Iterator[list[int]]:
    """Something that listens where the agent would, and how often it was called."""
    calls: list[int] = []
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.fsencode(socket_of(user)))
        listening.listen()

        def serve() -> None:
            while True:
                try:
                    connection = listening.accept()[0]
                except OSError:
                    return
                calls.append(1)
                with connection:
                    answer(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield calls
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def frame(body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + body


def read_frame(connection: socket.socket) -> None:
    length = int.from_bytes(connection.recv(4, socket.MSG_WAITALL), "big")
    connection.recv(length, socket.MSG_WAITALL)


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (b"V\x07", "the agent that runs is of another version"),
        (b"?", "the agent's answer is not understood"),
        (b"G", "the agent's answer is not understood"),
        (b"Gx\0", "the agent's answer is not understood"),
        (b"E1\0x\0", "the agent's answer is not understood"),
    ],
)
def test_an_agent_of_another_version(without_agent: Wrapped, body: bytes, line: str) -> None:
    def answer(connection: socket.socket) -> None:
        read_frame(connection)
        connection.sendall(frame(body))

    with agent_that(without_agent.user, answer):
        assert run(without_agent) == (194, f"keyturn: {line}")


def test_an_agent_that_hangs_up_is_asked_four_times(without_agent: Wrapped) -> None:
    with agent_that(without_agent.user, lambda connection: None) as calls:
        status, line = run(without_agent)
    assert (status, line) == (194, "keyturn: the agent ended the connection without an answer")
    assert len(calls) == 4


def test_a_runtime_directory_that_others_can_enter(without_agent: Wrapped) -> None:
    """Whoever could put a socket there is not even asked."""
    runtime = without_agent.user.runtime / "keyturn"
    with agent_that(without_agent.user, lambda connection: None) as calls:
        runtime.chmod(0o755)
        status, line = run(without_agent)
    assert (status, line) == (198, f"keyturn: {runtime} is not a private directory of yours")
    assert not calls


def test_an_agent_that_cannot_be_started(without_agent: Wrapped) -> None:
    state = without_agent.user.state
    state.rename(state.with_name("away"))
    state.symlink_to("away")
    try:
        status, line = run(without_agent)
        assert status == 198
        assert "is not a private directory of yours" in line
        shutil.rmtree(without_agent.user.runtime / "keyturn")
        assert run(without_agent)[0] == 198
    finally:
        state.unlink()
        state.with_name("away").rename(state)


def test_a_changed_launcher_is_renewed_by_any_command(wrapped: Wrapped) -> None:
    code = wrapped.user.data / "launcher.py"
    before = code.read_bytes()
    for path in (code, wrapped.user.data / "launcher"):
        path.write_bytes(b"raise SystemExit(77)\n")
        assert wrapped.user.run(*wrapped.launcher, "s3").status == 77
        wrapped.user.run(str(BIN / "keyturn"), "plugin", "run", "--", "aws", "help").succeeds()
        assert run(wrapped)[0] == 0
    assert code.read_bytes() == before

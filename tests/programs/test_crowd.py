"""Many commands at once on a locked account: one question, one answer for all."""

import os
import signal
import sys
import time

import pytest

from tests.programs import memory
from tests.programs.user import Terminal, User
from tests.vaults.templates import PASSWORD

QUESTION = "password of account “Test”: "
KEY = "AKIAIOSFODNN7EXAMPLE"


@pytest.fixture
def crowd(user: User) -> User:
    """A user whose `aws` is a probe that prints the key it got; the account is locked."""
    user.account()
    user.aws_files(f"[default]\naws_access_key_id = {KEY}\naws_secret_access_key = {'x' * 36}EXAM\n")
    probe = user.home / "bin/aws"
    probe.parent.mkdir()
    probe.write_text('#!/bin/sh\necho "key=$AWS_ACCESS_KEY_ID"\n')
    probe.chmod(0o755)
    user.path.insert(0, str(probe.parent))
    init = ("plugin", "init", "aws", "--import-profile", "default", "--no-input")
    user.keyturn(*init, "--password-file", user.password_file()).succeeds()
    user.keyturn("lock").succeeds()
    return user


STARTER = """
import subprocess, sys
launcher, count = sys.argv[1].split(), int(sys.argv[2])
files = {"stdout": open("out", "a"), "stderr": open("err", "a")}
crowd = [subprocess.Popen([*launcher, "s3", "ls"], **files) for _ in range(count)]
for each in crowd:
    while each.returncode is None:
        try:
            each.wait()
        except KeyboardInterrupt:
            pass
    if each.returncode:
        print(each.returncode, file=open("statuses", "a"))
print("all done")
"""


def start(user: User, count: int) -> Terminal:
    """So many wrapped commands in one foreground job; waits for the question.

    Started by a program and not by a shell's `&`, so that all are in the terminal's foreground group and
    hear Ctrl-C.
    """
    (user.home / "crowd").write_text(STARTER)
    terminal = user.terminal()
    terminal.type(f"{sys.executable} crowd '{' '.join(user.launcher('aws'))}' {count}")
    terminal.expect(QUESTION, seconds=30 + count / 5)
    return terminal


def lines(user: User, name: str) -> list[str]:
    path = user.home / name
    return path.read_text().splitlines() if path.exists() else []


def waiting_launchers(user: User) -> list[int]:
    return memory.pids_with(f"{user.data}/launcher\0aws")


def wait_until_all_wait(user: User, count: int) -> list[int]:
    deadline = time.monotonic() + 60
    while len(found := waiting_launchers(user)) < count:
        assert time.monotonic() < deadline, f"{len(found)} of {count} wait"
        time.sleep(0.1)
    # They are there as processes; those that started last may still be on their way to the agent.
    time.sleep(0.5)
    return found


@pytest.mark.parametrize("count", [50, pytest.param(500, marks=[pytest.mark.soak, pytest.mark.timeout(300)])])
def test_one_password_serves_all(crowd: User, count: int) -> None:
    terminal = start(crowd, count)
    terminal.type(PASSWORD)
    assert "password" not in terminal.expect("all done", seconds=120), "one question only"
    assert lines(crowd, "err") == []
    assert lines(crowd, "statuses") == []
    assert lines(crowd, "out") == [f"key={KEY}"] * count


@pytest.mark.parametrize("count", [20, pytest.param(500, marks=[pytest.mark.soak, pytest.mark.timeout(300)])])
def test_wrong_passwords_fail_all_at_once(crowd: User, count: int) -> None:
    terminal = start(crowd, count)
    wait_until_all_wait(crowd, count - 1)
    for _ in range(2):
        terminal.type("wrong")
        terminal.expect(QUESTION)
    terminal.type("wrong")
    terminal.expect("all done", seconds=60)
    assert lines(crowd, "out") == []
    assert lines(crowd, "statuses") == ["196"] * count


def test_ctrl_c_cancels_everything_in_that_terminal(crowd: User) -> None:
    terminal = start(crowd, 20)
    # While its interpreter starts, a Ctrl-C can get lost: a published limit, and not what is tested here.
    wait_until_all_wait(crowd, 19)
    terminal.press("c")
    terminal.expect("all done")
    assert lines(crowd, "out") == []
    assert lines(crowd, "statuses") == [str(-signal.SIGINT)] * 20
    assert lines(crowd, "err") == []


def test_a_question_put_by_a_background_command_of_a_script_can_be_cancelled(crowd: User) -> None:
    # POSIX: a shell without job control starts `&` commands with SIGINT ignored.
    terminal = crowd.terminal()
    terminal.type("sh -c 'keyturn plugin run -- aws s3 ls & wait; echo status'")
    terminal.expect(QUESTION)
    terminal.press("c")
    terminal.ready()
    deadline = time.monotonic() + 10
    while waiting_launchers(crowd) or memory.pids_with("__talk\0" + str(crowd.config)):
        assert time.monotonic() < deadline, "the question was not cancelled"
        time.sleep(0.1)


def test_interrupting_one_that_waits_ends_only_that_one(crowd: User) -> None:
    terminal = start(crowd, 20)
    waiting = wait_until_all_wait(crowd, 19)
    os.kill(waiting[3], signal.SIGINT)
    terminal.type(PASSWORD)
    terminal.expect("all done", seconds=60)
    assert len(lines(crowd, "out")) == 19
    assert lines(crowd, "statuses") == [str(-signal.SIGINT)]


def talker(user: User) -> int:
    """The command that became the CLI to ask: the parent of the child that reads the answer."""
    found = memory.pids_with("__talk\0" + str(user.config))
    assert len(found) == 2, found
    return found[0]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_another_is_elected_when_the_talker_dies(crowd: User, number: int) -> None:
    terminal = start(crowd, 10)
    wait_until_all_wait(crowd, 9)
    os.kill(talker(crowd), number)
    terminal.expect(QUESTION)
    terminal.type(PASSWORD)
    terminal.expect("all done", seconds=60)
    assert len(lines(crowd, "out")) == 9
    # By the signal, or with a shell's status for it after the terminal was put in order.
    assert lines(crowd, "statuses") in ([str(-number)], [str(128 + number)])


def test_two_terminals_are_asked_once_each_and_only_the_first_unlocks(crowd: User) -> None:
    first = start(crowd, 5)
    second = crowd.terminal()
    second.run(f"source {crowd.config}/plugins.sh")
    second.type("aws s3 ls")
    time.sleep(1)
    first.type(PASSWORD)
    first.expect("all done")
    # Unlocked now: the other terminal still has to agree for itself.
    second.expect(QUESTION)
    second.type(PASSWORD)
    assert f"key={KEY}" in second.ready()
    assert len(lines(crowd, "out")) == 5


def test_cancelled_here_the_next_terminal_is_asked(crowd: User) -> None:
    first = start(crowd, 5)
    second = crowd.terminal()
    second.run(f"source {crowd.config}/plugins.sh")
    second.type("aws s3 ls")
    time.sleep(1)
    first.press("c")
    first.expect("all done")
    second.expect(QUESTION)
    second.type(PASSWORD)
    assert f"key={KEY}" in second.ready()
    assert lines(crowd, "out") == []

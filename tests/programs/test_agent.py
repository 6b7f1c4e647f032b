"""The agent as processes: started once, not to be read, forgetting for certain, healing by itself."""

import os
import secrets
import shutil
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from keyturn.ground.secret import Secret
from keyturn.items import FieldType, Item, new_field, new_item
from keyturn.processes.identity import directory
from tests.parts import absent, needs
from tests.programs import memory
from tests.programs.user import User
from tests.vaults.templates import MOMENT, PASSWORD

NEEDS_ROOT = pytest.mark.needs("root")


def canary_item(canary: str) -> Item:
    return new_item("canary", [new_field("token", FieldType.CONCEALED, Secret(canary))], MOMENT)


def agents(user: User) -> list[int]:
    """Supervisor and keeper of this user, in the order of their start."""
    return memory.pids_with(str(user.runtime))


def unlock(user: User) -> None:
    user.keyturn("signin", "--password-file", user.password_file()).succeeds()


def wait_for(condition: object, seconds: float = 10) -> None:
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


@pytest.mark.parametrize("count", [12, pytest.param(200, marks=pytest.mark.soak)])
def test_simultaneous_first_commands_make_one_agent(user: User, count: int) -> None:
    with ThreadPoolExecutor(count) as pool:
        done = list(
            pool.map(lambda _: user.keyturn("account", "list", "--format", "json", seconds=110), range(count))
        )
    assert [each.status for each in done] == [0] * count, [each.errors for each in done]
    assert len(agents(user)) == 2, "a supervisor and a keeper"


@NEEDS_ROOT
def test_lock_leaves_the_secret_in_no_process(user: User) -> None:
    canary = secrets.token_hex(20)
    user.account(canary_item(canary))
    password = user.password_file()
    script = f"keyturn signin --password-file {password} && keyturn item get canary --field token"
    assert user.sh(script).succeeds().output.strip() == canary
    assert any(memory.holds(pid, canary) for pid in agents(user)), "the canary can be found while unlocked"
    assert any(memory.holds(pid, PASSWORD) for pid in agents(user)), "so can the password"
    user.keyturn("lock").succeeds()
    for pid in agents(user):
        assert not memory.holds(pid, canary)
        assert not memory.holds(pid, PASSWORD)
    assert len(agents(user)) == 2, "supervisor and a new keeper"


@NEEDS_ROOT
def test_a_neighbour_of_the_same_user_reads_nothing(user: User) -> None:
    user.drop_privileges()
    user.account()
    unlock(user)
    with subprocess.Popen([*user.prefix, "sleep", "60"]) as ordinary:
        try:
            wait_for(lambda: memory.neighbour_can_open(ordinary.pid, "mem"))
        finally:
            ordinary.kill()
    found = agents(user)
    assert len(found) == 2
    for pid in found:
        for name in ("mem", "environ", "maps"):
            assert not memory.neighbour_can_open(pid, name), f"/proc/PID/{name} of an agent process"


@NEEDS_ROOT
def test_the_cli_that_asks_cannot_be_read(user: User) -> None:
    user.drop_privileges()
    user.account()
    terminal = user.terminal()
    terminal.type("keyturn signin")
    terminal.expect("password of account “Test”: ")
    # Other tests sign in at the same time: these two work in this user's home.
    asking = [pid for pid in memory.pids_with("keyturn\0signin") if directory(pid) == str(user.home)]
    assert len(asking) == 2, "the command and the child that asks"
    for pid in asking:
        assert not memory.neighbour_can_open(pid, "mem")
    terminal.press("c")
    terminal.ready()


def test_the_socket_is_closed_to_others(user: User) -> None:
    user.keyturn("account", "list").succeeds()
    runtime = user.runtime / "keyturn"
    assert runtime.stat().st_mode & 0o777 == 0o700
    socket = next(runtime.glob("agent-*.sock"))
    assert socket.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("which", ["keeper", "supervisor", "both"])
def test_a_killed_agent_heals_and_is_locked(user: User, which: str) -> None:
    user.account()
    unlock(user)
    supervisor, keeper = agents(user)
    for pid in {"keeper": [keeper], "supervisor": [supervisor], "both": [supervisor, keeper]}[which]:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: keeper not in agents(user))
    user.keyturn("item", "list").fails(190, "the account is locked")
    assert len(agents(user)) == 2


@pytest.mark.parametrize("notices", [True, False])
def test_an_agent_whose_socket_is_gone_is_replaced(user: User, notices: bool) -> None:
    user.account()
    unlock(user)
    before = agents(user)
    if not notices:
        # One that cannot see it for itself is ended by the next one that starts.
        for pid in before:
            os.kill(pid, signal.SIGSTOP)
    next((user.runtime / "keyturn").glob("agent-*.sock")).unlink()
    user.keyturn("item", "list").fails(190, "the account is locked")
    assert len(agents(user)) == 2
    assert not set(before) & set(agents(user)), "the old one, which held the key, is gone"


def test_an_agent_whose_runtime_directory_is_gone_leaves_no_second_one_serving(user: User) -> None:
    user.account()
    shutil.rmtree(user.runtime / "keyturn")
    user.keyturn("account", "list").succeeds()
    wait_for(lambda: len(agents(user)) == 2)


def test_a_stopped_agent_can_be_ended(user: User) -> None:
    user.account()
    unlock(user)
    for pid in agents(user):
        os.kill(pid, signal.SIGSTOP)
    user.keyturn("agent", "stop").succeeds()
    assert not agents(user)
    user.keyturn("item", "list").fails(190, "the account is locked")


READ_ONLY = """\
mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" || exit 77
keyturn agent start && keyturn status && touch "$1/new"
keyturn agent stop
"""


def test_on_a_read_only_disk_an_agent_serves_without_a_log(user: User) -> None:
    """What can be read there is to be had."""
    user.state.mkdir(parents=True, mode=0o700)
    words = (needs("unshare"), "--mount", "/bin/sh", "-c", READ_ONLY, "sh", str(user.state))
    done = user.run(*words)
    if done.status == 77:
        absent("the right to mount")
    assert "process" in done.output, done.errors
    assert "Read-only file system" in done.errors, "it was not"


def test_an_agent_whose_log_is_no_file_does_not_start(user: User) -> None:
    (user.state / "agent.log").mkdir(parents=True, mode=0o700)
    user.keyturn("agent", "start").fails(194, "the agent cannot be started: is a directory")


def test_an_agent_that_cannot_start_says_why_once(user: User) -> None:
    (user.home / "run/keyturn").mkdir(parents=True, mode=0o700)
    user.keyturn("agent", "start").succeeds()
    lock = next((user.home / "run/keyturn").glob("agent-*.lock"))
    user.keyturn("agent", "stop").succeeds()
    lock.unlink()
    lock.mkdir()
    said = user.keyturn("agent", "start").fails(194, f"the agent cannot be started: is a directory: {lock}")
    lock.rmdir()
    assert said.errors.count("cannot") == 1


def test_stopping_an_agent_that_does_not_run_is_no_error(user: User) -> None:
    user.keyturn("agent", "stop").succeeds()

"""Sleep, screen lock and logout on a machine of the test's own: the real bus at its place, no real logind."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from jeepney.io.blocking import DBusConnection, open_dbus_connection

from tests.agent.login import PATH, LogindStandIn
from tests.auth.machine import Machine
from tests.programs.user import User
from tests.vaults.templates import PASSWORD

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="logind is Linux's")

SESSION = f"{PATH}/session/_31"


class Bus:
    """The system bus of the machine, from outside."""

    def __init__(self, machine: Machine) -> None:
        self._socket = machine.bus

    def connect(self, *, descriptors: bool = False) -> DBusConnection:
        return open_dbus_connection(f"unix:path={self._socket}", enable_fds=descriptors)


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with Machine() as found:
        found.start_bus()
        yield found


@pytest.fixture
def login(machine: Machine) -> Iterator[LogindStandIn]:
    with closing(LogindStandIn(Bus(machine), {SESSION: 0})) as found:
        yield found


@pytest.fixture
def unlocked(user: User, machine: Machine, login: LogindStandIn) -> User:
    """A user of this machine whose account is unlocked and approved in a terminal."""
    user.prefix = machine.enter()
    user.account()
    terminal = user.terminal()
    terminal.type("keyturn signin")
    terminal.answer("password of account “Test”: ", PASSWORD)
    terminal.ready()
    wait_until(lambda: login.is_delayed)
    assert status(user)["accounts"][0]["unlocked"]
    assert status(user)["approvals"]
    return user


def status(user: User) -> Any:
    return json.loads(user.keyturn("status", "--format", "json").succeeds().output)["status"]


def wait_until(claim: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not claim():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_sleep_waits_until_the_keys_are_forgotten(unlocked: User, login: LogindStandIn) -> None:
    keeper = status(unlocked)["pid"]
    login.is_preparing = True
    login.emit("PrepareForSleep", "b", True)
    wait_until(lambda: not login.is_delayed)
    after = status(unlocked)
    assert after["pid"] != keeper, "to forget is to end"
    assert not after["accounts"][0]["unlocked"]
    login.is_preparing = False
    login.emit("PrepareForSleep", "b", False)
    wait_until(lambda: login.is_delayed)


def test_a_locked_screen_ends_approvals_and_keeps_the_keys(unlocked: User, login: LogindStandIn) -> None:
    login.hint(SESSION, is_locked=True)
    wait_until(lambda: not status(unlocked)["approvals"])
    assert status(unlocked)["accounts"][0]["unlocked"]


def test_the_last_session_takes_the_agent_along(unlocked: User, login: LogindStandIn) -> None:
    login.end_session(SESSION)
    wait_until(lambda: status(unlocked) is None)
    assert not login.is_delayed


def test_against_the_settings_nothing_is_forgotten(unlocked: User, login: LogindStandIn) -> None:
    for name in ("lock.on_suspend", "lock.on_screen_lock"):
        unlocked.keyturn("settings", "set", name, "false").succeeds()
    login.lock(SESSION)
    login.emit("PrepareForSleep", "b", True)
    wait_until(lambda: not login.is_delayed)
    assert status(unlocked)["accounts"][0]["unlocked"]
    assert status(unlocked)["approvals"]

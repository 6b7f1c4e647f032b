"""A wrapped command without a terminal, started on a desktop: its person is asked in a window."""

import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from keyturn.ground.errors import Status
from tests.agent.display import Display
from tests.parts import needs
from tests.programs.probe import Wrapped
from tests.programs.user import Result, User
from tests.vaults.templates import PASSWORD


@pytest.fixture(scope="module")
def display() -> Iterator[Display]:
    needs("pinentry-qt")
    with Display() as found:
        yield found


@pytest.fixture(scope="module")
def wrapped() -> Iterator[Wrapped]:
    with User() as user:
        yield Wrapped(user)


@pytest.fixture
def locked(wrapped: Wrapped) -> Wrapped:
    wrapped.user.keyturn("lock").succeeds()
    wrapped.probe.reports()
    return wrapped


def aws(wrapped: Wrapped, display: Display) -> Result:
    """The command as an editor would start it."""
    return wrapped.user.run(*wrapped.launcher, "s3", "ls", variables={"DISPLAY": display.name})


def test_the_password_is_typed_into_a_window(locked: Wrapped, display: Display) -> None:
    with ThreadPoolExecutor(1) as editor:
        running = editor.submit(aws, locked, display)
        display.wait_for_window()
        display.type(PASSWORD)
        assert running.result().succeeds().errors == ""
    assert locked.probe.report().argv == [b"aws", b"s3", b"ls"]
    display.wait_for_none()


def test_a_wrong_password_is_asked_for_again(locked: Wrapped, display: Display) -> None:
    with ThreadPoolExecutor(1) as editor:
        running = editor.submit(aws, locked, display)
        first = display.wait_for_window()
        display.type("wrong EXAMPLE")
        display.wait_for_window(first)
        display.type(PASSWORD)
        running.result().succeeds()


def test_cancel_ends_the_command(locked: Wrapped, display: Display) -> None:
    with ThreadPoolExecutor(1) as editor:
        running = editor.submit(aws, locked, display)
        display.wait_for_window()
        display.press("Escape")
        done = running.result()
    assert done.status == Status.INTERRUPTED, done.errors
    assert locked.probe.reports() == []


def test_a_command_that_is_killed_takes_its_window_along(locked: Wrapped, display: Display) -> None:
    user = locked.user
    with subprocess.Popen(
        [*locked.launcher, "s3", "ls"],
        env={**user.environment, "DISPLAY": display.name},
        start_new_session=True,
        stdin=subprocess.DEVNULL,
    ) as command:
        display.wait_for_window()
        command.kill()
    display.wait_for_none()


def test_locking_takes_the_window_away(locked: Wrapped, display: Display) -> None:
    with ThreadPoolExecutor(1) as editor:
        running = editor.submit(aws, locked, display)
        first = display.wait_for_window()
        locked.user.keyturn("lock").succeeds()
        # The command asks the next keeper.
        display.wait_for_window(first)
        display.press("Escape")
        assert running.result().status == Status.INTERRUPTED


def test_without_a_desktop_or_against_the_setting_it_fails_at_once(locked: Wrapped, display: Display) -> None:
    user = locked.user
    began = time.monotonic()
    user.run(*locked.launcher, "s3", "ls").fails(Status.LOCKED, "locked")
    user.keyturn("settings", "set", "prompt.desktop", "false").succeeds()
    try:
        aws(locked, display).fails(Status.LOCKED, "locked")
    finally:
        user.keyturn("settings", "unset", "prompt.desktop").succeeds()
    assert time.monotonic() - began < 10
    assert display.windows() == []

"""The idle limit, on a real keeper with a clock that a test moves: suspend, and a timer that is late."""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from keyturn.agent import forgetting, keeper, supervisor
from keyturn.agent.client import Agent
from keyturn.agent.requests import GetStatus, ListVaults, Request, SignIn
from keyturn.ground.clock import SystemClock
from keyturn.ground.errors import LockedError, UnreachableError
from keyturn.ground.paths import resolve
from keyturn.ground.world import World
from tests.programs.user import User

HOURS = 3600


class ShiftedClock(SystemClock):
    """The system's clock, later by the seconds that stand in a file: awake ones, and ones in suspend."""

    def __init__(self, shift: Path) -> None:
        self._shift = shift

    def boot(self) -> float:
        return super().boot() + sum(map(float, self._shift.read_text().split()))

    def awake(self) -> float:
        return super().awake() + float(self._shift.read_text().split()[0])


class Kept:
    """A keeper in a process of its own, without a supervisor: when it locks, it is gone."""

    def __init__(self, user: User) -> None:
        self.user = user
        self._shift = user.home / "shift"
        self.later(0)
        self.directories = resolve(user.environment, os.getuid())
        user.keyturn("agent", "stop").succeeds()
        listening = supervisor._bind(self.directories.socket)
        ready, said = os.pipe()

        def say_ready() -> None:
            os.write(said, b".")

        self.pid = os.fork()
        if self.pid == 0:
            world = World(
                {**user.environment, **self.directories.as_environment()},
                os.getuid(),
                ShiftedClock(self._shift),
            )
            try:
                keeper.run(world, listening, say_ready, supervisor=0)
            finally:
                os._exit(99)
        listening.close()
        assert os.read(ready, 1) == b"."

    def later(self, seconds: float, *, asleep: float = 0) -> None:
        """Move the keeper's clocks to so many seconds after the start, and more that it was in suspend."""
        self._shift.write_text(f"{seconds} {asleep}")

    def call(self, request: Request) -> Any:
        """One request on a connection of its own."""
        agent = Agent(self.directories, [sys.executable], os.getuid())
        assert agent.connect(start=False)
        try:
            return agent.call(request)
        finally:
            agent.close()

    def has_ended(self, seconds: float = 0) -> bool:
        """Whether it has locked, which is to end; waits for it for so long."""
        deadline = time.monotonic() + seconds
        while True:
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                assert os.waitstatus_to_exitcode(status) == forgetting.LOCKED
                self.pid = 0
            if done or time.monotonic() > deadline:
                return bool(done)
            time.sleep(0.02)


@pytest.fixture
def kept(user: User) -> Iterator[Kept]:
    made = user.account()
    found = Kept(user)
    found.call(SignIn(password=made.password))
    yield found
    if found.pid:
        os.kill(found.pid, 9)
        os.waitpid(found.pid, 0)


def test_before_the_limit_it_answers(kept: Kept) -> None:
    kept.later(0.9 * HOURS)
    assert kept.call(ListVaults())
    assert not kept.has_ended()


def test_after_the_limit_the_first_request_finds_it_locked(kept: Kept) -> None:
    # The timer runs on the machine's clock and knows nothing of this: the request itself must notice.
    kept.later(12 * HOURS + 1)
    with pytest.raises(UnreachableError):
        kept.call(ListVaults())
    assert kept.has_ended(10)


def test_asking_for_the_status_is_no_use(kept: Kept) -> None:
    for hours in (4, 8, 11.9):
        kept.later(hours * HOURS)
        assert kept.call(GetStatus())
    kept.later(12.1 * HOURS)
    with pytest.raises(UnreachableError):
        kept.call(GetStatus())
    assert kept.has_ended(10)


def test_a_use_renews(kept: Kept) -> None:
    for minutes in range(0, 55, 9):
        kept.later(minutes * 60)
        assert kept.call(ListVaults())
    kept.later(12.8 * HOURS)
    # Within twelve hours of the last use, but the grant of an hour is over.
    with pytest.raises(LockedError):
        kept.call(ListVaults())
    assert not kept.has_ended()
    kept.later(13 * HOURS)
    with pytest.raises(UnreachableError):
        kept.call(ListVaults())
    assert kept.has_ended(10)


def test_after_a_suspend_the_first_request_finds_it_locked(kept: Kept) -> None:
    """Where no logind has told of it: a laptop that slept for a minute may be in other hands."""
    kept.later(600)
    assert kept.call(ListVaults())
    kept.later(600, asleep=60)
    with pytest.raises(UnreachableError):
        kept.call(ListVaults())
    assert kept.has_ended(10)


def test_a_suspend_changes_nothing_where_the_setting_says_so(kept: Kept) -> None:
    kept.user.keyturn("settings", "set", "lock.on_suspend", "false").succeeds()
    kept.later(0, asleep=60)
    assert kept.call(ListVaults())
    assert not kept.has_ended()

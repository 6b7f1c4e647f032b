"""Who may, and until when, one second before and after each limit."""

import os
import subprocess
from datetime import timedelta

import pytest

from keyturn.agent.approvals import GRANT_SECONDS, Approval, Approvals, Program
from keyturn.agent.callers import Caller
from keyturn.ground.settings import Approval as Limits
from keyturn.processes import identity
from tests.agent.people import caller, terminal
from tests.vaults.templates import StoppedClock

LIMITS = Limits(idle_minutes=10, hard_hours=12)
HERE = terminal(1)


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
def approvals(clock: StoppedClock) -> Approvals:
    return Approvals(clock)


def test_an_approval_is_for_one_terminal_and_one_account(approvals: Approvals) -> None:
    approvals.approve(HERE, "work")
    assert approvals.find(caller(10, HERE), "work", LIMITS) is not None
    assert approvals.find(caller(11, HERE), "work", LIMITS) is not None, (
        "another process of the same terminal"
    )
    assert approvals.find(caller(10, HERE), "private", LIMITS) is None
    assert approvals.find(caller(10, terminal(2)), "work", LIMITS) is None
    assert approvals.find(caller(10), "work", LIMITS) is None, "without a terminal"
    recycled = terminal(1, leader_start=2)
    assert approvals.find(caller(10, recycled), "work", LIMITS) is None, (
        "same numbers, another session leader"
    )


def test_the_idle_limit_starts_anew_with_each_use(approvals: Approvals, clock: StoppedClock) -> None:
    approvals.approve(HERE, "work")
    for _ in range(5):
        clock.seconds += 10 * 60 - 1
        assert approvals.find(caller(10, HERE), "work", LIMITS) is not None
    clock.seconds += 10 * 60 + 1
    assert approvals.find(caller(10, HERE), "work", LIMITS) is None


def test_the_hard_limit_does_not(approvals: Approvals, clock: StoppedClock) -> None:
    approvals.approve(HERE, "work")
    start = clock.seconds
    while clock.seconds + 500 < start + 12 * 3600:
        clock.seconds += 500
        assert approvals.find(caller(10, HERE), "work", LIMITS) is not None
    clock.seconds = start + 12 * 3600 - 1
    assert approvals.find(caller(10, HERE), "work", LIMITS) is not None
    clock.seconds = start + 12 * 3600 + 1
    assert approvals.find(caller(10, HERE), "work", LIMITS) is None


@pytest.mark.parametrize("days", [-4000, 4000])
def test_setting_the_wall_clock_changes_nothing(approvals: Approvals, clock: StoppedClock, days: int) -> None:
    approvals.approve(HERE, "work")
    clock.moment += timedelta(days=days)
    assert approvals.find(caller(10, HERE), "work", LIMITS) is not None
    clock.seconds += 10 * 60 + 1
    assert approvals.find(caller(10, HERE), "work", LIMITS) is None


def test_signing_out_ends_this_terminal_or_all(approvals: Approvals) -> None:
    for each in (HERE, terminal(2)):
        approvals.approve(each, "work")
    approvals.end(HERE)
    assert approvals.find(caller(10, HERE), "work", LIMITS) is None
    assert approvals.find(caller(20, terminal(2)), "work", LIMITS) is not None
    approvals.end(None, everywhere=True)
    assert approvals.find(caller(20, terminal(2)), "work", LIMITS) is None


def test_a_program_stays_approved_when_the_approval_is_renewed(approvals: Approvals) -> None:
    program = Program("aws", "/opt/aws", 1, 2)
    approvals.approve(HERE, "work").programs.add(program)
    approvals.approve(HERE, "work")
    found = approvals.find(caller(10, HERE), "work", LIMITS)
    assert isinstance(found, Approval)
    assert found.programs == {program}


def test_a_grant_is_for_a_process_and_what_descends_from_it(
    approvals: Approvals, clock: StoppedClock
) -> None:
    me = identity.read(os.getpid())
    assert me is not None
    approvals.grant("work", me.pid, me.start)
    # A child of this process, in a session of its own as a script's would be.
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as child:
        try:
            below = identity.read(child.pid)
            above = identity.read(os.getppid())
            assert below is not None
            assert above is not None
            inside, outside = Caller(child.pid, below, None, None), Caller(above.pid, above, None, None)
            assert approvals.find(inside, "work", LIMITS) is not None
            assert approvals.find(inside, "private", LIMITS) is None
            assert approvals.find(outside, "work", LIMITS) is None
            clock.seconds += GRANT_SECONDS - 1
            assert approvals.find(inside, "work", LIMITS) is not None
            clock.seconds += 2
            assert approvals.find(inside, "work", LIMITS) is None
        finally:
            child.kill()


def test_a_grant_for_an_earlier_process_with_the_same_pid_is_none(approvals: Approvals) -> None:
    me = identity.read(os.getpid())
    assert me is not None
    approvals.grant("work", me.pid, me.start - 1)
    assert approvals.find(Caller(me.pid, me, None, None), "work", LIMITS) is None
    assert not approvals.listed_grants()

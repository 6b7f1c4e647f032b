"""Who may, and until when, one second before and after each limit."""

import os
import subprocess
from datetime import timedelta

import pytest

from keyturn.agent.approvals import Approvals, How
from keyturn.agent.callers import Caller
from keyturn.agent.grants import SCRIPT_SECONDS
from keyturn.agent.uses import Program, Use
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
    approvals.approve(HERE, Use("work"), LIMITS)
    assert approvals.find(caller(10, HERE), Use("work"), LIMITS) is not None
    assert approvals.find(caller(11, HERE), Use("work"), LIMITS) is not None, (
        "another process of the same terminal"
    )
    assert approvals.find(caller(10, HERE), Use("private"), LIMITS) is None
    assert approvals.find(caller(10, terminal(2)), Use("work"), LIMITS) is None
    assert approvals.find(caller(10), Use("work"), LIMITS) is None, "without a terminal"
    recycled = terminal(1, leader_start=2)
    assert approvals.find(caller(10, recycled), Use("work"), LIMITS) is None, (
        "same numbers, another session leader"
    )


def test_the_idle_limit_starts_anew_with_each_use(approvals: Approvals, clock: StoppedClock) -> None:
    approvals.approve(HERE, Use("work"), LIMITS)
    for _ in range(5):
        clock.seconds += 10 * 60 - 1
        assert approvals.find(caller(10, HERE), Use("work"), LIMITS) is not None
    clock.seconds += 10 * 60 + 1
    assert approvals.find(caller(10, HERE), Use("work"), LIMITS) is None


def test_the_hard_limit_does_not(approvals: Approvals, clock: StoppedClock) -> None:
    approvals.approve(HERE, Use("work"), LIMITS)
    start = clock.seconds
    while clock.seconds + 500 < start + 12 * 3600:
        clock.seconds += 500
        assert approvals.find(caller(10, HERE), Use("work"), LIMITS) is not None
    clock.seconds = start + 12 * 3600 - 1
    assert approvals.find(caller(10, HERE), Use("work"), LIMITS) is not None
    clock.seconds = start + 12 * 3600 + 1
    assert approvals.find(caller(10, HERE), Use("work"), LIMITS) is None


@pytest.mark.parametrize("days", [-4000, 4000])
def test_setting_the_wall_clock_changes_nothing(approvals: Approvals, clock: StoppedClock, days: int) -> None:
    approvals.approve(HERE, Use("work"), LIMITS)
    clock.moment += timedelta(days=days)
    assert approvals.find(caller(10, HERE), Use("work"), LIMITS) is not None
    clock.seconds += 10 * 60 + 1
    assert approvals.find(caller(10, HERE), Use("work"), LIMITS) is None


def test_signing_out_ends_this_terminal_or_all(approvals: Approvals) -> None:
    for each in (HERE, terminal(2)):
        approvals.approve(each, Use("work"), LIMITS)
    approvals.end(HERE)
    assert approvals.find(caller(10, HERE), Use("work"), LIMITS) is None
    assert approvals.find(caller(20, terminal(2)), Use("work"), LIMITS) is not None
    approvals.end_all()
    assert approvals.find(caller(20, terminal(2)), Use("work"), LIMITS) is None


def test_a_program_stays_approved_when_the_approval_is_renewed(approvals: Approvals) -> None:
    program = Program("aws", "/opt/aws", 1, 2)
    approvals.approve(HERE, Use("work"), LIMITS).programs.add(program)
    approvals.approve(HERE, Use("work"), LIMITS)
    found = approvals.find(caller(10, HERE), Use("work"), LIMITS)
    assert found is not None
    assert (found.how, found.source.programs) == (How.APPROVED, {program})


def test_a_grant_is_for_a_process_and_what_descends_from_it(
    approvals: Approvals, clock: StoppedClock
) -> None:
    me = identity.read(os.getpid())
    assert me is not None
    approvals.grants.give("work", SCRIPT_SECONDS, root=(me.pid, me.start))
    # A child of this process, in a session of its own as a script's would be.
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as child:
        try:
            below = identity.read(child.pid)
            above = identity.read(os.getppid())
            assert below is not None
            assert above is not None
            inside, outside = Caller(child.pid, below, None, None), Caller(above.pid, above, None, None)
            assert approvals.find(inside, Use("work"), LIMITS) is not None
            assert approvals.find(inside, Use("private"), LIMITS) is None
            assert approvals.find(outside, Use("work"), LIMITS) is None
            clock.seconds += SCRIPT_SECONDS - 1
            assert approvals.find(inside, Use("work"), LIMITS) is not None
            clock.seconds += 2
            assert approvals.find(inside, Use("work"), LIMITS) is None
        finally:
            child.kill()


def test_a_grant_for_an_earlier_process_with_the_same_pid_is_none(approvals: Approvals) -> None:
    me = identity.read(os.getpid())
    assert me is not None
    approvals.grants.give("work", SCRIPT_SECONDS, root=(me.pid, me.start - 1))
    assert approvals.find(Caller(me.pid, me, None, None), Use("work"), LIMITS) is None
    assert not approvals.grants.listed()

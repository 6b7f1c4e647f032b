"""What ends an approval or a grant, and what does not: each guard was found alive without its test."""

import os
import subprocess
from pathlib import Path

import pytest

from keyturn.agent import executables
from keyturn.agent.approvals import Approvals
from keyturn.agent.callers import Caller
from keyturn.agent.grants import SCRIPT_SECONDS
from keyturn.agent.uses import Use
from keyturn.ground import paths
from keyturn.ground.errors import ExecutableRefusedError
from keyturn.ground.settings import Approval as Limits
from keyturn.processes import identity
from keyturn.processes.identity import TerminalSession
from tests.agent.people import caller, terminal
from tests.vaults.templates import StoppedClock

LIMITS = Limits(idle_minutes=10, hard_hours=12)
HERE, THERE = terminal(1), terminal(2)


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
def approvals(clock: StoppedClock) -> Approvals:
    return Approvals(clock)


def me() -> Caller:
    """This process, without a terminal; what it was granted is found again by its pid and start."""
    process = identity.read(os.getpid())
    assert process is not None
    return Caller(process.pid, process, None, None)


def grant_me(approvals: Approvals, account: str) -> Caller:
    found = me()
    assert found.process is not None
    approvals.grants.give(account, SCRIPT_SECONDS, root=(found.pid, found.process.start))
    return found


def test_an_approval_has_ended_at_its_very_end(approvals: Approvals, clock: StoppedClock) -> None:
    approvals.approve(HERE, Use("work"), LIMITS)
    clock.seconds += LIMITS.idle_minutes * 60
    assert approvals.listed(LIMITS) == []
    assert approvals.find(caller(10, HERE), Use("work"), LIMITS) is None


def test_a_grant_has_ended_at_its_very_end(approvals: Approvals, clock: StoppedClock) -> None:
    mine = grant_me(approvals, "work")
    clock.seconds += SCRIPT_SECONDS - 1
    assert approvals.find(mine, Use("work"), LIMITS) is not None
    assert [left for _, left in approvals.grants.listed()] == [1]
    clock.seconds += 1
    assert approvals.grants.listed() == []
    assert approvals.find(mine, Use("work"), LIMITS) is None
    grant_me(approvals, "work")
    clock.seconds += SCRIPT_SECONDS
    assert approvals.find(mine, Use("work"), LIMITS) is None, "also where nobody has listed them meanwhile"


def listed(approvals: Approvals) -> list[tuple[TerminalSession | None, str, float]]:
    return [(scope.terminal, scope.account, left) for scope, left in approvals.listed(LIMITS)]


def test_only_what_holds_is_listed_with_the_time_that_is_left(
    approvals: Approvals, clock: StoppedClock
) -> None:
    approvals.approve(HERE, Use("work"), LIMITS)
    clock.seconds += 300
    approvals.approve(THERE, Use("home"), LIMITS)
    assert listed(approvals) == [(HERE, "work", 300), (THERE, "home", 600)]
    clock.seconds += 400
    assert listed(approvals) == [(THERE, "home", 200)]


def test_a_grant_whose_process_has_ended_is_listed_no_more(approvals: Approvals) -> None:
    child = subprocess.Popen(["sleep", "60"])
    process = identity.read(child.pid)
    assert process is not None
    approvals.grants.give("work", SCRIPT_SECONDS, root=(child.pid, process.start))
    assert len(approvals.grants.listed()) == 1
    approvals.grants.end_all()
    approvals.grants.give("work", SCRIPT_SECONDS, root=(child.pid, process.start - 1))
    assert approvals.grants.listed() == [], "another process had this pid"
    approvals.grants.give("work", SCRIPT_SECONDS, root=(child.pid, process.start))
    child.kill()
    child.wait()
    assert approvals.grants.listed() == []


def test_the_end_of_an_account_is_the_end_of_no_other(approvals: Approvals) -> None:
    mine = me()
    for account in ("work", "home"):
        approvals.approve(HERE, Use(account), LIMITS)
        grant_me(approvals, account)
    approvals.end_account("work")
    assert approvals.find(caller(10, HERE), Use("work"), LIMITS) is None
    assert approvals.find(mine, Use("work"), LIMITS) is None
    assert approvals.find(caller(10, HERE), Use("home"), LIMITS) is not None
    assert approvals.find(mine, Use("home"), LIMITS) is not None


def test_a_second_grant_takes_the_place_of_the_first_and_of_no_other(
    approvals: Approvals, clock: StoppedClock
) -> None:
    for account in ("work", "home", "work"):
        grant_me(approvals, account)
        clock.seconds += 1
    found = [(grant.account, left) for grant, left in approvals.grants.listed()]
    assert found == [("home", SCRIPT_SECONDS - 2), ("work", SCRIPT_SECONDS - 1)]


def test_signing_out_of_nowhere_ends_nothing(approvals: Approvals) -> None:
    approvals.approve(HERE, Use("work"), LIMITS)
    approvals.end(None)
    assert approvals.find(caller(10, HERE), Use("work"), LIMITS) is not None


def test_a_caller_that_cannot_be_seen_has_nothing(approvals: Approvals) -> None:
    approvals.approve(HERE, Use("work"), LIMITS)
    grant_me(approvals, "work")
    assert approvals.find(Caller(0, None, None, None), Use("work"), LIMITS) is None


def test_each_terminal_has_its_own_last_account(approvals: Approvals, clock: StoppedClock) -> None:
    for where, account in ((HERE, "work"), (THERE, "other"), (HERE, "home")):
        approvals.approve(where, Use(account), LIMITS)
        clock.seconds += 1
    assert approvals.last_account(HERE) == "home"
    assert approvals.last_account(THERE) == "other"
    approvals.end_account("home")
    assert approvals.last_account(HERE) is None


def test_a_relative_path_of_an_executable_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The keeper's working directory is not the caller's."""
    (tmp_path / "aws").touch(0o755)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ExecutableRefusedError, match="relative to"):
        executables.examine("aws", b"aws", str(tmp_path), frozenset(), ())


def test_a_file_is_no_private_directory(tmp_path: Path) -> None:
    (tmp_path / "file").touch(0o600)
    assert not paths.is_private(tmp_path / "file", os.getuid())
    (tmp_path / "there").mkdir(0o700)
    assert paths.is_private(tmp_path / "there", os.getuid())


def test_a_relative_runtime_directory_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "run").mkdir(0o700)
    monkeypatch.chdir(tmp_path)
    found = paths.resolve({"HOME": "/home/x", "XDG_RUNTIME_DIR": "run"}, os.getuid())
    assert found.runtime.is_absolute()

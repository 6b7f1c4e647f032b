"""A step's code is granted once, across processes and deaths, whatever happened to the file."""

import json
import multiprocessing
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.aws import ledger as ledgers
from keyturn.aws.ledger import Ledger, Turn
from keyturn.ground.errors import ConfigurationError

ADA = "arn:aws:iam::123456789012:mfa/ada"
GRACE = "arn:aws:iam::123456789012:mfa/grace"
STEP = 1_800_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "one-time-codes.json"


def claim(path: Path, step: int = 0, device: str = ADA) -> Turn:
    begins = STEP + 30 * step
    return Ledger(path).claim(device, begins, begins + 30)


def test_a_step_is_granted_once(path: Path) -> None:
    assert claim(path) == Turn(True)
    assert claim(path) == Turn(False, STEP + 30)
    assert claim(path, 1) == Turn(True)
    # A step that is over is not granted any more.
    assert not claim(path, 0).granted


def test_each_device_has_its_own(path: Path) -> None:
    assert claim(path).granted
    assert claim(path, device=GRACE).granted
    assert not claim(path).granted


def test_it_is_on_the_disk_before_the_claim_is_granted_and_only_for_its_owner(path: Path) -> None:
    """So the next agent knows; and the file names neither device nor code."""
    claim(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"ada" not in path.read_bytes()
    assert not claim(path).granted


def test_what_cannot_be_written_is_not_granted(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot write"):
        claim(tmp_path / "missing" / "one-time-codes.json")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"floor": 0}x',
        b'{"version": 2}',
        b'{"used": {"a": 1}}',
        b'{"others": 1}',
        b"\xff",
    ],
)
def test_a_file_that_cannot_be_trusted_costs_one_step(path: Path, content: bytes) -> None:
    claim(path)
    path.write_bytes(content)
    turn = claim(path)
    assert turn == Turn(False, STEP + 30, ledgers.UNREADABLE)
    # Others do not know more than this one, and it is told only once.
    assert claim(path, device=GRACE) == Turn(False, STEP + 30)
    assert claim(path, 1).granted
    assert claim(path, 1, GRACE).granted


def test_something_else_in_its_place_costs_one_step(path: Path) -> None:
    path.symlink_to("/dev/zero")
    assert claim(path).doubt == ledgers.UNREADABLE
    assert claim(path, 1).granted
    assert not path.is_symlink()


def test_a_clock_that_is_set_back_does_not_bring_a_step_back(path: Path) -> None:
    """Nor does it have to be waited for: a step that was not used is free, however far back."""
    for step in (0, 1000, 1):
        assert claim(path, step).granted
    for step in (0, 1, 1000):
        assert claim(path, step) == Turn(False, STEP + 30 * (step + 1))
    assert claim(path, 2).granted


def test_a_clock_that_is_set_back_after_the_file_was_spoilt_costs_one_step(path: Path) -> None:
    path.write_bytes(b"{")
    claim(path, 10**6)
    assert claim(path) == Turn(False, STEP + 30, ledgers.UNREADABLE)
    assert claim(path, 1).granted


def test_what_is_kept_has_bounds(path: Path) -> None:
    for number in range(ledgers.STEPS_KEPT + 1):
        claim(path, number)
    assert [len(steps) for steps in kept(path).values()] == [ledgers.STEPS_KEPT]
    for number in range(ledgers.DEVICES_KEPT):
        claim(path, 0, f"{ADA}{number}")
    assert len(kept(path)) == ledgers.DEVICES_KEPT
    # The last ones are there.
    assert not claim(path, 0, f"{ADA}{ledgers.DEVICES_KEPT - 1}").granted


def kept(path: Path) -> dict[str, list[object]]:
    found: dict[str, list[object]] = json.loads(path.read_text())["used"]
    return found


def test_a_longer_step_counts_by_its_end(path: Path) -> None:
    assert Ledger(path).claim(ADA, STEP, STEP + 60).granted
    assert claim(path, 1) == Turn(False, STEP + 60)
    assert claim(path, 2).granted


def _claim_many(path: str, barrier: object, answers: "multiprocessing.Queue[int]") -> None:
    barrier.wait()  # type: ignore[attr-defined]
    answers.put(sum(claim(Path(path), 0, f"{ADA}{number}").granted for number in range(20)))


def test_of_several_processes_one_gets_each_code(path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(4)
    answers: multiprocessing.Queue[int] = context.Queue()
    processes = [context.Process(target=_claim_many, args=(str(path), barrier, answers)) for _ in range(4)]
    for process in processes:
        process.start()
    granted = [answers.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(20)
    assert sum(granted) == 20


@given(
    moves=st.lists(
        st.tuples(st.integers(0, 3), st.integers(-9, 9), st.sampled_from([ADA, GRACE])), max_size=30
    )
)
def test_no_device_gets_a_step_twice_that_aws_would_take(
    tmp_path_factory: pytest.TempPathFactory, moves: list[tuple[int, int, str]]
) -> None:
    """The wall clock may be wrong by any number of steps; AWS takes a code that is one step off."""
    path = tmp_path_factory.mktemp("ledger") / "one-time-codes.json"
    sent: set[tuple[str, int]] = set()
    time = 0
    for passed, wrong_by, device in moves:
        time += passed
        step = time + wrong_by
        if claim(path, step, device).granted and abs(wrong_by) <= 1:
            assert (device, step) not in sent
            sent.add((device, step))


@given(
    moves=st.lists(st.tuples(st.integers(0, 2), st.sampled_from([ADA, GRACE]), st.booleans()), max_size=30)
)
def test_no_device_gets_a_step_twice_when_the_file_is_spoilt(
    tmp_path_factory: pytest.TempPathFactory, moves: list[tuple[int, str, bool]]
) -> None:
    path = tmp_path_factory.mktemp("ledger") / "one-time-codes.json"
    sent: set[tuple[str, int]] = set()
    time = 0
    for passed, device, is_spoilt in moves:
        time += passed
        if is_spoilt and path.exists():
            os.truncate(path, 3)
        if claim(path, time, device).granted:
            assert (device, time) not in sent
            sent.add((device, time))

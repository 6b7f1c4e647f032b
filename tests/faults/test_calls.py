"""Death, and a failing disk, at the system calls of everything that saves.

Each call that can change a disk is tried in `make soak`; `make test` tries a sample of them.
"""

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import tracer
from tests.faults.operations import OPERATIONS
from tests.faults.stage import Stage
from tests.faults.tracer import Ending, Fault

DISKS = {"full": errno.ENOSPC, "read-only": errno.EROFS, "failing": errno.EIO}


@pytest.fixture(params=list(OPERATIONS))
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Stage:
    tracer.needs_tracing()
    return Stage(tmp_path, OPERATIONS[request.param])


def runs(stage: Stage, error: int | None, lasting: bool, start: int, stride: int) -> Iterator[Ending]:
    """One run for each call that counts, until the work gets by without meeting the fault."""
    at, hits = start, 0
    while True:
        stage.put_up()
        ending = tracer.run(stage.begin, Fault(at, error, lasting))
        if not ending.was_hit:
            assert ending.report == "done", ending
            assert hits, "no call was met"
            return
        hits += 1
        yield ending
        at += stride


def check_deaths(stage: Stage, start: int, stride: int) -> None:
    for ending in runs(stage, None, False, start, stride):
        assert ending.report in ("", "done"), ending
        try:
            found = stage.found()
            assert not (ending.report == "done" and found == "old"), "told success for what is not there"
            stage.check_goes_on(found)
        except Exception as error:
            error.add_note(f"killed at call {ending.calls}, {ending.call}")
            raise


def check_disk(stage: Stage, kind: str, lasting: bool, start: int, stride: int) -> None:
    for ending in runs(stage, DISKS[kind], lasting, start, stride):
        try:
            found = stage.found()
            check_report(ending, found)
            stage.check_goes_on(found)
        except Exception as error:
            error.add_note(f"{kind}: call {ending.calls}, {ending.call}: {ending.report}")
            raise


def check_report(ending: Ending, found: str) -> None:
    kind, *rest = ending.report.split("\n")
    if kind == "done":
        assert found == "new", "told success for what is not there"
        return
    code, message, *hints = rest
    assert code in ("storage", "configuration"), "an error that is not of the documented ones"
    assert message, ending
    assert hints, "no hint says what to do"
    if "nothing was changed" in hints:
        assert found == "old", "told that nothing was changed"


@pytest.mark.timeout(120)
def test_a_death_at_a_call_leaves_the_old_or_the_new(stage: Stage) -> None:
    check_deaths(stage, 1, 8)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("kind", DISKS)
def test_a_disk_that_fails_is_told_and_nothing_is_lost(stage: Stage, kind: str) -> None:
    check_disk(stage, kind, True, 2, 23)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_a_death_at_every_call_leaves_the_old_or_the_new(stage: Stage) -> None:
    check_deaths(stage, 0, 1)


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("kind", DISKS)
def test_a_disk_that_fails_at_every_call_is_told(stage: Stage, kind: str, lasting: bool) -> None:
    # Reading can fail as well as writing, so that there are many more calls to fail at.
    check_disk(stage, kind, lasting, 0, 3 if kind == "failing" else 1)

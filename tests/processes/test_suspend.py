"""Telling a machine that slept from one that was just busy, with clocks that a test moves."""

from keyturn.ground.clock import SystemClock
from keyturn.processes.suspend import SECONDS, SuspendDetector
from tests.vaults.templates import StoppedClock


def sleep(clock: StoppedClock, seconds: float) -> None:
    clock.seconds += seconds
    clock.asleep += seconds


def test_time_that_passes_is_no_sleep() -> None:
    clock = StoppedClock()
    detector = SuspendDetector(clock)
    clock.seconds += 100_000
    assert not detector.has_slept()


def test_a_sleep_is_told_once() -> None:
    clock = StoppedClock()
    detector = SuspendDetector(clock)
    sleep(clock, 60)
    assert detector.has_slept()
    assert not detector.has_slept()
    sleep(clock, 60)
    assert detector.has_slept()


def test_a_moment_is_no_sleep() -> None:
    clock = StoppedClock()
    detector = SuspendDetector(clock)
    sleep(clock, SECONDS)
    assert not detector.has_slept()


def test_a_sleep_before_the_start_does_not_count() -> None:
    clock = StoppedClock()
    sleep(clock, 3600)
    assert not SuspendDetector(clock).has_slept()


def test_a_pause_between_the_two_readings_is_no_sleep_afterwards() -> None:
    clock = StoppedClock()
    detector = SuspendDetector(clock)
    clock.asleep -= 60  # what such a pause looks like
    assert not detector.has_slept()
    clock.asleep += 60
    assert not detector.has_slept()


def test_this_machine_is_awake() -> None:
    clock = SystemClock()
    assert 0 < clock.awake() <= clock.boot() + 1
    assert not SuspendDetector(clock).has_slept()

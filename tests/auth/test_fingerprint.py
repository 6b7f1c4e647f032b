"""A fingerprint reader through polkit and through PAM."""

from collections.abc import Iterator

import pytest

from tests.auth.fingerprint import ENROLLED, OTHER, Reader, with_reader
from tests.auth.machine import PASSWORD


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with with_reader() as found:
        yield found


@pytest.mark.parametrize("way", ["polkit", "pam"])
def test_the_right_finger_is_a_yes_and_nothing_is_typed(reader: Reader, way: str) -> None:
    with reader.machine.person(authenticator=way, service="kt-finger") as person:
        person.wait_for("show", "finger")
        reader.touch(ENROLLED)
        ending = person.ending()
    assert (ending.outcome, ending.questions) == ("approved", []), ending


@pytest.mark.parametrize("way", ["polkit", "pam"])
def test_after_wrong_fingers_the_password_is_asked(reader: Reader, way: str) -> None:
    with reader.machine.person(authenticator=way, service="kt-finger", answers=[PASSWORD]) as person:
        person.wait_for("show", "finger")
        reader.touch(OTHER)
        person.wait_for("show", "Failed to match")
        reader.touch(OTHER)
        ending = person.ending()
    assert (ending.outcome, len(ending.questions)) == ("approved", 1), ending


def test_cancelled_while_it_waits_for_a_finger_it_frees_the_reader(reader: Reader) -> None:
    with reader.machine.person(authenticator="polkit") as person:
        person.wait_for("show", "finger")
        person.cancel()
        assert person.ending().outcome == "cancelled"
    # Whoever holds the reader keeps the next one from it.
    with reader.machine.person(authenticator="polkit") as person:
        person.wait_for("show", "finger")
        reader.touch(ENROLLED)
        assert person.ending().outcome == "approved"

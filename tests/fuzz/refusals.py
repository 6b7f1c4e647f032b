"""What every target does with what its parser refuses, and the names that seeds and targets share."""

from keyturn.ground.errors import KeyturnError

CANARY = b"CANARYEXAMPLE"
ACCOUNT, ITEM = "a" * 26, "i" * 26
MOMENT = "2024-05-06T07:08:09Z"


class NoClock:
    """A machine needs a clock; reading its files does not ask it."""

    def now(self) -> object:
        raise AssertionError("the clock was asked")

    boot = now


def refused(error: KeyturnError, content: bytes) -> bool:
    said = "\n".join((error.message, *error.hints, repr(error), repr(error.__context__)))
    assert CANARY.decode() not in said or CANARY not in content, "an error repeats what it refuses"
    return False

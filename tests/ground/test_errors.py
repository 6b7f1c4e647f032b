"""Errors and their statuses."""

from keyturn.ground import errors
from keyturn.ground.errors import KeyturnError, Status


def test_every_error_has_a_code_of_its_own() -> None:
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, KeyturnError)
    ]
    codes = [kind.code for kind in kinds]
    assert len(codes) > 10
    assert len(set(codes)) == len(codes), sorted(codes)
    assert {errors.all_errors()[kind.code] for kind in kinds} == set(kinds)


def test_our_statuses_are_one_block() -> None:
    ours = sorted(status for status in Status if status >= 190)
    assert ours == list(range(190, 199))

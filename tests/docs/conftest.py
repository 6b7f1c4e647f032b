"""A user for the pages that are typed on a terminal."""

from collections.abc import Iterator

import pytest

from tests.programs.user import User


@pytest.fixture
def user() -> Iterator[User]:
    """A user with an empty home."""
    with User() as found:
        yield found

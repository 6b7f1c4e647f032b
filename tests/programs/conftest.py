"""Fixtures of the whole-program tests."""

from collections.abc import Iterator

import pytest

from tests.aws_server.client import LocalAws
from tests.programs.user import User


@pytest.fixture
def user() -> Iterator[User]:
    """A user with an empty home."""
    with User() as found:
        yield found


@pytest.fixture
def aws_user(user: User, local_aws: LocalAws) -> User:
    """A user whose AWS tools talk to the local AWS; ada's keys are in plaintext in `~/.aws/credentials`."""
    user.variables.update(local_aws.environment())
    user.aws_files(local_aws.credentials_text("ada"), local_aws.config_text())
    return user

"""Fixtures of the whole-program tests."""

from collections.abc import Iterator

import pytest

from tests.aws_server.client import LocalAws
from tests.programs import shimmed as with_shims
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


@pytest.fixture(scope="module")
def shimmed() -> Iterator[User]:
    """A user with a shim for `aws`, one for the tests of a module."""
    with User() as found:
        with_shims.set_up(found)
        yield found


@pytest.fixture
def signed_in(shimmed: User) -> User:
    """That user, when all that this test starts may use the account."""
    with_shims.sign_in(shimmed)
    return shimmed


@pytest.fixture
def locked_out(shimmed: User) -> User:
    """That user, when nobody may."""
    shimmed.keyturn("lock").succeeds()
    return shimmed

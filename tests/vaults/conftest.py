"""Accounts for the tests of the vaults."""

from pathlib import Path

import pytest

from tests.vaults.templates import Made, make_account, make_item


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """A fresh account with a password, a recovery code and one item."""
    return make_account(tmp_path / "account", tmp_path / "state", items=[make_item()], recovery=True)


@pytest.fixture
def two_vaults(made: Made) -> Made:
    """The same with an item in a second vault."""
    other = made.account.create_vault("Other")
    made.account.create(other.id, make_item("in the other"))
    return made

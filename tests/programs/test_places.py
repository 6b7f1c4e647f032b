"""Vaults of other programs that are not here: said when they are listed, before anything is asked."""

import sys

import pytest

from keyturn.ground.errors import Status
from tests.programs.user import User

CREATE = ("account", "create", "Mine", "--no-input", "--backend")


def test_a_store_that_is_not_there(user: User) -> None:
    user.keyturn(*CREATE, "pass").fails(Status.USAGE, f"there is no directory {user.home}/.password-store")
    elsewhere = {"PASSWORD_STORE_DIR": str(user.home / "store")}
    user.keyturn(*CREATE, "pass", variables=elsewhere).fails(Status.USAGE, f"{user.home}/store")
    assert "no account yet" in user.keyturn("account", "list").succeeds().errors


def test_a_store_where_its_program_looks(user: User) -> None:
    (user.home / "store").mkdir()
    user.keyturn(*CREATE, "pass", variables={"PASSWORD_STORE_DIR": str(user.home / "store")}).succeeds()
    user.keyturn("signin", "--password-file", user.password_file()).fails(
        Status.CONFIGURATION, f"{user.home}/store is no store of pass"
    )


def test_a_bus_that_is_not_there(user: User) -> None:
    user.keyturn(*CREATE, "secret-service").fails(Status.CONFIGURATION, "there is no session bus at")


@pytest.mark.skipif(sys.platform == "darwin", reason="there it is")
def test_a_keychain_where_there_is_none(user: User) -> None:
    user.keyturn(*CREATE, "keychain").fails(Status.USAGE, "the macOS Keychain is on Macs only")

"""The slot whose key lies in the login keyring, end to end, with a real gnome-keyring-daemon."""

import json

from keyturn.ground.errors import Status
from tests.programs.user import User
from tests.vaults.login_keyring import LoginKeyring
from tests.vaults.templates import PASSWORD, make_item


def test_added_locked_and_removed(user: User) -> None:
    user.account(make_item())
    file = ("--password-file", user.password_file())
    add = ("account", "slot", "add", "keyring", *file)
    user.keyturn(*add).fails(Status.DENIED, "the session bus of the login keyring is not there")
    with LoginKeyring(user.runtime) as login:
        user.variables["DBUS_SESSION_BUS_ADDRESS"] = login.bus
        user.keyturn(*add).succeeds()
        [entry] = [entry for entry in login.entries() if entry.get("application") == "keyturn"]
        listed = user.keyturn("account", "slot", "list", "--format", "json", *file).succeeds()
        [note] = [slot["note"] for slot in json.loads(listed.output)["slots"] if slot["kind"] == "keyring"]
        assert note == "login keyring"
        user.keyturn("account", "slot", "remove", "login keyring", *file).succeeds()
        assert entry not in login.entries()
        user.keyturn(*add).succeeds()
        login.lock()
        user.keyturn("lock").succeeds()
        terminal = user.terminal()
        terminal.type("keyturn item list")
        terminal.answer("password of account “Test”: ", PASSWORD)
        assert "AWS EXAMPLE" in terminal.ready()
        removed = user.keyturn("account", "slot", "remove", "login keyring", *file).succeeds()
        assert "is still there: the login keyring is locked" in removed.errors

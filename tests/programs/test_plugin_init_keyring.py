"""`plugin init gh` with the token that gh keeps in the login keyring (story 86), a real gnome-keyring."""

import pytest

from keyturn.ground.errors import Status
from tests.catalogue.test_keyring import OTHER, TOKEN, keep
from tests.programs.test_plugin_init_scopes import tools
from tests.programs.user import User
from tests.vaults.login_keyring import LoginKeyring
from tests.vaults.templates import PASSWORD, make_item

INIT = ("plugin", "init", "gh", "--import-keyring", "--no-input")


def test_imported_and_left_there(user: User) -> None:
    user.account(make_item())
    tools(user, "gh")
    file = ("--password-file", user.password_file())
    user.keyturn(*INIT, *file).fails(Status.MISSING, "the login keyring holds no credential for gh")
    with LoginKeyring(user.runtime) as login:
        user.variables["DBUS_SESSION_BUS_ADDRESS"] = login.bus
        keep(login, "gh:github.com", "monalisa", TOKEN)
        keep(login, "gh:github.com", "", TOKEN)
        done = user.keyturn(*INIT, *file).succeeds()
        assert TOKEN not in done.output + done.errors
        assert {entry.get("username") for entry in login.entries()} >= {"", "monalisa"}
        shown = user.keyturn("item", "get", "GitHub monalisa", "--reveal", *file).succeeds()
        assert TOKEN in shown.output
        login.lock()
        locked = user.keyturn(*INIT, *file).fails(Status.MISSING, "the login keyring holds no credential")
        assert "it is locked" in locked.errors


def test_offered_among_others(user: User) -> None:
    user.account(make_item())
    tools(user, "gh")
    with LoginKeyring(user.runtime) as login:
        user.variables["DBUS_SESSION_BUS_ADDRESS"] = login.bus
        keep(login, "gh:github.com", "monalisa", TOKEN)
        keep(login, "gh:git.example.com", "mona", OTHER)
        keep(login, "gh:github.com", "browser", "gho_EXAMPLE")
        done = user.keyturn(*INIT, "--password-file", user.password_file())
        done.fails(Status.USAGE, "the login keyring holds 2 credentials for gh")
        assert "found: “monalisa” in the login keyring" in done.errors
        terminal = user.terminal(columns=160)
        terminal.type("keyturn plugin init gh --no-shell-rc --also '' --scope global --title Mine")
        terminal.expect("not offered: “browser” in the login keyring: it is of a kind that is not imported")
        terminal.expect("which credential is gh to use")
        listed = terminal.expect("import: type it in")
        assert "import “mona” in the login keyring (" in listed
        assert OTHER not in listed
        terminal.child.send("\x1b[B\r")
        terminal.answer("password of account “Test”: ", PASSWORD)
        terminal.ready()
        assert terminal.status() == 0


@pytest.mark.parametrize("flag", ["--import-env", "--item=x"])
def test_one_source_at_a_time(user: User, flag: str) -> None:
    user.keyturn(*INIT, flag).fails(Status.USAGE, "one credential at a time")

"""Approvals by the system's authentication, typed on terminals by an ordinary user; real polkit, real PAM."""

import re
from collections.abc import Iterator

import pytest

from keyturn.auth import pam, polkit_policy
from keyturn.ground.errors import Status
from tests.auth.machine import PASSWORD, UNIX, USER, Machine
from tests.programs.user import Terminal, User
from tests.vaults.templates import PASSWORD as ACCOUNTS

PURPOSE = "keyturn is to list the items of account “personal”"
LOGIN, ACCOUNT = f"login password of {USER}: ", "password of account “personal”: "
DONE = "no items"


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """A machine with polkit and PAM set up for Keyturn."""
    with Machine() as found:
        found.start_bus()
        found.start_polkit(polkit_policy.content([USER]))
        found.write(str(pam.FILE), UNIX)
        yield found


@pytest.fixture
def person(machine: Machine) -> Iterator[User]:
    """An ordinary user with an account that is unlocked, approved at no terminal that is open."""
    with User() as user:
        user.account(title="personal")
        user.keyturn("agent", "stop").succeeds()
        user.password_file()
        machine.adopt(user)
        user.sh("keyturn signin --password-file password; exit $?").succeeds()
        yield user


def ask(person: User, question: str) -> Terminal:
    """A new terminal on which something is asked."""
    terminal = person.terminal()
    terminal.type("keyturn item list")
    terminal.expect(re.escape(question))
    assert PURPOSE in terminal.screen(), "it says for what"
    return terminal


def test_the_login_password_approves_this_terminal(person: User) -> None:
    terminal = ask(person, LOGIN)
    terminal.type("wrong")
    terminal.expect(re.escape("not accepted (1 of 3)"))
    terminal.answer(LOGIN, PASSWORD)
    terminal.expect(DONE)
    terminal.ready()
    assert PASSWORD not in "".join(terminal.screen())
    assert terminal.run("keyturn item list") == (f"{DONE}\n", 0), "and is not asked again"
    ask(person, LOGIN).press("c")


def test_the_accounts_password_does_not_pass_for_the_login_password(person: User) -> None:
    terminal = ask(person, LOGIN)
    terminal.type(ACCOUNTS)
    for attempt in ("1 of 3", "2 of 3"):
        terminal.expect(re.escape(attempt))
        terminal.answer(LOGIN, ACCOUNTS)
    assert "keyturn: the system's authentication was not passed" in terminal.ready()
    assert terminal.status() == Status.DENIED


def test_enter_alone_goes_on_to_the_next_way(person: User) -> None:
    """From polkit to PAM, which asks by the same words, and to the account's password."""
    terminal = ask(person, LOGIN)
    assert "(Enter alone: another way)" in terminal.screen()
    terminal.type("")
    terminal.expect(re.escape(LOGIN))
    terminal.type("")
    terminal.answer(ACCOUNT, ACCOUNTS)
    terminal.expect(DONE)


def test_the_order_is_the_settings(person: User) -> None:
    person.keyturn("settings", "set", "authentication.order", '["pam", "password"]').succeeds()
    terminal = ask(person, LOGIN)
    terminal.type(PASSWORD)
    terminal.expect(DONE)
    person.keyturn("settings", "set", "authentication.order", '["password"]').succeeds()
    terminal = ask(person, ACCOUNT)
    terminal.type(ACCOUNTS)
    terminal.expect(DONE)


@pytest.mark.parametrize("way", ["polkit", "pam"])
def test_ctrl_c_ends_it_and_approves_nothing(person: User, way: str) -> None:
    person.keyturn("settings", "set", "authentication.order", f'["{way}", "password"]').succeeds()
    terminal = ask(person, LOGIN)
    terminal.press("c")
    terminal.ready()
    assert terminal.status() == Status.INTERRUPTED
    terminal.type("keyturn item list")
    terminal.answer(LOGIN, PASSWORD)
    terminal.expect(DONE)


def test_without_a_way_left_each_reason_is_named(person: User) -> None:
    person.keyturn("settings", "set", "authentication.order", '["touch-id", "pam"]').succeeds()
    person.keyturn("settings", "set", "authentication.pam_service", "kt-none").succeeds()
    terminal = person.terminal()
    terminal.type("keyturn item list")
    printed = terminal.ready()
    assert "touch-id: Touch ID is for macOS" in printed
    assert "pam: there is no service “kt-none”" in printed
    assert terminal.status() == Status.DENIED

"""How much one approval allows: the presets, and items that always ask."""

import re
from collections.abc import Iterator

import pytest

from keyturn.ground.errors import Status
from tests.programs.probe import Wrapped
from tests.programs.user import BIN, Terminal, User
from tests.vaults.templates import PASSWORD

QUESTION = "password of account “Test”: "
GET = f"{BIN}/keyturn item get"


@pytest.fixture(scope="module")
def wrapped() -> Iterator[Wrapped]:
    with User() as user:
        found = Wrapped(user)
        signin = "keyturn signin --password-file password"
        create = "keyturn item create --title Other note[text]=x-EXAMPLE"
        user.sh(f"{signin} && {create} --no-input").succeeds()
        yield found


@pytest.fixture
def locked(wrapped: Wrapped) -> Iterator[Wrapped]:
    wrapped.user.keyturn("lock").succeeds()
    wrapped.probe.reports()
    yield wrapped
    wrapped.user.keyturn("settings", "unset", "approval.preset").succeeds()


def preset(wrapped: Wrapped, name: str) -> None:
    wrapped.user.keyturn("settings", "set", "approval.preset", name).succeeds()


def shell(wrapped: Wrapped) -> Terminal:
    terminal = wrapped.user.terminal()
    terminal.type(f"source {wrapped.user.config}/plugins.sh")
    terminal.ready()
    return terminal


def asks(terminal: Terminal, line: str) -> str:
    """The line asks, and the person agrees; what was shown before the question."""
    terminal.type(line)
    shown = terminal.expect(re.escape(QUESTION))
    terminal.type(PASSWORD)
    terminal.ready()
    assert terminal.status() == 0
    return shown


def asks_nothing(terminal: Terminal, line: str) -> None:
    printed, status = terminal.run(line)
    assert (status, QUESTION in printed) == (0, False)


def test_balanced_is_the_account_at_this_terminal(locked: Wrapped) -> None:
    one, other = shell(locked), shell(locked)
    asks(one, "aws s3")
    asks_nothing(one, f"{GET} Other")
    asks(other, "aws s3")


def test_strict_is_one_item_and_executable(locked: Wrapped) -> None:
    preset(locked, "strict")
    one = shell(locked)
    shown = asks(one, "aws s3")
    assert f"program: {locked.probe.path}" in shown
    asks_nothing(one, "aws s3")
    asks_nothing(one, "sh -c 'exec $0 \"$@\"' " + " ".join(locked.launcher) + " s3")
    asks(one, f"{GET} Other")
    asks_nothing(one, f"{GET} Other")
    asks(one, f"{GET} AWS")
    # A replaced executable is another one.
    path = locked.probe.path
    path.rename(path.with_name("old"))
    path.write_bytes(path.with_name("old").read_bytes())
    path.chmod(0o755)
    asks(one, "aws s3")
    assert one.run("keyturn status")[0].count("(this terminal) may use item ") == 4
    assert "preset strict" in one.run("keyturn status")[0]


def test_login_session_is_every_terminal_until_lock(locked: Wrapped) -> None:
    preset(locked, "login-session")
    one, other = shell(locked), shell(locked)
    asks(one, "aws s3")
    asks_nothing(other, "aws s3")
    asks_nothing(shell(locked), "aws s3")
    asks_nothing(other, "setsid -w " + " ".join(locked.launcher) + " s3")
    printed, _ = other.run("keyturn status")
    assert "every terminal of yours may use “Test” until it locks" in printed
    locked.user.sh("keyturn item list").fails(Status.LOCKED, "needs an approval")
    other.run("keyturn signout")
    asks(one, "aws s3")
    locked.user.keyturn("lock").succeeds()
    asks(other, "aws s3")


def test_another_preset_takes_no_approval_over(locked: Wrapped) -> None:
    one = shell(locked)
    preset(locked, "login-session")
    asks(one, "aws s3")
    preset(locked, "balanced")
    asks(one, "aws s3")
    preset(locked, "strict")
    asks(one, "aws s3")
    preset(locked, "balanced")
    asks_nothing(one, "aws s3")


class TestAlwaysAsk:
    @pytest.fixture
    def marked(self, locked: Wrapped) -> Iterator[Terminal]:
        terminal = shell(locked)
        asks(terminal, "keyturn item edit AWS --always-ask")
        yield terminal
        asks(terminal, "keyturn item edit AWS --no-always-ask")
        asks_nothing(terminal, "aws s3")

    def test_each_use_asks(self, locked: Wrapped, marked: Terminal) -> None:
        for _ in range(2):
            asks(marked, "aws s3")
        asks_nothing(marked, f"{GET} Other")
        asks(marked, f"{GET} AWS")
        assert len(locked.probe.reports()) == 2

    def test_unlocking_for_it_is_enough(self, locked: Wrapped, marked: Terminal) -> None:
        locked.user.keyturn("lock").succeeds()
        asks(marked, "aws s3")
        locked.user.keyturn("lock").succeeds()
        asks(marked, f"{GET} AWS")

    def test_neither_inheritance_nor_a_grant_is_enough(self, locked: Wrapped, marked: Terminal) -> None:
        marked.run("keyturn grant --for 30m")
        words = " ".join(locked.launcher)
        printed, status = marked.run(f"setsid -w {words} s3")
        assert (status, "this item asks each time" in printed) == (Status.LOCKED, True)
        locked.user.sh(f"{words} s3").fails(Status.LOCKED, "this item asks each time")
        assert locked.probe.reports() == []

    def test_ctrl_c_gives_nothing(self, locked: Wrapped, marked: Terminal) -> None:
        marked.type("aws s3")
        marked.expect(re.escape(QUESTION))
        marked.press("c")
        marked.ready()
        assert locked.probe.reports() == []

"""Questions: on the terminal alone, erased when answered, withdrawn when somebody else has settled them."""

import re
import time
from collections.abc import Iterator

import pytest

from keyturn.ground.errors import Status
from tests.programs.user import Terminal, User
from tests.vaults.templates import PASSWORD, make_item

QUESTION = "password of account “Test”: "


@pytest.fixture(scope="module")
def keeper() -> Iterator[User]:
    """A user with an account; each test locks it first."""
    with User() as user:
        user.account(make_item())
        yield user


@pytest.fixture
def locked(keeper: User) -> User:
    keeper.keyturn("lock").succeeds()
    return keeper


def asked(terminal: Terminal, command: str = "keyturn item list") -> None:
    terminal.type(command)
    terminal.expect(re.escape(QUESTION))


def questions_on(terminal: Terminal) -> list[str]:
    return [line for line in terminal.screen() if "password of" in line or "keyturn is to" in line]


def test_neither_on_stdout_nor_on_stderr_nor_from_stdin(locked: User) -> None:
    terminal = locked.terminal()
    asked(terminal, "echo not the password | keyturn item list > out 2> err")
    terminal.type(PASSWORD)
    terminal.ready()
    assert terminal.status() == 0
    assert "AWS EXAMPLE" in (locked.home / "out").read_text()
    assert "password" not in (locked.home / "out").read_text()
    assert (locked.home / "err").read_text() == ""
    assert questions_on(terminal) == []


@pytest.mark.parametrize("columns", [20, 45, 46, 100])
def test_erased_whatever_the_width(locked: User, columns: int) -> None:
    terminal = locked.terminal(columns=columns)
    terminal.run("echo the line above")
    asked(terminal)
    assert any("keyturn is to" in line for line in terminal.screen())
    terminal.press("c")
    terminal.ready()
    lines = terminal.screen()
    assert not [line for line in lines if "password" in line or "keyturn is" in line], lines
    assert any("the line above" in line for line in lines), "nothing else is erased"


def test_wrong_passwords_are_erased_too(locked: User) -> None:
    terminal = locked.terminal()
    asked(terminal)
    terminal.type("wrong EXAMPLE")
    terminal.expect(r"\(1 of 3\)\r\n" + re.escape(QUESTION))
    terminal.type(PASSWORD)
    terminal.ready()
    assert terminal.status() == 0
    shown = "\n".join(terminal.screen())
    assert "wrong" not in shown
    assert PASSWORD not in shown


def test_stopped_and_continued(locked: User) -> None:
    terminal = locked.terminal()
    asked(terminal)
    terminal.press("z")
    terminal.expect("Stopped")
    terminal.ready()
    assert questions_on(terminal) == [], "it does not stay while the shell is in front"
    printed, _ = terminal.run("stty -a")
    assert re.search(r"(?<!-)echo ", printed), "what is typed now is seen"
    terminal.type("fg")
    terminal.expect(re.escape(QUESTION))
    terminal.type(PASSWORD)
    terminal.ready()
    assert terminal.status() == 0
    assert PASSWORD not in "\n".join(terminal.screen())


def test_withdrawn_when_it_is_settled_elsewhere(locked: User) -> None:
    one, other = locked.terminal(), locked.terminal()
    asked(one)
    other.type("keyturn signin")
    # The account is being asked about at one terminal; at the other the same question waits for its turn.
    time.sleep(0.5)
    locked.keyturn("signin", "--password-file", locked.password_file()).succeeds()
    for terminal in (one, other):
        terminal.ready()
        assert terminal.status() == 0
        assert questions_on(terminal) == []
    locked.keyturn("lock").succeeds()


def test_ctrl_c_at_one_terminal_hands_the_question_to_the_other(locked: User) -> None:
    one, other = locked.terminal(), locked.terminal()
    asked(one)
    other.type("keyturn item list")
    time.sleep(0.5)
    one.press("c")
    one.ready()
    assert one.status() == Status.INTERRUPTED
    other.answer(QUESTION, PASSWORD)
    assert "AWS EXAMPLE" in other.ready()


def test_nobody_answers(user: User) -> None:
    user.account()
    user.keyturn("settings", "set", "prompt.timeout_seconds", "5").succeeds()
    terminal = user.terminal()
    asked(terminal)
    printed = terminal.ready(seconds=20)
    assert "keyturn: nobody answered in time" in printed
    assert terminal.status() == Status.DENIED


def test_the_agent_is_killed_at_the_question(user: User) -> None:
    user.account()
    terminal = user.terminal()
    asked(terminal)
    pid = re.findall(r"process (\d+)", user.keyturn("status").succeeds().output)[0]
    user.run("kill", "-KILL", pid).succeeds()
    assert "keyturn: the agent" in terminal.ready()
    assert terminal.status() == Status.UNREACHABLE
    # It heals by itself.
    asked(terminal)
    terminal.type(PASSWORD)
    terminal.ready()
    assert terminal.status() == 0

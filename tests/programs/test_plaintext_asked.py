"""`keyturn plaintext remove` and `restore` by keystrokes: every question, and Ctrl-C at each of them."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from keyturn.ground.errors import Status
from tests.programs.test_plaintext import AWS, AWS_LEFT, SECRET, TOKEN, write
from tests.programs.user import Terminal, User
from tests.vaults.templates import PASSWORD

WHICH = "which are to be taken out of their files?"
LAST = "GitHub: ~/.bashrc:1"
PUT = "put this credential into the vault and out of ~/.aws/credentials:4? [Y/n] "
UNLOCK = "password of account “Test”: "
VAULT = "into which vault?"
COMMAND = "keyturn plaintext remove --no-verify"


@pytest.fixture
def account(user: User) -> User:
    """Two vaults, so that one has to be chosen; two credentials."""
    made = user.account()
    made.account.create_vault("Work")
    write(user, ".aws/credentials", AWS)
    write(user, ".bashrc", f"export GH_TOKEN={TOKEN}\n")
    return user


def steps(terminal: Terminal) -> list[Callable[[], object]]:
    """Question by question: the first of the list is marked; the second vault is chosen."""

    def mark() -> None:
        terminal.expect(re.escape(WHICH))
        terminal.expect(re.escape(LAST))
        terminal.child.send(" \r")

    def choose() -> None:
        terminal.expect(re.escape(VAULT))
        terminal.expect("Work")
        terminal.child.send("\x1b[B\r")

    return [
        mark,
        lambda: terminal.answer(PUT, ""),
        lambda: terminal.answer(UNLOCK, PASSWORD),
        choose,
    ]


def credentials(user: User) -> Path:
    return user.home / ".aws/credentials"


def vaults(user: User) -> str:
    return user.keyturn("item", "list", "--password-file", user.password_file()).succeeds().output


def test_one_of_two_is_picked(account: User) -> None:
    terminal = account.terminal()
    terminal.type(COMMAND)
    for step in steps(terminal):
        step()
    terminal.ready()
    assert terminal.status() == 0
    assert credentials(account).read_text() == AWS_LEFT
    assert TOKEN in (account.home / ".bashrc").read_text()
    shown = terminal.screen()
    assert "item “Amazon Web Services” is in vault “Work”" in shown
    assert not [line for line in shown if WHICH in line or "[Y/n]" in line or VAULT in line], "erased"
    assert SECRET not in "\n".join(shown)
    assert "Work" in vaults(account)


def test_cancelled(account: User) -> None:
    terminal = account.terminal()
    for answered, (question, last) in enumerate([(WHICH, LAST), (PUT, ""), (UNLOCK, ""), (VAULT, "Work")]):
        terminal.type(COMMAND)
        for step in steps(terminal)[:answered]:
            step()
        terminal.expect(re.escape(question))
        terminal.expect(re.escape(last))
        terminal.press("c")
        assert "keyturn:" not in terminal.ready()
        assert terminal.status() == Status.INTERRUPTED
        assert not [line for line in terminal.screen() if question.strip() in line], "it is erased"
        assert credentials(account).read_text() == AWS
    assert vaults(account) == ""


def test_nothing_is_wanted(account: User) -> None:
    terminal = account.terminal()
    for keys, status in (("\r", 0), (" \r", Status.DENIED)):
        terminal.type(COMMAND)
        terminal.expect(re.escape(WHICH))
        terminal.expect(re.escape(LAST))
        terminal.child.send(keys)
        if status:
            terminal.answer(PUT, "n")
        assert "nothing was changed" in terminal.ready()
        assert terminal.status() == status
        assert credentials(account).read_text() == AWS


def test_changed_while_the_question_stands(account: User) -> None:
    """What was looked at is not what is there any more: it stays as it is now."""
    terminal, path = account.terminal(), credentials(account)

    def replace() -> None:
        write(account, ".aws/new", AWS).replace(path)

    for change in (lambda: path.write_text(AWS + "# more\n"), replace, path.unlink):
        path.write_text(AWS)
        terminal.type(f"{COMMAND} .aws/credentials --vault Work")
        terminal.expect(re.escape(PUT))
        change()
        left = path.read_text() if path.exists() else None
        terminal.type("")
        assert "was left as it is: it was changed meanwhile" in terminal.ready()
        assert terminal.status() == Status.CONFIGURATION
        assert (path.read_text() if path.exists() else None) == left
    assert vaults(account) == "", "nor was an item made"


def test_put_back(account: User) -> None:
    password = account.password_file()
    remove = (
        "plaintext",
        "remove",
        "--all",
        "--no-verify",
        "--no-input",
        "--vault",
        "Work",
        "--password-file",
        password,
    )
    account.keyturn(*remove).succeeds()
    account.keyturn("lock").succeeds()
    terminal = account.terminal()
    for is_cancelled in (True, False):
        terminal.type("keyturn plaintext restore ~/.aws/credentials")
        terminal.expect(re.escape(UNLOCK))
        terminal.press("c") if is_cancelled else terminal.type(PASSWORD)
        terminal.ready()
        assert terminal.status() == (Status.INTERRUPTED if is_cancelled else 0)
        assert credentials(account).read_text() == (AWS_LEFT if is_cancelled else AWS)

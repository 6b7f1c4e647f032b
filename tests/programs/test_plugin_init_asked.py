"""`keyturn plugin init aws` by keystrokes: every question, and Ctrl-C at each of them."""

import json
import re
from collections.abc import Callable

import pytest

from keyturn.ground.errors import Status
from tests.programs.test_plugin_init import CREDENTIALS, KEY, SECRET, credentials
from tests.programs.user import Terminal, User
from tests.vaults.templates import PASSWORD, make_item

COMMAND = "keyturn plugin init aws --no-verify"
WHICH = "which credential is aws to use?"
TITLE = "title of the new item [AWS]: "
WHERE = "where is aws to use it?"
SESSION = "for this terminal session only"
SEARCH = "search in Keyturn: an item that is in the vault"
TYPED = "import: type it in"
REMOVE = "afterwards, take the keys out of profile “default” in ~/.aws/credentials? [Y/n] "
SHELL = ".config/keyturn/plugins.sh” to ~/.bashrc? [Y/n] "
PRESET = "how often is Keyturn to ask?"
RECOVERY = "also make a recovery code, to open the account if the password is lost? [Y/n] "
NEW_PASSWORD = "new password for account “personal”: "
AGAIN = "the same once more: "
CODE = "press Enter when you have it: "
UNLOCK = "password of account “Test”: "
DOWN = "\x1b[B"


def choose(terminal: Terminal, question: str, last: str, downs: int = 0) -> None:
    """Pick from a list; `last` is its last line, after which keys are read."""
    terminal.expect(re.escape(question))
    terminal.expect(re.escape(last))
    for _ in range(downs):
        terminal.child.send(DOWN)
    terminal.child.send("\r")


def first_questions(terminal: Terminal) -> list[Callable[[], object]]:
    """The whole of a first run, question by question; the last step is the answer that is Enter."""
    return [
        lambda: choose(terminal, WHICH, TYPED),
        lambda: terminal.answer(TITLE, ""),
        lambda: choose(terminal, WHERE, SESSION),
        lambda: terminal.answer(REMOVE, ""),
        lambda: terminal.answer(SHELL, ""),
        lambda: choose(terminal, PRESET, "login-session: once for all terminals", downs=1),
        lambda: terminal.answer(RECOVERY, "y"),
        lambda: terminal.answer(NEW_PASSWORD, PASSWORD),
        lambda: terminal.answer(AGAIN, PASSWORD),
        lambda: terminal.answer(CODE, ""),
    ]


def traces(user: User) -> set[str]:
    """Every file that a set-up writes, of those that are there; a log is none."""
    places = (user.config, user.data, user.home / ".aws")
    found = {
        str(path.relative_to(user.home)) for place in places for path in place.rglob("*") if path.is_file()
    }
    return {name for name in found if not name.endswith(".lock")}


def test_a_first_run(user: User) -> None:
    user.aws_files(CREDENTIALS)
    terminal = user.terminal()
    terminal.type(COMMAND)
    for step in first_questions(terminal):
        step()
    terminal.ready()
    assert terminal.status() == 0
    shown = terminal.screen()
    assert f"source {user.config}/plugins.sh" in shown
    assert "removed the keys from profile “default” in ~/.aws/credentials" in shown
    assert not [line for line in shown if "[Y/n]" in line or "once more" in line or "AGE-SECRET-KEY" in line]
    assert not [line for line in shown if "which credential" in line or "title of" in line or WHERE in line]
    assert SECRET not in "\n".join(shown)
    assert KEY not in (user.home / ".aws/credentials").read_text()
    assert user.keyturn("settings", "get", "approval.preset").output == "strict\n"


# Before the password of the first account is given twice, nothing is there; from then on the account.
@pytest.mark.parametrize("answered", range(10))
def test_cancelled_in_a_first_run(user: User, answered: int) -> None:
    user.aws_files(CREDENTIALS)
    before = traces(user)
    terminal = user.terminal()
    terminal.type(COMMAND)
    steps = first_questions(terminal)
    for step in steps[:answered]:
        step()
    questions = [WHICH, TITLE, WHERE, REMOVE, SHELL, PRESET, RECOVERY, NEW_PASSWORD, AGAIN, CODE]
    terminal.expect(re.escape(questions[answered]))
    lists = {WHICH: TYPED, WHERE: SESSION, PRESET: "login-session: once"}
    if questions[answered] in lists:
        terminal.expect(re.escape(lists[questions[answered]]))
    terminal.press("c")
    assert "keyturn:" not in terminal.ready()
    assert terminal.status() == Status.INTERRUPTED
    assert not [line for line in terminal.screen() if questions[answered].strip() in line], "it is erased"
    assert credentials(user).decode() == CREDENTIALS
    assert not (user.config / "defaults.json").exists()
    assert not (user.config / "plugins.sh").exists()
    assert not (user.home / ".bashrc").exists()
    if answered < 9:
        assert traces(user) == before
    else:
        listed = user.keyturn("item", "list", "--password-file", user.password_file()).succeeds()
        assert listed.output == "", "an account, and nothing in it"


class TestWithAnAccount:
    """Later runs: the account is there and is unlocked after the choice."""

    def begin(self, user: User) -> Terminal:
        user.account(make_item("Prod EXAMPLE"), make_item("Test EXAMPLE", "another EXAMPLE"))
        user.aws_files(CREDENTIALS)
        terminal = user.terminal()
        terminal.type(COMMAND)
        return terminal

    def default(self, user: User) -> str:
        content = json.loads((user.config / "defaults.json").read_text())
        return str(content["everywhere"]["aws"]["title"])

    def test_an_item_is_picked(self, user: User) -> None:
        terminal = self.begin(user)
        choose(terminal, WHICH, TYPED, downs=2)
        terminal.answer(UNLOCK, PASSWORD)
        choose(terminal, "which item is aws to use?", "Test EXAMPLE (vault Private, account Test)", downs=1)
        choose(terminal, WHERE, SESSION)
        terminal.answer(SHELL, "n")
        terminal.ready()
        assert terminal.status() == 0
        assert self.default(user) == "Test EXAMPLE"
        assert credentials(user).decode() == CREDENTIALS

    @pytest.mark.parametrize("key", ["c", "d"])
    @pytest.mark.parametrize("at", ["unlock", "item"])
    def test_cancelled_at_the_item(self, user: User, key: str, at: str) -> None:
        terminal = self.begin(user)
        choose(terminal, WHICH, TYPED, downs=2)
        if at == "unlock":
            terminal.expect(re.escape(UNLOCK))
        else:
            terminal.answer(UNLOCK, PASSWORD)
            terminal.expect(re.escape("Test EXAMPLE (vault Private, account Test)"))
        if (key, at) == ("d", "item"):
            # A list has no end of input; it takes Ctrl-C alone.
            terminal.press("c")
        terminal.press(key)
        terminal.expect(re.escape("ready> "))
        assert not (user.config / "defaults.json").exists()
        assert not (user.config / "plugins.sh").exists()

    def test_another_vault_title_and_no_removal(self, user: User) -> None:
        user.account()
        user.keyturn("vault", "create", "Team", "--password-file", user.password_file()).succeeds()
        user.keyturn("lock").succeeds()
        user.aws_files(CREDENTIALS)
        terminal = user.terminal()
        terminal.type(COMMAND)
        choose(terminal, WHICH, TYPED)
        terminal.answer(UNLOCK, PASSWORD)
        terminal.answer(TITLE, "My key EXAMPLE")
        choose(terminal, "into which vault?", "Team", downs=1)
        choose(terminal, WHERE, SESSION)
        terminal.answer(REMOVE, "maybe")
        terminal.answer(REMOVE, "n")
        terminal.answer(SHELL, "n")
        terminal.ready()
        assert terminal.status() == 0
        assert credentials(user).decode() == CREDENTIALS
        listed, _ = terminal.run("keyturn item list --vault Team")
        assert "My key EXAMPLE" in listed

    @pytest.mark.parametrize("at", ["title", "removal"])
    def test_cancelled_before_an_import(self, user: User, at: str) -> None:
        terminal = self.begin(user)
        choose(terminal, WHICH, TYPED)
        terminal.answer(UNLOCK, PASSWORD)
        terminal.expect(re.escape(TITLE))
        if at == "removal":
            terminal.type("")
            choose(terminal, WHERE, SESSION)
            terminal.expect(re.escape(REMOVE))
        terminal.press("c")
        terminal.ready()
        assert terminal.status() == Status.INTERRUPTED
        assert credentials(user).decode() == CREDENTIALS
        assert not (user.config / "defaults.json").exists()
        assert not (user.config / "plugins.sh").exists()
        listed, _ = terminal.run("keyturn item list")
        assert len(listed.splitlines()) == 3, "the two items that were there, under the headings"


def test_a_terminal_that_cannot_move_its_cursor(user: User) -> None:
    user.account()
    user.aws_files(CREDENTIALS)
    user.variables["TERM"] = "dumb"
    terminal = user.terminal()
    terminal.type(COMMAND)
    terminal.answer("number [1]: ", "9")
    terminal.answer("number [1]: ", "2")
    terminal.answer(UNLOCK, PASSWORD)
    terminal.answer("title of the new item [AWS dev]: ", "")
    terminal.answer("number [1]: ", "")
    terminal.answer("profile “dev” in ~/.aws/credentials? [Y/n] ", "n")
    terminal.answer(SHELL, "n")
    printed = terminal.ready()
    assert terminal.status() == 0
    assert "\x1b[" not in printed
    content = json.loads((user.config / "defaults.json").read_text())
    assert content["bindings"]["aws"]["dev"]["title"] == "AWS dev"

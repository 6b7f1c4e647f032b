"""What stays on a person's terminal and above it: no secret, however the questions ended."""

import io
from collections.abc import Iterator

import pyte
import pytest

from tests.programs.planted import Planted, recovery_code
from tests.programs.user import Terminal

QUESTION = "password of account “Test”: "
CODE = "press Enter when you have it: "
LINES = 5000


@pytest.fixture
def planted() -> Iterator[Planted]:
    with Planted() as found:
        yield found


class Scroll:
    """All that a terminal has shown and not erased, what has left its screen included."""

    def __init__(self, terminal: Terminal, columns: int = 100) -> None:
        self._recorded = io.StringIO()
        self._columns = columns
        terminal.child.logfile_read = self._recorded

    def text(self) -> str:
        screen = pyte.HistoryScreen(self._columns, 50, history=LINES, ratio=0.5)
        pyte.Stream(screen).feed(self._recorded.getvalue())
        above = ("".join(line[column].data for column in range(self._columns)) for line in screen.history.top)
        return "".join([*above, *screen.display]).replace(" ", "")


def secrets_on(scroll: Scroll, planted: Planted) -> set[str]:
    shown = scroll.text()
    return {name for name, secret in planted.secrets.items() if secret in shown}


def test_nothing_stays_in_the_scroll_back(planted: Planted) -> None:
    secrets = planted.secrets
    terminal = planted.user.terminal()
    scroll = Scroll(terminal)
    terminal.type("keyturn signin")
    terminal.answer(QUESTION, secrets["wrong"])
    terminal.answer(QUESTION, secrets["password"])
    terminal.ready()
    terminal.type("keyturn item create --title t key")
    terminal.expect("key")
    terminal.expect(": ")
    terminal.type(secrets["value"])
    terminal.ready()
    terminal.run("keyturn item get t; keyturn item get t --format json; keyturn item list; keyturn status")
    terminal.type("keyturn account slot add recovery --title other")
    secrets["made code"] = recovery_code(terminal.expect(CODE))
    assert secrets_on(scroll, planted) == {"made code"}, "while it is shown it is there to be found"
    terminal.type("")
    terminal.ready()
    terminal.type("keyturn account password change")
    terminal.answer("old password: ", secrets["password"])
    terminal.answer("new password: ", secrets["new"])
    terminal.answer("the same once more: ", secrets["wrong"])
    terminal.answer("new password: ", secrets["new"])
    terminal.answer("the same once more: ", secrets["new"])
    terminal.ready()
    terminal.run("seq 200")
    assert not secrets_on(scroll, planted)
    terminal.run("keyturn item get t --reveal")
    assert secrets_on(scroll, planted) == {"value"}, "where it is asked for"


def test_half_a_password_is_not_left_to_the_shell(planted: Planted) -> None:
    """The agent goes away while somebody types: what was typed does not become a command."""
    terminal, other = planted.user.terminal(), planted.user.terminal()
    scroll = Scroll(terminal)
    terminal.type("keyturn signin")
    terminal.expect(QUESTION)
    terminal.child.send(planted.secrets["password"])
    other.run("keyturn agent stop")
    terminal.ready()
    # Whatever lies in the terminal's input is now the shell's, which shows it.
    terminal.type("echo end=here")
    terminal.expect("end=here\r\n")
    terminal.ready()
    assert not secrets_on(scroll, planted)

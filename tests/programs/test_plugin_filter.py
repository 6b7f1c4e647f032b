"""What is typed filters a list: letters of any alphabet, in any case, however they are composed."""

import re
import unicodedata

import pytest

from keyturn.cli.listing import PluginRow, fits
from tests.programs.test_plugin_init import defaults
from tests.programs.test_plugin_init_asked import COMMAND, SESSION, SHELL, TYPED, UNLOCK, WHERE, WHICH, choose
from tests.programs.test_plugin_init_scopes import ITEM
from tests.programs.user import User
from tests.vaults.templates import PASSWORD, make_item

# The title is kept as two characters a letter, as macOS writes names; keyboards send one.
TITLE = unicodedata.normalize("NFD", "Ökologie Łódź EXAMPLE")


@pytest.mark.parametrize("typed", ["ökol", "ŁÓ", "łó"])
@pytest.mark.parametrize("terminal_kind", ["xterm", "dumb"])
def test_letters_of_any_alphabet(user: User, typed: str, terminal_kind: str) -> None:
    user.account(make_item("Another EXAMPLE"), make_item(TITLE), make_item("Third EXAMPLE"))
    user.variables["TERM"] = terminal_kind
    terminal = user.terminal()
    terminal.type(COMMAND)
    if terminal_kind == "dumb":
        terminal.answer("number [1]: ", "1")
        terminal.answer(UNLOCK, PASSWORD)
        terminal.answer("number, or a part of the line [1]: ", typed)
        listed = terminal.expect(r"number, or a part of the line \[\d\]: ")
        assert "Another EXAMPLE" not in listed
        terminal.type("")
        terminal.answer("number [1]: ", "1")
    else:
        choose(terminal, WHICH, TYPED)
        terminal.answer(UNLOCK, PASSWORD)
        terminal.expect(re.escape(ITEM))
        terminal.expect("Third EXAMPLE")
        terminal.child.send(typed)
        terminal.expect(f"/.*{typed}")
        terminal.child.send("\r")
        choose(terminal, WHERE, SESSION)
    terminal.answer(SHELL, "n")
    terminal.ready()
    assert terminal.status() == 0
    assert defaults(user)["everywhere"]["aws"]["title"] == TITLE


@pytest.mark.parametrize(
    ("word", "expected"),
    [("ÖKO", True), ("o\u0308ko", True), ("STRASSE", True), ("straße", True), ("OKO", False)],
)
def test_words_of_plugin_list(word: str, expected: bool) -> None:
    row = PluginRow("tool", "Öko-Straße", "tool", "Platform", "Token", [], True, False)
    assert fits(row, (word,)) is expected
    assert fits(row, (word, "frob")) is False

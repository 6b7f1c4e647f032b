"""`keyturn plugin init` by keystrokes: a typed credential, the search, and an item that lacks a field."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from keyturn.ground.errors import Status
from keyturn.ground.secret import Secret
from keyturn.items import FieldType, Item, new_field, new_item
from tests.programs.test_plugin_init import KEY, SECRET, defaults
from tests.programs.test_plugin_init_asked import (
    COMMAND,
    SESSION,
    SHELL,
    TITLE,
    TYPED,
    UNLOCK,
    WHERE,
    WHICH,
    choose,
)
from tests.programs.user import Terminal, User
from tests.vaults.templates import MOMENT, PASSWORD, make_item

ITEM = "which item is aws to use?"
EXPAND = "expand the search: all 3 items of the account"
LACKS = "item “Notes EXAMPLE” lacks the field “access key id”: which of its fields is that?"
NONE_OF_THESE = "none of these: type it in"
RENAME = "rename the field “hush” of item “Notes EXAMPLE” to “secret access key”? [Y/n] "
ADD = "add the field “access key id” to item “Notes EXAMPLE”? [Y/n] "


def notes() -> Item:
    """An item that nothing connects with AWS, with the values of a key under labels of its own."""
    fields = [
        new_field("user", FieldType.TEXT, Secret(KEY)),
        new_field("hush", FieldType.TEXT, Secret(SECRET)),
        new_field("empty", FieldType.TEXT, Secret("")),
    ]
    return new_item("Notes EXAMPLE", fields, MOMENT)


def old() -> Item:
    """An item that its title connects with AWS."""
    return new_item("Old aws EXAMPLE", [new_field("pin", FieldType.CONCEALED, Secret("1 EXAMPLE"))], MOMENT)


@pytest.fixture
def terminal(user: User) -> Terminal:
    """A terminal of a user with three items: one tagged, one with a fitting title, one without either."""
    user.account(notes(), make_item("Prod EXAMPLE"), old())
    return user.terminal()


def vault(user: User) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in (user.home / "accounts").rglob("*.age")}


def get(user: User, title: str) -> dict[str, tuple[str, str]]:
    """The types and values of an item's fields, by label."""
    shown = user.keyturn(
        "item", "get", title, "--format", "json", "--reveal", "--password-file", user.password_file()
    )
    fields = json.loads(shown.succeeds().output)["item"]["fields"]
    return {field["label"]: (field["type"], field["value"]) for field in fields}


def finish(terminal: Terminal) -> None:
    choose(terminal, WHERE, SESSION)
    terminal.answer(SHELL, "n")
    terminal.ready()
    assert terminal.status() == 0


def test_typed_field_by_field(user: User, terminal: Terminal) -> None:
    terminal.type(COMMAND)
    choose(terminal, WHICH, TYPED, downs=1)
    terminal.answer("access key id: ", "")
    terminal.answer("access key id: ", KEY)
    terminal.answer("secret access key: ", "")
    terminal.answer("secret access key: ", SECRET)
    assert SECRET not in terminal.expect(re.escape("default region (Enter: none): ")), "not echoed"
    terminal.type("eu-north-1")
    terminal.answer("one-time password (Enter: none): ", "")
    terminal.answer("mfa serial (Enter: none): ", "")
    terminal.answer(UNLOCK, PASSWORD)
    terminal.answer(TITLE, "Typed EXAMPLE")
    finish(terminal)
    assert SECRET not in "\n".join(terminal.screen())
    assert get(user, "Typed EXAMPLE") == {
        "access key id": ("STRING", KEY),
        "secret access key": ("CONCEALED", SECRET),
        "default region": ("STRING", "eu-north-1"),
    }
    assert defaults(user)["everywhere"]["aws"]["title"] == "Typed EXAMPLE"


def test_typed_keys_that_end_by_themselves_are_not_taken(user: User, terminal: Terminal) -> None:
    before = vault(user)
    terminal.type(COMMAND)
    choose(terminal, WHICH, TYPED, downs=1)
    terminal.answer("access key id: ", "ASIAIOSFODNN7EXAMPLE")
    terminal.answer("secret access key: ", SECRET)
    for question in ("default region", "one-time password", "mfa serial"):
        terminal.answer(f"{question} (Enter: none): ", "")
    assert "keyturn: this credential is not taken: temporary" in terminal.ready()
    assert terminal.status() == Status.USAGE
    assert vault(user) == before


def test_the_search_shows_related_items_first(user: User, terminal: Terminal) -> None:
    terminal.type(COMMAND)
    choose(terminal, WHICH, TYPED)
    terminal.answer(UNLOCK, PASSWORD)
    terminal.expect(re.escape(ITEM))
    listed = terminal.expect(re.escape(EXPAND))
    order = re.findall(r"(\w+) (?:aws )?EXAMPLE \(vault Private, account Test\)", listed)
    assert order == ["Prod", "Old"], "the tagged one first, and what is not related not at all"
    terminal.child.send("\r")
    finish(terminal)
    assert defaults(user)["everywhere"]["aws"]["title"] == "Prod EXAMPLE"


def test_expanded_and_filtered_a_field_renamed_and_one_added(user: User, terminal: Terminal) -> None:
    terminal.type(COMMAND)
    choose(terminal, WHICH, TYPED)
    terminal.answer(UNLOCK, PASSWORD)
    choose(terminal, ITEM, EXPAND, downs=2)
    terminal.expect(re.escape(ITEM))
    terminal.expect("Notes EXAMPLE")
    terminal.child.send("NOT")
    terminal.expect(r"/.*NOT")
    terminal.child.send("\r")
    terminal.expect(re.escape(LACKS))
    labels = terminal.expect(NONE_OF_THESE)
    assert "user" in labels
    assert "empty" not in labels, "a field without a value is no candidate"
    assert KEY not in labels
    # A no brings the list back.
    terminal.child.send("\r")
    terminal.answer("rename the field “user” of item “Notes EXAMPLE” to “access key id”? [Y/n] ", "n")
    choose(terminal, LACKS, NONE_OF_THESE, downs=2)
    terminal.answer("access key id of item “Notes EXAMPLE”: ", "AKIAOTHEREXAMPLE")
    terminal.answer(ADD, "y")
    choose(terminal, "lacks the field “secret access key”", NONE_OF_THESE, downs=1)
    terminal.answer(RENAME, "")
    finish(terminal)
    assert get(user, "Notes EXAMPLE") == {
        "user": ("STRING", KEY),
        "secret access key": ("CONCEALED", SECRET),
        "empty": ("STRING", ""),
        "access key id": ("STRING", "AKIAOTHEREXAMPLE"),
    }
    assert defaults(user)["everywhere"]["aws"]["title"] == "Notes EXAMPLE"


QUESTIONS = [WHICH, UNLOCK, ITEM, ITEM, LACKS, RENAME, WHERE, SHELL]
# What is shown last where a list is asked.
LAST = {WHICH: TYPED, LACKS: NONE_OF_THESE, WHERE: SESSION}


@pytest.mark.parametrize("answered", range(len(QUESTIONS)))
def test_cancelled(user: User, terminal: Terminal, answered: int) -> None:
    before = vault(user)
    terminal.type(COMMAND)

    def rename_the_first() -> None:
        choose(terminal, LACKS, NONE_OF_THESE)
        terminal.answer("to “access key id”? [Y/n] ", "")
        choose(terminal, "“secret access key”", NONE_OF_THESE)

    steps: list[Callable[[], object]] = [
        lambda: choose(terminal, WHICH, TYPED),
        lambda: terminal.answer(UNLOCK, PASSWORD),
        lambda: choose(terminal, ITEM, EXPAND, downs=2),
        lambda: choose(terminal, ITEM, "Notes EXAMPLE", downs=2),
        rename_the_first,
        lambda: terminal.answer(RENAME, ""),
        lambda: choose(terminal, WHERE, SESSION, downs=2),
    ]
    for step in steps[:answered]:
        step()
    question = QUESTIONS[answered]
    terminal.expect(re.escape(question))
    if question == ITEM:
        terminal.expect(re.escape(EXPAND if answered == 2 else "Prod EXAMPLE"))
    elif question in LAST:
        terminal.expect(re.escape(LAST[question]))
    terminal.press("c")
    assert "keyturn:" not in terminal.ready()
    assert terminal.status() == Status.INTERRUPTED
    assert vault(user) == before
    assert not (user.config / "defaults.json").exists()
    assert not (user.config / "plugins.sh").exists()
    assert not (user.home / ".bashrc").exists()
    assert not [path for path in user.runtime.rglob("sessions-*/*") if path.suffix == ".json"]


@pytest.mark.parametrize("question", ["access key id: ", "secret access key: ", "mfa serial (Enter: none): "])
def test_cancelled_while_typing(user: User, terminal: Terminal, question: str) -> None:
    before = vault(user)
    terminal.type(COMMAND)
    choose(terminal, WHICH, TYPED, downs=1)
    for asked, typed in (
        ("access key id: ", KEY),
        ("secret access key: ", SECRET),
        ("default region (Enter: none): ", ""),
        ("one-time password (Enter: none): ", ""),
        ("mfa serial (Enter: none): ", ""),
    ):
        if asked == question:
            break
        terminal.answer(asked, typed)
    terminal.expect(re.escape(question))
    terminal.child.send("half EXAMPLE")
    terminal.press("c")
    assert "keyturn:" not in terminal.ready()
    assert terminal.status() == Status.INTERRUPTED
    assert not [line for line in terminal.screen() if "EXAMPLE" in line]
    assert vault(user) == before
    assert not (user.config / "defaults.json").exists()


@pytest.mark.parametrize(
    ("meanwhile", "said"),
    [
        (("secret access key=-",), "item “Notes EXAMPLE” has a field “secret access key” already"),
        (("--remove", "hush"), "item “Notes EXAMPLE” has no field “hush”"),
    ],
)
def test_an_item_that_changes_meanwhile(
    user: User, terminal: Terminal, meanwhile: tuple[str, ...], said: str
) -> None:
    """Between the questions and the change: nothing is overwritten, and nothing is made the default."""
    terminal.type(f"{COMMAND} --item 'Notes EXAMPLE' --field 'access key id=user' --no-shell-rc")
    terminal.answer(UNLOCK, PASSWORD)
    choose(terminal, "lacks the field “secret access key”", NONE_OF_THESE)
    terminal.answer(RENAME, "")
    terminal.expect(re.escape(WHERE))
    terminal.expect(SESSION)
    password = ("--password-file", user.password_file())
    user.keyturn("item", "edit", "Notes EXAMPLE", *meanwhile, *password, stdin="new EXAMPLE").succeeds()
    before = vault(user)
    terminal.child.send("\r")
    assert said in terminal.ready()
    assert vault(user) == before
    assert not (user.config / "defaults.json").exists()


class TestByFlags:
    """The same without a terminal."""

    def init(self, *flags: str) -> tuple[str, ...]:
        return ("plugin", "init", "aws", "--no-input", "--item", "Notes EXAMPLE", *flags)

    def test_a_missing_field_is_an_error_that_says_how(self, user: User) -> None:
        user.account(notes())
        password = ("--password-file", user.password_file())
        said = user.keyturn(*self.init(), *password).fails(
            Status.MISSING, "item “Notes EXAMPLE”: the field “access key id” is missing"
        )
        assert "its fields: “user”, “hush”, “empty”" in said.errors
        assert re.search(r"keyturn plugin init aws --item \w{26}\n", said.errors)
        assert re.search(r"keyturn item edit \w{26} 'access key id'\n", said.errors)
        assert not (user.config / "defaults.json").exists()

    def test_fields_are_named_by_flags(self, user: User) -> None:
        user.account(notes())
        before = vault(user)
        password = ("--password-file", user.password_file())
        fields = ("--field", "ACCESS KEY-ID=User", "--field", "secret access key=hush")
        said = user.keyturn(*self.init(*fields, "--dry-run"), *password).succeeds()
        assert "would rename the field “hush” to “secret access key” of item" in said.errors
        assert vault(user) == before
        user.keyturn(*self.init(*fields), *password).succeeds()
        assert get(user, "Notes EXAMPLE") == {
            "access key id": ("STRING", KEY),
            "secret access key": ("CONCEALED", SECRET),
            "empty": ("STRING", ""),
        }

    def test_an_empty_field_of_that_name_gives_way(self, user: User) -> None:
        found = notes()
        found.fields.append(new_field("Secret-Access-Key", FieldType.CONCEALED, Secret("")))
        user.account(found)
        fields = ("--field", "access key id=user", "--field", "secret access key=hush")
        user.keyturn(*self.init(*fields), "--password-file", user.password_file()).succeeds()
        assert get(user, "Notes EXAMPLE")["secret access key"] == ("CONCEALED", SECRET)
        assert "Secret-Access-Key" not in get(user, "Notes EXAMPLE")

    @pytest.mark.parametrize(
        ("field", "status", "said"),
        [
            ("secret access key=frob", Status.MISSING, "no field “frob” that could be renamed"),
            ("secret access key=empty", Status.MISSING, "no field “empty” that could be renamed"),
            ("secret=hush", Status.USAGE, "no field of Amazon Web Services is called secret"),
            ("hush", Status.USAGE, "--field takes LABEL=FIELD"),
        ],
    )
    def test_what_is_refused(self, user: User, field: str, status: int, said: str) -> None:
        user.account(notes())
        password = ("--password-file", user.password_file())
        flags = ("--field", "access key id=user", "--field", field)
        user.keyturn(*self.init(*flags), *password).fails(status, said)
        assert not (user.config / "defaults.json").exists()


def test_a_run_with_an_item_that_lacks_a_field(user: User) -> None:
    """Without a terminal: which label is missing, which there are, and the commands that mend it.

    With one it asks (test_item_override.py).
    """
    user.account(make_item("Prod EXAMPLE"))
    password = ("--password-file", user.password_file())
    user.keyturn("plugin", "init", "aws", "--no-input", "--item", "Prod EXAMPLE", *password).succeeds()
    user.keyturn("item", "edit", "Prod EXAMPLE", "--remove", "secret access key", *password).succeeds()
    done = user.sh("keyturn signin --password-file password && keyturn plugin run -- aws s3 ls")
    printed = " ".join(done.errors.split())
    assert done.status == Status.MISSING
    assert "item “Prod EXAMPLE”: the field “secret access key” is missing" in printed
    assert "its fields: “access key id”" in printed
    assert "say which one it is: keyturn plugin init aws --item " in printed
    assert "or add it: keyturn item edit " in printed

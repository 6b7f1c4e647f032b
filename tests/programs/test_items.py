"""Items on the command line: what is created is what is read back, and no secret comes by an argument."""

import json
import re
from collections.abc import Iterator

import pytest

from keyturn.ground.errors import Status
from tests.programs.user import User
from tests.programs.vault import Vault


@pytest.fixture(scope="module")
def vault() -> Iterator[Vault]:
    with User() as user:
        yield Vault(user)


def test_every_type_and_every_way_of_giving_a_value(vault: Vault) -> None:
    (vault.user.home / "token").write_text("from a file EXAMPLE\n")
    (vault.user.home / "key.pem").write_text("line 1\nline 2 EXAMPLE\r\n\n")
    name = vault.create(
        "all types",
        "user name[text]=ada=b",
        "site[url]=https://x.example/?a=[1]",
        "token=@token",
        "key[concealed]=@key.pem",
        "seed[otp]=-",
        stdin="otpauth://totp/x?secret=EXAMPLEEXAMPLE23\n",
    )
    assert vault.fields(name) == {
        "user name": ("STRING", "ada=b"),
        "site": ("URL", "https://x.example/?a=[1]"),
        "token": ("CONCEALED", "from a file EXAMPLE"),
        "key": ("CONCEALED", "line 1\nline 2 EXAMPLE\r\n"),
        "seed": ("OTP", "otpauth://totp/x?secret=EXAMPLEEXAMPLE23"),
    }
    one = vault.item("get", name, "--field", "USER_name").succeeds()
    assert one.output == "ada=b\n", "labels match without case, spaces, - and _"


@pytest.mark.parametrize(
    ("assignments", "said"),
    [
        (["key[concealed]=oopsEXAMPLE"], "would stand in an argument"),
        (["seed[otp]=oopsEXAMPLE"], "would stand in an argument"),
        (["key=oopsEXAMPLE"], "would stand in an argument"),
        (["key="], "would stand in an argument"),
        (["key"], "is missing, and there is no terminal"),
        (["key[password]=@x"], "no field type is called password"),
        (["=x"], "label[type]=value"),
        (["[text]=x"], "label[type]=value"),
        (["key=@none"], "cannot read none"),
        (["key=@."], "cannot read"),
        (["key=-"], "is empty"),
        (["a=-", "b=-"], "standard input can be the value of one field"),
        (["api-key[text]=1", "API Key[text]=2"], "two values for one field"),
    ],
)
def test_what_is_refused(vault: Vault, assignments: list[str], said: str) -> None:
    before = vault.item("list").output
    failed = vault.item("create", "--title", "refused", *assignments).fails(Status.USAGE, said)
    assert "oopsEXAMPLE" not in failed.errors
    assert vault.item("list").output == before


def test_an_item_without_fields_says_how_to_give_it_some(vault: Vault) -> None:
    done = vault.item("create", "--title", "Empty").succeeds()
    item = done.output.strip()
    assert done.errors == f"“Empty” has no fields yet: keyturn item edit {item} LABEL=VALUE\n"
    vault.item("edit", item, "user[text]=ada").succeeds()


def test_a_secret_is_asked_for_without_echo(vault: Vault) -> None:
    terminal = vault.user.terminal()
    terminal.type("keyturn item create --title asked 'key' 'user[text]=ada'")
    terminal.answer("key: ", "typedEXAMPLE")
    name = terminal.ready().strip()[-26:]  # behind what erased the question
    assert "typedEXAMPLE" not in "\n".join(terminal.screen())
    assert not [line for line in terminal.screen() if line.startswith("key:")]
    assert vault.fields(name)["key"] == ("CONCEALED", "typedEXAMPLE")
    # Standard input that is a terminal would show what is typed.
    printed, status = terminal.run("keyturn item create --title x 'key=-'")
    assert (status, "standard input is a terminal" in printed) == (Status.USAGE, True)


def test_edit(vault: Vault) -> None:
    name = vault.create("to edit", "user[text]=ada", "key=-", "old[text]=x", stdin="one EXAMPLE")
    edited = vault.item(
        "edit", "to edit", "USER=bob", "Key=-", "new[url]=https://x.example", "--remove", "old", "--tag", "t",
        "--title", "edited", stdin="two EXAMPLE",
    ).succeeds()  # fmt: skip
    assert (edited.output, edited.errors) == ("", "")
    assert vault.fields("edited") == {
        "user": ("STRING", "bob"),
        "key": ("CONCEALED", "two EXAMPLE"),
        "new": ("URL", "https://x.example"),
    }
    assert vault.fields(name) == vault.fields("edited"), "the id stays"
    vault.item("edit", name).fails(Status.USAGE, "nothing to change")
    vault.item("edit", name, "key=oops").fails(Status.USAGE, "would stand in an argument")
    vault.item("edit", name, "unknown=oops").fails(Status.USAGE, "would stand in an argument")
    vault.item("edit", name, "user[concealed]=oops").fails(Status.USAGE, "would stand in an argument")
    vault.item("edit", name, "--remove", "none").fails(Status.MISSING, "no field “none”")
    assert vault.fields(name)["key"] == ("CONCEALED", "two EXAMPLE")


def test_what_get_shows(vault: Vault) -> None:
    name = vault.create("shown", "user[text]=ada", "key=-", stdin="hidden EXAMPLE")
    plain = vault.item("get", name).succeeds().output
    assert "user [text]: ada" in plain
    assert "hidden EXAMPLE" not in plain
    content = json.loads(vault.item("get", name, "--format", "json").succeeds().output)
    assert content["version"] == 1
    item = content["item"]
    # The shape of `op item get --format json`; what is hidden is left out.
    assert (item["id"], item["title"], item["category"], item["version"]) == (
        name,
        "shown",
        "API_CREDENTIAL",
        1,
    )
    assert item["vault"]["name"] == "Private"
    assert {"created_at", "updated_at"} <= item.keys()
    assert [sorted(field) for field in item["fields"]] == [
        ["id", "label", "type", "value"],
        ["id", "label", "type"],
    ]
    assert "hidden EXAMPLE" in vault.item("get", name, "--reveal").succeeds().output
    assert vault.item("get", name, "--field", "key").succeeds().output == "hidden EXAMPLE\n"


def test_list(vault: Vault) -> None:
    name = vault.create("Needle in the vault", "a[text]=b", "--tag", "team/x")
    found = json.loads(vault.item("list", "needle", "TEAM", "--format", "json").succeeds().output)
    assert found["version"] == 1
    [row] = found["items"]
    assert (row["id"], row["title"], row["tags"]) == (name, "Needle in the vault", ["team/x"])
    assert row["vault"]["name"] == "Private"
    assert "fields" not in row
    table = vault.item("list", "needle").succeeds().output.splitlines()
    assert [line.rstrip() for line in table] == table
    assert name in table[1]
    nothing = vault.item("list", "no such thing").succeeds()
    assert (nothing.output, nothing.errors) == ("", "no such items\n")


def test_two_items_of_one_title(vault: Vault) -> None:
    first, second = vault.create("twice", "a[text]=1"), vault.create("twice", "a[text]=2")
    said = vault.item("get", "twice").fails(Status.MISSING, "2 items are called “twice”").errors
    assert first in said
    assert second in said
    assert vault.item("get", second, "--field", "a").succeeds().output == "2\n"


def test_what_comes_from_elsewhere_steers_no_terminal(vault: Vault) -> None:
    name = vault.create("ti\x1b[2J\ntle", "note[text]=a\x1b[31mred\x9b2J\u202eevil", "la\x1bbel[text]=x")
    for command in (("get", name), ("get", name, "--format", "json"), ("list",)):
        shown = vault.item(*command).succeeds().output
        assert not [c for c in shown if not c.isprintable() and c != "\n"], command
    assert vault.fields(name)["note"][1] == "a\x1b[31mred\x9b2J\u202eevil", "JSON holds it exactly"


def test_a_table_fits_a_narrow_terminal_and_keeps_its_ids_whole(vault: Vault) -> None:
    name = vault.create("a title of many words that has to be folded somewhere in here", "a[text]=b")
    terminal = vault.user.terminal(columns=60)
    terminal.run("clear")
    terminal.run("keyturn item list folded")
    assert [line for line in terminal.screen() if name in line]


def test_ctrl_c_at_a_question_changes_nothing(vault: Vault) -> None:
    name = vault.create("untouched", "key=-", stdin="value EXAMPLE")
    before = vault.item("list", "--format", "json").output
    terminal = vault.user.terminal()
    for words, question in (
        ("create", "title of the new item: "),
        ("create --title x key", "key: "),
        ("create --title x 'user[text]=ada' one two", "one: "),
        (f"edit {name} key", "key: "),
        (f"edit {name} key new --title other", "key: "),
        (f"delete {name} --permanently", "for good? [y/N]"),
    ):
        terminal.type(f"keyturn item {words}")
        terminal.expect(re.escape(question))
        terminal.press("c")
        terminal.ready()
        assert terminal.status() == Status.INTERRUPTED, words
    assert vault.item("list", "--format", "json").output == before
    assert vault.fields(name) == {"key": ("CONCEALED", "value EXAMPLE")}

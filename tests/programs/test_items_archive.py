"""Items that are put aside, brought back, moved and looked at as they were."""

from collections.abc import Iterator

import pytest

from keyturn.ground.errors import Status
from tests.programs.user import User
from tests.programs.vault import Vault


@pytest.fixture(scope="module")
def vault() -> Iterator[Vault]:
    with User() as user:
        found = Vault(user)
        user.keyturn("vault", "create", "Other").succeeds()
        yield found


def test_delete_and_restore(vault: Vault) -> None:
    name = vault.create("aside", "key=-", "--vault", "Private", stdin="value EXAMPLE")
    said = vault.item("delete", "aside").succeeds()
    assert (said.output, said.errors) == (
        "",
        f"“aside” is archived; to have it back: keyturn item restore {name}\n",
    )
    assert name not in [row["id"] for row in vault.json("list")]
    assert name in [row["id"] for row in vault.json("list", "--archived")]
    for verb in ("get", "delete"):
        failed = vault.item(verb, "aside").fails(Status.MISSING, "is archived")
        assert "keyturn item restore" in failed.errors
    vault.item("edit", name, "user[text]=x").fails(Status.MISSING, "is archived")
    vault.item("restore", "aside").succeeds()
    assert vault.fields(name) == {"key": ("CONCEALED", "value EXAMPLE")}
    vault.item("restore", "aside").fails(Status.MISSING, "no archived item")


def test_delete_permanently(vault: Vault) -> None:
    name = vault.create("for good", "key=-", "--vault", "Private", stdin="value EXAMPLE")
    vault.item("delete", name, "--permanently").fails(Status.USAGE, "a yes to delete for good is missing")
    assert vault.fields(name)
    terminal = vault.user.terminal()
    for answer in ("n", ""):
        terminal.type(f"keyturn item delete {name} --permanently")
        terminal.answer("for good? [y/N]", answer)
        terminal.ready()
        assert terminal.status() == Status.INTERRUPTED
    assert vault.fields(name)
    terminal.type(f"keyturn item delete {name} --permanently")
    terminal.answer("for good? [y/N]", "y")
    terminal.ready()
    assert terminal.status() == 0
    vault.item("get", name).fails(Status.MISSING, "no item")
    vault.item("restore", name).fails(Status.MISSING, "no archived item")
    archived = vault.create("archived first", "key=-", "--vault", "Private", stdin="value EXAMPLE")
    vault.item("delete", archived).succeeds()
    vault.item("delete", "archived first", "--permanently", "--yes").succeeds()
    vault.item("restore", archived).fails(Status.MISSING, "no archived item")


def test_move(vault: Vault) -> None:
    name = vault.create("wanderer", "key=-", "--vault", "Private", stdin="value EXAMPLE")
    assert vault.item("move", name, "--to", "other").succeeds().errors == ""
    assert vault.json("get", name)["vault"]["name"] == "Other"
    assert vault.fields(name) == {"key": ("CONCEALED", "value EXAMPLE")}
    assert [row["id"] for row in vault.json("list", "wanderer", "--vault", "Other")] == [name]
    assert vault.json("list", "wanderer", "--vault", "Private") == []
    vault.item("move", name, "--to", "nowhere").fails(Status.MISSING, "no vault “nowhere”")
    vault.item("move", "none", "--to", "Other").fails(Status.MISSING, "no item “none”")
    vault.item("move", name, "--to", "Other").succeeds()


def test_history(vault: Vault) -> None:
    name = vault.create("with a past", "user[text]=ada", "key=-", "--vault", "Private", stdin="first EXAMPLE")
    vault.item("edit", name, "key=-", stdin="second EXAMPLE").succeeds()
    vault.item("edit", name, "--remove", "user", "new[text]=x", "--title", "renamed").succeeds()
    versions = vault.json("history", name)
    assert [(each["version"], each["changes"], each["current"]) for each in versions] == [
        (1, [], False),
        (2, ["key"], False),
        (3, ["title", "+new", "-user"], True),
    ]
    table = vault.item("history", "renamed").succeeds().output
    assert "EXAMPLE" not in table
    assert "title, +new, -user" in table
    shown = vault.item("get", name, "--version", "1", "--field", "key").succeeds().output
    assert shown == "first EXAMPLE\n"
    hidden = vault.item("get", name, "--version", "1").succeeds().output
    assert ("user [text]: ada" in hidden, "EXAMPLE" in hidden) == (True, False)
    vault.item("get", name, "--version", "7").fails(Status.MISSING, "version 7")
    vault.item("restore", name, "--version", "9").fails(Status.MISSING, "version 9")
    vault.item("restore", name, "--version", "1").succeeds()
    assert vault.fields("with a past") == {
        "user": ("STRING", "ada"),
        "key": ("CONCEALED", "first EXAMPLE"),
    }
    assert [each["version"] for each in vault.json("history", name)] == [1, 2, 3, 4]


def test_list_by_tag_and_by_type(vault: Vault) -> None:
    tags = ("--tag", "keyturn/aws/access-key", "--tag", "red")
    typed = vault.create("typed", "note[text]=x", "--vault", "Private", *tags)
    similar = vault.create(
        "similar", "Access_Key-ID[text]=x", "secret access key=-", "--vault", "Other", stdin="v"
    )
    labels = ("access key id[text]=x", "secret access key[text]=x")
    another = vault.create("of another", *labels, "--vault", "Other", "--tag", "keyturn/other/access-key")
    other = vault.create("other", "access key id[text]=x", "--vault", "Private", "--tag", "red")
    found = {row["id"] for row in vault.json("list", "--type", "aws/access-key")}
    assert {typed, similar} <= found
    assert not {other, another} & found
    assert {row["id"] for row in vault.json("list", "--tag", "red")} == {typed, other}
    assert {row["id"] for row in vault.json("list", "--tag", "red", "--type", "aws/access-key")} == {typed}
    assert vault.json("list", "--tag", "re") == []
    vault.item("list", "--type", "nonsense").fails(Status.USAGE, "no plugin is called nonsense")
    vault.item("list", "--type", "aws/other").fails(Status.USAGE, "no credential type is called aws/other")
    # What an item is stays with other tags.
    vault.item("edit", typed, "--tag", "blue").succeeds()
    assert set(vault.json("get", typed)["tags"]) == {"keyturn/aws/access-key", "blue"}
    vault.item("edit", other, "--type", "aws").succeeds()
    assert set(vault.json("get", other)["tags"]) == {"keyturn/aws/access-key", "red"}


def test_an_item_that_asks_each_time_is_not_changed_in_silence(vault: Vault) -> None:
    name = vault.create("guarded", "key=-", "--vault", "Private", stdin="value EXAMPLE")
    vault.item("edit", name, "--always-ask").succeeds()
    for words in (
        ("delete", name),
        ("delete", name, "--permanently", "--yes"),
        ("move", name, "--to", "Other"),
        ("restore", name, "--version", "1"),
        ("history", name),
        ("get", name, "--otp"),
    ):
        vault.item(*words).fails(Status.LOCKED, "asks each time")
    assert name in [row["id"] for row in vault.json("list", "guarded", "--vault", "Private")]

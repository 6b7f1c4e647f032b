"""Development and production, each with its own account: the directory decides, and locked ones are named."""

import re

import pytest

from keyturn.ground.errors import Status
from keyturn.ground.secret import Secret
from keyturn.items import FieldType, ItemReference, new_field, new_item
from keyturn.scopes import defaults
from tests.programs.test_plugin_clear import change_defaults, in_directory
from tests.programs.test_plugin_init_scopes import tools
from tests.programs.user import Terminal, User
from tests.vaults.templates import MOMENT, PASSWORD

ACCOUNTS = {"Work": "AKIAWORKEXAMPLE", "Home": "AKIAHOMEEXAMPLE"}


@pytest.fixture
def two(user: User) -> User:
    """A user with two locked accounts, the item of each of which is the default of a directory."""
    tools(user, "aws")
    (user.home / "tools/aws").write_text('#!/bin/sh\necho "as=$AWS_ACCESS_KEY_ID"\n')
    for title, key in ACCOUNTS.items():
        fields = [
            new_field("access key id", FieldType.TEXT, Secret(key)),
            new_field("secret access key", FieldType.CONCEALED, Secret(f"{title} secret EXAMPLE")),
        ]
        item = new_item(f"{title} keys EXAMPLE", fields, MOMENT, ["keyturn/aws/access-key"])
        made = user.account(item, title=title)
        (user.home / title.lower()).mkdir()
        reference = ItemReference(made.account.id, made.vault.id, item.id, item.title)
        change_defaults(user, in_directory(user, title.lower(), reference))
    real = str((user.home / "tools/aws").resolve())
    change_defaults(user, lambda known: defaults.with_trusted(known, "aws", real))
    return user


def question(account: str) -> str:
    return f"password of account “{account}”: "


def run(terminal: Terminal, directory: str, account: str = "") -> str:
    """Who `aws` is in a directory; with `account`, that one's password is asked for first."""
    terminal.type(f"cd ~/{directory}; keyturn plugin run -- aws s3 ls")
    if account:
        before = terminal.expect(re.escape(question(account)))
        assert f"“{account} keys EXAMPLE”" in before, "what it is for is named"
        assert f"/{directory} and below" in before, "and what chose it"
        terminal.type(PASSWORD)
    found = re.findall(r"as=(\w+)", terminal.ready())
    assert terminal.status() == 0
    assert len(found) == 1
    return str(found[0])


def test_a_directory_of_a_locked_account_unlocks_that_one(two: User) -> None:
    terminal = two.terminal()
    assert run(terminal, "work", "Work") == ACCOUNTS["Work"]
    assert run(terminal, "home", "Home") == ACCOUNTS["Home"]
    assert run(terminal, "work") == ACCOUNTS["Work"], "both are open now: cd alone switches"
    printed, _ = terminal.run("keyturn status --format json")
    assert printed.count('"unlocked": true') == 2


def test_one_that_is_open_is_no_help_to_the_other(two: User) -> None:
    """Signed in to one account, the other one's directory does not fall back to it."""
    terminal = two.terminal()
    terminal.run(f"keyturn signin --account Home --password-file {two.password_file()}")
    terminal.type("cd ~/work; keyturn plugin run -- aws s3 ls")
    terminal.expect(re.escape(question("Work")))
    terminal.press("c")
    assert "as=" not in terminal.ready()
    assert terminal.status() == Status.INTERRUPTED
    done = two.sh("cd ~/work; keyturn plugin run -- aws s3 ls").fails(Status.LOCKED, "the account is locked")
    assert "as=" not in done.output
    assert run(terminal, "home") == ACCOUNTS["Home"]


def test_the_log_names_items_that_only_a_session_has(two: User) -> None:
    terminal = two.terminal()
    terminal.run(f"keyturn signin --account Work --password-file {two.password_file()}")
    (two.config / "defaults.json").unlink()
    line = "keyturn plugin init aws --account Work --item 'Work keys EXAMPLE' --scope session --no-input"
    assert terminal.run(line)[1] == 0
    assert run(terminal, "home") == ACCOUNTS["Work"]
    printed, _ = terminal.run("keyturn log | grep 'aws '")
    assert "Work keys EXAMPLE" in printed
    assert "the default of this terminal session" in printed

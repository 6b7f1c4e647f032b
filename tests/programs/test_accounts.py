"""Accounts, their slots, the password and the vaults, as a person and a script use them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from keyturn.ground.errors import Status
from tests.programs.user import User
from tests.vaults.templates import PASSWORD, make_account, make_item

CODE = re.compile(r"AGE-SECRET-KEY-1[A-Z0-9]{58}")


@pytest.fixture(scope="module")
def pair() -> Iterator[User]:
    """A user with two accounts, for tests that leave them as they are."""
    with User() as user:
        user.account(make_item("work EXAMPLE"), title="Work")
        user.account(make_item("home EXAMPLE"), title="Home")
        yield user


def accounts(user: User) -> list[dict[str, object]]:
    content = json.loads(user.keyturn("account", "list", "--format", "json").succeeds().output)
    assert content["version"] == 1
    found: list[dict[str, object]] = content["accounts"]
    return found


class TestCreate:
    def test_by_a_script(self, user: User) -> None:
        directory = user.home / "vaults here/work"
        file = user.password_file()
        done = user.keyturn(
            "account",
            "create",
            "Work",
            "--directory",
            "vaults here/work",
            "--vault",
            "Keys",
            "--password-file",
            file,
        ).succeeds()
        assert done.output == ""
        assert f"account “Work” is in {directory}" in done.errors
        assert "without the password it cannot be opened" in done.errors
        assert [(each["title"], each["directory"]) for each in accounts(user)] == [("Work", str(directory))]
        assert directory.stat().st_mode & 0o777 == 0o700
        listed = user.keyturn("vault", "list", "--password-file", file).succeeds().output.splitlines()
        assert [line.split()[0] for line in listed] == ["vault", "Keys"]
        again = ("account", "create", "work", "--password-file", file)
        user.keyturn(*again).fails(Status.USAGE, "an account called “work” already")
        other = ("account", "create", "Other", "--directory", str(directory), "--password-file", file)
        assert user.keyturn(*other).status != 0, "a directory with an account in it is left alone"
        assert len(accounts(user)) == 1

    def test_by_a_person_with_a_recovery_code(self, user: User) -> None:
        terminal = user.terminal()
        terminal.type("keyturn account create --recovery")
        question = "new password for account “personal”: "
        terminal.answer(question, "")
        terminal.expect("an empty password protects nothing")
        terminal.answer(question, PASSWORD)
        terminal.answer("the same once more: ", "a different one EXAMPLE")
        terminal.expect("the two were different")
        terminal.answer(question, PASSWORD)
        terminal.answer("the same once more: ", PASSWORD)
        code = CODE.findall(terminal.expect("press Enter when you have it: "))
        assert len(code) == 1
        terminal.type("")
        terminal.ready()
        shown = "\n".join(terminal.screen())
        assert not CODE.search(shown), "the code does not stay on the screen"
        assert "new password" not in shown
        assert "account “personal” is in" in shown
        user.keyturn("lock").succeeds()
        terminal.type("keyturn item list")
        terminal.answer("password of account “personal”: ", code[0])
        terminal.ready()
        assert terminal.status() == 0, "the recovery code opens at the password's prompt"

    def test_what_is_refused(self, user: User) -> None:
        create = ("account", "create")
        user.keyturn(*create).fails(Status.USAGE, "the new password is missing, and there is no terminal")
        user.keyturn(*create, "--no-input").fails(Status.USAGE, "--no-input is given")
        user.keyturn(*create, "--recovery").fails(Status.USAGE, "a terminal to show the recovery code")
        (user.home / "empty").write_text("\n")
        user.keyturn(*create, "--password-file", "empty").fails(Status.USAGE, "is empty")
        user.keyturn(*create, "--password-file", "none").fails(Status.USAGE, "no such file")
        user.keyturn(*create, "--password-file", ".").fails(Status.USAGE, "is a directory")
        user.keyturn(*create, "--password-fd", "9").fails(Status.USAGE, "descriptor 9: bad file descriptor")
        both = ("--password-fd", "0", "--password-file", user.password_file())
        user.keyturn(*create, *both).fails(Status.USAGE, "one place")
        file = ("--password-file", user.password_file())
        for title in ("", " ", "a\x1b[31mb", "two\nlines", "x" * 121):
            said = user.keyturn(*create, title, *file)
            assert said.status == Status.USAGE, title
            assert "\x1b" not in said.errors
        user.keyturn("account", "create", "Good", "--vault", "", *file).fails(Status.USAGE, "")
        assert not accounts(user)
        assert not (user.data / "accounts").exists(), "nothing is left behind"

    def test_the_password_comes_by_a_descriptor(self, user: User) -> None:
        user.keyturn("account", "create", "--password-fd", "0", stdin=f"{PASSWORD}\nmore\n").succeeds()
        # What follows the password's line is left for what reads it next.
        script = "(keyturn item create --title T --password-fd 0 'key=-' && cat) < both"
        (user.home / "both").write_text(f"{PASSWORD}\nthe value EXAMPLE")
        created = user.sh(script).succeeds().output.strip()
        file = user.password_file()
        got = user.keyturn("item", "get", created, "--field", "key", "--password-file", file).succeeds()
        assert got.output == "the value EXAMPLE\n"


class TestTwoAccounts:
    def test_one_has_to_be_named(self, pair: User) -> None:
        said = pair.keyturn("item", "list").fails(Status.USAGE, "there are 2 accounts: “Work”, “Home”")
        assert "KEYTURN_ACCOUNT" in said.errors
        file = ("--password-file", pair.password_file())
        by_option = pair.keyturn("item", "list", "--account", "work", *file).succeeds().output
        assert "work EXAMPLE" in by_option
        assert "home EXAMPLE" not in by_option
        by_variable = (
            pair.keyturn("item", "list", *file, variables={"KEYTURN_ACCOUNT": "Home"}).succeeds().output
        )
        assert "home EXAMPLE" in by_variable
        identity = next(each["id"] for each in accounts(pair) if each["title"] == "Work")
        assert (
            "work EXAMPLE"
            in pair.keyturn("item", "list", "--account", str(identity), *file).succeeds().output
        )

    def test_the_last_one_of_a_terminal_is_meant(self, pair: User) -> None:
        terminal = pair.terminal()
        pair.keyturn("lock").succeeds()
        terminal.type("keyturn signin --account Home")
        terminal.answer("password of account “Home”: ", PASSWORD)
        terminal.ready()
        printed, status = terminal.run("keyturn item list")
        assert (status, "home EXAMPLE" in printed) == (0, True)


class TestListed:
    def test_add_rename_and_forget(self, user: User) -> None:
        made = make_account(user.home / "elsewhere", user.home / "other-state", title="Inner")
        files = sorted(str(path) for path in made.directory.rglob("*"))
        file = ("--password-file", user.password_file())
        user.keyturn("account", "add", "nothing").fails(Status.MISSING, "there is no account in")
        assert "added as “elsewhere”" in user.keyturn("account", "add", "elsewhere").succeeds().errors
        user.keyturn("account", "add", "elsewhere").fails(Status.USAGE, "listed already, as “elsewhere”")
        user.keyturn("account", "rename", "Renamed", *file).succeeds()
        assert [each["title"] for each in accounts(user)] == ["Renamed"]
        user.keyturn("account", "rename", "", *file).fails(Status.USAGE, "needs a name")
        user.keyturn("account", "forget").fails(Status.USAGE, "which account?")
        assert (
            str(made.directory) in user.keyturn("account", "forget", "--account", "Renamed").succeeds().errors
        )
        assert accounts(user) == []
        assert set(files) <= {str(path) for path in made.directory.rglob("*")}, "its files stay"
        user.keyturn("item", "list", *file).fails(Status.MISSING, "there is no account yet")

    def test_an_empty_list(self, user: User) -> None:
        done = user.keyturn("account", "list").succeeds()
        assert (done.output, done.errors) == ("", "no account yet; begin with: keyturn plugin init aws\n")


class TestTrust:
    def test_after_a_roll_back(self, user: User) -> None:
        made = user.account(make_item("first EXAMPLE"))
        vault = made.directory / "vaults" / f"{made.vault.id}.age"
        old = vault.read_bytes()
        made.account.create(made.vault.id, make_item("second EXAMPLE"))
        vault.write_bytes(old)
        file = ("--password-file", user.password_file())
        user.keyturn("item", "list", *file).fails(Status.DAMAGED, "")
        asked = user.keyturn("account", "trust", *file)
        assert asked.status == Status.USAGE, "not without a word"
        assert "pinned here: " in asked.errors
        user.keyturn("item", "list", *file).fails(Status.DAMAGED, "")
        terminal = user.terminal()
        terminal.type("keyturn account trust")
        terminal.answer("password of the account: ", PASSWORD)
        terminal.answer("trust what was found? [y/N] ", "")
        terminal.ready()
        assert terminal.status() == Status.INTERRUPTED, "no is the default"
        user.keyturn("item", "list", *file).fails(Status.DAMAGED, "")
        user.keyturn("account", "trust", "--yes", *file).succeeds()
        assert "first EXAMPLE" in user.keyturn("item", "list", *file).succeeds().output


def test_vaults(user: User) -> None:
    user.account()
    file = ("--password-file", user.password_file())
    created = user.keyturn("vault", "create", "Team", *file).succeeds().output.strip()
    listed = json.loads(user.keyturn("vault", "list", "--format", "json", *file).succeeds().output)
    assert listed["version"] == 1
    assert [(each["title"], each["items"]) for each in listed["vaults"]] == [("Private", 0), ("Team", 0)]
    assert created == listed["vaults"][1]["id"]
    assert "a vault “Team” already" in user.keyturn("vault", "create", "Team", *file).errors
    for title in ("", "a\nb", "a\x1bb"):
        user.keyturn("vault", "create", title, *file).fails(Status.USAGE, "a title is one line")
    create = ("item", "create", "--title", "T", "user[text]=ada", *file)
    user.keyturn(*create).fails(Status.USAGE, "which vault? there are 2: “Private”, “Team”")
    user.keyturn(*create, "--vault", "TEAM").succeeds()
    only = user.keyturn("item", "list", "--vault", created, *file).succeeds()
    assert len(only.output.splitlines()) == 2
    assert user.keyturn("item", "list", "--vault", "Private", *file).succeeds().output == ""


def test_what_the_disk_holds_names_nothing(user: User) -> None:
    """File names and sizes apart, the directories tell no item, vault or field (SECURITY 31)."""
    user.account(make_item("a telling title EXAMPLE"))
    user.keyturn("vault", "create", "tellingvault", "--password-file", user.password_file()).succeeds()
    found = [path for path in Path(user.home).rglob("*") if path.is_file() and path.name != "password"]
    assert found
    for path in found:
        content = path.read_bytes()
        assert b"telling" not in content, path
        assert PASSWORD.encode() not in content, path
        assert "telling" not in path.name

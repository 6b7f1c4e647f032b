"""Signing in and out, locking, status; and who may use an account without a terminal."""

import json
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from keyturn.ground.errors import Status
from tests.programs.user import BIN, User
from tests.vaults.templates import PASSWORD, make_item

QUESTION = "password of account “Test”: "
LIST = f"{BIN}/keyturn item list"


@pytest.fixture(scope="module")
def keeper() -> Iterator[User]:
    with User() as user:
        user.account(make_item())
        user.password_file()
        yield user


@pytest.fixture
def locked(keeper: User) -> User:
    keeper.keyturn("lock").succeeds()
    return keeper


def status(user: User) -> dict[str, Any]:
    content = json.loads(user.keyturn("status", "--format", "json").succeeds().output)
    assert content["version"] == 1
    found: dict[str, Any] = content["status"]
    return found


def test_a_terminal_is_asked_once_and_another_one_for_itself(locked: User) -> None:
    one, other = locked.terminal(), locked.terminal()
    one.type("keyturn signin")
    one.answer(QUESTION, PASSWORD)
    one.ready()
    assert one.status() == 0
    assert [line for line in one.screen() if line != "ready>"] == [
        "ready> keyturn signin",
        "ready> echo status=$?",
        "status=0",
    ]
    for command in ("keyturn item list", "sh -c 'keyturn item list'", "bash -ic 'keyturn item list'"):
        printed, ended = one.run(command)
        assert (ended, "AWS EXAMPLE" in printed) == (0, True), command
    other.type("keyturn item list")
    other.answer(QUESTION, PASSWORD)
    assert "AWS EXAMPLE" in other.ready()
    found = status(locked)
    assert [(each["account"], each["this"]) for each in found["approvals"]] == [("Test", False)] * 2
    assert [each["unlocked"] for each in found["accounts"]] == [True]
    printed, _ = one.run("keyturn status")
    assert re.search(r"^pts/\d+ \(this terminal\) may use “Test” for (9|10) min$", printed, re.MULTILINE)
    # Out of one terminal; the other keeps its approval, and the keys stay.
    assert one.run("keyturn signout") == ("", 0)
    one.type("keyturn item list")
    one.expect(re.escape(QUESTION))
    one.press("c")
    one.ready()
    assert other.run("keyturn item list")[1] == 0
    # Out everywhere, from anywhere.
    locked.keyturn("signout", "--all").succeeds()
    found = status(locked)
    assert (found["approvals"], [each["unlocked"] for each in found["accounts"]]) == ([], [True])
    other.type("keyturn item list")
    other.expect(re.escape(QUESTION))
    other.press("c")
    other.ready()


def test_locked_is_locked_everywhere(locked: User) -> None:
    terminal = locked.terminal()
    terminal.type("keyturn signin")
    terminal.answer(QUESTION, PASSWORD)
    terminal.ready()
    assert locked.keyturn("lock").succeeds().output == ""
    found = status(locked)
    assert (found["approvals"], [each["unlocked"] for each in found["accounts"]]) == ([], [False])
    terminal.type("keyturn item list")
    terminal.expect(re.escape(QUESTION))
    terminal.press("c")
    terminal.ready()


def test_status_starts_no_agent(user: User) -> None:
    for command in (
        ("status",),
        ("signout",),
        ("signout", "--all"),
        ("lock",),
        ("agent", "stop"),
        ("settings",),
    ):
        user.keyturn(*command).succeeds()
        assert not list(user.runtime.glob("keyturn/*.sock")), command
    assert "not running" in user.keyturn("status").output
    assert json.loads(user.keyturn("status", "--format", "json").output) == {"version": 1, "status": None}
    user.keyturn("agent", "start").succeeds()
    assert status(user)["accounts"] == []


class TestScripts:
    """Without a terminal `signin` is for the script that called it, and for nobody else."""

    def test_the_script_may_and_a_sibling_may_not(self, locked: User) -> None:
        once = f"{LIST}; echo done"
        granted = subprocess.Popen(
            ["/bin/sh", "-c", f"keyturn signin --password-file password; {once}; read line; {once}"],
            env=locked.environment, cwd=locked.home, start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            assert granted.stdout is not None
            said = list(iter(granted.stdout.readline, "done\n"))
            assert any("AWS EXAMPLE" in line for line in said)
            # The account is unlocked now; that alone lets nobody in.
            locked.sh(LIST).fails(Status.LOCKED, "needs an approval")
            [grant] = status(locked)["grants"]
            assert (grant["process"], grant["account"]) == (granted.pid, "Test")
            assert 3500 < grant["seconds_left"] <= 3600, "an hour at most"
            assert (
                f"process {granted.pid} and what it starts may use “Test” for"
                in locked.keyturn("status").output
            )
            locked.keyturn("signout", "--all").succeeds()
            output, errors = granted.communicate("\n", timeout=20)
            assert output == "done\n"
            assert "keyturn: this needs an approval" in errors
        finally:
            granted.kill()
            granted.communicate()

    def test_a_grant_ends_with_its_process(self, locked: User) -> None:
        done = locked.sh(f"keyturn signin --password-file password; {LIST}").succeeds()
        assert "AWS EXAMPLE" in done.output
        assert "the calling process may use “Test” for an hour" in done.errors
        assert status(locked)["grants"] == []
        locked.sh(LIST).fails(Status.LOCKED, "needs an approval")

    def test_a_password_for_one_command_is_for_that_one(self, locked: User) -> None:
        done = locked.sh(f"{LIST} --password-file password && {LIST}")
        assert (done.status, done.output.count("AWS EXAMPLE")) == (Status.LOCKED, 1)
        assert "needs an approval" in done.errors

    def test_a_wrong_password_grants_nothing(self, locked: User) -> None:
        (locked.home / "wrong").write_text("wrong EXAMPLE")
        done = locked.sh(f"keyturn signin --password-file wrong; echo $?; {LIST}; echo $?")
        assert done.output == f"{Status.DENIED:d}\n{Status.LOCKED:d}\n"


class TestSettings:
    def test_get_set_unset(self, user: User) -> None:
        assert user.keyturn("settings", "get", "lock.idle_hours").succeeds().output == "12\n"
        user.config.mkdir(parents=True, mode=0o700)
        path = user.config / "settings.toml"
        path.write_text("# mine\n[approval]\nidle_minutes = 5 # short\n")
        user.keyturn("settings", "set", "lock.idle_hours", "3").succeeds()
        assert user.keyturn("settings", "get", "lock.idle_hours").output == "3\n"
        assert path.read_text().startswith("# mine\n[approval]\nidle_minutes = 5 # short\n"), "comments stay"
        user.keyturn("settings", "unset", "lock.idle_hours").succeeds()
        assert user.keyturn("settings", "get", "lock.idle_hours").output == "12\n"
        value = '["/opt/a b", "/x"]'
        user.keyturn("settings", "set", "executables.trusted_directories", value).succeeds()
        assert user.keyturn("settings", "get", "executables.trusted_directories").output == f"{value}\n"
        rows = json.loads(user.keyturn("settings", "--format", "json").succeeds().output)["settings"]
        shown = {row["key"]: (row["value"], row["default"]) for row in rows}
        assert shown["approval.idle_minutes"] == (5, 10)
        assert all(row["description"] for row in rows)
        assert "approval.idle_minutes" in user.keyturn("settings").succeeds().output

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            ("set lock.idle_hours 0", "lock.idle_hours cannot be 0: expected a whole number, at least 1"),
            ("set lock.idle_hours soon", "lock.idle_hours cannot be soon: expected a whole number, got text"),
            ("set lock.none 3", "no setting is called lock.none"),
            ("get lock", "no setting is called lock"),
            ("unset none", "no setting is called none"),
            ("set lock.idle_hours", "missing argument 'VALUE'"),
        ],
    )
    def test_what_is_refused(self, user: User, words: str, said: str) -> None:
        user.keyturn("settings", *words.split()).fails(Status.USAGE, said)
        assert not (user.config / "settings.toml").exists()

    def test_nothing_to_unset(self, user: User) -> None:
        user.keyturn("settings", "unset", "lock.idle_hours").succeeds()
        assert not user.config.exists()


class TestWhichAccount:
    """`--account`, `KEYTURN_ACCOUNT`, the last sign-in of this terminal, the only one; else a question."""

    @pytest.fixture
    def two(self, user: User) -> User:
        user.account(make_item("FIRST EXAMPLE"), title="First")
        user.account(make_item("SECOND EXAMPLE"), title="Second")
        user.password_file()
        return user

    def test_named_by_flag_or_variable(self, two: User) -> None:
        for words in ("--account Second", ""):
            done = two.sh(f"KEYTURN_ACCOUNT=Second {LIST} {words} --password-file password").succeeds()
            assert "SECOND EXAMPLE" in done.output
        done = two.sh(f"KEYTURN_ACCOUNT=Second {LIST} --account First --password-file password").succeeds()
        assert "FIRST EXAMPLE" in done.output, "the flag beats the variable"

    def test_without_a_word_it_is_asked_for_or_an_error(self, two: User) -> None:
        two.sh(LIST).fails(Status.USAGE, "there are 2 accounts: “First”, “Second”")
        terminal = two.terminal()
        printed, status = terminal.run(f"{LIST} --no-input")
        assert (status, "there are 2 accounts" in printed) == (Status.USAGE, True)
        terminal.type("keyturn signin")
        terminal.expect("which account")
        terminal.expect("Second")
        terminal.child.send("\x1b[B\r")
        terminal.answer("password of account “Second”: ", PASSWORD)
        terminal.ready()
        # From now on it is the one that this terminal signed in to last, also after a lock elsewhere.
        assert "SECOND EXAMPLE" in terminal.run(LIST)[0]
        terminal.type("keyturn signin --account First")
        terminal.answer("password of account “First”: ", PASSWORD)
        terminal.ready()
        assert "FIRST EXAMPLE" in terminal.run(LIST)[0]
        assert "SECOND EXAMPLE" in terminal.run(f"{LIST} --account Second")[0]
        terminal.run("keyturn signin --account Second")
        assert "SECOND EXAMPLE" in terminal.run(LIST)[0]


def test_status_in_a_few_characters(locked: User) -> None:
    assert locked.keyturn("status", "--short").succeeds().output == ""
    terminal = locked.terminal()
    terminal.type("keyturn signin")
    terminal.answer(QUESTION, PASSWORD)
    terminal.ready()
    assert re.fullmatch(r"Test (10|9)m\n", terminal.run("keyturn status --short")[0])
    assert locked.keyturn("status", "--short").output == "unlocked\n"
    found = status(locked)
    assert found["preset"] == "balanced"
    assert 43000 < found["locks_in_seconds"] <= 43200
    locked.keyturn("lock").succeeds()
    assert terminal.run("keyturn status --short") == ("", 0)

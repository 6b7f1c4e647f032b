"""Slots and the password: what opens an account, and what does not any more."""

import json
import re

from keyturn.ground.errors import Status
from tests.programs.user import User
from tests.vaults.templates import PASSWORD, make_item

CODE = re.compile(r"AGE-SECRET-KEY-1[A-Z0-9]{58}")
NEW = "another password EXAMPLE"


def slots(user: User, password: str = PASSWORD) -> list[tuple[str, str]]:
    listed = user.keyturn(
        "account", "slot", "list", "--format", "json", "--password-file", user.password_file(password)
    ).succeeds()
    return [(slot["title"], slot["kind"]) for slot in json.loads(listed.output)["slots"]]


class TestSlots:
    def test_a_second_password(self, user: User) -> None:
        user.account(make_item("listed EXAMPLE"))
        file = ("--password-file", user.password_file())
        second = user.home / "second"
        second.write_text(f"{NEW}\n")
        add = ("account", "slot", "add", "password", *file)
        user.keyturn(*add).fails(Status.USAGE, "the slot's password is missing")
        user.keyturn(*add, "--new-password-file", "second", "--title", "laptop").succeeds()
        assert slots(user) == [("password", "password"), ("laptop", "password")]
        user.keyturn("lock").succeeds()
        user.keyturn("item", "list", "--password-file", str(second)).succeeds()
        removed = user.keyturn("account", "slot", "remove", "laptop", *file).succeeds()
        assert "older copies" in removed.errors
        assert "listed EXAMPLE (Private)" in removed.errors, "the credentials to rotate"
        user.keyturn("lock").succeeds()
        user.keyturn("item", "list", "--password-file", str(second)).fails(Status.DENIED, "wrong password")
        assert slots(user) == [("password", "password")]
        assert user.keyturn("account", "slot", "remove", "password", *file).status != 0, "the last one stays"
        assert "listed EXAMPLE" in user.keyturn("item", "list", *file).succeeds().output

    def test_a_recovery_code(self, user: User) -> None:
        user.account(make_item())
        user.keyturn("account", "slot", "add", "recovery", "--password-file", user.password_file()).fails(
            Status.USAGE, "a terminal to show the recovery code on is missing"
        )
        terminal = user.terminal()
        terminal.type("keyturn account slot add recovery")
        terminal.answer("password of account “Test”: ", PASSWORD)
        code = CODE.findall(terminal.expect("press Enter when you have it: "))[0]
        terminal.type("")
        terminal.ready()
        assert not CODE.search("\n".join(terminal.screen()))
        user.keyturn("lock").succeeds()
        code_file = user.password_file(code)
        assert "AWS EXAMPLE" in user.keyturn("item", "list", "--password-file", code_file).succeeds().output
        terminal.type("keyturn account slot remove 'recovery code'")
        terminal.answer("password of account “Test”: ", PASSWORD)
        assert "older copies" in terminal.ready()
        user.keyturn("lock").succeeds()
        user.keyturn("item", "list", "--password-file", code_file).fails(Status.DENIED, "")

    def test_a_recovery_code_is_replaced(self, user: User) -> None:
        user.account(make_item())
        user.keyturn("account", "recovery", "--password-file", user.password_file()).fails(
            Status.USAGE, "a terminal to show the recovery code on is missing"
        )
        terminal = user.terminal()
        codes: list[str] = []
        printed = ""
        for answer in ("", "n", "y"):
            terminal.type("keyturn account recovery")
            if not codes:
                terminal.answer("password of account “Test”: ", PASSWORD)
            else:
                terminal.answer("replace the recovery code that there is? [y/N] ", answer)
            if answer != "n":
                codes += CODE.findall(terminal.expect("press Enter when you have it: "))
                terminal.type("")
            printed = terminal.ready()
        assert "AWS EXAMPLE (Private)" in printed, "the credentials to rotate"
        assert slots(user) == [("password", "password"), ("recovery code", "recovery")]
        old, new = (user.home / name for name in ("old", "new"))
        for path, code in ((old, codes[0]), (new, codes[1])):
            path.write_text(code)
        user.keyturn("lock").succeeds()
        user.keyturn("item", "list", "--password-file", str(old)).fails(Status.DENIED, "wrong password")
        assert "AWS EXAMPLE" in user.keyturn("item", "list", "--password-file", str(new)).succeeds().output


class TestPassword:
    def test_changed_by_a_script(self, user: User) -> None:
        user.account(make_item())
        (user.home / "new").write_text(NEW)
        change = ("account", "password", "change", "--new-password-file", "new")
        user.keyturn(*change).fails(Status.USAGE, "the old password is missing")
        file = ("--password-file", user.password_file("a wrong one EXAMPLE"))
        user.keyturn(*change, *file).fails(Status.DENIED, "wrong password")
        file = ("--password-file", user.password_file())
        assert "AWS EXAMPLE (Private)" in user.keyturn(*change, *file).succeeds().errors
        user.keyturn("item", "list", *file).fails(Status.DENIED, "wrong password")
        assert slots(user, NEW) == [("password", "password")]

    def test_changed_by_a_person(self, user: User) -> None:
        user.account(make_item())
        terminal = user.terminal()
        terminal.type("keyturn account password change")
        terminal.answer("old password: ", PASSWORD)
        terminal.answer("new password: ", NEW)
        terminal.answer("the same once more: ", NEW)
        terminal.ready()
        assert terminal.status() == 0
        user.keyturn("lock").succeeds()
        terminal.type("keyturn item list")
        terminal.answer("password of account “Test”: ", PASSWORD)
        terminal.answer("password of account “Test”: ", NEW)
        terminal.ready()
        assert terminal.status() == 0

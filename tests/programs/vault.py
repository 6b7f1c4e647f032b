"""A vault whose items tests make and read on the command line."""

import json
from typing import Any

from tests.programs.user import Result, User
from tests.vaults.templates import make_item


class Vault:
    """A user with an unlocked account, all of whose commands may use it."""

    def __init__(self, user: User) -> None:
        self.user = user
        user.account(make_item())
        # Without a terminal the sign-in is for the parent process: these tests and all that they start.
        user.keyturn("signin", "--password-file", user.password_file()).succeeds()

    def item(self, verb: str, *arguments: str, stdin: str = "", **more: Any) -> Result:
        return self.user.keyturn("item", verb, *arguments, stdin=stdin, **more)

    def create(self, title: str, *assignments: str, stdin: str = "") -> str:
        done = self.item("create", "--title", title, *assignments, stdin=stdin).succeeds()
        assert done.errors == ""
        return done.output.strip()

    def fields(self, name: str) -> dict[str, tuple[str, str]]:
        done = self.item("get", name, "--format", "json", "--reveal").succeeds()
        return {
            field["label"]: (field["type"], field["value"])
            for field in json.loads(done.output)["item"]["fields"]
        }

    def json(self, verb: str, *arguments: str) -> Any:
        """What a command prints as JSON, beside the version."""
        found = json.loads(self.item(verb, *arguments, "--format", "json").succeeds().output)
        assert found.pop("version") == 1
        [content] = found.values()
        return content

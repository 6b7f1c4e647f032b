"""Items bound to AWS profiles: `plugin init --profile`, `clear --profile`, and what inspect says of them."""

import json
import re
from typing import Any

import pytest

from keyturn.ground.errors import Status
from tests.programs.test_plugin_init import CREDENTIALS, KEY, OTHER_KEY, OTHER_SECRET, defaults
from tests.programs.test_plugin_init_asked import COMMAND, SEARCH, SHELL, TYPED, UNLOCK, WHERE, WHICH, choose
from tests.programs.test_plugin_init_scopes import ITEM, both, init, tools
from tests.programs.user import User
from tests.vaults.templates import PASSWORD, make_item

__all__ = ["both"]  # a fixture

ONLY = "for an AWS profile only"


def bound(user: User) -> dict[str, str]:
    """The titles of the items that are bound to AWS profiles."""
    return {name: item["title"] for name, item in defaults(user).get("bindings", {}).get("aws", {}).items()}


def everywhere(user: User) -> dict[str, str]:
    return {key: item["title"] for key, item in defaults(user).get("everywhere", {}).items()}


class TestByFlag:
    def test_bound_and_nobodys_default(self, both: User) -> None:
        said = init(both, "--item", "New EXAMPLE", "--profile", "dev")
        assert "bound to profile “dev”: aws uses it where it is told that profile" in said
        assert "it is nobody's default" in said
        assert "aws uses it everywhere" not in said
        assert bound(both) == {"dev": "New EXAMPLE"}
        assert everywhere(both) == {"aws": "Old EXAMPLE"}, "as it was"
        assert "aws" in both.wraps()
        assert list(defaults(both)["vaults"].values()) == ["Private"]

    def test_for_a_user_without_any_default(self, user: User) -> None:
        user.account(make_item("New EXAMPLE"))
        tools(user, "aws")
        init(user, "--item", "New EXAMPLE", "--profile", "dev")
        file = defaults(user)
        assert file.get("everywhere", {}) == {}
        assert file["trusted"] == {"aws": [str((user.home / "tools/aws").resolve())]}
        (user.config / "plugins.sh").unlink()
        shown = user.keyturn("plugin", "inspect").succeeds().output
        assert "profile dev" in shown, "also where nothing else is set up"

    def test_with_a_scope_it_is_both(self, both: User) -> None:
        said = init(both, "--item", "New EXAMPLE", "--profile", "dev", "--scope", "global")
        assert "aws uses it everywhere (the global default), in place of “Old EXAMPLE”" in said
        assert "bound to profile “dev”" in said
        assert (bound(both), everywhere(both)) == ({"dev": "New EXAMPLE"}, {"aws": "New EXAMPLE"})
        init(both, "--item", "Old EXAMPLE", "--profile", "prod", "--directory", ".")
        assert bound(both) == {"dev": "New EXAMPLE", "prod": "Old EXAMPLE"}
        assert list(defaults(both)["directories"]) == [str(both.home.resolve())]

    def test_an_import_is_bound_to_the_profile_that_is_named(self, both: User) -> None:
        both.aws_files(CREDENTIALS)
        init(both, "--import-profile", "dev", "--profile", "staging")
        assert (bound(both), everywhere(both)) == ({"staging": "AWS dev"}, {"aws": "Old EXAMPLE"})

    @pytest.mark.parametrize(
        ("words", "line"),
        [
            (["aws", "--profile", "default"], "no item is bound to the profile “default”"),
            (["aws", "--profile", ""], "no item is bound to the profile “”"),
            (["hcloud", "--profile", "dev"], "hcloud is told no profile"),
            (["terraform", "--credential", "hcloud", "--profile", "dev"], "terraform is told no profile"),
        ],
    )
    def test_what_cannot_be_bound(self, both: User, words: list[str], line: str) -> None:
        before = defaults(both)
        flags = ("--no-input", "--item", "New EXAMPLE", "--password-file", both.password_file())
        both.keyturn("plugin", "init", *words, *flags).fails(Status.USAGE, line)
        assert defaults(both) == before

    def test_dry(self, both: User) -> None:
        before = defaults(both)
        said = init(both, "--item", "New EXAMPLE", "--profile", "dev", "--dry-run")
        assert "would bind it to profile “dev”" in said
        assert "aws would use" not in said
        assert defaults(both) == before

    def test_the_command_gets_it_where_it_is_told_the_profile(self, user: User) -> None:
        user.account()
        user.aws_files(CREDENTIALS)
        tools(user, "aws")
        init(user, "--import-profile", "default", "--scope", "global")
        init(user, "--import-profile", "dev", "--profile", "other")
        script = user.home / "tools/aws"
        script.write_text('#!/bin/sh\necho "$AWS_ACCESS_KEY_ID"\n')
        run = "keyturn plugin run -- aws s3 ls"
        signin = f"keyturn signin --password-file {user.password_file()}"
        done = user.sh(f"{signin} && {run} && {run} --profile other && AWS_PROFILE=other {run}").succeeds()
        assert done.output.split() == [KEY, OTHER_KEY, OTHER_KEY]


class TestClear:
    def cleared(self, user: User, *words: str) -> list[str]:
        return user.keyturn("plugin", "clear", *words).succeeds().errors.splitlines()

    def test_one_goes_and_nothing_else(self, both: User) -> None:
        init(both, "--item", "New EXAMPLE", "--profile", "dev")
        init(both, "--item", "New EXAMPLE", "--profile", "prod")
        both.keyturn("lock").succeeds()
        both.keyturn("agent", "stop").succeeds()
        assert self.cleared(both, "cdk", "--profile", "dev") == [
            "cleared the item of profile “dev”: “New EXAMPLE”",
            "cdk, told profile “dev”, is refused now: no AWS file has that profile",
        ]
        assert (bound(both), everywhere(both)) == ({"prod": "New EXAMPLE"}, {"aws": "Old EXAMPLE"})
        both.keyturn("plugin", "clear", "aws", "--profile", "dev").fails(
            Status.NO_DEFAULT, "no item is bound to profile “dev”"
        )
        refused = both.keyturn("plugin", "clear", "aws", "--profile", "x")
        assert "profiles with an item: prod" in refused.errors

    @pytest.mark.parametrize(
        ("section", "now"),
        [
            ("region = x", "now uses the global default: “Old EXAMPLE”"),
            (
                f"aws_access_key_id = {OTHER_KEY}\naws_secret_access_key = {OTHER_SECRET}",
                "keys in the AWS files",
            ),
            ("role_arn = arn:aws:iam::1:role/x\nsource_profile = default", "goes by what the AWS files say"),
            ("sso_session = x", "goes by what the AWS files say"),
        ],
    )
    def test_what_applies_then(self, both: User, section: str, now: str) -> None:
        both.aws_files("", f"[profile dev]\n{section}\n")
        init(both, "--item", "New EXAMPLE", "--profile", "dev")
        said = self.cleared(both, "aws", "--profile", "dev")
        assert said[1].startswith("aws, told profile “dev”, now ")
        assert now in said[1]
        assert OTHER_SECRET not in "".join(said)

    def test_damaged_aws_files_do_not_stand_in_the_way(self, both: User) -> None:
        init(both, "--item", "New EXAMPLE", "--profile", "dev")
        both.aws_files("", "no section\n")
        said = self.cleared(both, "aws", "--profile", "dev")
        assert said[1].startswith("the AWS files do not say what it is now: ")
        assert bound(both) == {}

    def test_it_goes_with_no_other_flag(self, both: User) -> None:
        for more in (["--all"], ["--credential", "aws"]):
            words = ("plugin", "clear", "aws", "--profile", "dev", *more)
            both.keyturn(*words).fails(Status.USAGE, "--profile goes with neither")
        both.keyturn("plugin", "clear", "frob", "--profile", "dev").fails(
            Status.USAGE, "no plugin wraps frob"
        )


def test_inspect_names_them(both: User) -> None:
    init(both, "--item", "New EXAMPLE", "--profile", "dev")
    both.keyturn("lock").succeeds()
    shown = both.keyturn("plugin", "inspect", "aws").succeeds().output
    assert re.search(r"^profile dev +New EXAMPLE +Access Key +Private +Test$", shown, re.MULTILINE)
    parsed: Any = json.loads(both.keyturn("plugin", "inspect", "aws", "--format", "json").succeeds().output)
    [row] = parsed["executables"][0]["bound"]
    assert (row["name"], row["item"]["title"]) == ("dev", "New EXAMPLE")


class TestAsked:
    @pytest.mark.parametrize("count", [1, 2])
    def test_a_profile_is_one_more_answer(self, both: User, count: int) -> None:
        profiles = "".join(f"[profile {name}]\nregion = x\n" for name in ("dev", "prod")[:count])
        both.aws_files("", "[default]\nregion = x\n" + profiles)
        terminal = both.terminal()
        terminal.type(COMMAND)
        choose(terminal, WHICH, TYPED)
        terminal.answer(UNLOCK, PASSWORD)
        choose(terminal, ITEM, "Old EXAMPLE (vault Private, account Test)")
        choose(terminal, WHERE, "for the AWS profile “dev” only" if count == 1 else ONLY, downs=3)
        if count == 2:
            choose(terminal, "for which profile?", "prod", downs=1)
        terminal.answer(SHELL, "n")
        printed = terminal.ready()
        assert terminal.status() == 0
        name = "dev" if count == 1 else "prod"
        assert f"bound to profile “{name}”" in printed
        assert (bound(both), everywhere(both)) == ({name: "New EXAMPLE"}, {"aws": "Old EXAMPLE"})

    def test_not_without_profiles(self, both: User) -> None:
        both.aws_files("", "[default]\nregion = x\n")
        terminal = both.terminal()
        terminal.type(COMMAND)
        choose(terminal, WHICH, TYPED)
        terminal.answer(UNLOCK, PASSWORD)
        choose(terminal, ITEM, "Old EXAMPLE (vault Private, account Test)")
        terminal.expect(re.escape(WHERE))
        terminal.expect("for this terminal session only")
        terminal.child.send("\x1b[A\r")
        terminal.answer(SHELL, "n")
        assert "in this terminal session" in terminal.ready(), "the last answer is the session's"

    def test_cancelled_at_the_profile(self, both: User) -> None:
        both.aws_files("", "[profile dev]\nregion = x\n[profile prod]\nregion = x\n")
        before = defaults(both)
        terminal = both.terminal()
        terminal.type(COMMAND)
        choose(terminal, WHICH, TYPED)
        terminal.answer(UNLOCK, PASSWORD)
        choose(terminal, ITEM, "Old EXAMPLE (vault Private, account Test)")
        choose(terminal, WHERE, ONLY, downs=3)
        terminal.expect("for which profile")
        terminal.expect("prod")
        terminal.press("c")
        terminal.ready()
        assert terminal.status() == Status.INTERRUPTED
        assert defaults(both) == before
        assert SEARCH not in "\n".join(terminal.screen())

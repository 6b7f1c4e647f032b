"""`keyturn plugin inspect`: wrappers, the defaults that apply here, and why; with neither agent nor key."""

import os

import msgspec
import pytest

from keyturn.ground.errors import Status
from keyturn.scopes import defaults
from tests.parts import needs
from tests.programs import golden
from tests.programs.memory import pids_with
from tests.programs.test_plugin_clear import (
    PROJECT,
    TITLES,
    arrange,
    change_defaults,
    in_directory,
    in_project,
)
from tests.programs.user import User

INSPECT = "keyturn plugin inspect aws"
EXPLAIN = f"{INSPECT} --explain"


class Named(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    title: str


class Default(msgspec.Struct, forbid_unknown_fields=True):
    scope: str
    directory: str | None
    terminal: str | None
    applies: bool
    used: bool
    why: str
    credential: str
    item: Named
    vault: Named
    account: Named
    plugin: str


class Bound(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    item: Named
    vault: Named
    account: Named


class Wrapper(msgspec.Struct, forbid_unknown_fields=True):
    defined: bool
    shell: str


class Rules(msgspec.Struct, forbid_unknown_fields=True):
    always: list[str]
    never: list[str]


class Inspected(msgspec.Struct, forbid_unknown_fields=True):
    executable: str
    plugin: str
    platform: str
    wrapper: Wrapper
    defaults: list[Default]
    bound: list[Bound]
    any_credential: bool
    warnings: list[str]
    own: bool
    rules: Rules | None


class Schema(msgspec.Struct, forbid_unknown_fields=True):
    """All that version 1 of the JSON holds; a name that goes or changes its type needs version 2."""

    version: int
    executables: list[Inspected]


def test_all_scopes_as_they_are_printed(user: User) -> None:
    """The golden pages: in the project with a session's default, from elsewhere, and the whole machine."""
    found = arrange(user)
    change_defaults(
        user,
        in_directory(user, "projects", found["Global EXAMPLE"], "former-tool"),
        lambda known: defaults.with_binding(known, "aws", "dev", found["Home EXAMPLE"]),
    )
    terminal = in_project(user)
    assert "profile dev" in user.keyturn("plugin", "inspect", "cdk").succeeds().output, "it takes aws's items"
    user.keyturn("lock").succeeds()
    terminal.run("source ~/.config/keyturn/plugins.sh")
    golden.compare("inspect.txt", terminal.run(INSPECT)[0], user.home)
    golden.compare("inspect-explain.txt", terminal.run(EXPLAIN)[0], user.home)
    printed = terminal.run(f"{INSPECT} --format json")[0]
    golden.compare("inspect.json", printed, user.home)
    assert msgspec.json.decode(printed, type=Schema).version == 1
    elsewhere = user.keyturn("plugin", "inspect", "aws", "--explain").succeeds().output
    golden.compare("inspect-elsewhere.txt", elsewhere, user.home)
    everything = user.keyturn("plugin", "inspect", "--all").succeeds().output
    golden.compare("inspect-all.txt", everything, user.home)
    machine = user.keyturn("plugin", "inspect", "--all", "--format", "json").succeeds().output
    golden.compare("inspect-all.json", machine, user.home)
    parsed = msgspec.json.decode(machine, type=Schema)
    assert [each.executable for each in parsed.executables] == ["aws", "former-tool"]


def test_a_new_user(user: User) -> None:
    printed = user.keyturn("plugin", "inspect", "aws").succeeds().output
    golden.compare("inspect-nothing.txt", printed, user.home)
    done = user.keyturn("plugin", "inspect").succeeds()
    assert done.output == ""
    assert done.errors == "nothing is set up here; begin with: keyturn plugin init aws\n"
    empty = user.keyturn("plugin", "inspect", "--format", "json").succeeds().output
    assert msgspec.json.decode(empty, type=Schema).executables == []
    user.keyturn("plugin", "inspect", "frobnicate").fails(Status.USAGE, "no plugin wraps frobnicate")
    assert not pids_with(str(user.runtime)), "no agent was started"
    assert not user.config.exists(), "to look changes nothing"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_what_this_shell_has_sourced(user: User, shell: str) -> None:
    arrange(user)
    in_project(user).close()
    path = user.config / "plugins.sh"
    look = "keyturn plugin inspect aws | grep wrapper"
    change = f"sed -i.before -e 's/HASH=.*/HASH=0123456789abcdef/' {path}"
    script = f"{look}; source {path}; {look}; {change}; {look}"
    flags = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[shell]
    done = user.run(needs(shell), *flags, "-c", script).succeeds()
    assert done.output.splitlines() == [
        f"wrapper: not sourced in this shell; source {path}",
        "wrapper: sourced in this shell",
        f"wrapper: stale in this shell; source {path}",
    ]


@pytest.mark.parametrize("directory", ["/", "deleted"])
def test_from_any_directory_without_a_terminal(user: User, directory: str) -> None:
    arrange(user)
    change = "cd /" if directory == "/" else f"cd ~/{PROJECT}; rmdir ../awesomeProject"
    printed = user.sh(f"{change}; {INSPECT}").succeeds().output
    shown = [title for title in TITLES if title in printed]
    assert shown == (["Global EXAMPLE"] if directory == "/" else list(TITLES[1:]))


def test_names_that_would_steer_a_terminal_or_are_no_text(user: User) -> None:
    found = arrange(user)
    evil = msgspec.structs.replace(found["Home EXAMPLE"], title="\x1b[2Jé\u202e")
    odd = os.fsencode(user.home) + b"/caf\xe9\x1b[2J"
    os.mkdir(odd)
    change_defaults(
        user,
        in_directory(user, os.fsdecode(odd), evil),
        lambda known: defaults.with_default(known, "\x1b[2Jx", evil),
    )
    raw = ""
    for flags in ([], ["--format", "json"]):
        raw = user.keyturn("plugin", "inspect", "--all", *flags).succeeds().output
        assert "\x1b" not in raw
        assert "\u202e" not in raw
    parsed = msgspec.json.decode(raw.replace("\\udce9", "\\u00e9"), type=Schema)
    assert [each.executable for each in parsed.executables] == ["\x1b[2Jx", "aws"]
    assert [each.item.title for each in parsed.executables[1].defaults if not each.applies] == [
        "\x1b[2Jé\u202e",
        "Project EXAMPLE",
    ]
    assert "\\udce9" in raw, "the name's byte is there, as Python spells it"


def test_an_item_and_an_account_that_are_gone_show_by_what_is_remembered(user: User) -> None:
    found = arrange(user)
    (user.config / "accounts.json").unlink()
    printed = user.keyturn("plugin", "inspect", "aws").succeeds().output
    assert "Global EXAMPLE" in printed
    assert found["Global EXAMPLE"].account in printed, "no title is known: its id"

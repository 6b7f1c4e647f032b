"""A person's own plugins and rules, as programs see them: made, run, changed while the agent runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from keyturn.ground.errors import Status
from keyturn.ground.secret import Secret
from keyturn.items import FieldType, Item, new_field, new_item
from tests.programs.user import User

FIELDS = ("--field", "token=MYTOOL_TOKEN", "--field", "host=MYTOOL_HOST", "--plain", "host")
TOOL = '#!/bin/sh\necho "token=$MYTOOL_TOKEN other=$OTHER_TOKEN plugin=$KEYTURN_PLUGIN item=$KEYTURN_ITEM"\n'
SIGNED_IN = "keyturn signin --password-file password 2>/dev/null && "


def item(title: str, fields: dict[str, str]) -> Item:
    made = [new_field(label, FieldType.CONCEALED, Secret(text)) for label, text in fields.items()]
    return new_item(title, made, "2026-01-01T00:00:00Z", [])


@pytest.fixture
def tool_user(user: User) -> User:
    """With a tool of their own on PATH, an account, and trust in that tool."""
    directory = user.home / "bin"
    directory.mkdir()
    for name in ("mytool", "deploy"):
        (directory / name).write_text(TOOL)
        (directory / name).chmod(0o755)
    user.path.insert(0, str(directory))
    user.account(item("Mine", {"token": "EXAMPLE-one", "host": "h"}))
    user.password_file()
    config = user.config / "settings.toml"
    config.write_text(f'[executables]\ntrusted_directories = ["{directory}"]\n')
    return user


def new(user: User, *more: str) -> None:
    user.keyturn("plugin", "new", "mytool", *FIELDS, "--no-input", *more).succeeds()


def init(user: User, executable: str = "mytool", item: str = "Mine") -> None:
    words = ("plugin", "init", executable, "--item", item, "--no-input", "--password-file", "password")
    user.keyturn(*words).succeeds()


def test_from_new_to_a_command_with_its_credential(tool_user: User) -> None:
    new(tool_user)
    init(tool_user)
    done = tool_user.sh(f"{SIGNED_IN}keyturn plugin run -- mytool list").succeeds()
    assert done.output == "token=EXAMPLE-one other= plugin= item=\n"
    assert "alias mytool=" in (tool_user.config / "plugins.sh").read_text()
    # As every other: shown, and cleared.
    assert "a plugin of yours" in tool_user.keyturn("plugin", "inspect", "mytool").succeeds().output
    tool_user.keyturn("plugin", "clear", "mytool").succeeds()
    done = tool_user.sh(f"{SIGNED_IN}keyturn plugin run -- mytool list")
    done.fails(Status.NO_DEFAULT, "no item is chosen for Mytool")


def test_the_running_agent_sees_a_changed_file(tool_user: User) -> None:
    new(tool_user)
    init(tool_user)
    file = tool_user.config / "plugins/mytool.toml"
    run = "keyturn plugin run -- mytool list"
    change = f"sed -i s/MYTOOL_TOKEN/OTHER_TOKEN/ {file}"
    spoil = f"sed -i s/^platform/platfrom/ {file}"
    done = tool_user.sh(f"{SIGNED_IN}{run}; {change}; {run}; {spoil}; {run}")
    assert done.output == "token=EXAMPLE-one other= plugin= item=\ntoken= other=EXAMPLE-one plugin= item=\n"
    assert done.status == Status.CONFIGURATION
    assert f"keyturn: {file}: line 2: platfrom: unknown key; did you mean “platform”?" in done.errors


def test_a_secret_in_an_argument_is_told_of_before_it_is_set_up(tool_user: User) -> None:
    new(tool_user)
    file = tool_user.config / "plugins/mytool.toml"
    argument = '[[provision.argument]]\nwords = ["--token={token}"]\nwarning = "it has no other way"\n'
    file.write_text(file.read_text().replace("[[import]]", f"{argument}\n[[import]]"))
    words = ("plugin", "init", "mytool", "--item", "Mine", "--no-input", "--password-file", "password")
    for command in (words, ("plugin", "validate", "mytool"), ("plugin", "list", "mytool")):
        assert "mytool: it has no other way\n" in tool_user.keyturn(*command).succeeds().errors, command
    inspected = tool_user.keyturn("plugin", "inspect", "mytool").succeeds().output
    assert "warning: it has no other way\n" in inspected


def test_a_broken_one_is_named_once_and_the_others_work(tool_user: User) -> None:
    new(tool_user)
    (tool_user.config / "plugins/other.toml").write_text("name = 'other'\nfrob = 1\n")
    for words in (["plugin", "list"], ["plugin", "inspect"], ["plugin", "validate"]):
        done = tool_user.keyturn(*words)
        assert done.errors.count("other.toml: ") == 1, words
        assert "unknown key" in done.errors or "is missing" in done.errors
    assert tool_user.keyturn("plugin", "validate").status == Status.CONFIGURATION
    assert "mytool" in tool_user.keyturn("plugin", "list", "mytool").succeeds().output
    init(tool_user)
    assert (
        tool_user.keyturn("plugin", "run", "--", "mytool", "--version")
        .succeeds()
        .output.startswith("token= ")
    )


def test_rules_of_ones_own_hold_with_and_without_an_agent(tool_user: User) -> None:
    new(tool_user)
    init(tool_user)
    rules = tool_user.config / "rules.toml"
    rules.write_text('[mytool]\nnever = ["status"]\nalways = ["--version"]\n')
    done = tool_user.sh(
        f"{SIGNED_IN}keyturn plugin run -- mytool status; keyturn plugin run -- mytool --version"
    )
    assert [line.split()[0] for line in done.succeeds().output.splitlines()] == [
        "token=",
        "token=EXAMPLE-one",
    ]
    tool_user.keyturn("agent", "stop")
    assert (
        tool_user.keyturn("plugin", "run", "--", "mytool", "status").succeeds().output.startswith("token= ")
    )
    assert not list(tool_user.runtime.rglob("*.sock"))
    shown = tool_user.keyturn("plugin", "inspect", "mytool").succeeds().output
    assert "needs none, by your rules.toml: status\n" in shown
    assert "needs credentials, by your rules.toml: --version\n" in shown
    rules.write_text('[mytool]\nnevr = ["status"]\n')
    tool_user.keyturn("plugin", "run", "--", "mytool", "status").fails(
        Status.CONFIGURATION, f"{rules}: line 2: mytool.nevr: unknown key; did you mean “never”?"
    )


class TestAProgramThatNoPluginKnows:
    """`plugin run --plugin`."""

    def test_it_gets_the_plugins_credential_and_no_more(self, tool_user: User) -> None:
        new(tool_user)
        init(tool_user)
        run = "keyturn plugin run --plugin mytool --"
        nested = tool_user.home / "bin/nested"
        nested.write_text("#!/bin/sh\nunset MYTOOL_TOKEN\nkeyturn plugin run -- mytool --version\n")
        nested.chmod(0o755)
        done = tool_user.sh(f"{SIGNED_IN}{run} deploy --help && {run} nested").succeeds()
        # What it starts in turn is as ever: the plugin was named for one call.
        assert done.output == "token=EXAMPLE-one other= plugin= item=\ntoken= other= plugin= item=\n"

    def test_its_own_rules_hold_for_a_command_that_it_wraps(self, tool_user: User) -> None:
        new(tool_user)
        init(tool_user)
        words = "keyturn plugin run --plugin mytool -- mytool --version"
        tool_user.keyturn("agent", "stop")
        for script in (words, SIGNED_IN + words):
            assert tool_user.sh(script).succeeds().output == "token= other= plugin= item=\n"

    def test_a_program_that_is_not_trusted_is_named_first(self, tool_user: User) -> None:
        new(tool_user)
        init(tool_user)
        (tool_user.config / "settings.toml").unlink()
        terminal = tool_user.terminal()
        terminal.run(f"keyturn signin --password-file {tool_user.home}/password")
        terminal.type("keyturn plugin run --plugin mytool -- deploy now")
        asked = terminal.expect("password of account “Test”: ")
        assert "deploy wants to use “Mine” (Mytool, the global default)" in asked
        assert f"program: {tool_user.home}/bin/deploy – it is below the working directory" in asked
        terminal.press("c")
        terminal.ready()
        assert terminal.status() == Status.INTERRUPTED

    def test_an_item_can_be_named_besides(self, tool_user: User) -> None:
        new(tool_user)
        run = "keyturn plugin run --plugin mytool --item Mine -- deploy"
        assert tool_user.sh(SIGNED_IN + run).succeeds().output == "token=EXAMPLE-one other= plugin= item=\n"

    def test_without_a_default_the_hint_is_one_that_helps(self, tool_user: User) -> None:
        new(tool_user)
        done = tool_user.sh(f"{SIGNED_IN}keyturn plugin run --plugin mytool -- deploy")
        done.fails(Status.NO_DEFAULT, "no item is chosen for Mytool")
        assert "keyturn plugin init mytool" in done.errors

    def test_in_a_terminal_it_asks_for_an_item_of_the_plugin(self, tool_user: User) -> None:
        new(tool_user)
        terminal = tool_user.terminal()
        terminal.run(f"keyturn signin --password-file {tool_user.home}/password")
        terminal.type("keyturn plugin run --plugin mytool -- deploy now")
        terminal.expect("which item is mytool to use")
        terminal.child.send("expand\r")
        terminal.expect("Mine")
        terminal.child.send("mine\r")
        assert "token=EXAMPLE-one other= plugin= item=" in terminal.ready()
        [session] = tool_user.runtime.glob("keyturn/sessions-*/*.json")
        assert '"mytool"' in session.read_text()

    def test_a_plugin_that_is_not_there(self, tool_user: User) -> None:
        tool_user.keyturn("plugin", "run", "--plugin", "nope", "--", "deploy").fails(
            Status.USAGE, "no plugin is called nope"
        )

    def test_aws_for_anything(self, user: User, tmp_path: Path) -> None:
        """Its hook reads profiles; a program of which nothing is known takes them by variables."""
        user.account(item("AWS", {"access key id": "AKIAIOSFODNN7EXAMPLE", "secret access key": "sEXAMPLE"}))
        user.password_file()
        init(user, "aws", "AWS")
        program = tmp_path / "my script"
        program.write_text("#!/bin/sh\necho $AWS_ACCESS_KEY_ID $AWS_PROFILE\n")
        program.chmod(0o755)
        (user.config / "settings.toml").write_text(f'[executables]\ntrusted_directories = ["{tmp_path}"]\n')
        run = f"keyturn plugin run --plugin aws -- '{program}' --profile x"
        assert user.sh(SIGNED_IN + run).succeeds().output == "AKIAIOSFODNN7EXAMPLE\n"


def test_a_file_in_the_working_directory_is_never_read(tool_user: User) -> None:
    repository = tool_user.home / "repository"
    for directory in (
        repository,
        repository / "plugins",
        repository / ".keyturn",
        repository / "keyturn/plugins",
    ):
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "mytool.toml").write_text("frob")
        (directory / "rules.toml").write_text("frob")
    done = tool_user.keyturn("plugin", "list", directory=repository).succeeds()
    assert "frob" not in done.errors
    assert not done.errors
    done = tool_user.keyturn("plugin", "run", "--", "mytool", directory=repository)
    done.fails(Status.USAGE, "no plugin wraps mytool")

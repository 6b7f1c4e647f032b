"""`keyturn plugin init` by keystrokes: which command, in which scope, with which others, and a dry run."""

import json
import re
from pathlib import Path

import pytest

from keyturn.ground.errors import Status
from tests.programs.test_plugin_init import CREDENTIALS, KEY, OTHER_KEY, credentials, defaults
from tests.programs.test_plugin_init_asked import (
    COMMAND,
    PRESET,
    RECOVERY,
    REMOVE,
    SESSION,
    SHELL,
    TITLE,
    TYPED,
    UNLOCK,
    WHERE,
    WHICH,
    choose,
    traces,
)
from tests.programs.user import Terminal, User
from tests.vaults.templates import PASSWORD, make_item

ITEM = "which item is aws to use?"
OTHERS = "which others are to use it too?"
COMMANDS = "which command is to be set up?"
REFERENCE = re.compile(r'"title": "([^"]+)"')


@pytest.fixture
def both(user: User) -> User:
    """A user with two items, whose global default of aws is the first one."""
    user.account(make_item("New EXAMPLE"), make_item("Old EXAMPLE"))
    init(user, "--item", "Old EXAMPLE")
    user.keyturn("lock").succeeds()
    return user


def init(user: User, *flags: str, directory: Path | None = None) -> str:
    words = ("plugin", "init", "aws", "--no-input", *flags, "--password-file", user.password_file())
    return user.keyturn(*words, directory=directory).succeeds().errors


def tools(user: User, *names: str) -> None:
    """Commands on PATH that only have names."""
    folder = user.home / "tools"
    folder.mkdir()
    for name in names:
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    user.path.insert(0, str(folder))


def begin(user: User, terminal: Terminal) -> None:
    terminal.type(COMMAND)
    choose(terminal, WHICH, TYPED)
    terminal.answer(UNLOCK, PASSWORD)
    choose(terminal, ITEM, "Old EXAMPLE (vault Private, account Test)")


def session_files(user: User) -> list[str]:
    """What the session files say, as text."""
    return [path.read_text() for path in user.runtime.rglob("sessions-*/*.json")]


@pytest.mark.parametrize("scope", ["global", "directory", "session"])
def test_each_scope(both: User, scope: str) -> None:
    terminal = both.terminal()
    begin(both, terminal)
    terminal.expect(re.escape(WHERE))
    listed = terminal.expect(SESSION)
    assert "as the global default everywhere (in place of “Old EXAMPLE”)" in listed, "the old one, before"
    assert "automatically in ~ and below" in listed
    for _ in range(["global", "directory", "session"].index(scope)):
        terminal.child.send("\x1b[B")
    terminal.child.send("\r")
    terminal.answer(SHELL, "n")
    printed = terminal.ready()
    assert terminal.status() == 0
    file = defaults(both)
    in_directory = file.get("directories", {}).get(str(both.home.resolve()), {})
    found = {
        "global": file["everywhere"]["aws"]["title"],
        "directory": in_directory.get("aws", {}).get("title", ""),
        "session": "".join(title for text in session_files(both) for title in REFERENCE.findall(text)),
    }
    untouched = {"global": "Old EXAMPLE", "directory": "", "session": ""}
    assert found == {**untouched, scope: "New EXAMPLE"}
    told = {
        "global": "aws uses it everywhere (the global default), in place of “Old EXAMPLE”",
        "directory": "aws uses it in ~ and below",
        "session": "aws uses it in this terminal session",
    }
    assert told[scope] in printed


def test_a_nearer_default_is_named(both: User) -> None:
    folder = both.home / "work"
    folder.mkdir()
    assert "note: here" not in init(both, "--item", "New EXAMPLE", "--directory", str(folder))
    said = init(both, "--item", "Old EXAMPLE", "--scope", "global", directory=folder)
    assert "note: here aws uses “New EXAMPLE”, the default of ~/work and below" in said


def test_the_command_is_picked_from_a_list(both: User) -> None:
    tools(both, "terraform")
    terminal = both.terminal()
    terminal.type("keyturn plugin init")
    terminal.expect(re.escape(COMMANDS))
    # The list is longer than a screen; this machine may have some of the commands itself.
    listed = terminal.expect(r"awslogs \(")
    order = re.findall(r"([\w-]+) \([A-Z]", listed)
    assert order[0] == "aws"
    assert "terraform" in order, "what is installed comes first"
    assert "aws (Amazon Web Services, installed, set up)" in listed
    terminal.child.send("terraf")
    terminal.expect(r"/.*terraf")
    terminal.child.send("\r")
    choose(terminal, "which type of credential is terraform to use?", "Hetzner Cloud: API Token")
    choose(terminal, "which credential is terraform to use?", TYPED)
    terminal.answer(UNLOCK, PASSWORD)
    choose(terminal, "which item is terraform to use?", "Old EXAMPLE (vault")
    choose(terminal, "is terraform to use another credential", "Hetzner Cloud: API Token")
    choose(terminal, "where is terraform to use it?", SESSION)
    choose(terminal, OTHERS, "aws (Amazon Web Services)")
    terminal.answer(SHELL, "n")
    terminal.ready()
    assert terminal.status() == 0
    file = defaults(both)
    titles = {name: item["title"] for name, item in file["everywhere"].items()}
    assert titles == {"aws": "Old EXAMPLE", "terraform": "New EXAMPLE"}
    assert list(file["trusted"]) == ["aws", "terraform"]


def test_installed_commands_that_take_it_too_are_offered(both: User) -> None:
    tools(both, "cdk", "terraform")
    terminal = both.terminal()
    begin(both, terminal)
    choose(terminal, WHERE, SESSION)
    terminal.expect(re.escape(OTHERS))
    listed = terminal.expect(r"terraform \(Terraform\)")
    assert "cdk (AWS CDK)" in listed
    assert "eksctl" not in listed
    terminal.child.send("\x1b[B \r")
    terminal.answer(SHELL, "n")
    printed = terminal.ready()
    assert terminal.status() == 0
    file = defaults(both)
    titles = {name: item["title"] for name, item in file["everywhere"].items()}
    assert titles == {"aws": "New EXAMPLE", "terraform": "New EXAMPLE"}
    assert file["trusted"]["terraform"] == [str((both.home / "tools/terraform").resolve())]
    assert "terraform uses it everywhere (the global default)" in printed
    assert "terraform" in both.wraps()


def test_several_accounts(user: User) -> None:
    """Where nothing tells which account is meant, it is asked for; the search is over that one."""
    user.account(make_item("New EXAMPLE"), title="Work")
    user.account(make_item("Mine EXAMPLE"), title="Home")
    terminal = user.terminal()
    terminal.type(COMMAND)
    choose(terminal, WHICH, TYPED)
    choose(terminal, "which account?", "Home", downs=1)
    terminal.answer("password of account “Home”: ", PASSWORD)
    choose(terminal, ITEM, "Mine EXAMPLE (vault Private, account Home)")
    choose(terminal, WHERE, SESSION)
    terminal.answer(SHELL, "n")
    assert "item “Mine EXAMPLE” is in vault “Private” of account “Home”" in terminal.ready()
    assert terminal.status() == 0
    assert defaults(user)["everywhere"]["aws"]["title"] == "Mine EXAMPLE"


class TestAlsoByFlag:
    def test_named(self, both: User) -> None:
        said = init(both, "--item", "New EXAMPLE", "--also", "cdk, sam,cdk,aws")
        titles = {name: item["title"] for name, item in defaults(both)["everywhere"].items()}
        assert titles == {"aws": "New EXAMPLE", "cdk": "New EXAMPLE", "sam": "New EXAMPLE"}
        assert "note: cdk is not installed, or not on PATH" in said
        assert both.wraps() == ["aws", "cdk", "sam"]

    def test_unknown(self, both: User) -> None:
        words = ("plugin", "init", "aws", "--no-input", "--item", "New EXAMPLE", "--also", "cdk,frob")
        said = both.keyturn(*words).fails(Status.USAGE, "frob does not take the credential of aws")
        assert "these do: awslogs, cdk, eksctl, sam, terraform, tofu" in said.errors
        assert list(defaults(both)["everywhere"]) == ["aws"]

    def test_a_profile_imported_for_another_command_is_bound_for_all(self, both: User) -> None:
        both.aws_files(CREDENTIALS)
        words = ("plugin", "init", "terraform", "--no-input", "--import-profile", "dev")
        both.keyturn(*words, "--password-file", both.password_file()).succeeds()
        file = defaults(both)
        assert file["everywhere"]["terraform"]["title"] == "AWS dev"
        assert {plugin: list(names) for plugin, names in file["bindings"].items()} == {"aws": ["dev"]}

    def test_such_a_command_gets_the_keys_of_its_item_or_of_the_profile_named(self, both: User) -> None:
        both.aws_files(CREDENTIALS, "[profile dev]\nregion = us-east-2\n")
        init(both, "--import-profile", "dev", "--remove-plaintext", "--no-verify")
        tools(both, "terraform")
        script = both.home / "tools/terraform"
        script.write_text('#!/bin/sh\necho "$AWS_ACCESS_KEY_ID $AWS_REGION ${AWS_PROFILE-none}"\n')
        words = ("plugin", "init", "terraform", "--no-input", "--item", "New EXAMPLE")
        both.keyturn(*words, "--password-file", both.password_file()).succeeds()
        run = "keyturn plugin run -- terraform plan"
        signin = f"keyturn signin --password-file {both.password_file()}"
        printed = both.sh(f"{signin} && {run} && AWS_PROFILE=dev {run} && terraform plan").succeeds().output
        assert printed == f"{KEY}  none\n{OTHER_KEY} eu-west-1 none\n  none\n"


def test_cancelled_at_the_command(both: User) -> None:
    terminal = both.terminal()
    terminal.type("keyturn plugin init")
    terminal.expect(re.escape(COMMANDS))
    terminal.expect(r"awslogs \(")
    terminal.press("c")
    terminal.ready()
    assert terminal.status() == Status.INTERRUPTED
    assert not [line for line in terminal.screen() if "awslogs" in line], "it is erased"


def test_cancelled_at_the_others(both: User) -> None:
    tools(both, "cdk")
    before = defaults(both), (both.config / "plugins.sh").read_bytes()
    terminal = both.terminal()
    begin(both, terminal)
    choose(terminal, WHERE, SESSION)
    terminal.expect(re.escape(OTHERS))
    terminal.expect(r"cdk \(AWS CDK\)")
    terminal.press("c")
    terminal.ready()
    assert terminal.status() == Status.INTERRUPTED
    assert (defaults(both), (both.config / "plugins.sh").read_bytes()) == before


def test_everything_refused(both: User) -> None:
    """No to whatever is optional: the credential is imported, and nothing besides it changes."""
    both.aws_files(CREDENTIALS)
    tools(both, "cdk")
    terminal = both.terminal()
    terminal.type(COMMAND)
    choose(terminal, WHICH, TYPED)
    terminal.answer(UNLOCK, PASSWORD)
    terminal.answer(TITLE, "")
    choose(terminal, WHERE, SESSION)
    choose(terminal, OTHERS, "cdk (AWS CDK)")
    terminal.answer(REMOVE, "n")
    terminal.answer(SHELL, "n")
    terminal.ready()
    assert terminal.status() == 0
    assert credentials(both).decode() == CREDENTIALS
    assert list(defaults(both)["everywhere"]) == ["aws"]
    assert not (both.home / ".bashrc").exists()


class TestDryRun:
    """Every question is put, but for a password that would be needed for a change alone."""

    def test_a_first_run(self, user: User) -> None:
        user.aws_files(CREDENTIALS)
        before = traces(user)
        terminal = user.terminal(columns=160)
        terminal.type(f"{COMMAND} --dry-run")
        choose(terminal, WHICH, TYPED)
        terminal.answer(TITLE, "")
        choose(terminal, WHERE, SESSION, downs=1)
        terminal.answer(REMOVE, "")
        terminal.answer(SHELL, "")
        choose(terminal, PRESET, "login-session: once for all terminals")
        terminal.answer(RECOVERY, "")
        printed = terminal.ready()
        assert terminal.status() == 0
        for line in (
            "would make the account “personal”",
            "would make a recovery code",
            "would make the item “AWS” in vault “Personal” with access key id, secret access key",
            "aws would use “AWS” in ~ and below",
            "would wrap aws in ~/.config/keyturn/plugins.sh",
            "would take the keys out of profile “default” in ~/.aws/credentials",
            "to ~/.bashrc",
            "nothing was changed (--dry-run)",
        ):
            assert line in printed, line
        assert traces(user) == before
        assert credentials(user).decode() == CREDENTIALS
        assert not (user.home / ".bashrc").exists()

    def test_by_flags(self, both: User) -> None:
        both.aws_files(CREDENTIALS)
        vault = [path.read_bytes() for path in (both.home / "accounts").rglob("*.age")]
        before = json.dumps(defaults(both)), (both.config / "plugins.sh").read_bytes(), traces(both)
        said = init(both, "--import-profile", "dev", "--remove-plaintext", "--also", "cdk", "--dry-run")
        assert "aws would use “AWS dev” everywhere (the global default), in place of “Old EXAMPLE”" in said
        assert "cdk would use “AWS dev” everywhere (the global default)\n" in said
        assert "would bind it to profile “dev”" in said
        after = json.dumps(defaults(both)), (both.config / "plugins.sh").read_bytes(), traces(both)
        assert after == before
        assert [path.read_bytes() for path in (both.home / "accounts").rglob("*.age")] == vault
        assert credentials(both).decode() == CREDENTIALS


def test_by_number_and_by_words(both: User) -> None:
    """On a terminal that cannot move its cursor."""
    tools(both, "cdk", "terraform")
    both.variables["TERM"] = "dumb"
    terminal = both.terminal()
    terminal.type("keyturn plugin init")
    terminal.answer("number, or a part of the line [1]: ", "AMAZON WEB")
    terminal.answer("number, or a part of the line [1]: ", "nothing is called so")
    terminal.answer("number, or a part of the line [1]: ", "2")
    terminal.answer("number, or a part of the line [1]: ", "1")
    terminal.answer("number [1]: ", "1")
    terminal.answer(UNLOCK, PASSWORD)
    terminal.answer("number, or a part of the line [1]: ", "new")
    terminal.answer("number, or a part of the line [1]: ", "")
    terminal.answer("number [1]: ", "1")
    terminal.answer("numbers, Enter for none: ", "3")
    terminal.answer("numbers, Enter for none: ", "2, 1")
    terminal.answer(SHELL, "n")
    terminal.ready()
    assert terminal.status() == 0
    titles = {name: item["title"] for name, item in defaults(both)["everywhere"].items()}
    assert titles == dict.fromkeys(("aws", "cdk", "terraform"), "New EXAMPLE")

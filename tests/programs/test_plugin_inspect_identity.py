"""Which identity a terminal's commands have: its own default's, through kills and damage, never another's."""

import os
import signal

import pytest

from keyturn.ground.errors import Status
from keyturn.ground.secret import Secret
from keyturn.items import FieldType, Item, ItemReference, new_field, new_item
from keyturn.scopes import defaults
from tests.aws_server.client import AwsUser, LocalAws
from tests.programs.memory import pids_with
from tests.programs.test_plugin_clear import change_defaults, in_directory
from tests.programs.user import BIN, Terminal, User
from tests.vaults.templates import MOMENT, PASSWORD

QUESTION = "password of account “Test”: "
WHO = "keyturn plugin run -- aws sts get-caller-identity --query Arn --output text"


def item_of(person: AwsUser) -> Item:
    fields = [
        new_field("access key id", FieldType.TEXT, Secret(person.access_key_id)),
        new_field("secret access key", FieldType.CONCEALED, Secret(person.secret_access_key)),
    ]
    return new_item(person.name, fields, MOMENT, ["keyturn/aws/access-key"])


@pytest.fixture
def owner(user: User, local_aws: LocalAws) -> User:
    """ada is the global default; the item of grace is in the vault, and the default of `~/staging`."""
    user.variables.update(local_aws.environment())
    user.aws_files("", local_aws.config_text())
    items = {name: item_of(local_aws.users[name]) for name in ("ada", "grace")}
    made = user.account(*items.values())
    found = {
        name: ItemReference(made.account.id, made.vault.id, item.id, name) for name, item in items.items()
    }
    (user.home / "staging").mkdir()
    change_defaults(
        user,
        lambda known: defaults.with_default(known, "aws", found["ada"]),
        in_directory(user, "staging", found["grace"]),
    )
    return user


def signed_in(user: User, item: str = "") -> Terminal:
    """An approved terminal, with a default of its own if an item is named."""
    terminal = user.terminal()
    terminal.run(f"keyturn signin --password-file {user.password_file()}")
    if item:
        line = f"keyturn plugin init aws --item {item} --scope session --no-input"
        assert terminal.run(line)[1] == 0
    return terminal


def who(terminal: Terminal, command: str = WHO) -> str:
    printed, status = terminal.run(command)
    assert status == 0, printed
    return printed.strip().rpartition("/")[2]


def test_two_terminals_at_once(owner: User) -> None:
    first, second, third = signed_in(owner, "ada"), signed_in(owner, "grace"), signed_in(owner)
    for terminal in (first, second, third):
        terminal.type(WHO)
    assert [terminal.ready().strip().rpartition("/")[2] for terminal in (first, second, third)] == [
        "ada",
        "grace",
        "ada",
    ]
    third.run("cd staging")
    assert who(third) == "grace", "cd alone switches identity"
    first.run("cd staging")
    assert who(first) == "ada", "the session's default beats the directory's"


@pytest.mark.parametrize(
    "command",
    [
        "sh -c '{}'",
        "setsid -w {}",  # an editor's task: no terminal of its own
        "env -i PATH=$PATH HOME=$HOME XDG_RUNTIME_DIR=$XDG_RUNTIME_DIR AWS_ENDPOINT_URL=$AWS_ENDPOINT_URL {}",
    ],
)
def test_what_is_started_from_the_terminal_is_as_the_terminal(owner: User, command: str) -> None:
    assert who(signed_in(owner, "grace"), command.format(WHO)) == "grace"


def test_the_agent_is_killed_between_two_commands(owner: User) -> None:
    terminal = signed_in(owner, "grace")
    assert who(terminal) == "grace"
    agents = pids_with(str(owner.runtime))
    assert len(agents) == 2, "a supervisor and a keeper"
    for pid in agents:
        os.kill(pid, signal.SIGKILL)
    terminal.type(WHO)
    terminal.answer(QUESTION, PASSWORD)
    assert terminal.ready().strip().endswith("user/grace")


def test_a_session_file_that_cannot_be_read_is_refused(owner: User) -> None:
    # For a root who may read every file a mode is nothing: neither terminals nor agent are such a one.
    owner.keyturn("agent", "stop").succeeds()
    owner.drop_privileges()
    terminal = signed_in(owner, "grace")
    assert who(terminal) == "grace"
    [file] = owner.runtime.glob("keyturn/sessions-*/*.json")
    file.chmod(0)
    for command in (WHO, "keyturn plugin inspect aws", "keyturn plugin clear aws"):
        printed, status = terminal.run(command)
        assert status == Status.CONFIGURATION, printed
        assert f"{file} cannot be read: permission denied" in printed
        assert "user/" not in printed, "it did not fall through to ada"
    other = signed_in(owner)
    assert who(other) == "ada", "another terminal is not concerned"
    file.chmod(0o600)
    assert who(terminal) == "grace"


# Two sessions away from whatever terminal the tests were started from.
FAR = ("setsid", "-w")

DIRECTLY = """
import os, sys
from keyturn.agent import requests
from keyturn.agent.client import Agent
from keyturn.ground.errors import UsageError
from keyturn.ground.names import new_id
from keyturn.ground.world import here
from keyturn.items import ItemReference
from keyturn.scopes.layers import Scope

agent = Agent(here().directories, [sys.executable, "-I", "-Xutf8"], os.getuid())
agent.connect()
item = ItemReference(new_id(), new_id(), new_id(), "x")
for more in ({"scope": Scope.SESSION}, *({"scope": Scope.DIRECTORY, "place": each} for each in sys.argv[1:])):
    try:
        agent.call(requests.SetDefault(executable="aws", plugin="aws", reference=item, **more))
    except UsageError as error:
        print(error.message)
"""


def test_the_agent_itself_refuses_what_names_no_place(owner: User) -> None:
    before = (owner.config / "defaults.json").read_bytes()
    places = ("", "srv", "/srv/..", "/srv/", "/\\x41")
    done = owner.run(*FAR, str(BIN / "python"), "-c", DIRECTLY, *places).succeeds()
    assert done.output.splitlines() == [
        "there is no terminal session here that a default could be for",
        *["no directory is named that a default could be for"] * len(places),
    ]
    assert (owner.config / "defaults.json").read_bytes() == before


def test_a_session_default_needs_a_terminal(owner: User) -> None:
    line = ("plugin", "init", "aws", "--item", "grace", "--scope", "session", "--no-input")
    owner.run(*FAR, str(BIN / "keyturn"), *line).fails(Status.USAGE, "no terminal session here")
    both = ("plugin", "init", "aws", "--item", "grace", "--scope", "global", "--directory", ".")
    owner.keyturn(*both).fails(Status.USAGE, "--directory does not go with --scope global")
    nowhere = ("plugin", "init", "aws", "--item", "grace", "--directory", "none")
    owner.keyturn(*nowhere).fails(Status.USAGE, "no such file or directory")

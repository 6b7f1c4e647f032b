"""What a tool keeps in the login keyring: found by the plugin's description, in a real gnome-keyring."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from keyturn.catalogue import keyring, loader
from keyturn.catalogue.keyring import Kept, Opened, ReadKeyring
from keyturn.ground.errors import ConfigurationError
from keyturn.ground.secret import Secret
from keyturn.sdk.importers import Findings, Rejected
from keyturn.sdk.schema import Plugin, parse
from tests.vaults.login_keyring import LoginKeyring

TOKEN, OTHER = "ghp_EXAMPLEEXAMPLEEXAMPLEEXAMPLEEXAMPLE0", "github_pat_EXAMPLE"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoginKeyring]:
    with LoginKeyring(tmp_path_factory.mktemp("keyring")) as found:
        yield found


@pytest.fixture
def login(running: LoginKeyring) -> LoginKeyring:
    running.collection(lambda found: [entry.delete() for entry in found.get_all_items()])
    return running


def keep(login: LoginKeyring, service: str, username: str, secret: str) -> None:
    """As go-keyring does (keyring_unix.go: attributes `service` and `username`)."""
    label = f"Password for '{username}' on '{service}'"
    attributes = {"service": service, "username": username}
    login.collection(lambda found: found.create_item(label, attributes, secret.encode()))


def read(login: LoginKeyring) -> Opened:
    """By the process that does it for `plugin init`."""
    done = subprocess.run(
        [sys.executable, "-I", "-m", "keyturn.cli.keyring_reading"],
        input=keyring.tasks.encode(ReadKeyring(keyring.services(github()))),
        env={"PATH": os.environ["PATH"], "DBUS_SESSION_BUS_ADDRESS": login.bus},
        stdout=subprocess.PIPE,
        check=True,
    )
    return keyring.results.decode(done.stdout)


def github() -> Plugin:
    return loader.load("github")


def shown(found: Findings) -> list[tuple[str, str, dict[str, str]]]:
    return [
        (each.source, each.name_hint, {label: value.reveal() for label, value in each.fields.items()})
        for each in found.candidates
    ]


def test_tokens_of_two_hosts(login: LoginKeyring) -> None:
    """gh keeps the one in use twice; entries of other programs are not read."""
    keep(login, "gh:github.com", "monalisa", TOKEN)
    keep(login, "gh:github.com", "", TOKEN)
    keep(login, "gh:git.example.com", "mona", OTHER)
    keep(login, "another program", "monalisa", TOKEN)
    login.collection(lambda found: found.create_item("x", {"service": "gh:no.user"}, TOKEN.encode()))
    opened = read(login)
    assert {each.service for each in opened.kept} == {"gh:github.com", "gh:git.example.com"}
    assert opened.problem == ""
    found = keyring.find(github(), opened)
    assert shown(found) == [
        ("“mona” in the login keyring", "mona", {"token": OTHER, "host": "git.example.com"}),
        ("“monalisa” in the login keyring", "monalisa", {"token": TOKEN}),
    ]
    assert found.rejected == ()
    assert all(each.place is None and not each.variables for each in found.candidates)
    assert "EXAMPLE" not in repr(opened)


def test_a_sign_in_of_gh_is_not_offered(login: LoginKeyring) -> None:
    keep(login, "gh:github.com", "monalisa", "gho_EXAMPLE")
    found = keyring.find(github(), read(login))
    reason = "it is of a kind that is not imported"
    assert found == Findings(rejected=(Rejected("“monalisa” in the login keyring", reason),))


def test_a_locked_keyring_is_left_locked(tmp_path_factory: pytest.TempPathFactory) -> None:
    with LoginKeyring(tmp_path_factory.mktemp("locked")) as login:
        keep(login, "gh:github.com", "monalisa", TOKEN)
        login.lock()
        opened = read(login)
        assert login.collection(lambda found: found.is_locked())
    assert opened.kept == ()
    [rejected] = keyring.find(github(), opened).rejected
    assert rejected == Rejected("the login keyring", "it is locked: unlock it and try again")


def test_most_plugins_have_nothing_there() -> None:
    assert keyring.services(loader.load("hcloud")) == ()
    assert (
        keyring.find(loader.load("hcloud"), Opened((Kept("gh:github.com", "", Secret(TOKEN)),))) == Findings()
    )


KEYRING = """
name = "demo"
platform = "Demo"
[credential]
name = "token"
title = "Token"
[[credential.field]]
label = "token"
secret = true
[provision]
environment = { DEMO_TOKEN = "token" }
[[import]]
keyring = true
at = [["demo", "demo:*"], "*"]
fields = { token = "@value" }
[[executable]]
runs = "demo"
name = "Demo"
needs_auth = { not = { no_arguments = true } }
"""


def test_a_plugin_of_ones_own_can_say_so() -> None:
    plugin = parse(KEYRING.encode(), "demo.toml", loader.load)
    assert keyring.services(plugin) == ("demo", "demo:*")
    opened = Opened((Kept("demo:x", "me", Secret("EXAMPLE")), Kept("else", "me", Secret("EXAMPLE"))))
    assert shown(keyring.find(plugin, opened)) == [
        ("“x/me” in the login keyring", "x/me", {"token": "EXAMPLE"})
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("keyring = true", 'keyring = true\nfiles = ["~/x"]', "exactly one of environment"),
        ("keyring = true", 'keyring = true\nformat = "json"', "go with files"),
        ("keyring = true", 'keyring = true\nhook = "aws-files"', "a hook stands alone or beside files"),
        ('at = [["demo", "demo:*"], "*"]', 'at = ["demo"]', "keyring needs at"),
        ('fields = { token = "@value" }', "", "keyring needs at"),
        ('"@value"', '"@3"', "@3 is none of"),
    ],
)
def test_what_an_importer_cannot_say(old: str, new: str, expected: str) -> None:
    assert old in KEYRING
    with pytest.raises(ConfigurationError, match=expected):
        parse(KEYRING.replace(old, new).encode(), "demo.toml", loader.load)

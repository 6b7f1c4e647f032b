"""`keyturn plugin init` with what lies in a tool's own file: imported, taken out of there, put back."""

import json
from pathlib import Path

import pytest

from keyturn.ground.errors import Status
from tests.programs.user import Result, User

WORK, HOME = "w0rkEXAMPLE" + "a" * 53, "h0meEXAMPLE" + "b" * 53
CLI = f"""# mine
active_context = "work"

[[contexts]]
  name = "work"
  token = "{WORK}" # until May
[[contexts]]
token = '{HOME}'
name = "default"
[[contexts]]
  name = "empty"
"""
DOCTL = "access-token: dop_v1_EXAMPLE\ncontext: default\nauth-contexts:\n  team: dop_v1_teamEXAMPLE\n"


@pytest.fixture
def newcomer(user: User) -> User:
    """A user with tokens in plaintext and an account that was made quickly."""
    user.account()
    write(user, ".config/hcloud/cli.toml", CLI)
    write(user, ".config/doctl/config.yaml", DOCTL)
    return user


def write(user: User, name: str, text: str) -> Path:
    path = user.home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def init(user: User, executable: str, *flags: str) -> Result:
    file = ("--password-file", user.password_file())
    return user.keyturn("plugin", "init", executable, "--no-input", *flags, *file)


def tokens(user: User) -> dict[str, str]:
    """The token of every item, by its title."""
    file = ("--password-file", user.password_file())
    rows = json.loads(user.keyturn("item", "list", "--format", "json", *file).succeeds().output)["items"]
    return {
        row["title"]: user.keyturn("item", "get", row["id"], "--field", "token", *file).succeeds().output[:-1]
        for row in rows
    }


def test_one_of_two_is_taken_out_and_comes_back(newcomer: User) -> None:
    path = newcomer.home / ".config/hcloud/cli.toml"
    path.chmod(0o640)
    done = init(newcomer, "hcloud", "--import-profile", "work", "--remove-plaintext").succeeds()
    assert "removed the credential “work” from ~/.config/hcloud/cli.toml" in done.errors
    assert WORK not in done.errors
    assert path.read_text() == CLI.replace(f'  token = "{WORK}" ', "  ")
    assert path.stat().st_mode & 0o777 == 0o640
    assert tokens(newcomer) == {"Hetzner Cloud work": WORK}
    file = json.loads((newcomer.config / "defaults.json").read_text())
    assert not file.get("bindings"), "the tool has no profiles that an item could be bound to"
    where = ("--password-file", newcomer.password_file())
    newcomer.keyturn("plaintext", "restore", str(path), *where).succeeds()
    assert path.read_text() == CLI


def test_the_only_one_is_named_by_its_file(newcomer: User) -> None:
    path = write(newcomer, ".config/doctl/config.yaml", "access-token: dop_v1_EXAMPLE\ncontext: default\n")
    done = init(newcomer, "doctl", "--import-file", str(path), "--remove-plaintext").succeeds()
    assert "removed the credential from ~/.config/doctl/config.yaml" in done.errors
    assert path.read_text() == "context: default\n"
    assert tokens(newcomer) == {"DigitalOcean": "dop_v1_EXAMPLE"}


def test_what_the_tool_writes_twice_goes_twice(newcomer: User) -> None:
    """gh keeps the token of the user that is active at the host, too."""
    hosts = "github.com:\n  users:\n    ada:\n      oauth_token: {0}\n  oauth_token: {0}\n  user: ada\n"
    path = write(newcomer, ".config/gh/hosts.yml", hosts.format("ghp_EXAMPLE"))
    done = init(newcomer, "gh", "--import-file", str(path), "--remove-plaintext").succeeds()
    assert "removed the credential “ada” from ~/.config/gh/hosts.yml" in done.errors
    assert path.read_text() == "github.com:\n  users:\n    ada:\n  user: ada\n"
    assert tokens(newcomer) == {"GitHub ada": "ghp_EXAMPLE"}


def test_it_stays_if_nobody_says_more(newcomer: User) -> None:
    path = newcomer.home / ".config/doctl/config.yaml"
    flags = ("--import-file", str(path), "--import-profile", "team")
    done = init(newcomer, "doctl", *flags).succeeds()
    assert "the credential “team” is still in plaintext: ~/.config/doctl/config.yaml" in done.errors
    assert path.read_text() == DOCTL
    assert tokens(newcomer) == {"DigitalOcean team": "dop_v1_teamEXAMPLE"}


def test_which_of_several_is_meant(newcomer: User) -> None:
    path = newcomer.home / ".config/hcloud/cli.toml"
    done = init(newcomer, "hcloud", "--import-file", str(path))
    done.fails(Status.USAGE, "cli.toml holds 2 credentials")
    assert "--import-profile work" in done.errors
    assert "“default” in ~/.config/hcloud/cli.toml" in done.errors
    assert WORK not in done.errors


def test_what_is_not_there(newcomer: User) -> None:
    write(newcomer, ".config/doctl/config.yaml", "access-token: [\n")
    done = init(newcomer, "doctl", "--import-file", "nowhere")
    done.fails(Status.MISSING, "no credential to import in nowhere")
    assert "not offered: ~/.config/doctl/config.yaml: it is not YAML" in done.errors
    done = init(newcomer, "hcloud", "--import-profile", "other")
    done.fails(Status.MISSING, "no credential to import in profile “other”")
    assert "found: “work” in ~/.config/hcloud/cli.toml" in done.errors


def test_what_cannot_be_taken_out_says_so_and_stays(newcomer: User) -> None:
    text = "access-token: &token dop_v1_EXAMPLE\nauth-contexts:\n  same: *token\n"
    path = write(newcomer, ".config/doctl/config.yaml", text)
    done = init(newcomer, "doctl", "--import-file", str(path), "--remove-plaintext")
    assert done.status == Status.CONFIGURATION
    assert "can be taken out only by hand: it is used in another place as well" in done.errors
    assert path.read_text() == text
    assert tokens(newcomer) == {"DigitalOcean": "dop_v1_EXAMPLE"}, "it is in the vault all the same"


OWN = """
name = "mine"
platform = "Mine"
[credential]
name = "token"
title = "Token"
[[credential.field]]
label = "token"
secret = true
[[credential.field]]
label = "host"
[provision.environment]
MINE_TOKEN = "token"
[[import]]
files = ["$MINE_FILE", "~/.mine"]
format = "ini"
at = ["server *"]
fields = { token = "token", host = "@1" }
[[executable]]
runs = "mine"
name = "Mine"
needs_auth = { not = { no_arguments = true } }
"""


def test_a_plugin_of_ones_own_is_scanned_imported_and_taken_out(newcomer: User) -> None:
    (newcomer.config / "plugins").mkdir(mode=0o700, exist_ok=True)
    own = newcomer.config / "plugins/mine.toml"
    own.write_text(OWN)
    own.chmod(0o600)
    path = write(newcomer, "mine", "# c\n[server a.example]\ntoken = m1neEXAMPLE#1\nport = 1\n")
    newcomer.variables["MINE_FILE"] = str(path)
    scan = json.loads(newcomer.keyturn("plaintext", "scan", "mine", "--format", "json").succeeds().output)
    [found] = scan["plaintext"]["found"]
    assert (found["plugin"], found["profile"], found["line"]) == ("mine", "a.example", 3)
    init(newcomer, "mine", "--import-file", str(path), "--remove-plaintext").succeeds()
    assert path.read_text() == "# c\n[server a.example]\nport = 1\n"
    assert tokens(newcomer) == {"Mine a.example": "m1neEXAMPLE#1"}

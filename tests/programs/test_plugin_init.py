"""`keyturn plugin init aws` by its flags: what it takes, what it leaves, what it says."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from keyturn.ground.errors import Status
from tests.programs.user import Result, User
from tests.vaults.templates import make_item

KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
OTHER_KEY, OTHER_SECRET = "AKIAI44QH8DHBEXAMPLE", "je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY"
# Comments, odd spaces, a foreign line end and no newline at the end: all of it has to stay.
CREDENTIALS = f"""# my keys
[default]
aws_access_key_id = {KEY}
aws_secret_access_key={SECRET}
output = json
\t
[dev]   ; spare
  aws_access_key_id={OTHER_KEY}\r
  aws_secret_access_key = {OTHER_SECRET}
  region = eu-west-1
[half]
aws_access_key_id = AKIAHALFEXAMPLE
[temporary]
aws_access_key_id = ASIAIOSFODNN7EXAMPLE
aws_secret_access_key = {SECRET}
# the end"""
INIT = ("plugin", "init", "aws", "--no-input")


@pytest.fixture
def newcomer(user: User) -> User:
    """A user with keys in plaintext and an account that was made quickly."""
    user.account()
    user.aws_files(CREDENTIALS, "[default]\nregion = eu-central-1\n[profile dev]\nregion = us-east-2\n")
    return user


def init(user: User, *flags: str, **more: object) -> Result:
    return user.keyturn(*INIT, *flags, "--password-file", user.password_file(), **more)


def credentials(user: User) -> bytes:
    return (user.home / ".aws/credentials").read_bytes()


def defaults(user: User) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((user.config / "defaults.json").read_text())
    return found


def items(user: User) -> dict[str, dict[str, str]]:
    """Every item's values, by its title."""
    file = ("--password-file", user.password_file())
    rows = json.loads(user.keyturn("item", "list", "--format", "json", *file).succeeds().output)["items"]
    found = {}
    for row in rows:
        shown = user.keyturn("item", "get", row["id"], "--format", "json", "--reveal", *file).succeeds()
        fields = json.loads(shown.output)["item"]["fields"]
        found[row["title"]] = {field["label"]: field["value"] for field in fields}
        assert row["tags"] == ["keyturn/aws/access-key"]
    return found


def test_the_default_profile_and_its_plaintext_kept(newcomer: User) -> None:
    done = init(newcomer, "--import-profile", "default").succeeds()
    assert done.output == f"source {newcomer.config}/plugins.sh\n"
    assert "the keys are still in plaintext: profile “default” in ~/.aws/credentials" in done.errors
    assert SECRET not in done.errors
    assert credentials(newcomer).decode() == CREDENTIALS
    assert items(newcomer) == {
        "AWS": {"access key id": KEY, "secret access key": SECRET, "default region": "eu-central-1"}
    }
    file = defaults(newcomer)
    assert file["everywhere"]["aws"]["title"] == "AWS"
    assert not file.get("bindings")
    assert newcomer.run("stat", "-c", "%a", str(newcomer.config / "plugins.sh")).output == "600\n"


def test_a_named_profile_is_bound_and_only_its_keys_go(newcomer: User) -> None:
    path = newcomer.home / ".aws/credentials"
    path.chmod(0o640)
    done = init(
        newcomer, "--import-profile", "dev", "--remove-plaintext", "--no-verify", "--title", "Dev EXAMPLE"
    ).succeeds()
    assert "removed the keys from profile “dev” in ~/.aws/credentials" in done.errors
    taken = [f"  aws_access_key_id={OTHER_KEY}\r\n", f"  aws_secret_access_key = {OTHER_SECRET}\n"]
    assert credentials(newcomer).decode() == CREDENTIALS.replace(taken[0], "").replace(taken[1], "")
    assert path.stat().st_mode & 0o777 == 0o640
    assert items(newcomer)["Dev EXAMPLE"]["default region"] in ("eu-west-1", "us-east-2")
    assert defaults(newcomer)["bindings"]["aws"]["dev"]["title"] == "Dev EXAMPLE"
    again = init(newcomer, "--import-profile", "dev").fails(
        Status.MISSING, "no credential to import in profile “dev”"
    )
    assert "profile “default” in ~/.aws/credentials" in again.errors, "what there is instead"


def test_a_second_run_changes_nothing(newcomer: User) -> None:
    init(newcomer, "--import-profile", "default").succeeds()
    before = (defaults(newcomer), items(newcomer), (newcomer.config / "plugins.sh").read_bytes())
    again = init(newcomer, "--import-profile", "default").succeeds()
    assert "the vault has it already, as “AWS”" in again.errors
    assert (defaults(newcomer), items(newcomer), (newcomer.config / "plugins.sh").read_bytes()) == before
    init(newcomer, "--import-profile", "default", "--remove-plaintext", "--no-verify").succeeds()
    assert SECRET not in credentials(newcomer).decode().split("[temporary]")[0]
    assert items(newcomer) == before[1]


def test_keys_in_the_environment(newcomer: User) -> None:
    (newcomer.home / ".bashrc").write_text(f"# x\nexport AWS_ACCESS_KEY_ID={KEY}\n# AWS_ACCESS_KEY_ID=old\n")
    variables = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_DEFAULT_REGION": "eu-west-3"}
    done = init(newcomer, "--import-env", variables=variables).succeeds()
    assert "  unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY" in done.errors.splitlines()
    assert f"  {newcomer.home}/.bashrc, line 2, seems to set them" in done.errors.splitlines()
    assert ".bashrc, line 3" not in done.errors
    assert SECRET not in done.errors
    assert items(newcomer)["AWS"]["secret access key"] == SECRET
    init(newcomer, "--import-env").fails(Status.MISSING, "the environment holds no complete credential")
    session = {**variables, "AWS_SESSION_TOKEN": "temporary EXAMPLE"}
    said = init(newcomer, "--import-env", variables=session).fails(Status.MISSING, "no complete credential")
    assert "temporary" in said.errors


def test_an_item_that_is_there(user: User) -> None:
    user.account(make_item("Prod EXAMPLE"), make_item("No key EXAMPLE", ""))
    init(user, "--item", "prod example").succeeds()
    assert defaults(user)["everywhere"]["aws"]["title"] == "Prod EXAMPLE"
    init(user, "--item", "none").fails(Status.MISSING, "no item “none”")
    said = init(user, "--item", "No key EXAMPLE").fails(
        Status.MISSING, "the field “secret access key” is empty"
    )
    assert "its fields: " in said.errors
    assert "keyturn plugin init aws --item " in said.errors
    assert "keyturn item edit" in said.errors
    assert defaults(user)["everywhere"]["aws"]["title"] == "Prod EXAMPLE", "a failed run changes nothing"


def test_the_first_account(user: User) -> None:
    user.aws_files(CREDENTIALS)
    done = init(user, "--import-profile", "default", "--vault", "Keys").succeeds()
    assert f"account “personal” is in {user.data}/accounts/personal" in done.errors
    assert "item “AWS” is in vault “Keys”" in done.errors
    assert items(user)["AWS"]["access key id"] == KEY


def test_tools_that_read_the_file_too_are_named(newcomer: User) -> None:
    tools = newcomer.home / "tools"
    tools.mkdir()
    for name in ("terraform", "something-else"):
        (tools / name).write_text("#!/bin/sh\n")
        (tools / name).chmod(0o755)
    newcomer.path.insert(0, str(tools))
    done = init(newcomer, "--import-profile", "default", "--remove-plaintext", "--no-verify").succeeds()
    said = done.errors.splitlines()
    at = said.index("note: these read that file too and do without its keys then:")
    assert "  terraform: set it up by keyturn plugin init terraform" in said[at + 1 :]
    assert "something-else" not in done.errors


@pytest.mark.parametrize(
    ("flags", "status", "said"),
    [
        ([], Status.USAGE, "the credential to use is missing, and --no-input is given"),
        (["--import-env", "--item", "x"], Status.USAGE, "one credential at a time"),
        (["--import-env", "--import-profile", "x"], Status.USAGE, "one credential at a time"),
        (["--import-profile", "none"], Status.MISSING, "no credential to import in profile “none”"),
        (["--import-profile", "half"], Status.MISSING, "no credential to import in profile “half”"),
        (["--import-profile", "temporary"], Status.MISSING, "no credential to import in profile “temporary”"),
        (["--item", "x"], Status.MISSING, "there is no account yet"),
    ],
)
def test_what_is_refused(user: User, flags: list[str], status: int, said: str) -> None:
    user.aws_files(CREDENTIALS)
    init(user, *flags).fails(status, said)
    assert not (user.config / "defaults.json").exists()
    assert not (user.config / "plugins.sh").exists()
    assert not (user.data / "accounts").exists()
    assert credentials(user).decode() == CREDENTIALS


def test_unknown_names(newcomer: User) -> None:
    newcomer.keyturn("plugin", "init", "frobnicate").fails(Status.USAGE, "no plugin wraps frobnicate")
    newcomer.keyturn("plugin", "init", "aws", "--scope", "house").fails(Status.USAGE, "--scope")
    newcomer.keyturn("plugin", "init").fails(Status.USAGE, "the command to set up is missing")
    init(newcomer, "--import-profile", "default", "--vault", "none").fails(Status.MISSING, "no vault “none”")
    assert not (newcomer.config / "plugins.sh").exists()
    newcomer.keyturn("plugin", "run").fails(Status.USAGE, "which command?")
    assert newcomer.keyturn("plugin", "run", "--", "no-such-command").status == Status.NOT_FOUND


def test_plaintext_that_cannot_be_taken_out_stays_and_is_said(newcomer: User) -> None:
    path = newcomer.home / ".aws/credentials"
    path.chmod(0o400)
    done = init(newcomer, "--import-profile", "default", "--remove-plaintext", "--no-verify")
    assert (done.status, "read-only" in done.errors) == (Status.CONFIGURATION, True)
    assert credentials(newcomer).decode() == CREDENTIALS
    assert items(newcomer)["AWS"]["secret access key"] == SECRET, "what was done before it holds"


def test_without_the_executable(newcomer: User) -> None:
    newcomer.path = [directory for directory in newcomer.path if not (Path(directory) / "aws").exists()]
    assert shutil.which("aws", path=":".join(newcomer.path)) is None
    done = init(newcomer, "--import-profile", "default").succeeds()
    assert "note: aws is not installed, or not on PATH" in done.errors

"""`keyturn aws import --console-csv` and `keyturn aws verify`, with a strict STS."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from keyturn.ground.errors import Status
from tests.aws_server.client import AwsUser, LocalAws
from tests.programs.user import Result, User
from tests.programs.vault import Vault

NOWHERE = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
NEW, OLD = (
    "Access key ID,Secret access key",
    "User name,Password,Access key ID,Secret access key,Console login link",
)


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    with LocalAws("ada", "grace") as found:
        yield found


@pytest.fixture(scope="module")
def vault(aws: LocalAws) -> Iterator[Vault]:
    """A user whose commands may use the account; what tests leave in it is theirs to tell apart."""
    with User() as user:
        user.variables.update(aws.environment())
        yield Vault(user)


@pytest.fixture
def ada(aws: LocalAws, request: pytest.FixtureRequest) -> AwsUser:
    """A new user of AWS's for each test, called as it."""
    return aws.add_user(f"ada-{abs(hash(request.node.name)) % 10**9}")


def csv(vault: Vault, content: str, name: str = "file.csv") -> Path:
    path = vault.user.home / name
    path.write_bytes(content.encode())
    return path


def run(vault: Vault, path: Path, *more: str, **given: dict[str, str]) -> Result:
    return vault.user.keyturn("aws", "import", "--console-csv", str(path), *more, **given)


def new(key: AwsUser) -> str:
    return f"{NEW}\r\n{key.access_key_id},{key.secret_access_key}\r\n"


def titles(vault: Vault) -> list[str]:
    return sorted(row["title"] for row in vault.json("list"))


def values(vault: Vault, title: str) -> dict[str, str]:
    return {label: value for label, (_, value) in vault.fields(title).items()}


def test_a_users_key_is_verified_stored_and_the_file_deleted(vault: Vault, ada: AwsUser) -> None:
    path = csv(vault, "\ufeff" + new(ada))
    done = run(vault, path, "--delete-file").succeeds()
    assert f"the key in the file is {ada.arn}" in done.errors
    assert values(vault, ada.name) == {
        "access key id": ada.access_key_id,
        "secret access key": ada.secret_access_key,
    }
    assert vault.json("get", ada.name)["tags"] == ["keyturn/aws/access-key"]
    assert not path.exists()
    assert ada.secret_access_key not in done.output + done.errors


def test_a_new_users_file_loses_nothing(vault: Vault, ada: AwsUser) -> None:
    cells = (ada.name, '"pass,word EXAMPLE"', ada.access_key_id, ada.secret_access_key, "https://x.example")
    path = csv(vault, f"{OLD}\r\n{','.join(cells)}\r\n")
    done = run(vault, path, "--keep-file").succeeds()
    assert f"the keys are still in plaintext: ~/{path.name}" in done.errors
    held = values(vault, ada.name)
    assert held["console password"] == "pass,word EXAMPLE"
    assert held["console login link"] == "https://x.example"
    # Without a terminal and a flag it stays as well; a second time, no second item.
    before = titles(vault)
    assert "has the key of" in run(vault, path).succeeds().errors
    assert path.exists()
    assert titles(vault) == before
    run(vault, path, "--delete-file").succeeds()
    assert not path.exists()


def test_the_files_name_says_whose_key_it_is(vault: Vault, ada: AwsUser) -> None:
    path = csv(vault, new(ada), "grace.h_accessKeys.csv")
    run(vault, path, "--no-verify", "--delete-file", variables=NOWHERE).succeeds()
    assert values(vault, "grace.h")["access key id"] == ada.access_key_id


@pytest.mark.parametrize("how", ["wrong secret", "unknown", "nowhere"])
def test_what_aws_does_not_confirm_is_neither_imported_nor_deleted(
    vault: Vault, ada: AwsUser, how: str
) -> None:
    content = new(ada)
    if how == "wrong secret":
        content = content.replace(ada.secret_access_key, "x" + ada.secret_access_key[1:])
    elif how == "unknown":
        content = content.replace(ada.access_key_id, "AKIA" + "X" * 16)
    path, before = csv(vault, content), titles(vault)
    more = NOWHERE if how == "nowhere" else {}
    failed = run(vault, path, "--delete-file", variables=more)
    failed.fails(Status.SERVICE_REFUSED, "verifying the access key")
    assert "it was not imported, and nothing was removed" in failed.errors
    assert path.read_bytes().decode() == content
    assert titles(vault) == before
    path.unlink()


def test_temporary_keys_and_files_that_are_none(vault: Vault, ada: AwsUser) -> None:
    before = titles(vault)
    temporary = new(ada).replace("AKIA", "ASIA", 1)
    run(vault, csv(vault, temporary), "--no-verify").fails(Status.CONFIGURATION, "temporary (ASIA…)")
    failed = run(vault, csv(vault, f"{NEW}\n{ada.secret_access_key}"))
    assert failed.status == Status.USAGE
    assert "row 2 of the file has no whole key" in failed.errors
    assert ada.secret_access_key not in failed.errors
    assert run(vault, vault.user.home / "nothing.csv").status == Status.USAGE
    assert titles(vault) == before


@pytest.mark.parametrize("how", ["link", "hard link"])
def test_a_file_that_would_be_left_elsewhere_is_not_deleted(vault: Vault, ada: AwsUser, how: str) -> None:
    path, before = csv(vault, new(ada), "real.csv"), titles(vault)
    other = path.with_name("other.csv")
    other.unlink(missing_ok=True)
    if how == "link":
        other.symlink_to(path)
    else:
        os.link(path, other)
    why = {"link": "it is a link", "hard link": "it has another hard link"}[how]
    run(vault, other, "--delete-file").fails(Status.CONFIGURATION, f"was not deleted: {why}")
    assert path.exists()
    assert titles(vault) == before, "it is said before anything is done"
    other.unlink()


def test_the_person_is_asked_about_the_file(vault: Vault, ada: AwsUser) -> None:
    path = csv(vault, new(ada))
    terminal = vault.user.terminal()
    terminal.run(f"keyturn signin --password-file {vault.user.password_file()}")
    terminal.type(f"keyturn aws import --console-csv {path}")
    terminal.expect("delete ~/file.csv")
    terminal.press("c")
    terminal.ready()
    assert terminal.status() == Status.INTERRUPTED
    assert path.exists()
    terminal.type(f"keyturn aws import --console-csv {path}")
    terminal.expect("delete ~/file.csv")
    path.write_text(path.read_text() + "more")
    terminal.type("y")
    assert "was not deleted: it was changed meanwhile" in terminal.ready()
    assert path.exists()
    csv(vault, new(ada))
    terminal.type(f"clear; keyturn aws import --console-csv {path}")
    terminal.answer("delete ~/file.csv", "y")
    terminal.ready()
    assert not path.exists()
    assert ada.name in titles(vault)


def test_verify_says_whose_keys_an_item_holds(vault: Vault, aws: LocalAws) -> None:
    grace = aws.users["grace"]
    keys = (f"access key id={grace.access_key_id}", "secret access key=-")
    tag = ("--tag", "keyturn/aws/access-key")
    vault.create("verified", *tag, *keys, stdin=grace.secret_access_key)
    verify = ("aws", "verify", "verified")
    done = vault.user.keyturn(*verify, "--format", "json").succeeds()
    assert json.loads(done.output)["identity"] == {
        "account": "123456789012",
        "arn": grace.arn,
        "user": "grace",
    }
    assert vault.user.keyturn(*verify).succeeds().output == f"account 123456789012\n{grace.arn}\n"
    vault.user.keyturn(*verify, variables=NOWHERE).fails(Status.SERVICE_REFUSED, "cannot be reached")
    vault.user.keyturn("aws", "verify").fails(Status.NO_DEFAULT, "no item is chosen for aws here")
    vault.item("edit", "verified", "secret access key=-", stdin="x" + grace.secret_access_key[1:]).succeeds()
    failed = vault.user.keyturn(*verify).fails(Status.SERVICE_REFUSED, "does not belong to its access key id")
    assert grace.secret_access_key[1:] not in failed.errors
    # A foreign address gets no request signed by the keys.
    elsewhere = {"AWS_ENDPOINT_URL": "https://sts.example.com"}
    vault.user.keyturn(*verify, variables=elsewhere).fails(Status.CONFIGURATION, "is not allowed")
    aws.forget_calls()
    temporary = grace.access_key_id.replace("AKIA", "ASIA", 1)
    vault.item("edit", "verified", f"access key id={temporary}").succeeds()
    vault.user.keyturn(*verify).fails(Status.CONFIGURATION, "temporary key (ASIA…)")
    assert not aws.calls()

"""The main job on other programs' vaults: asked once, the real `aws` runs, and a warm one asks nobody."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from keyturn.vaults.places import Place
from tests.aws_server.client import LocalAws
from tests.programs.other_vaults import MAKERS, Vault
from tests.programs.user import User

IDENTITY = "aws sts get-caller-identity --query Arn --output text"


@pytest.fixture(params=sorted(MAKERS))
def vault(request: pytest.FixtureRequest, aws_user: User) -> Iterator[Vault]:
    with MAKERS[request.param](aws_user) as made:
        yield made


def listed(user: User, vault: Vault) -> None:
    agree = ("--password-file", key_file(user, vault)) if vault.is_open else ()
    create = ("account", "create", "Mine", "--backend", vault.backend, *vault.arguments, *agree)
    user.keyturn(*create).succeeds()


def key_file(user: User, vault: Vault) -> str:
    return user.password_file(vault.key)


def test_the_main_job(aws_user: User, local_aws: LocalAws, vault: Vault) -> None:
    """Import, remove the plaintext, run; then a warm one, which asks nobody and is served from memory."""
    listed(aws_user, vault)
    init = ("plugin", "init", "aws", "--import-profile", "default", "--no-input", "--remove-plaintext")
    aws_user.keyturn(*init, "--password-file", key_file(aws_user, vault)).succeeds()
    assert "aws_secret_access_key" not in (aws_user.home / ".aws/credentials").read_text()
    aws_user.keyturn("lock").succeeds()
    terminal = aws_user.terminal()
    terminal.run(f"source {aws_user.config}/plugins.sh")
    terminal.type(IDENTITY)
    terminal.expect(vault.question)
    terminal.type("wrong")
    terminal.expect(r"\(1 of 3\)")
    terminal.expect(vault.question)
    terminal.type(vault.key)
    arn = local_aws.users["ada"].arn
    assert arn in terminal.ready()
    assert terminal.run(IDENTITY) == (f"{arn}\n", 0)
    backups = aws_user.keyturn("plaintext", "restore", "--list", "--password-file", key_file(aws_user, vault))
    assert ".aws/credentials" in backups.succeeds().output


def test_what_its_own_program_changes_is_used(aws_user: User, local_aws: LocalAws, vault: Vault) -> None:
    """No value of before is served: files are looked at each time, what has none is not believed for long."""
    listed(aws_user, vault)
    init = ("plugin", "init", "aws", "--import-profile", "default", "--no-input")
    aws_user.keyturn(*init, "--password-file", key_file(aws_user, vault)).succeeds()
    run = f"keyturn signin --password-file {key_file(aws_user, vault)} && keyturn plugin run -- {IDENTITY}"
    assert aws_user.sh(run).succeeds().output.strip() == local_aws.users["ada"].arn
    vault.change("x" * 40)
    if vault.backend in ("1password", "secret-service"):
        aws_user.keyturn("lock").succeeds()
    refused = aws_user.sh(run)
    assert "SignatureDoesNotMatch" in refused.errors, refused.errors


def test_items_by_hand(aws_user: User, vault: Vault) -> None:
    """Made, read, changed, moved, deleted; what the vault cannot do is one line, with status 2."""
    listed(aws_user, vault)
    unlocked = ("--password-file", key_file(aws_user, vault))
    create = ("item", "create", "--title", "Hand", "--vault", "0", "user[text]=bob", "password=-", *unlocked)
    vaults = aws_user.keyturn("vault", "list", "--format", "json", *unlocked).succeeds()
    assert '"title"' in vaults.output
    name = vaults.output.split('"title": "')[1].split('"')[0]
    made = aws_user.keyturn(*[name if word == "0" else word for word in create], stdin="EXAMPLE")
    item = made.succeeds().output.strip()
    shown = aws_user.keyturn("item", "get", item, "--format", "json", *unlocked).succeeds()
    assert '"bob"' in shown.output
    aws_user.keyturn("item", "edit", item, "user[text]=eve", *unlocked).succeeds()
    assert '"eve"' in aws_user.keyturn("item", "get", item, "--format", "json", *unlocked).output
    aws_user.keyturn("account", "slot", "list", *unlocked).fails(2, "it has no slots")
    aws_user.keyturn("item", "delete", item, "--permanently", "--yes", *unlocked).succeeds()
    assert item not in aws_user.keyturn("item", "list", "--format", "json", *unlocked).succeeds().output


def test_a_vault_that_is_gone_blocks_no_other(aws_user: User, local_aws: LocalAws, vault: Vault) -> None:
    listed(aws_user, vault)
    aws_user.account()
    place = next(iter(_places(aws_user, vault)))
    place.rename(place.with_name("away"))
    aws_user.keyturn("item", "list", "--account", "Mine", "--no-input").fails(190, "")
    unlocked = ("--password-file", aws_user.password_file())
    aws_user.keyturn("item", "list", "--account", "Test", *unlocked).succeeds()
    wrong = aws_user.keyturn(
        "item", "list", "--account", "Mine", "--password-file", key_file(aws_user, vault)
    )
    assert wrong.status in (192, 194, 198), wrong.errors
    assert len(wrong.errors.splitlines()) <= 3


def _places(user: User, vault: Vault) -> Iterator[Path]:
    if vault.backend == "1password":
        yield user.home / "1password/op"
    elif vault.backend == "secret-service":
        yield user.home / "bus/bus"
    else:
        yield Path(vault.arguments[1])


def test_places_that_are_none_are_refused_when_they_are_listed(aws_user: User) -> None:
    create = ("account", "create", "Mine", "--backend")
    aws_user.keyturn(*create, "keepassxc").fails(2, "which database?")
    aws_user.keyturn(*create, "keepassxc", "--at", "gone.kdbx").fails(2, "there is no database")
    aws_user.path = [part for part in aws_user.path if part != "/usr/bin"]
    assert aws_user.keyturn(*create, "1password").status == 127
    assert Place("1password").path == ""

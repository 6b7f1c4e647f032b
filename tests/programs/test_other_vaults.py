"""The main job on other programs' vaults: asked once, the real `aws` runs, and a warm one asks nobody."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from keyturn.ground.secret import Secret
from keyturn.items import required_field
from keyturn.vaults.keyrings import contents
from keyturn.vaults.places import Place
from tests.aws_server.client import LocalAws
from tests.programs.user import User
from tests.vaults import one_password
from tests.vaults.databases import cli, make_database
from tests.vaults.login_keyring import LoginKeyring
from tests.vaults.one_password import OnePassword
from tests.vaults.stores import PASSPHRASE, Store, making
from tests.vaults.templates import PASSWORD

IDENTITY = "aws sts get-caller-identity --query Arn --output text"


@dataclass
class Vault:
    """A vault of another program in a user's home: how it is listed, what is asked, and what opens it.

    `is_open`: it opens by itself, so that `key` is a password to agree by. `change` has that program itself
    put another secret access key into the item.
    """

    backend: str
    arguments: tuple[str, ...]
    question: str
    key: str
    change: Callable[[str], None]
    is_open: bool = False


@pytest.fixture(params=["keepassxc", "pass", "1password", "secret-service"])
def vault(request: pytest.FixtureRequest, aws_user: User) -> Iterator[Vault]:
    with MAKERS[request.param](aws_user) as made:
        yield made


@contextlib.contextmanager
def _keepassxc(user: User) -> Iterator[Vault]:
    path = make_database(user.home / "my.kdbx")

    def change(secret: str) -> None:
        # Its program cannot set an attribute: it is written by the library itself.
        from pykeepass import PyKeePass  # type: ignore[import-untyped]  # has no types

        with path.open("rb") as stream:
            database = PyKeePass(stream, password=PASSWORD)
        database.find_entries(title="AWS", first=True).set_custom_property("secret access key", secret, True)
        database.save(str(path))
        assert cli(path, "show", "-s", "-a", "secret access key", str(path), "AWS") == f"{secret}\n"

    yield Vault("keepassxc", ("--at", str(path)), "password of the database my.kdbx: ", PASSWORD, change)


@contextlib.contextmanager
def _pass(user: User) -> Iterator[Vault]:
    with making(PASSPHRASE) as store:
        user.variables["GNUPGHOME"] = str(store.home / ".gnupg")

        def change(secret: str) -> None:
            _insert(store, "AWS", secret)

        question = "passphrase of the GnuPG key of .password-store: "
        yield Vault("pass", ("--at", str(store.root)), question, PASSPHRASE, change)


def _insert(store: Store, name: str, secret: str) -> None:
    """Another first line, by pass; the other lines are in plaintext only here."""
    opened = store.run("gpg", "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", PASSPHRASE,
                       "--decrypt", str(store.root / f"{name}.gpg"))  # fmt: skip
    lines = opened.splitlines()
    store.run("pass", "insert", "-m", "-f", name, stdin="\n".join([secret, *lines[1:], ""]))


@contextlib.contextmanager
def _one_password(user: User) -> Iterator[Vault]:
    directory = user.home / "1password"
    directory.mkdir()
    one = OnePassword(directory, app=False)
    user.path.insert(0, str(directory))

    def change(secret: str) -> None:
        with one.service() as found:
            fields = found["items"][0]["fields"]
            next(field for field in fields if field["label"] == "secret access key")["value"] = secret
            found["items"][0]["version"] += 1

    question = "password of the 1Password account ada@example.com: "
    yield Vault("1password", (), question, one_password.PASSWORD, change)


@contextlib.contextmanager
def _secret_service(user: User) -> Iterator[Vault]:
    directory = user.home / "bus"
    directory.mkdir(mode=0o700)
    with LoginKeyring(directory) as keyring:
        user.variables["DBUS_SESSION_BUS_ADDRESS"] = keyring.bus

        def change(secret: str) -> None:
            def put(collection: Any) -> None:
                [entry] = collection.search_items({"application": "keyturn"})
                item = contents.decode(entry.get_secret().decode())
                assert item is not None
                required_field(item, "secret access key").value = Secret(secret)
                entry.set_secret(contents.encode(item).encode())

            keyring.collection(put)

        question = "password of account “Mine”: "
        yield Vault("secret-service", (), question, "agreed EXAMPLE", change, is_open=True)


MAKERS = {
    "keepassxc": _keepassxc,
    "pass": _pass,
    "1password": _one_password,
    "secret-service": _secret_service,
}


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

"""`keyturn aws import --from aws-vault`: encrypted files, a real Secret Service and a real pass."""

import subprocess
from collections.abc import Iterator
from contextlib import closing

import pytest
import secretstorage
from jeepney.io.blocking import open_dbus_connection

from keyturn.ground.errors import Status
from tests.aws.aws_vault_files import encrypted, entry, store
from tests.aws_server.client import AwsUser, LocalAws
from tests.parts import needs
from tests.programs.user import Result, User
from tests.programs.vault import Vault
from tests.vaults.login_keyring import LoginKeyring

PASSPHRASE = "aws-vault's EXAMPLE é"
SESSION = "sts.GetSessionToken,YWRh,,1770000000"
# gnome-keyring's form without encryption, which needs nobody's password.
COLLECTION = "[keyring]\ndisplay-name={}\nctime=0\nmtime=0\nlock-on-idle=false\nlock-after=false\n"


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    with LocalAws("ada", "grace") as found:
        yield found


@pytest.fixture
def vault(user: User, aws: LocalAws) -> Vault:
    user.variables.update(aws.environment())
    (user.home / "passphrase").write_text(PASSPHRASE + "\n")
    return Vault(user)


def of(key: AwsUser, name: str, token: str = "") -> bytes:
    return entry(name, key.access_key_id, key.secret_access_key, token)


def run(vault: Vault, *more: str) -> Result:
    return vault.user.keyturn("aws", "import", "--from", "aws-vault", *more)


def titles(vault: Vault) -> list[str]:
    return sorted(row["title"] for row in vault.json("list"))


def secret(vault: Vault, title: str) -> str:
    return vault.fields(title)["secret access key"][1]


def test_encrypted_files(vault: Vault, aws: LocalAws) -> None:
    ada, grace = aws.users["ada"], aws.users["grace"]
    entries = {
        "ada": of(ada, "ada"),
        "work/prod": of(grace, "work/prod"),
        "passing": of(grace, "passing", "token EXAMPLE"),
        SESSION: b"{}",
    }
    keys = store(vault.user.home / ".awsvault/keys", PASSPHRASE, **entries)
    (keys / "other").write_bytes(encrypted(of(grace, "other"), "another EXAMPLE"))
    vault.user.aws_files("", "[profile work/prod]\nregion = eu-west-1\n")
    before = titles(vault)
    (vault.user.home / "wrong").write_text("wrong EXAMPLE\n")
    run(vault, "--all", "--passphrase-file", "wrong").fails(Status.DENIED, "opens none of the keys")
    run(vault, "--all").fails(Status.USAGE, "aws-vault's passphrase is missing")
    run(vault).fails(Status.USAGE, "which profiles to import")
    run(vault, "nobody").fails(Status.MISSING, "no keys of profile “nobody”")
    assert titles(vault) == before
    # What can be imported is; the rest is named.
    done = run(vault, "--all", "--passphrase-file", "passphrase")
    assert done.status == Status.DAMAGED
    assert "left out “other”: the passphrase does not open it" in done.errors
    assert "left out “passing”: it holds temporary keys" in done.errors
    assert SESSION not in done.errors
    assert titles(vault) == sorted([*before, "ada", "work/prod"])
    assert (secret(vault, "ada"), secret(vault, "work/prod")) == (
        ada.secret_access_key,
        grace.secret_access_key,
    )
    assert vault.fields("work/prod")["default region"] == ("STRING", "eu-west-1")
    assert len(list(keys.iterdir())) == 5, "aws-vault keeps what it has"
    again = run(vault, "ada", "--passphrase-file", "passphrase").succeeds()
    assert "item “ada” in vault “Private” has the key of profile “ada” already" in again.errors


def test_the_passphrase_is_asked_for_and_what_to_import(vault: Vault, aws: LocalAws) -> None:
    place = vault.user.home / "elsewhere"
    vault.user.variables["AWS_VAULT_FILE_DIR"] = str(place)
    store(place, PASSPHRASE, ada=of(aws.users["ada"], "ada"), grace=of(aws.users["grace"], "grace"))
    terminal = vault.user.terminal()
    terminal.run(f"keyturn signin --password-file {vault.user.password_file()}")
    terminal.type("keyturn aws import --from aws-vault")
    terminal.expect("which of aws-vault's keys")
    terminal.press("c")
    terminal.ready()
    assert terminal.status() == Status.INTERRUPTED
    terminal.type("keyturn aws import --from aws-vault ada")
    terminal.answer("passphrase of aws-vault's keys", "wrong EXAMPLE")
    terminal.answer("that opens none of them; once more", PASSPHRASE)
    assert "is item “ada”" in terminal.ready()
    assert not [line for line in terminal.screen() if "passphrase" in line or PASSPHRASE in line]
    assert "grace" not in titles(vault)


def test_a_secret_service(vault: Vault, aws: LocalAws) -> None:
    ada, user = aws.users["ada"], vault.user
    run(vault, "--store", "secret-service").fails(Status.MISSING, "no session bus")
    keyrings = user.runtime / "data/keyrings"
    keyrings.mkdir(parents=True)
    (keyrings / "awsvault.keyring").write_text(COLLECTION.format("awsvault"))
    with LoginKeyring(user.runtime) as login:
        user.variables["DBUS_SESSION_BUS_ADDRESS"] = login.bus
        with closing(open_dbus_connection(login.bus)) as connection:
            [found] = [
                each
                for each in secretstorage.get_all_collections(connection)
                if each.collection_path.endswith("/awsvault")
            ]
            assert not found.unlock(), "dismissed"
            for name, content in (("ada", of(ada, "ada")), (SESSION, b"{}")):
                found.create_item(name, {"profile": name}, content, content_type="application/json")
            done = run(vault).succeeds()
            assert f"the key of profile “ada” is {ada.arn}" in done.errors
            assert secret(vault, "ada") == ada.secret_access_key
            user.variables["AWS_VAULT_SECRET_SERVICE_COLLECTION_NAME"] = "other"
            run(vault, "--store", "secret-service").fails(Status.MISSING, "no such collection")


def test_a_locked_secret_service(vault: Vault) -> None:
    user = vault.user
    with LoginKeyring(user.runtime) as login:
        user.variables["DBUS_SESSION_BUS_ADDRESS"] = login.bus
        user.variables["AWS_VAULT_SECRET_SERVICE_COLLECTION_NAME"] = "login"
        login.lock()
        run(vault, "--store", "secret-service").fails(Status.LOCKED, "is locked")


@pytest.mark.needs("pass")
def test_pass(vault: Vault, aws: LocalAws) -> None:
    ada, user = aws.users["ada"], vault.user
    gpg_home = user.home / ".gnupg"
    gpg_home.mkdir(mode=0o700)
    environment = {**user.environment, "GNUPGHOME": str(gpg_home)}
    quick = ("--batch", "--passphrase", "", "--quick-generate-key", "ada@example.com", "default", "default")

    def call(*command: str, stdin: bytes = b"") -> None:
        subprocess.run(command, input=stdin, env=environment, check=True, capture_output=True)

    call(needs("gpg"), *quick)
    try:
        call(needs("pass"), "init", "ada@example.com")
        call(needs("pass"), "insert", "-m", "-f", "ada", stdin=of(ada, "ada"))
        call(needs("pass"), "insert", "-m", "-f", "mail", stdin=b"not aws-vault's EXAMPLE")
        user.variables["AWS_VAULT_BACKEND"] = "pass"
        # Whatever else is in there is not shown to us.
        run(vault).fails(Status.MISSING, "no entries known to be aws-vault's")
        run(vault, "ada").succeeds()
        assert secret(vault, "ada") == ada.secret_access_key
        call(needs("pass"), "insert", "-m", "-f", "prefix/grace", stdin=of(aws.users["grace"], "grace"))
        user.variables["AWS_VAULT_PASS_PREFIX"] = "prefix"
        assert "is item “grace”" in run(vault).succeeds().errors
        user.variables["AWS_VAULT_PASS_CMD"] = "no-such-pass"
        run(vault).fails(Status.NOT_FOUND, "no-such-pass: command not found")
    finally:
        subprocess.run(["gpgconf", "--kill", "all"], env=environment, check=False)

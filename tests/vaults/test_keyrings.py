"""The desktop's keyring as a vault: the contract on a real gnome-keyring, and its own tool beside it."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from keyring.backends.SecretService import Keyring

from keyturn.ground.clock import SystemClock
from keyturn.ground.errors import (
    ConfigurationError,
    DamagedError,
    MissingError,
    UnreachableError,
    UnsupportedError,
    UnusableError,
)
from keyturn.ground.names import new_id
from keyturn.items import FieldType, VaultReference
from keyturn.vaults import operations
from keyturn.vaults.backend import Backend
from keyturn.vaults.failed import Failed
from keyturn.vaults.foreign import ForeignAccount
from keyturn.vaults.keyrings.keychain import INDEX, SERVICE, VAULT, Keychain
from keyturn.vaults.operations import Opened, Operation
from keyturn.vaults.places import BUS, Place
from tests.parts import needs
from tests.vaults.contract import BackendContract
from tests.vaults.contract_keeping import contents
from tests.vaults.foreign import make_account
from tests.vaults.login_keyring import LoginKeyring
from tests.vaults.templates import make_item

SECRET_SERVICE = Place("secret-service")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoginKeyring]:
    with LoginKeyring(tmp_path_factory.mktemp("keyring")) as keyring:
        yield keyring


@pytest.fixture
def keyring(running: LoginKeyring) -> LoginKeyring:
    """The module's keyring, empty."""
    running.collection(lambda found: [entry.delete() for entry in found.get_all_items()])
    return running


def open_account(keyring: LoginKeyring, collection: str = "") -> ForeignAccount:
    return make_account(Place("secret-service", collection), None, {BUS: keyring.bus})


class OneVaultContract(BackendContract):
    """For keyrings: ids and versions are ours, and there is the one vault that there is."""

    cannot = frozenset({"archive", "restore", "history", "create_vault"})

    def make_vault(self, backend: Backend, name: str) -> VaultReference:
        return backend.vaults()[0]


class TestSecretService(OneVaultContract):
    @pytest.fixture
    def backend(self, keyring: LoginKeyring) -> ForeignAccount:
        return open_account(keyring)

    @pytest.fixture
    def reopened(self, keyring: LoginKeyring) -> ForeignAccount:
        return open_account(keyring)

    def can_hold(self, text: str) -> bool:
        # D-Bus strings have no NUL (D-Bus specification, “Valid strings”).
        return "\0" not in text


class TestKeychain(OneVaultContract):
    """The store of the Keychain, on what the package `keyring` has here: the Secret Service."""

    @pytest.fixture
    def backend(
        self, keyring: LoginKeyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> ForeignAccount:
        monkeypatch.setenv(BUS, keyring.bus)
        return keychain(tmp_path)

    @pytest.fixture
    def reopened(self, backend: Backend, tmp_path: Path) -> ForeignAccount:
        return keychain(tmp_path)


def backend() -> Any:
    """What the package `keyring` has here; it has no types."""
    return Keyring()  # type: ignore[no-untyped-call]


def keychain(directory: Path) -> ForeignAccount:
    def perform(operation: Operation) -> operations.Answer:
        return Keychain(backend(), directory, SystemClock()).do(operation)

    return ForeignAccount(new_id(), "Test", Place("keychain"), perform, SystemClock().boot)


def tool(keyring: LoginKeyring, *words: str, stdin: str = "") -> str:
    """What libsecret's own tool prints."""
    environment = {"PATH": "/usr/bin:/bin", BUS: keyring.bus}
    command = [needs("secret-tool"), *words]
    done = subprocess.run(
        command, input=stdin, env=environment, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_entries_of_other_programs_are_read_and_left_alone(keyring: LoginKeyring) -> None:
    tool(keyring, "store", "--label=GitHub", "service", "github", "login", "ada", stdin="ghp_EXAMPLE")
    account = open_account(keyring)
    item, vault = account.find("github")
    assert ("login", FieldType.TEXT, "ada") in contents(item)
    assert ("password", FieldType.CONCEALED, "ghp_EXAMPLE") in contents(item)
    with pytest.raises(UnsupportedError, match="another program's"):
        account.edit(item)
    assert tool(keyring, "lookup", "service", "github") == "ghp_EXAMPLE"
    assert vault == account.vaults()[0]


def test_its_own_tool_finds_what_was_written_here(keyring: LoginKeyring) -> None:
    account = open_account(keyring)
    item = account.create(account.vaults()[0].id, make_item("AWS", "wJalr/EXAMPLE"))
    assert "wJalr/EXAMPLE" in tool(keyring, "lookup", "application", "keyturn", "id", item.id)
    item.tags = ["another"]
    account.edit(item)
    assert len(keyring.entries()) == 1, "with other tags it is the same entry"
    tool(keyring, "clear", "application", "keyturn", "id", item.id)
    with pytest.raises(MissingError):
        account.read_back(item.id)


def test_one_collection_of_several_is_named(keyring: LoginKeyring) -> None:
    label = open_account(keyring).vaults()[0].name
    assert open_account(keyring, label).vaults()
    with pytest.raises(MissingError, match="no such collection"):
        open_account(keyring, "another").vaults()


def test_a_locked_keyring_is_one_line_and_an_open_one_asks_nothing(tmp_path: Path) -> None:
    def unlock(bus: str) -> object:
        task = operations.Task(SECRET_SERVICE, operations.Unlock(), None, {BUS: bus})
        return operations.perform(task)

    with LoginKeyring(tmp_path) as keyring:
        assert unlock(keyring.bus) == Opened()
        account = open_account(keyring)
        item = account.create(account.vaults()[0].id, make_item())
        keyring.lock()
        locked = unlock(keyring.bus)
        assert isinstance(locked, Failed)
        assert isinstance(locked.error(), UnusableError)
        with pytest.raises(UnusableError, match="locked"):
            account.read_back(item.id)
        with pytest.raises(UnusableError, match="locked"):
            account.create(account.vaults()[0].id, make_item())
    gone = unlock(keyring.bus)
    assert isinstance(gone, Failed)
    assert isinstance(gone.error(), UnreachableError)


def test_a_damaged_list_is_named_and_never_an_empty_one(
    keyring: LoginKeyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(BUS, keyring.bus)
    account = keychain(tmp_path)
    account.create(VAULT.id, make_item())
    backend().set_password(SERVICE, INDEX, "no list")
    with pytest.raises(DamagedError):
        keychain(tmp_path).items()
    with pytest.raises(DamagedError):
        keychain(tmp_path).create(VAULT.id, make_item())
    assert backend().get_password(SERVICE, INDEX) == "no list"


def test_the_keychain_is_macoss() -> None:
    answer = operations.perform(operations.Task(Place("keychain"), operations.ListItems()))
    assert isinstance(answer, Failed)
    assert isinstance(answer.error(), ConfigurationError)

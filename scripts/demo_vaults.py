"""Vaults of other programs for `make demo BACKEND=…`, each made in the demo's home."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from tests.programs.user import User
from tests.vaults.databases import make_database
from tests.vaults.login_keyring import LoginKeyring
from tests.vaults.stores import PASSPHRASE, making
from tests.vaults.templates import PASSWORD


@dataclass(frozen=True)
class Vault:
    """How it is listed as an account, what opens it and by which question, and how its own tool shows it.

    `is_open`: it opens by itself, and `key` is a password to agree by, made when it is listed.
    """

    title: str
    list_it: str
    question: str
    key: str
    look: str
    is_open: bool = False


@contextlib.contextmanager
def _keepassxc(user: User) -> Iterator[Vault]:
    make_database(user.home / "my.kdbx")
    yield Vault(
        "a KeePassXC database",
        "keyturn account create Mine --backend keepassxc --at ~/my.kdbx",
        "password of the database my.kdbx: ",
        PASSWORD,
        f"echo '{PASSWORD}' | keepassxc-cli ls -q ~/my.kdbx",
    )


@contextlib.contextmanager
def _pass(user: User) -> Iterator[Vault]:
    with making(PASSPHRASE) as store:
        user.variables |= {"GNUPGHOME": str(store.home / ".gnupg"), "PASSWORD_STORE_DIR": str(store.root)}
        yield Vault(
            "a store of pass",
            "keyturn account create Mine --backend pass --at $PASSWORD_STORE_DIR",
            "passphrase of the GnuPG key of .password-store: ",
            PASSPHRASE,
            "pass ls",
        )


@contextlib.contextmanager
def _secret_service(user: User) -> Iterator[Vault]:
    directory = user.home / "bus"
    directory.mkdir(mode=0o700)
    with LoginKeyring(directory) as keyring:
        user.variables["DBUS_SESSION_BUS_ADDRESS"] = keyring.bus
        yield Vault(
            "the desktop's keyring (GNOME Keyring)",
            "keyturn account create Mine --backend secret-service",
            "password of account “Mine”: ",
            "to agree by EXAMPLE",
            "secret-tool search --all application keyturn 2>&1 | grep label",
            is_open=True,
        )


MAKERS = {"keepassxc": _keepassxc, "pass": _pass, "secret-service": _secret_service}

"""Other programs' vaults in a user's home, each with what opens it and a hand of that program's."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from keyturn.ground.secret import Secret
from keyturn.items import required_field
from keyturn.vaults.keyrings import contents
from tests.programs.user import User
from tests.vaults import one_password
from tests.vaults.databases import cli, make_database
from tests.vaults.login_keyring import LoginKeyring
from tests.vaults.one_password import OnePassword
from tests.vaults.stores import PASSPHRASE, Store, making
from tests.vaults.templates import PASSWORD


@dataclass(frozen=True)
class Vault:
    """A vault of another program in a user's home: how it is listed, what is asked, and what opens it.

    `is_open`: it opens by itself, so that `key` is a password to agree by. `change` has that program itself
    put another secret access key into the item. `one`: 1Password behind the stand-in.
    """

    backend: str
    arguments: tuple[str, ...]
    question: str
    key: str
    change: Callable[[str], None]
    is_open: bool = False
    one: OnePassword | None = None


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
    yield Vault("1password", (), question, one_password.PASSWORD, change, one=one)


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

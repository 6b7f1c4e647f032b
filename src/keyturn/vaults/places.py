"""The kinds of vaults that belong to other programs, and where one of them is.

Light, for it is imported with the list of accounts; what opens such a vault is in a module of its own, which
only a helper imports.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import msgspec

Name = Literal["1password", "keepassxc", "pass", "secret-service", "keychain"]
NAMES: tuple[Name, ...] = get_args(Name)


class Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where a vault of another program is; no secret.

    `path` is the database or the store's directory; for 1Password the account, as `op --account` takes it;
    for a keyring its collection. Empty: the one that the program uses by itself. `program` is the absolute
    path of the program that is run for it, and `environment` are variables of the person's that say where
    things are (`Kind.variables`): both fixed when the account is listed, for the agent's own PATH and
    surroundings are not the person's.
    """

    backend: Name
    path: str = ""
    key_file: str = ""
    program: str = ""
    environment: dict[str, str] = {}


@dataclass(frozen=True)
class Kind:
    """A kind of vault.

    `title` names its program to people, `module` opens it (in a helper). `path_is` is what `Place.path` is;
    `is_file`: that is a path in the file system. `program` is the command that is run for it, empty where a
    library does it. `variables` are those of the person's that `Place.environment` keeps.
    `opens_by_itself`: it knows nothing that a person could type.
    """

    title: str
    module: str
    path_is: str
    is_file: bool = False
    has_key_file: bool = False
    program: str = ""
    variables: tuple[str, ...] = ()
    opens_by_itself: bool = False


BUS = "DBUS_SESSION_BUS_ADDRESS"

KINDS: dict[Name, Kind] = {
    "1password": Kind(
        title="1Password",
        module="keyturn.vaults.onepassword.store",
        path_is="account",
        program="op",
        variables=("XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "OP_CONNECT_HOST"),
    ),
    "keepassxc": Kind(
        title="KeePassXC",
        module="keyturn.vaults.keepassxc.store",
        path_is="database",
        is_file=True,
        has_key_file=True,
    ),
    "pass": Kind(
        title="pass",
        module="keyturn.vaults.password_store.store",
        path_is="directory",
        is_file=True,
        program="gpg",
        variables=("GNUPGHOME",),
    ),
    "secret-service": Kind(
        title="the Secret Service",
        module="keyturn.vaults.keyrings.secret_service",
        path_is="collection",
        variables=(BUS, "DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR"),
        opens_by_itself=True,
    ),
    "keychain": Kind(
        title="the macOS Keychain",
        module="keyturn.vaults.keyrings.keychain",
        path_is="keychain",
        opens_by_itself=True,
    ),
}

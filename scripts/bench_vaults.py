"""A warm wrapped command whose item is in another program's vault, beside one in a vault of Keyturn's own.

1Password's `op` is the tests' stand-in: a warm command does not call it.
"""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial

from scripts.bench_home import KEY_ID, SECRET, Home
from scripts.budgets import OWN_VAULT
from scripts.demo_vaults import MAKERS, Vault
from tests.programs.user import User
from tests.vaults import one_password
from tests.vaults.one_password import OnePassword


def variants(stack: ExitStack) -> dict[str, Callable[[], float]]:
    """What measures each, in seconds."""
    found: dict[str, Callable[[], float]] = {}
    own = Home(stack.enter_context(User()))
    own.set_up(quickly=True)
    found[OWN_VAULT] = partial(own.run, own.wrapped)
    for name, maker in {**MAKERS, "1password": _one_password}.items():
        user = stack.enter_context(User())
        home = Home(user)
        _set_up(home, stack.enter_context(maker(user)))
        found[f"true through the launcher ({name})"] = partial(home.run, home.wrapped)
    return found


@contextlib.contextmanager
def _one_password(user: User) -> Iterator[Vault]:
    directory = user.home / "1password"
    directory.mkdir()
    OnePassword(directory, app=False)
    user.path.insert(0, str(directory))
    yield Vault("1Password", "keyturn account create Mine --backend 1password", "", one_password.PASSWORD, "")


def _set_up(home: Home, vault: Vault) -> None:
    user = home.user
    trusted = f'["{home.probe.parent}"]'
    user.keyturn("settings", "set", "executables.trusted_directories", trusted).succeeds()
    key = user.password_file(vault.key)
    user.sh(vault.list_it + (f" --password-file {key}" if vault.is_open else "")).succeeds()
    keys = {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}
    init = ("plugin", "init", "aws", "--import-env", "--no-input", "--password-file", key)
    user.keyturn(*init, variables=keys).succeeds()
    user.keyturn("signin", "--password-file", key).succeeds()
    home.environment = user.environment
    home.run(home.wrapped)

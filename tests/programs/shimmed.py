"""A user with shims: `aws` is a script that says whose key it got; what tests start may use the account."""

import os
from pathlib import Path

from keyturn.ground.secret import Secret
from keyturn.items import ItemReference
from keyturn.scopes import defaults
from keyturn.scopes.defaults import DefaultsFile
from tests.programs.user import User
from tests.vaults.templates import make_item

KEY, DEV_KEY = "AKIAIOSFODNN7EXAMPLE", "AKIADEVELOPEREXAMPLE"
SAID = f"as={KEY}"
# What it answers as git's credential helper, as AWS CLI's own for CodeCommit does.
AWS = """\
#!/bin/sh
case "$*" in
"codecommit credential-helper get") printf 'username=%s\\npassword=EXAMPLE\\n' "$AWS_ACCESS_KEY_ID" ;;
*) echo "as=${AWS_ACCESS_KEY_ID-nobody} in=$0 $*" ;;
esac
"""


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def set_up(user: User) -> None:
    """An account, its item as everybody's default, another one bound to the profile `dev`, `aws` in ~/tools,
    and a shim first on PATH."""
    item, other = make_item(), make_item("Dev EXAMPLE")
    other.fields[0].value = Secret(DEV_KEY)
    made = user.account(item, other)
    reference = ItemReference(made.account.id, made.vault.id, item.id, item.title)
    bound = ItemReference(made.account.id, made.vault.id, other.id, other.title)
    DefaultsFile(user.config / "defaults.json").change(
        lambda known: defaults.with_binding(
            defaults.with_default(known, "aws", reference), "aws", "dev", bound
        )
    )
    trust(user, script(user.home / "tools/aws", AWS))
    user.keyturn("shim", "enable", "aws", "--no-shell-rc").succeeds()
    user.path[:0] = [str(shims(user)), str(user.home / "tools")]


def trust(user: User, path: Path) -> None:
    """As `plugin init` does with what it finds and shows."""
    real = os.path.realpath(path)
    DefaultsFile(user.config / "defaults.json").change(
        lambda known: defaults.with_trusted(known, "aws", real)
    )


def sign_in(user: User) -> None:
    """Without a terminal: this process and what it starts may use the account."""
    user.keyturn("signin", "--password-file", user.password_file()).succeeds()


def shims(user: User) -> Path:
    return user.data / "shims"

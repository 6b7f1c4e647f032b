"""`keyturn account`; its groups have files of their own."""

from __future__ import annotations

import os

import click
import msgspec

from keyturn.agent import messages, requests, results
from keyturn.cli import output
from keyturn.cli.account_place import list_place
from keyturn.cli.context import Context, current
from keyturn.cli.grouping import Group
from keyturn.cli.options import naming, output_format, unlocking, with_agent
from keyturn.cli.password import password, recovery, show_code
from keyturn.cli.slot import slot
from keyturn.ground import settings
from keyturn.ground.errors import CancelledByPersonError, UsageError
from keyturn.ground.names import printable
from keyturn.vaults.places import NAMES, Name

DEFAULT_TITLE = "personal"
DEFAULT_VAULT = "Personal"


@click.group(cls=Group)
def account() -> None:
    """Accounts: directories with vaults that one password (or another slot) opens."""


@account.command()
@unlocking
@click.argument("title", default=DEFAULT_TITLE)
@click.option("--directory", type=click.Path(), help="where to put it  [default: in the data directory]")
@click.option("--vault", default=DEFAULT_VAULT, show_default=True, help="title of its first vault")
@click.option("--recovery", is_flag=True, help="also make a recovery code, and show it once")
@click.option("--backend", type=click.Choice(NAMES), help="use the vault of another program instead")
@click.option(
    "--at", metavar="PLACE", default="", help="where that vault is: a database, a directory, an account"
)
@click.option("--key-file", type=click.Path(), default="", help="the key file of a KeePassXC database")
@click.option(
    "--approval-password/--no-approval-password",
    default=None,
    help="make a password to agree by, where that vault opens by itself",
)
@with_agent
def create(
    title: str,
    directory: str | None,
    vault: str,
    recovery: bool,
    backend: Name | None,
    at: str,
    key_file: str,
    approval_password: bool | None,
) -> None:
    """Create an account with a password and one vault, or list another program's vault as an account.

    With --backend nothing is copied: items stay where they are, and what opens them there opens them here.
    """
    if backend is None:
        if at or key_file or approval_password is not None:
            raise UsageError(
                "--at, --key-file and --approval-password go with --backend", f"backends: {', '.join(NAMES)}"
            )
        create_account(current(), title, directory, vault, recovery=recovery)
        return
    if directory is not None or recovery:
        raise UsageError("--directory and --recovery are for accounts of Keyturn's own", "leave them out")
    list_place(current(), title, backend, at, key_file, approval_password=approval_password)


def create_account(
    context: Context,
    title: str,
    directory: str | None,
    vault: str,
    *,
    recovery: bool,
    preset: str | None = None,
) -> results.CreatedAccount:
    """Create an account, say where it is and what losing the password means.

    `preset` is set before the account is there, for this terminal is approved by it at once.
    """
    if recovery:
        context.require_input(
            "a terminal to show the recovery code on", "add one later: keyturn account recovery"
        )
    new = context.ask_new_password(f"new password for account “{printable(title)}”")
    if preset is not None and preset != context.world.settings.approval.preset:
        settings.change(context.world.directories.settings, "approval.preset", preset)
    request = requests.CreateAccount(
        title=title,
        vault=vault,
        password=new,
        recovery=recovery,
        directory=os.path.abspath(directory) if directory else None,
    )
    done = messages.convert(context.agent.call(request), results.CreatedAccount)
    output.note(f"account “{printable(title)}” is in {done.directory}")
    output.note("without the password it cannot be opened: nobody can reset it")
    if done.recovery_code is not None:
        show_code(context, done.recovery_code)
    else:
        output.note("a recovery code opens it too; make one with: keyturn account recovery")
    return done


@account.command()
@click.argument("directory", type=click.Path())
@click.option("--title", default="", help="what to call it here  [default: the directory's name]")
@with_agent
def add(directory: str, title: str) -> None:
    """List the account that lies in DIRECTORY."""
    done = current().agent.call(requests.AddAccount(directory=os.path.abspath(directory), account=title))
    output.note(f"added as “{printable(done['title'])}”")


@account.command("list")
@output_format
def list_(form: str) -> None:
    """List the accounts."""
    context = current()
    context.connect()
    rows = messages.convert(context.agent.call(requests.ListAccounts()), list[results.AccountRow])
    if form == "json":
        output.as_json("accounts", msgspec.to_builtins(rows))
        return
    shown = [(row.title, row.id, "unlocked" if row.unlocked else "locked", row.directory) for row in rows]
    output.table(
        ("account", "id", "state", "directory"), shown, "no account yet; begin with: keyturn plugin init aws"
    )


@account.command()
@unlocking
@click.option("--yes", is_flag=True, help="trust what is found without asking")
@with_agent
def trust(yes: bool) -> None:
    """Trust the account as it lies in its directory now, after a roll-back, a fork or another identity.

    Both fingerprints are shown: the one pinned on this machine, and the one found.
    """
    context = current()
    typed = context.password()
    if typed is None:
        context.require_input("the password", "give it: --password-file PATH")
        typed = context.terminal.secret("password of the account")
    request = requests.TrustAccount(account=context.account, password=typed)
    found = messages.convert(context.agent.call(request), results.Trusted)
    output.note(f"pinned here: {found.pinned or 'nothing'}")
    output.note(f"found:       {found.found}")
    if not yes:
        context.require_input("your word that it is to be trusted", "give it: --yes")
        if not context.terminal.confirm("trust what was found?", default=False):
            raise CancelledByPersonError("cancelled")
    context.agent.call(msgspec.structs.replace(request, confirmed=True))


@account.command()
@naming
@with_agent
def forget() -> None:
    """Take an account off the list and drop what this machine pinned. Its files stay."""
    context = current()
    if not context.account:
        raise UsageError("which account?", "name it: --account NAME")
    done = context.agent.call(requests.ForgetAccount(account=context.account))
    output.note(f"“{printable(done['title'])}” is not listed any more; its files are in {done['directory']}")


@account.command()
@unlocking
@click.argument("title")
@with_agent
def rename(title: str) -> None:
    """Give an account another title."""
    context = current()
    context.call(requests.RenameAccount(account=context.account, may_ask=context.may_ask, title=title))


account.add_command(password)
account.add_command(slot)
account.add_command(recovery)

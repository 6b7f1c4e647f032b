"""`keyturn account`, `account slot` and `account password`."""

from __future__ import annotations

import os

import click
import msgspec

from keyturn.agent import messages, requests, results
from keyturn.cli import output
from keyturn.cli.context import Context, current, read_password
from keyturn.cli.options import naming, output_format, unlocking, with_agent
from keyturn.ground.errors import CancelledByPersonError, UsageError
from keyturn.ground.names import printable
from keyturn.ground.secret import Secret

DEFAULT_TITLE = "personal"
DEFAULT_VAULT = "Personal"


@click.group()
def account() -> None:
    """Accounts: directories with vaults that one password (or another slot) opens."""


@account.command()
@unlocking
@click.argument("title", default=DEFAULT_TITLE)
@click.option("--directory", type=click.Path(), help="where to put it  [default: in the data directory]")
@click.option("--vault", default=DEFAULT_VAULT, show_default=True, help="title of its first vault")
@click.option("--recovery", is_flag=True, help="also make a recovery code, and show it once")
@with_agent
def create(title: str, directory: str | None, vault: str, recovery: bool) -> None:
    """Create an account with a password and one vault."""
    create_account(current(), title, directory, vault, recovery=recovery)


def create_account(
    context: Context, title: str, directory: str | None, vault: str, *, recovery: bool
) -> results.CreatedAccount:
    """Create an account, say where it is and what losing the password means."""
    if recovery:
        context.require_input(
            "a terminal to show the recovery code on", "add one later: keyturn account slot add recovery"
        )
    password = context.ask_new_password(f"new password for account “{printable(title)}”")
    request = requests.CreateAccount(
        title=title,
        vault=vault,
        password=password,
        recovery=recovery,
        directory=os.path.abspath(directory) if directory else None,
    )
    done = messages.convert(context.agent.call(request), results.CreatedAccount)
    output.note(f"account “{printable(title)}” is in {done.directory}")
    output.note("without the password it cannot be opened: nobody can reset it")
    if done.recovery_code is not None:
        show_code(context, done.recovery_code)
    else:
        output.note("a recovery code opens it too; make one with: keyturn account slot add recovery")
    return done


def show_code(context: Context, code: Secret) -> None:
    """Show a recovery code until Enter is pressed; it does not stay on the screen."""
    context.terminal.show_once(
        [
            "the recovery code opens the account in place of the password. Write it down now:",
            "",
            f"  {code.reveal()}",
            "",
        ]
    )


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
    password = context.password()
    if password is None:
        context.require_input("the password", "give it: --password-file PATH")
        password = context.terminal.secret("password of the account")
    request = requests.TrustAccount(account=context.account, password=password)
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


@account.group()
def password() -> None:
    """The account's password."""


@password.command()
@unlocking
@click.option(
    "--new-password-file", type=click.Path(), help="read the new password from the first line of a file"
)
@with_agent
def change(new_password_file: str | None) -> None:
    """Change the password.

    The account gets a new identity: what is written from now on does not open with the old password.
    """
    context = current()
    old = context.password()
    if old is None:
        context.require_input("the old password", "give it: --password-file PATH")
        old = context.terminal.secret("old password")
    if new_password_file is not None:
        new = read_password(new_password_file)
    else:
        context.require_input("the new password", "give it: --new-password-file PATH")
        new = context.terminal.new_password("new password")
    request = requests.ChangePassword(account=context.account, old=old, new=new)
    _say_changed(messages.convert(context.agent.call(request), results.IdentityChanged))


@account.group()
def slot() -> None:
    """Slots: the ways in which an account opens."""


@slot.command("list")
@unlocking
@output_format
@with_agent
def list_slots(form: str) -> None:
    """List the slots."""
    context = current()
    done = context.call(requests.ListSlots(account=context.account, may_ask=context.may_ask))
    rows = messages.convert(done, list[results.SlotRow])
    if form == "json":
        output.as_json("slots", msgspec.to_builtins(rows))
        return
    shown = [(row.title, row.kind, row.id, row.created, row.note) for row in rows]
    output.table(("slot", "kind", "id", "created", "note"), shown, "no slots")


@slot.command("add")
@unlocking
@click.argument("kind", type=click.Choice(["password", "recovery"]))
@click.option("--title", default="", help="what to call it  [default: its kind]")
@click.option(
    "--new-password-file", type=click.Path(), help="read the slot's password from the first line of a file"
)
@with_agent
def add_slot(kind: str, title: str, new_password_file: str | None) -> None:
    """Add another password, or a recovery code that is shown once."""
    context = current()
    new: Secret | None = None
    if kind == "recovery":
        context.require_input("a terminal to show the recovery code on", "call this from a terminal")
    elif new_password_file is not None:
        new = read_password(new_password_file)
    else:
        context.require_input("the slot's password", "give it: --new-password-file PATH")
        new = context.terminal.new_password("password of the new slot")
    request = requests.AddSlot(
        account=context.account, may_ask=context.may_ask, kind=kind, title=title, password=new
    )
    done = messages.convert(context.call(request), results.CreatedSlot)
    if done.recovery_code is not None:
        show_code(context, done.recovery_code)


@slot.command("remove")
@unlocking
@click.argument("name")
@with_agent
def remove_slot(name: str) -> None:
    """Remove a slot by title or id. The account gets a new identity, so that it opens nothing new."""
    context = current()
    request = requests.RemoveSlot(account=context.account, may_ask=context.may_ask, slot=name)
    _say_changed(messages.convert(context.call(request), results.IdentityChanged))


def _say_changed(changed: results.IdentityChanged) -> None:
    for line in changed.lines:
        output.note(line)
    for item in changed.items:
        output.note(f"  {printable(item)}")

"""`keyturn account password` and `account recovery`: what a person types to open an account."""

from __future__ import annotations

import click

from keyturn.agent import messages, requests, results
from keyturn.cli import output
from keyturn.cli.context import Context, current, read_password
from keyturn.cli.grouping import Group
from keyturn.cli.options import unlocking, with_agent
from keyturn.ground.errors import CancelledByPersonError
from keyturn.ground.names import printable
from keyturn.ground.secret import Secret


@click.group(cls=Group)
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
    say_changed(messages.convert(context.agent.call(request), results.IdentityChanged))


@click.command()
@unlocking
@click.option("--yes", is_flag=True, help="replace the recovery code that there is without asking")
@with_agent
def recovery(yes: bool) -> None:
    """Make a recovery code and show it once; an older one opens nothing new from then on."""
    context = current()
    context.require_input("a terminal to show the recovery code on", "call this from a terminal")
    if not yes and any(row.kind == "recovery" for row in slot_rows(context)):
        question = "replace the recovery code that there is?"
        if not context.terminal.confirm(question, default=False):
            raise CancelledByPersonError("cancelled")
    request = requests.RenewRecovery(account=context.account, may_ask=context.may_ask)
    done = messages.convert(context.call(request), results.RenewedRecovery)
    show_code(context, done.recovery_code)
    if done.changed is not None:
        say_changed(done.changed)


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


def slot_rows(context: Context) -> list[results.SlotRow]:
    """The slots, as the agent lists them."""
    done = context.call(requests.ListSlots(account=context.account, may_ask=context.may_ask))
    return messages.convert(done, list[results.SlotRow])


def say_changed(changed: results.IdentityChanged) -> None:
    """Say what a change of the account identity leaves to be done."""
    for line in changed.lines:
        output.note(line)
    for item in changed.items:
        output.note(f"  {printable(item)}")

"""`keyturn aws sso`: signing in to IAM Identity Center, and what one has there."""

from __future__ import annotations

from typing import Any

import click

from keyturn.agent import messages, requests
from keyturn.agent.sso_messages import EndedRow, SignInRow
from keyturn.cli import aws_asking, output
from keyturn.cli.aws_sso_populate import populate
from keyturn.cli.context import current
from keyturn.cli.grouping import Group
from keyturn.cli.options import output_format, unlocking, with_agent
from keyturn.cli.output import note
from keyturn.cli.sso_options import choosing_session, no_browser
from keyturn.ground.errors import UsageError
from keyturn.ground.names import printable


@click.group(cls=Group)
def sso() -> None:
    """Single sign-on: IAM Identity Center.

    A command whose profile signs in this way asks for it by itself; nothing has to be called before it.
    """


sso.add_command(populate)


@sso.command()
@unlocking
@choosing_session
@no_browser
@with_agent
def login(profile: str, sso_session: str) -> None:
    """Sign in, in the browser; without one, by a code that is typed in any other.

    What it brings is kept on this machine, encrypted for the account, and refreshed as long as IAM Identity
    Center allows. A sign-in that holds is replaced.
    """
    context = current()
    request = requests.SignInSso(
        account=context.account,
        may_ask=context.may_ask,
        has_browser=context.has_browser,
        environment=aws_asking.environment(context),
        profile=profile,
        session=sso_session,
        flow="device" if context.no_browser else "",
    )
    row = messages.convert(context.call(request), SignInRow)
    longer = ", refreshed by itself" if row.refreshes else ""
    # Some of the time went by on the way here; a person thinks in whole minutes.
    left = output.time_left(row.seconds_left + 30)
    note(f"signed in to “{printable(row.session, 200)}” for {left}{longer}")


@sso.command()
@unlocking
@choosing_session
@click.option("--all", "everything", is_flag=True, help="every sign-in of the account")
@with_agent
def logout(profile: str, sso_session: str, everything: bool) -> None:
    """Forget a sign-in, and end it at IAM Identity Center.

    Role credentials that were given out already hold until they expire: AWS has no way to take them back.
    """
    context = current()
    if everything and (profile or sso_session):
        raise UsageError("--all ends every sign-in", "leave out --profile and --sso-session")
    request = requests.EndSignIn(
        account=context.account,
        may_ask=context.may_ask,
        environment=aws_asking.environment(context),
        profile=profile,
        session=sso_session,
        everything=everything,
    )
    rows = messages.convert(context.call(request), list[EndedRow])
    for row in rows:
        note(f"signed out of “{printable(row.session, 200)}”")
        if not row.heard:
            note("  IAM Identity Center could not be told: there the sign-in holds until it expires")
    if not rows:
        note("nobody was signed in")


@sso.command()
@unlocking
@output_format
@with_agent
def status(form: str) -> None:
    """Show the sign-ins that are kept, and until when they hold. No service is asked."""
    context = current()
    request = requests.ListSignIns(account=context.account, may_ask=context.may_ask)
    rows = messages.convert(context.call(request), list[SignInRow])
    if form == "json":
        output.as_json("sign_ins", [_signed_in(row) for row in rows])
        return
    output.table(
        ("session", "start page", "region", "holds for", "refreshed"),
        [
            (
                row.session,
                row.start_url,
                row.region,
                output.time_left(row.seconds_left) if row.seconds_left else "expired",
                "yes" if row.refreshes else "no",
            )
            for row in rows
        ],
        "nobody is signed in: keyturn aws sso login",
    )


@sso.command("list")
@unlocking
@choosing_session
@no_browser
@output_format
@with_agent
def list_(profile: str, sso_session: str, form: str) -> None:
    """List the AWS accounts that you may use, and your roles there."""
    context = current()
    found = aws_asking.sso_roles(context, profile, sso_session)
    if form == "json":
        rows = [
            {"account": row.account, "name": row.account_name, "email": row.email, "role": row.role}
            for row in found.rows
        ]
        output.as_json("roles", rows)
        return
    output.table(
        ("account", "name", "role", "e-mail"),
        [(row.account, row.account_name, row.role, row.email) for row in found.rows],
        "no account is assigned to you there",
    )


def _signed_in(row: SignInRow) -> dict[str, Any]:
    return {
        "session": row.session,
        "start_url": row.start_url,
        "region": row.region,
        "expires": row.expires,
        "seconds_left": row.seconds_left,
        "refreshes": row.refreshes,
    }

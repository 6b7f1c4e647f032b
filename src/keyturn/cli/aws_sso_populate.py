"""`keyturn aws sso populate`: profiles for the roles that one has."""

from __future__ import annotations

import os
from typing import Any

import click

from keyturn.agent.sso_messages import RoleRow
from keyturn.aws import sso_config, sso_populate
from keyturn.aws.config import Configuration, ConfigurationCache
from keyturn.aws.sso_populate import Addition, Assignment, SignedIn
from keyturn.cli import aws_asking, output, sourcing
from keyturn.cli.context import Context, current
from keyturn.cli.options import output_format, unlocking, with_agent
from keyturn.cli.output import note
from keyturn.cli.plaintext_restoring import keep_copy
from keyturn.cli.sso_options import choosing_session, no_browser
from keyturn.ground.errors import ConfigurationError, MissingError, UsageError
from keyturn.ground.names import printable

TOOL = "AWS single sign-on"


@click.command()
@unlocking
@choosing_session
@no_browser
@click.option("--role", "roles", multiple=True, metavar="NAME", help="only this role; may be repeated")
@click.option(
    "--only-account", "accounts", multiple=True, metavar="ID", help="only this AWS account; may be repeated"
)
@click.option("--region", default="", metavar="REGION", help="the region of the new profiles")
@click.option(
    "--name-template",
    default=sso_populate.TEMPLATE,
    show_default=True,
    metavar="TEXT",
    help="how they are called; places: {account_id}, {account_name}, {role}",
)
@click.option("--dry-run", is_flag=True, help="say what would be added, and change nothing")
@output_format
@with_agent
def populate(
    profile: str,
    sso_session: str,
    roles: tuple[str, ...],
    accounts: tuple[str, ...],
    region: str,
    name_template: str,
    dry_run: bool,
    form: str,
) -> None:
    """Add a profile to the AWS config file for each account and role that you may use.

    What is in the file stays as it is, byte for byte; a role that has a profile there, whatever it is called,
    gets no other. An encrypted copy of the file is kept: keyturn plaintext restore puts it back.
    """
    context = current()
    sso_populate.check_template(name_template)
    _check_region(region)
    found = aws_asking.sso_roles(context, profile, sso_session)
    signed_in = SignedIn(found.session, found.start_url, found.region)
    chosen = [
        Assignment(row.account, row.account_name, row.role)
        for row in found.rows
        if (not roles or row.role in roles)
        and (not accounts or row.account in accounts)
        # What could be none would be another line of the file, perhaps.
        and sso_config.is_assignment(row.account, row.role)
    ]
    if not chosen:
        raise _nothing(found.rows, roles, accounts)
    configuration = ConfigurationCache().load(context.world.environment, os.getcwd())
    added, there = sso_populate.additions(configuration, signed_in, chosen, name_template)
    if added and not dry_run:
        _write(context, configuration, signed_in, added, region)
    if form == "json":
        output.as_json("profiles", _rows(added, there))
        return
    for each in added:
        output.line(each.name)
    where = sourcing.shown(context, configuration.places.config) if configuration.places.config else ""
    verb = "would add" if dry_run else "added"
    if added:
        note(f"{verb} {len(added)} profile{'s' if len(added) > 1 else ''} to {where}")
    if there:
        note(f"{len(there)} of the roles have a profile there already")


def _write(
    context: Context, configuration: Configuration, signed_in: SignedIn, added: list[Addition], region: str
) -> None:
    place = configuration.places.config
    if place is None:
        raise ConfigurationError(
            "AWS_CONFIG_FILE is set to nothing, so there is no file to add to", "unset it, or name a file"
        )

    def keep(before: bytes, after: bytes, status: os.stat_result) -> None:
        keep_copy(context, context.account, place, status, before, after, [TOOL])

    sso_populate.add(place, signed_in, added, region, context.world.uid, keep)


def _check_region(region: str) -> None:
    if region and not (region.isascii() and region.replace("-", "").isalnum() and len(region) <= 63):
        raise UsageError(f"“{printable(region)}” is no AWS region", "such as eu-central-1")


def _nothing(rows: list[RoleRow], roles: tuple[str, ...], accounts: tuple[str, ...]) -> MissingError:
    if not rows:
        return MissingError("no account is assigned to you there", "ask whoever administers the organization")
    return MissingError(
        f"none of your {len(rows)} roles is one of those that were named", "see: keyturn aws sso list"
    )


def _rows(added: list[Addition], there: dict[Assignment, str]) -> list[dict[str, Any]]:
    rows = [(each.assignment, each.name, True) for each in added]
    rows += [(assignment, name, False) for assignment, name in there.items()]
    return [
        {"name": name, "account": each.account_id, "role": each.role, "added": is_new}
        for each, name, is_new in rows
    ]

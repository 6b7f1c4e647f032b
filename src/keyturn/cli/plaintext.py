"""`keyturn plaintext`: credentials that lie about in files."""

from __future__ import annotations

from collections.abc import Callable

import click

from keyturn.catalogue.scanning import Found, Report
from keyturn.cli import choosing, output, plaintext_restoring, sourcing
from keyturn.cli.context import Context, current
from keyturn.cli.ending import guarded, leave
from keyturn.cli.grouping import Group
from keyturn.cli.options import output_format, unlocking, with_agent
from keyturn.cli.output import note
from keyturn.cli.plaintext_finding import as_json, at_place, has_words, look, shown_place, shown_values
from keyturn.cli.plaintext_removal import Removal, left_alone
from keyturn.ground.errors import ConfigurationError, DeniedError, UsageError
from keyturn.ground.names import printable
from keyturn.processes import private


@click.group(cls=Group)
def plaintext() -> None:
    """Credentials in plaintext files: find them, take them out, put them back."""


@plaintext.command()
@output_format
@click.argument("words", nargs=-1)
def scan(form: str, words: tuple[str, ...]) -> None:
    """Find credentials of known tools in their files and in start-up files of shells.

    With WORDS only those whose tool, file or profile contains all of them. Nothing is changed, and no secret
    is shown.
    """
    context = current()

    def work() -> None:
        report = look(context.world)
        found = [each for each in report.found if has_words(each, words)]
        if form == "json":
            unread = [{"path": str(each.path), "reason": each.reason} for each in report.unread]
            output.as_json("plaintext", {"found": [as_json(each) for each in found], "unread": unread})
        else:
            _show(context, report, found)

    _privately(work)


def _show(context: Context, report: Report, found: list[Found]) -> None:
    rows = [
        (shown_place(context, each), each.tool.title, printable(each.profile, 60), shown_values(each))
        for each in found
    ]
    output.table(("place", "tool", "profile", "credential"), rows, "no credentials in plaintext were found")
    for each in found:
        if each.stuck:
            note(f"{shown_place(context, each)} can be taken out only by hand: {each.stuck}")
    _tell_unread(context, report)


def _tell_unread(context: Context, report: Report) -> None:
    for each in report.unread:
        note(f"could not look into {sourcing.shown(context, each.path)}: {each.reason}")


@plaintext.command()
@unlocking
@click.option("--all", "everything", is_flag=True, help="all that was found")
@click.option("--vault", default="", help="the vault for new items")
@click.option("--dry-run", is_flag=True, help="say what would be done, and do nothing")
@click.option("--yes", is_flag=True, help="do not ask whether to")
@click.option(
    "--verify/--no-verify", default=True, help="have AWS confirm its keys before they are removed, or not"
)
@click.argument("places", metavar="[PLACE]...", nargs=-1)
def remove(
    places: tuple[str, ...], everything: bool, vault: str, dry_run: bool, yes: bool, verify: bool
) -> None:
    """Take credentials out of files, once each is in an item.

    PLACE is a file, or FILE:LINE as `keyturn plaintext scan` prints it. Every other byte of the file stays,
    and an encrypted copy of it is kept.
    """
    if places and everything:
        raise UsageError("either places or --all", "see what is there: keyturn plaintext scan")

    def work() -> None:
        context = current()
        chosen = _chosen(context, places, everything=everything, dry_run=dry_run, yes=yes)
        if chosen:
            _remove(context, chosen, vault, dry_run=dry_run, verify=verify)

    if dry_run:
        _privately(work)
    else:
        with_agent(work)()


def _chosen(
    context: Context, places: tuple[str, ...], *, everything: bool, dry_run: bool, yes: bool
) -> list[Found]:
    """What is to be taken out: as named, or as the person picks."""
    report = look(context.world)
    if places:
        named = [found for place in places for found in at_place(context, report, place)]
        chosen = [found for found in report.found if any(found is each for each in named)]
    elif everything or dry_run:
        chosen = list(report.found)
    else:
        context.require_input("what to take out", "name places, or all: --all; see: keyturn plaintext scan")
        return _picked(context, report)
    if not chosen:
        note("no credentials in plaintext were found")
        _tell_unread(context, report)
    elif not dry_run and not yes and context.may_ask:
        _agree(context, [each for each in chosen if not each.stuck])
    return chosen


def _picked(context: Context, report: Report) -> list[Found]:
    for each in report.found:
        if each.stuck:
            note(f"not offered: {shown_place(context, each)}: {each.stuck}")
    _tell_unread(context, report)
    lines = [
        (f"{each.tool.title}: {shown_place(context, each)} ({shown_values(each)})", each)
        for each in report.found
        if not each.stuck
    ]
    if not lines:
        note("no credentials in plaintext were found that could be taken out")
        return []
    picked = choosing.choose_several(context.terminal, "which are to be taken out of their files?", lines)
    if not picked:
        note("nothing was changed")
        return []
    _agree(context, picked)
    return picked


def _agree(context: Context, chosen: list[Found]) -> None:
    """Raises DeniedError if the person does not want it."""
    files = len({each.source.real for each in chosen})
    what = f"{len(chosen)} credentials" if len(chosen) > 1 else "this credential"
    where = f"{files} files" if files > 1 else shown_place(context, chosen[0]) if chosen else ""
    if chosen and not context.terminal.confirm(
        f"put {what} into the vault and out of {where}?", default=True
    ):
        raise DeniedError("nothing was changed", "see what would be: --dry-run")


def _remove(context: Context, chosen: list[Found], vault: str, *, dry_run: bool, verify: bool) -> None:
    going = [each for each in chosen if not each.stuck]
    problem: ConfigurationError | None = left_alone(chosen, context)
    if not going and problem is not None:
        raise problem
    if dry_run:
        Removal(context, vault, verify=verify).describe(going)
    else:
        Removal(context, vault, verify=verify).carry_out(going)
    if problem is not None:
        raise problem


@plaintext.command()
@unlocking
@click.option("--list", "listing", is_flag=True, help="list the copies that are kept")
@click.option("--copy", default="", metavar="ID", help="this copy, whatever is in the file now")
@output_format
@click.argument("place", default="")
@with_agent
def restore(listing: bool, copy: str, form: str, place: str) -> None:
    """Put a file back as it was before credentials were taken out of it.

    Refused if it was changed since, unless the copy is named.
    """
    if bool(place) == listing:
        raise UsageError("which file?", "its path, or --list for those of which copies are kept")
    context = current()
    found = plaintext_restoring.rows(context)
    if not listing:
        plaintext_restoring.restore(context, found, place, copy)
    elif form == "json":
        output.as_json("copies", [plaintext_restoring.as_json(row) for row in found])
    else:
        plaintext_restoring.show(context, found)


def _privately(work: Callable[[], object]) -> None:
    """Work that holds secrets and needs no agent, in a child that nobody can read."""
    leave(private.run_privately(lambda: guarded(work)))

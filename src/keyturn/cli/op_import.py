"""`keyturn plugin import-op`: the defaults that 1Password's own plugins have, set up here."""

from __future__ import annotations

import os
from pathlib import Path

import click

from keyturn.agent import messages, requests, results
from keyturn.catalogue import loader
from keyturn.cli import op_configuration, sourcing
from keyturn.cli.context import Context, current
from keyturn.cli.op_configuration import Entry
from keyturn.cli.options import unlocking, with_agent
from keyturn.cli.output import note
from keyturn.cli.setup_work import installed, write_shell_files
from keyturn.ground.errors import ConfigurationError, MissingError, UsageError
from keyturn.ground.names import printable
from keyturn.items import ItemReference
from keyturn.scopes import keys, places
from keyturn.scopes.layers import Scope

BACKEND = "1password"


@click.command("import-op")
@unlocking
@click.argument("directories", nargs=-1, type=click.Path(exists=True, file_okay=False))
@click.option("--dry-run", is_flag=True, help="say what would be done, and do nothing")
@with_agent
def command(directories: tuple[str, ...], dry_run: bool) -> None:
    """Set the defaults up that `op plugin init` has: global ones, and those of DIRECTORIES.

    Items stay where they are; op's own files are only read. It needs an account with the backend 1password.
    """
    context = current()
    entries, others = _found(context, directories)
    account = _account(context)
    titles = _titles(context, account)
    executables: list[str] = []
    for entry in entries:
        if _set(context, account, entry, titles, dry_run=dry_run):
            executables.append(entry.executable)
    executables += [name for name in others if loader.listed().get(name) and name not in executables]
    for name in others:
        if loader.listed().get(name) is None:
            note(f"{printable(name)}: no plugin wraps it")
    if dry_run:
        note("nothing was changed (--dry-run)")
        return
    if executables:
        write_shell_files(context, tuple(dict.fromkeys(executables)))
        line = sourcing.shown(context, context.world.directories.plugins_sh)
        note(f"wrapped in {line}: {', '.join(sorted(set(executables)))}")
        note("in your shell's start-up file, put this in the place of the line that sources op's:")
        note(f"  source {line}")


def _found(context: Context, directories: tuple[str, ...]) -> tuple[list[Entry], list[str]]:
    """What is set up with `op`, and what its plugins.sh wraps. Raises MissingError if that is nothing."""
    found: list[Entry] = []
    others: list[str] = []
    home = op_configuration.configuration(context.world.environment)
    looked: list[tuple[Path, str | None]] = [] if home is None else [(home / "plugins", None)]
    for directory in directories:
        real = os.path.realpath(directory)
        looked.append((Path(real, ".op", "plugins"), real))
    for place, scope in looked:
        for entry in op_configuration.entries(place, scope):
            if isinstance(entry, ConfigurationError):
                note(f"note: {entry.message}")
            else:
                found.append(entry)
    if home is not None:
        others = op_configuration.wrapped(home / "plugins.sh")
    if not found and not others:
        raise MissingError(
            "1Password's op has no plugins set up here",
            "for those of a directory: keyturn plugin import-op DIRECTORY",
        )
    return found, others


def _account(context: Context) -> results.AccountRow:
    rows = messages.convert(context.agent.call(requests.ListAccounts()), list[results.AccountRow])
    wanted = context.account
    found = [row for row in rows if row.backend == BACKEND and wanted in ("", row.id, row.title)]
    if not found:
        raise MissingError(
            "there is no account in 1Password yet", "list it: keyturn account create NAME --backend 1password"
        )
    if len(found) > 1:
        titles = ", ".join(f"“{printable(row.title)}”" for row in found)
        raise UsageError(f"which account? {titles}", "name it: --account NAME")
    return found[0]


def _titles(context: Context, account: results.AccountRow) -> dict[str, results.ItemRow]:
    request = requests.ListItems(account=account.id, may_ask=context.may_ask)
    rows = messages.convert(context.call(request), list[results.ItemRow])
    return {row.id: row for row in rows}


def _set(
    context: Context,
    account: results.AccountRow,
    entry: Entry,
    titles: dict[str, results.ItemRow],
    *,
    dry_run: bool,
) -> bool:
    """Make the entry's item a default. False, with a line that says why, if it cannot be one."""
    executable = printable(entry.executable)
    listed = loader.listed().get(entry.executable)
    if listed is None:
        note(f"{executable}: no plugin wraps it")
        return False
    if entry.plugin != listed.owner and not listed.any_credential:
        note(f"{executable}: its credential is {listed.owner}'s here, not {printable(entry.plugin)}'s")
        return False
    row = titles.get(entry.item)
    if row is None:
        note(f"{executable}: the item {entry.item} is not in the account “{printable(account.title)}”")
        return False
    where = f"in {printable(entry.directory, 300)}" if entry.directory else "everywhere"
    note(f"{executable} {'would use' if dry_run else 'uses'} “{printable(row.title)}” {where}")
    if not dry_run:
        credential = "" if entry.plugin == listed.owner else entry.plugin
        request = requests.SetDefault(
            account=account.id,
            may_ask=context.may_ask,
            executable=keys.written(entry.executable, credential),
            plugin=listed.plugin,
            reference=ItemReference(account.id, row.vault, row.id, row.title),
            trust=installed(context, entry.executable),
            scope=Scope.DIRECTORY if entry.directory else Scope.GLOBAL,
            place=places.written(entry.directory) if entry.directory else "",
            vault_title=row.vault_title,
        )
        context.call(request)
    return True

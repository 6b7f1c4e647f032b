"""`keyturn aws import`: keys from the CSV of the AWS console, and from aws-vault."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path

import click

from keyturn.aws import aws_vault, console_csv
from keyturn.aws.config import ConfigurationCache, text
from keyturn.aws.console_csv import ConsoleKey
from keyturn.cli import aws_import_paste, choosing, sourcing
from keyturn.cli.aws_import_items import FoundKey, Import
from keyturn.cli.aws_vault_stores import STORES, Stores
from keyturn.cli.context import Context, current
from keyturn.cli.options import unlocking, with_agent
from keyturn.cli.output import note
from keyturn.ground import files
from keyturn.ground.errors import ConfigurationError, DamagedError, KeyturnError, MissingError, UsageError
from keyturn.ground.files import FileIdentity
from keyturn.ground.names import printable

AWS_VAULT = "aws-vault"
TITLE = "AWS"
# What the console calls the file: `ada_accessKeys.csv`; `rootkey.csv`.
_FILE = re.compile(r"([\w+=,.@-]+)_accessKeys( ?\([0-9]+\))?", re.ASCII)
_ROOT_FILE = re.compile(r"rootkey( ?\([0-9]+\))?")


@click.command("import")
@unlocking
@click.option("--console-csv", "path", metavar="FILE", help="the CSV file that the AWS console offers")
@click.option("--from", "source", type=click.Choice([AWS_VAULT]), help="the keys that aws-vault keeps")
@click.option(
    "--paste", "is_pasted", is_flag=True, help="temporary keys: a pasted block, or what is on standard input"
)
@click.option("--item", default="", metavar="TITLE-OR-ID", help="with --paste: replace this item's keys")
@click.option("--title", default="", help="with --paste: the new item's title")
@click.option("--store", type=click.Choice(STORES), help="with --from: which of aws-vault's stores")
@click.option(
    "--passphrase-file", metavar="PATH", help="with --from: aws-vault's passphrase, in its first line"
)
@click.option("--all", "everything", is_flag=True, help="with --from: all profiles")
@click.option("--vault", default="", help="the vault for new items")
@click.option(
    "--delete-file/--keep-file",
    "delete",
    default=None,
    help="with --console-csv: delete it afterwards, or not",
)
@click.option("--verify/--no-verify", default=True, help="ask AWS whose keys they are, before anything else")
@click.argument("profiles", nargs=-1, metavar="[PROFILE]...")
@with_agent
def import_(
    path: str | None,
    source: str | None,
    is_pasted: bool,
    item: str,
    title: str,
    store: str | None,
    passphrase_file: str | None,
    everything: bool,
    vault: str,
    delete: bool | None,
    verify: bool,
    profiles: tuple[str, ...],
) -> None:
    """Import access keys from the AWS console's CSV file or from aws-vault, or temporary ones that you paste.

    Each is verified with AWS, put into an item of its own and read back from the vault; only then is the
    file deleted, if you want it.
    """
    context = current()
    if is_pasted:
        if path or source or store or passphrase_file or everything or profiles or delete is not None:
            raise UsageError("--paste takes the keys from you: no file, no store and no profile with it")
        # First, for it may be the first line of the same standard input.
        context.password()
        aws_import_paste.paste(context, title, item, vault, verify=verify)
        return
    if item or title:
        raise UsageError("--item and --title go with --paste")
    if (path is None) == (source is None):
        raise UsageError("import from where?", "one of: --console-csv FILE, --from aws-vault, --paste")
    if path is not None and (store or passphrase_file or everything or profiles):
        raise UsageError("--store, --passphrase-file, --all and profiles go with --from aws-vault")
    if source is not None and delete is not None:
        raise UsageError("--delete-file and --keep-file go with --console-csv")
    if everything and profiles:
        raise UsageError("either profiles or --all")
    bringing = Import(context, vault, verify=verify)
    if path is not None:
        _from_csv(context, bringing, Path(path), delete=delete)
    else:
        _from_aws_vault(
            context, bringing, Stores(context, passphrase_file), store or "", profiles, everything
        )


def _from_csv(context: Context, bringing: Import, path: Path, *, delete: bool | None) -> None:
    content, identity = _read(path)
    try:
        keys = console_csv.parse(content)
    except UsageError as error:
        raise UsageError(f"{printable(str(path))}: {error.message}", *error.hints) from None
    if delete:
        _check_deletable(path, identity, context.world.uid)
    for key in keys:
        bringing.bring(_found(key, path))
    where = sourcing.shown(context, path)
    if delete is None and context.may_ask:
        delete = context.terminal.confirm(f"delete {where}? what is in it is in the vault", default=True)
    if not delete:
        note(f"the keys are still in plaintext: {where}")
        return
    _check_deletable(path, identity, context.world.uid)
    try:
        os.unlink(path)
        files.sync_directory(path.absolute().parent)
    except OSError as error:
        raise _kept(path, files.reason(error)) from None
    note(f"deleted {where}")


def _read(path: Path) -> tuple[bytes, FileIdentity]:
    try:
        return files.read(path, console_csv.LARGEST)
    except OSError as error:
        raise UsageError(f"cannot read {printable(str(path))}: {files.reason(error)}") from None
    except DamagedError as error:
        raise UsageError(error.message) from None


def _found(key: ConsoleKey, path: Path) -> FoundKey:
    """A row as it becomes an item: called as its user, else as the file says, else as AWS does."""
    called = _FILE.fullmatch(path.stem)
    title = key.user or (called[1] if called else "root" if _ROOT_FILE.fullmatch(path.stem) else "")
    source = f"the key of “{printable(title)}”" if title else "the key in the file"
    others = {_label(heading): value for heading, value in key.others.items()}
    return FoundKey(key.key_id, key.secret, title or TITLE, source, others=others, is_titled=bool(title))


def _label(heading: str) -> str:
    return "console password" if heading.casefold() == "password" else heading[:1].lower() + heading[1:]


def _check_deletable(path: Path, identity: FileIdentity, uid: int) -> None:
    """Raises ConfigurationError if the file is another by now, or if its content would outlive it."""
    try:
        found = os.lstat(path)
    except OSError as error:
        raise _kept(path, files.reason(error)) from None
    if stat.S_ISLNK(found.st_mode):
        raise _kept(path, "it is a link to another place")
    if FileIdentity.of(found) != identity:
        raise _kept(path, "it was changed meanwhile")
    if found.st_uid != uid:
        raise _kept(path, "it is not your file")
    if found.st_nlink != 1:
        raise _kept(path, "it has another hard link, which would keep the keys")


def _kept(path: Path, why: str) -> ConfigurationError:
    return ConfigurationError(f"{printable(str(path))} was not deleted: {why}", "delete it by hand")


def _from_aws_vault(
    context: Context, bringing: Import, stores: Stores, kind: str, names: Sequence[str], everything: bool
) -> None:
    store = stores.find(kind, names)
    chosen = _chosen(context, store.profiles, names, everything=everything)
    if not chosen:
        note("nothing was imported")
        return
    problems: list[KeyturnError] = []
    brought = 0
    for entry in stores.read(store, chosen):
        called = printable(entry.name)
        try:
            if entry.content is None:
                raise DamagedError(entry.why, "does another passphrase open it?")
            key = aws_vault.parse(entry.name, entry.content)
            source = f"the key of profile “{called}”"
            region = _region(context, entry.name)
            bringing.bring(FoundKey(key.key_id, key.secret, called, source, region))
            brought += 1
        except (ConfigurationError, DamagedError) as error:
            problems.append(type(error)(f"left out “{called}”: {error.message}", *error.hints))
        except KeyturnError as error:
            problems.append(error)
    if brought:
        note(f"aws-vault still has them, in {printable(store.where, 200)}: aws-vault remove PROFILE")
        note("to use one where the profile is named: keyturn plugin init aws --item ITEM --profile PROFILE")
    for problem in problems[1:]:
        note(f"keyturn: {problem.message}")
    if problems:
        raise problems[0]


def _chosen(context: Context, there: Sequence[str], names: Sequence[str], *, everything: bool) -> list[str]:
    """The profiles to import. Raises MissingError for one that is not there."""
    listed = ", ".join(f"“{printable(name)}”" for name in there)
    for name in names:
        if name not in there:
            raise MissingError(f"aws-vault has no keys of profile “{printable(name)}”", f"it has: {listed}")
    if names or everything or len(there) == 1:
        return list(names or there)
    context.require_input("which profiles to import", f"name them, or all: --all; there are {listed}")
    lines = [(printable(name), name) for name in there]
    return choosing.choose_several(context.terminal, "which of aws-vault's keys are to be imported?", lines)


def _region(context: Context, profile: str) -> str:
    """The region that the AWS files give to the profile; empty if none, or if they cannot be read."""
    try:
        configuration = ConfigurationCache().load(context.world.environment, os.getcwd())
    except (KeyturnError, OSError):
        return ""
    return text(configuration.profiles.get(profile, {}), "region")

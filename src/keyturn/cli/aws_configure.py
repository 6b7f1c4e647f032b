"""`keyturn aws configure`: profiles that every SDK asks Keyturn for."""

from __future__ import annotations

import difflib
import os
import shlex
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from keyturn.aws import pointing
from keyturn.aws.config import ConfigurationCache, ParsedFile, Section, parse_file
from keyturn.aws.delegation import MOVED, VERB
from keyturn.aws.profiles import DEFAULT
from keyturn.cli import output, sourcing
from keyturn.cli.context import Context, current
from keyturn.ground import files
from keyturn.ground.errors import ConfigurationError, UsageError
from keyturn.ground.names import printable
from keyturn.scopes.defaults import DefaultsFile

PLUGIN = "aws"


@click.command()
@click.option("--all", "everything", is_flag=True, help="every profile that gets its credentials somewhere")
@click.option("--undo", is_flag=True, help="have the profiles say again what they said before")
@click.option("--dry-run", is_flag=True, help="show what would change, and change nothing")
@click.argument("profiles", nargs=-1, metavar="[PROFILE]...")
def configure(everything: bool, undo: bool, dry_run: bool, profiles: tuple[str, ...]) -> None:
    """Have every AWS SDK ask Keyturn for the credentials of a profile, and for new ones when they end.

    The AWS config file gets a `credential_process` for it. What SDKs would take before that (a role, single
    sign-on) stays in the profile under a name that only Keyturn reads; --undo makes it what it was.
    """
    if everything == bool(profiles):
        raise UsageError("which profiles?", "name them, or --all")
    context = current()
    place, own = _config(context)
    bound = DefaultsFile(context.world.directories.defaults).read().bindings.get(PLUGIN, {})
    if undo:
        chosen = [name for name in (profiles or own) if pointing.is_pointed(name, own.get(name, {}))]
        _complain(name for name in profiles if name not in chosen)
    else:
        candidates = profiles or _candidates(own, [*bound])
        for name in candidates:
            if name not in own and name not in bound and name != DEFAULT:
                raise ConfigurationError(
                    f"profile “{printable(name)}” is not in {place}, and no item is bound to it",
                    f"bind one: keyturn plugin init aws --profile {shlex.quote(printable(name))}",
                )
        chosen = [name for name in candidates if not pointing.is_pointed(name, own.get(name, {}))]
        chosen = _checked(context, chosen, own, everything)
    if not chosen:
        output.note("nothing to change")
        return
    if dry_run:
        _show(place, chosen, _commands(context, chosen), undo=undo)
        return
    if undo:
        pointing.undo(place, chosen, context.world.uid)
    else:
        pointing.point(place, _commands(context, chosen), context.world.uid)
    said = "as it was" if undo else "asks Keyturn now"
    for name in chosen:
        output.note(f"profile “{printable(name)}”: {said} ({sourcing.shown(context, place)})")


def _config(context: Context) -> tuple[Path, dict[str, Section]]:
    """The config file, and its profiles as they stand in it."""
    places = ConfigurationCache().load(context.world.environment, os.getcwd()).places
    if places.config is None:
        raise ConfigurationError("AWS_CONFIG_FILE is empty: there is no file to change", "unset it")
    parsed = parse_file(str(places.config), str(places.config)) if places.config.is_file() else ParsedFile()
    return places.config, dict(parsed.profiles)


def _candidates(own: dict[str, Section], bound: Sequence[str]) -> list[str]:
    """The profiles that say where credentials come from, and those that an item is bound to."""
    saying = [name for name, section in own.items() if any(key in section for key in MOVED)]
    return list(dict.fromkeys([*saying, *bound]))


def _checked(context: Context, chosen: Sequence[str], own: dict[str, Section], everything: bool) -> list[str]:
    """Those that can be pointed; with --all the others are named, else the first of them ends it."""
    configuration = ConfigurationCache().load(context.world.environment, os.getcwd())
    good = []
    for name in chosen:
        try:
            pointing.check(name, own.get(name, {}), configuration)
            good.append(name)
        except ConfigurationError as error:
            if not everything:
                raise
            output.note(f"left out: {error.message}")
    return good


def _complain(names: Iterable[str]) -> None:
    for name in names:
        output.note(f"profile “{printable(name)}” does not ask Keyturn")


def _commands(context: Context, names: Sequence[str]) -> dict[str, str]:
    """The command line for each profile: by absolute path, for what runs it may have another PATH."""
    found = shutil.which("keyturn", path=context.world.environment.get("PATH"))
    words = [os.path.abspath(found)] if found is not None else context.interpreter.cli
    return {name: shlex.join([*words, *VERB, "--profile", name]) for name in names}


def _show(place: Path, names: Sequence[str], commands: dict[str, str], *, undo: bool) -> None:
    try:
        before = files.read(place)[0]
    except FileNotFoundError:
        before = b""
    after = pointing.undone(before, names) if undo else pointing.pointed(before, commands)
    old, new = (content.decode("utf-8", "replace").splitlines() for content in (before, after))
    for line in difflib.unified_diff(old, new, str(place), str(place), n=2, lineterm=""):
        output.line(output.clean(line))

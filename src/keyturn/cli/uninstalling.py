"""`keyturn plugin uninstall`: takes back what `plugin init` put around the vaults, and leaves the vaults.

Needs no agent and no key. Lines of start-up files go first: a shell that opens between two steps then finds
nothing missing.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click

from keyturn.agent.registry import Registry
from keyturn.cli import shim, sourcing
from keyturn.cli.context import Context, current
from keyturn.cli.output import line, note
from keyturn.ground import files
from keyturn.ground.errors import ConfigurationError, DeniedError, KeyturnError, UsageError
from keyturn.ground.names import printable
from keyturn.shells import launcher, plugins_sh, rc_files, segment, shim_path, shims
from keyturn.shells.source_lines import SourceLine


@dataclass(frozen=True)
class Step:
    """One thing to remove: what a person calls it, and the removal."""

    thing: str
    remove: Callable[[], object]


@click.command("uninstall")
@click.argument("executables", metavar="[EXECUTABLE]...", nargs=-1)
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="all wrappers, the lines in start-up files of shells, and the launcher",
)
@click.option("--yes", is_flag=True, help="do not ask")
@click.option("--dry-run", is_flag=True, help="say what would be removed, and remove nothing")
@click.option("--no-input", is_flag=True, help="ask nothing; what would be asked is an error")
def command(executables: tuple[str, ...], everything: bool, yes: bool, dry_run: bool, no_input: bool) -> None:
    """Let EXECUTABLEs run without Keyturn again.

    Accounts, vaults and defaults stay where they are. It works locked and without an agent.
    """
    context = current()
    context.no_input = no_input
    wrapped = plugins_sh.wrapped(context.world.directories.plugins_sh)
    if bool(executables) == everything:
        known = ", ".join(wrapped) or "none"
        raise UsageError("either executables or --all", f"wrapped are: {known}")
    names = [name for name in wrapped if everything or name in executables]
    for name in dict.fromkeys(executables):
        if name not in wrapped:
            note(f"{printable(name)} is not wrapped")
    steps = _all_steps(context) if everything else _wrapper_steps(context, names)
    left = _lines_to_stay(context) if everything else []
    if not steps and not left:
        note("there is nothing to remove")
        return
    if dry_run:
        for step in steps:
            line(f"would remove {step.thing}")
        for where in left:
            line(f"would leave {where}, for it is part of more")
        return
    if steps and not yes:
        _agree(context, steps)
    _remove(context, steps, names)
    if left:
        raise ConfigurationError(
            f"left, for it is part of more: {', '.join(left)}",
            "take it out by hand, then once more: keyturn plugin uninstall --all",
        )


def _agree(context: Context, steps: list[Step]) -> None:
    """Name what is to go, and have the person agree. Raises UsageError where nobody can be asked."""
    context.require_input("your agreement to remove this", "give it: --yes; see what it is: --dry-run")
    context.terminal.tell("to be removed:")
    for step in steps:
        context.terminal.tell(f"  {step.thing}")
    if not context.terminal.confirm("remove this?", default=False):
        raise DeniedError("nothing was removed", "see what it would be: --dry-run")


def _remove(context: Context, steps: list[Step], names: list[str]) -> None:
    """Raises the first error, after the steps that can be done were done and the rest was said."""
    problems: list[KeyturnError] = []
    for step in steps:
        try:
            step.remove()
            note(f"removed {step.thing}")
        except KeyturnError as error:
            problems.append(error)
        except OSError as error:
            why = f"{step.thing} was not removed: {files.reason(error)}"
            problems.append(ConfigurationError(why, files.remedy(error)))
    if names:
        shell = sourcing.shell_here(context).name
        forget = {"fish": "functions --erase", "sh": "unalias"}.get(shell, "unset -f")
        note(f"shells that are open keep it until: {forget} {' '.join(names)}")
    for text in _what_stays(context):
        note(text)
    if problems:
        raise problems[0]


def _what_stays(context: Context) -> list[str]:
    """Where the vaults are."""
    accounts = context.world.directories.accounts
    try:
        entries = Registry(accounts).entries()
    except KeyturnError:
        # Whatever is wrong with the list, it is no reason not to take wrappers back.
        return [f"the vaults stay where they are; their list {sourcing.shown(context, accounts)} is damaged"]
    return [
        f"the vaults of “{printable(entry.title)}” stay in {sourcing.shown(context, Path(entry.directory))}"
        for entry in entries
    ]


def _wrapper_steps(context: Context, names: list[str]) -> list[Step]:
    path = context.world.directories.plugins_sh
    words = launcher.command(context.world.directories, context.interpreter)
    place = sourcing.shown(context, path)
    steps = [
        Step(f"the wrapper of {name} in {place}", partial(plugins_sh.remove, path, [name], words))
        for name in names
    ]
    directories = context.world.directories
    return steps + [
        Step(f"the shim of {name}", partial(shims.disable, directories, [name]))
        for name in shims.enabled(directories)
        if name in names
    ]


def _all_steps(context: Context) -> list[Step]:
    directories = context.world.directories
    paths = dict.fromkeys(path for path, each in _source_lines(context) if each.may_go)
    steps = [
        Step(
            f"the line in {sourcing.shown(context, path)} that sources plugins.sh",
            partial(_remove_line, context, path),
        )
        for path in paths
    ]
    steps += _shim_steps(context)
    if os.path.lexists(directories.plugins_sh):
        steps.append(_plugins_step(context))
    code = launcher.code_path(directories)
    if any(os.path.lexists(path) for path in (directories.launcher, code)):
        place = sourcing.shown(context, directories.launcher)
        steps.append(Step(f"the launcher {place}", partial(_remove_launcher, directories.launcher, code)))
    if os.path.lexists(prompt := segment.path(directories)):
        steps.append(Step(f"the prompt's program {sourcing.shown(context, prompt)}", prompt.unlink))
    return steps


def _shim_steps(context: Context) -> list[Step]:
    paths = dict.fromkeys(path for path, each in shim.source_lines(context) if each.may_go)
    steps = [
        Step(
            f"the line in {sourcing.shown(context, path)} that puts shims on PATH",
            partial(shim.remove_lines, context, path),
        )
        for path in paths
    ]
    directories = context.world.directories
    if os.path.lexists(directories.shims) or os.path.lexists(shim_path.posix_file(directories)):
        names = f" of {', '.join(there)}" if (there := shims.enabled(directories)) else ""
        steps.append(Step(f"the shims{names}", partial(shim.remove_all, context)))
    return steps


def _source_lines(context: Context) -> list[tuple[Path, SourceLine]]:
    """Every line of a start-up file that sources plugins.sh."""
    environment = context.world.environment
    try:
        text = plugins_sh.source_line(context.world.directories.plugins_sh)
    except ConfigurationError:
        # A path that no line of ours could hold.
        return []
    return [
        (path, each)
        for path in rc_files.start_up_files(environment)
        for each in rc_files.lines_of(path, text, environment)
    ]


def _lines_to_stay(context: Context) -> list[str]:
    """The lines that only the person can take out, by their places."""
    found = [*_source_lines(context), *shim.source_lines(context)]
    return [f"{sourcing.shown(context, path)}, line {each.number}" for path, each in found if not each.may_go]


def _remove_line(context: Context, path: Path) -> None:
    text = plugins_sh.source_line(context.world.directories.plugins_sh)
    rc_files.remove_source_line(path, text, context.world.environment)


def _plugins_step(context: Context) -> Step:
    path = context.world.directories.plugins_sh
    place = sourcing.shown(context, path)
    if _lines_to_stay(context):
        thing = f"all wrappers in {place}"
    elif path.is_symlink():
        # The file that it leads to may be a dotfiles repository's: that is its owner's to delete.
        thing = f"the link {place} (not what it leads to)"
    else:
        thing = place
    return Step(thing, partial(_remove_plugins, context))


def _remove_plugins(context: Context) -> None:
    """Delete plugins.sh. Where a start-up file still reads it, only what is in it: a shell that found it
    missing would complain each time it opens."""
    directories = context.world.directories
    path = directories.plugins_sh
    if _source_lines(context):
        words = launcher.command(directories, context.interpreter)
        plugins_sh.remove(path, plugins_sh.wrapped(path), words)
        return
    with files.changing(path):
        path.unlink(missing_ok=True)


def _remove_launcher(path: Path, code: Path) -> None:
    for each in (path, code, *(code.parent / "__pycache__").glob(f"{code.stem}.*.pyc")):
        each.unlink(missing_ok=True)
    if (code.parent / "__pycache__").is_dir() and not any((code.parent / "__pycache__").iterdir()):
        (code.parent / "__pycache__").rmdir()

"""`keyturn shim`: small executables first on PATH, for whatever starts a command without a shell function."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import msgspec

from keyturn.catalogue import loader
from keyturn.cli import output, sourcing
from keyturn.cli.context import Context, current
from keyturn.cli.grouping import Group
from keyturn.cli.options import output_format
from keyturn.cli.output import line, note
from keyturn.ground import files
from keyturn.ground.errors import ConfigurationError, UsageError
from keyturn.ground.names import printable
from keyturn.shells import launcher, path_search, plugins_sh, rc_files, shim_path, shims
from keyturn.shells.rc_files import Shell
from keyturn.shells.source_lines import SourceLine


class ShimRow(msgspec.Struct, frozen=True):
    """One shim. `first`: it is what a program started here finds on PATH; `before` is what it finds instead,
    `runs` the real executable, both empty if there is none."""

    executable: str
    path: str
    first: bool
    before: str
    runs: str


@click.group(cls=Group)
def shim() -> None:
    """Let scripts, make, git and editors run commands with credentials.

    A shim is a small executable that is called like the command and goes first on PATH.
    """


@shim.command()
@click.argument("executables", metavar="[EXECUTABLE]...", nargs=-1)
@click.option(
    "--shell-rc/--no-shell-rc",
    default=None,
    help="add the line that puts shims on PATH to your shell's start-up file, or do not",
)
@click.option("--dry-run", is_flag=True, help="ask, say what would be done, and change nothing")
@click.option("--no-input", is_flag=True, help="ask nothing")
def enable(executables: tuple[str, ...], shell_rc: bool | None, dry_run: bool, no_input: bool) -> None:
    """Write shims for EXECUTABLEs; without any, for all that are set up in plugins.sh."""
    context = current()
    context.no_input = no_input
    directories = context.world.directories
    names = list(dict.fromkeys(executables)) or plugins_sh.wrapped(directories.plugins_sh)
    if not names:
        raise UsageError("which command? none is set up yet", "begin with: keyturn plugin init aws")
    _check(names)
    # Before anything is asked: it may be refused.
    for name in names:
        shims.render(directories, context.interpreter, name)
    plan = sourcing.offer(context, shell_rc, lambda shell: _file(context, shell))
    place = sourcing.shown(context, directories.shims)
    if dry_run:
        note(f"would write shims for {', '.join(names)} into {place}")
        for path in plan.files:
            note(f"would add “{plan.line}” to {sourcing.shown(context, path)}")
        note("nothing was changed (--dry-run)")
        return
    files.private_directory(directories.data, context.world.uid, mend=True)
    launcher.renew(directories, context.interpreter, create=True)
    new = shims.enable(directories, context.interpreter, names)
    note(f"shims for {', '.join(new)} are in {place}" if new else f"the shims are there already, in {place}")
    set_up = plugins_sh.wrapped(directories.plugins_sh)
    for name in names:
        if name not in set_up:
            note(f"note: {name} is not set up yet: keyturn plugin init {name}")
    sourcing.carry_out(context, plan)


def _check(names: Sequence[str]) -> None:
    known = loader.listed()
    for name in names:
        if name not in known or not shims.may_be_named(name):
            raise UsageError(f"no plugin wraps {printable(name)}", "see: keyturn plugin list")


def _file(context: Context, shell: Shell) -> Path:
    return shim_path.file_for(context.world.directories, shell.name)


@shim.command()
@click.argument("executables", metavar="[EXECUTABLE]...", nargs=-1)
@click.option(
    "--all", "everything", is_flag=True, help="all shims, and the lines in start-up files of shells"
)
@click.option("--dry-run", is_flag=True, help="say what would be removed, and remove nothing")
def disable(executables: tuple[str, ...], everything: bool, dry_run: bool) -> None:
    """Take shims away. With the last one go the lines in start-up files that put them on PATH."""
    context = current()
    directories = context.world.directories
    there = shims.own(directories)
    if bool(executables) == everything:
        raise UsageError("either executables or --all", f"there are shims for: {', '.join(there) or 'none'}")
    for name in dict.fromkeys(executables):
        if name not in there:
            note(f"there is no shim for {printable(name)}")
    gone = [name for name in there if everything or name in executables]
    is_last = everything or (bool(gone) and gone == there)
    lines = list(source_lines(context)) if is_last else []
    if not gone and not lines:
        note("there is nothing to remove")
    for name in gone:
        (line if dry_run else note)(f"{'would remove' if dry_run else 'removed'} the shim for {name}")
    for path, each in lines:
        what = "the line that puts shims on PATH"
        if not each.may_go:
            note(f"left in {sourcing.shown(context, path)}, line {each.number}: it is part of more")
        elif dry_run:
            line(f"would remove {what} from {sourcing.shown(context, path)}")
        else:
            # The line first: a shell that opens in between finds nothing missing.
            remove_lines(context, path)
            note(f"removed {what} from {sourcing.shown(context, path)}")
    if not dry_run:
        _remove(context, gone, everything=everything)


def remove_all(context: Context) -> None:
    """All shims and the files that put them on PATH."""
    directories = context.world.directories
    is_read = any(source_lines(context))
    shims.remove_all(directories)
    if is_read:
        # A start-up file still does: it would complain of missing ones each time a shell opens.
        shim_path.write_empty(directories)


def _remove(context: Context, gone: Sequence[str], *, everything: bool) -> None:
    directories = context.world.directories
    if everything or gone == shims.own(directories):
        remove_all(context)
    else:
        shims.disable(directories, gone)
    if gone and str(directories.shims) in context.world.environment.get("PATH", "").split(":"):
        note("shells that are open look for it once more; if one complains: hash -r")


def source_lines(context: Context) -> Iterator[tuple[Path, SourceLine]]:
    """Every line of a start-up file that puts shims on PATH."""
    environment = context.world.environment
    for path in rc_files.start_up_files(environment):
        for text in _source_texts(context):
            for found in rc_files.lines_of(path, text, environment):
                yield path, found


def remove_lines(context: Context, path: Path) -> None:
    """Take those out of one start-up file that may go."""
    for text in _source_texts(context):
        rc_files.remove_source_line(path, text, context.world.environment)


def _source_texts(context: Context) -> list[str]:
    directories = context.world.directories
    both = (shim_path.posix_file(directories), shim_path.fish_file(directories))
    try:
        return [Shell("bash").source_line(path) for path in both]
    except ConfigurationError:
        # A path that no line of ours could hold.
        return []


@shim.command("list")
@output_format
def list_(form: str) -> None:
    """List the shims, and whether a program that is started here finds them first."""
    rows = [row_of(current(), name) for name in shims.enabled(current().world.directories)]
    if form == "json":
        output.as_json("shims", msgspec.to_builtins(rows))
        return
    table = [
        (each.executable, "yes" if each.first else _before(each), each.runs or "it is not installed")
        for each in rows
    ]
    output.table(
        ("executable", "first on PATH", "runs"), table, "there are no shims; make some: keyturn shim enable"
    )


def _before(row: ShimRow) -> str:
    return f"no: {row.before} is" if row.before else "no: their directory is not on PATH"


def row_of(context: Context, name: str) -> ShimRow:
    directories = context.world.directories
    search = context.world.environment.get("PATH", "")
    first = next(path_search.candidates(name, search), "")
    is_first = bool(first) and path_search.is_shim(first, directories.shims)
    return ShimRow(
        executable=name,
        path=str(directories.shims / name),
        first=is_first,
        before="" if is_first else first,
        runs=path_search.find(name, search, directories.shims),
    )

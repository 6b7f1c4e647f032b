"""What is amiss between shells, shims and the launcher."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import msgspec

from keyturn.cli import sourcing
from keyturn.cli.doctor_findings import Check, Finding, Patient, note, problem
from keyturn.cli.shim import ShimRow, row_of
from keyturn.ground.errors import ConfigurationError
from keyturn.shells import launcher, plugins_sh, rc_files, shim_path, shims
from keyturn.shells.rc_files import Shell

KNOWN = ("bash", "zsh", "fish")


class ShellRow(msgspec.Struct, frozen=True):
    """A shell that is installed. `reads` are its start-up files that source plugins.sh, `shims` those that
    put shims on PATH."""

    shell: str
    reads: list[str]
    shims: list[str]


class Wrappers(msgspec.Struct, frozen=True):
    """What plugins.sh wraps, and what the shell has read of it that this was typed into: `sourced`, `stale`
    (the file has changed since), `not sourced`, or `none` where there is nothing to read."""

    defined: list[str]
    here: str


def rows(patient: Patient) -> list[ShellRow]:
    found = []
    for name in KNOWN:
        if shutil.which(name, path=patient.search):
            shell = rc_files.shell_of({**patient.world.environment, "SHELL": name})
            reads, first = _reading(patient, shell), _reading(patient, shell, _shims_line(patient, shell))
            found.append(
                ShellRow(
                    name,
                    *([sourcing.shown(patient.context, path) for path in each] for each in (reads, first)),
                )
            )
    return found


def _reading(patient: Patient, shell: Shell, line: str | None = None) -> list[Path]:
    """Its start-up files that have the line; None is the one that sources plugins.sh."""
    text = _source_line(patient) if line is None else line
    paths = [path for path in (*shell.files, *shell.others) if path.is_file()]
    return [path for path in paths if text and rc_files.lines_of(path, text, patient.world.environment)]


def _shims_line(patient: Patient, shell: Shell) -> str:
    try:
        return shell.source_line(shim_path.file_for(patient.directories, shell.name))
    except ConfigurationError:
        return ""


def _source_line(patient: Patient) -> str:
    try:
        return plugins_sh.source_line(patient.directories.plugins_sh)
    except ConfigurationError:
        return ""


def _line_here(patient: Patient) -> str:
    """What the shell that this was typed into is to read: Nushell and PowerShell cannot read plugins.sh."""
    try:
        return sourcing.line_for(patient.context, sourcing.shell_here(patient.context))
    except ConfigurationError:
        return ""


def wrappers(patient: Patient) -> Wrappers:
    path = patient.directories.plugins_sh
    names = plugins_sh.wrapped(path)
    read = patient.world.environment.get(plugins_sh.HASH_VARIABLE, "")
    if not names:
        return Wrappers([], "none")
    is_current = read == plugins_sh.current_hash(path)
    return Wrappers(names, "not sourced" if not read else "sourced" if is_current else "stale")


def shim_rows(patient: Patient) -> list[ShimRow]:
    return [row_of(patient.context, name) for name in shims.enabled(patient.directories)]


def sourced(patient: Patient) -> list[Finding]:
    """The wrappers that plugins.sh defines are known to the shell."""
    found = wrappers(patient)
    if found.here == "stale":
        return [
            problem(
                "wrappers-stale",
                "this shell has read an older plugins.sh",
                "it does not know what was set up or taken away since",
                f"exec $SHELL, or: {_line_here(patient)}",
            )
        ]
    if found.here != "not sourced":
        return []
    shell = sourcing.shell_here(patient.context)
    if _reading(patient, shell):
        return [
            note(
                "wrappers-not-sourced-here",
                f"{', '.join(found.defined)}: what called doctor has no wrappers; new shells have",
                "scripts and shells that were open before call the bare command",
                f"in a shell: {_line_here(patient)}; for programs: keyturn shim enable",
            )
        ]
    return [
        problem(
            "wrappers-not-sourced",
            f"{', '.join(found.defined)}: no start-up file of {shell.name or 'your shell'} reads plugins.sh",
            "typed in a shell, the command runs without credentials",
            f"add this line to it: {_line_here(patient)}",
        )
    ]


def login_shell(patient: Patient) -> list[Finding]:
    """SHELL is empty, or a shell whose start-up file is not known (story 64)."""
    shell = sourcing.shell_here(patient.context)
    if shell.files or shell.name == "sh":
        return []
    name = (
        f"{shell.name!r}, whose start-up file keyturn does not know"
        if shell.name
        else "not known: SHELL is empty"
    )
    return [
        note(
            "shell-unknown",
            f"your shell is {name}",
            "plugin init cannot add the line that defines the wrappers",
            "see: keyturn shell-init --help, or use shims: keyturn shim enable",
        )
    ]


def launchers(patient: Patient) -> list[Finding]:
    """The launcher is there and as this Keyturn writes it; the interpreter that it names, too."""
    directories = patient.directories
    if not (plugins_sh.wrapped(directories.plugins_sh) or shims.enabled(directories)):
        return []
    interpreter = patient.context.interpreter
    for path, text in launcher.render(directories, interpreter).items():
        try:
            is_same = path.read_bytes() == text
        except OSError:
            return [_launcher_finding("launcher-missing", f"the launcher {path} is not there")]
        if not is_same:
            return [_launcher_finding("launcher-stale", f"the launcher {path} is not this version's")]
    return []


def _launcher_finding(name: str, what: str) -> Finding:
    return problem(
        name,
        what,
        "wrapped commands run without credentials, or by old rules",
        "keyturn status renews it",
    )


def shim_files(patient: Patient) -> list[Finding]:
    """Each shim can be run: its interpreter is there. No other command would be tried in its place."""
    found = []
    for name in shims.enabled(patient.directories):
        path = patient.directories.shims / name
        if not shims.is_ours(patient.directories, name):
            found.append(
                problem(
                    "shim-foreign",
                    f"{path} is no shim of keyturn's",
                    "it goes first on PATH, whatever it is",
                    f"look at it, then: rm {path}",
                )
            )
            continue
        line = path.read_bytes().split(b"\n", 1)[0].removeprefix(b"#!").split(b" ", 1)[0]
        if not os.access(os.fsdecode(line), os.X_OK) or not os.access(path, os.X_OK):
            found.append(
                problem(
                    "shim-broken",
                    f"the shim {path} cannot start: its interpreter {os.fsdecode(line)} is not there",
                    f"nothing on this machine that looks for {name} on PATH can run it",
                    f"keyturn shim enable {name}",
                )
            )
    return found


def shim_order(patient: Patient) -> list[Finding]:
    """Shims are worth something only in front of what they stand for."""
    rows = [each for each in shim_rows(patient) if not each.first]
    if not rows:
        return []
    names = ", ".join(each.executable for each in rows)
    before = [each.before for each in rows if each.before]
    is_there = str(patient.directories.shims) in patient.search.split(":")
    what = f"{before[0]} comes before it on PATH" if before and is_there else "their directory is not on PATH"
    shell = sourcing.shell_here(patient.context)
    line = _shims_line(patient, shell)
    mend = "keyturn shim enable --shell-rc, then open a new shell"
    if _reading(patient, shell, line):
        mend = f"a new shell has it; here: {line}"
    return [
        problem(
            "shims-not-first",
            f"there are shims for {names}, and {what}",
            "a script that is started here gets the bare command, without credentials",
            mend,
        )
    ]


CHECKS: tuple[Check, ...] = (sourced, login_shell, launchers, shim_files, shim_order)

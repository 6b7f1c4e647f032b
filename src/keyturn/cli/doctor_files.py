"""What is amiss with Keyturn's own files and places, and what lies about in plaintext."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from keyturn.agent.executables import others_may_replace
from keyturn.agent.registry import Registry
from keyturn.cli import plaintext_finding, sourcing
from keyturn.cli.doctor_findings import Check, Finding, Patient, note, problem
from keyturn.ground import files
from keyturn.ground.errors import KeyturnError
from keyturn.ground.names import printable
from keyturn.scopes.defaults import DefaultsFile
from keyturn.shells import path_search, plugins_sh, rc_files, shims

CONTENT = ("accounts.json", "defaults.json", "settings.toml", "plugins.sh")
SHOWN = 5


def places(patient: Patient) -> list[Finding]:
    """The four directories: ours, no links, closed to others."""
    directories, found = patient.directories, []
    for kind, path in (
        ("configuration", directories.config),
        ("data", directories.data),
        ("state", directories.state),
        ("runtime", directories.runtime),
    ):
        try:
            status = os.lstat(path)
        except OSError:
            # It is made when it is needed.
            continue
        wrong = _wrong(status, patient.world.uid)
        if wrong:
            found.append(
                problem(
                    f"{kind}-directory-open",
                    f"the {kind} directory {path} {wrong}",
                    "others could read it or put files of theirs there; keyturn refuses to use it",
                    f"ls -ld {path}; chmod 700 {path}",
                )
            )
    return found


def _wrong(status: os.stat_result, uid: int) -> str:
    if stat.S_ISLNK(status.st_mode):
        return "is a link"
    if not stat.S_ISDIR(status.st_mode):
        return "is not a directory"
    if status.st_uid != uid:
        return "is not yours"
    return f"is open to others (mode {stat.S_IMODE(status.st_mode):04o})" if status.st_mode & 0o077 else ""


def own_files(patient: Patient) -> list[Finding]:
    """Files that others may write: they decide which item a command gets and what a shell runs."""
    directories, found = patient.directories, []
    for path in (
        *(directories.settings, directories.accounts, directories.defaults, directories.plugins_sh),
        *(directories.launcher, directories.audit_log),
        *(directories.shims / name for name in shims.enabled(directories)),
    ):
        try:
            mode = os.stat(path).st_mode
        except OSError:
            continue
        if mode & 0o022:
            found.append(
                problem(
                    "file-open",
                    f"{path} may be written by others (mode {stat.S_IMODE(mode):04o})",
                    "they could decide what your commands run and get",
                    f"chmod go-w {path}",
                )
            )
    return found


def settings(patient: Patient) -> list[Finding]:
    try:
        _ = patient.world.settings
    except KeyturnError as error:
        return [_unreadable("settings-damaged", error, "nothing that needs a setting works")]
    return []


def defaults(patient: Patient) -> list[Finding]:
    try:
        DefaultsFile(patient.directories.defaults).read()
    except KeyturnError as error:
        return [_unreadable("defaults-damaged", error, "no wrapped command gets credentials")]
    return []


def accounts(patient: Patient) -> list[Finding]:
    """The list, and that each account's directory is there."""
    try:
        entries = Registry(patient.directories.accounts).entries()
    except KeyturnError as error:
        return [_unreadable("accounts-damaged", error, "no account can be opened")]
    return [
        problem(
            "account-missing",
            f"the account “{printable(entry.title)}” is not in {entry.directory}",
            "its items cannot be used: a disk that is not mounted, or a directory that was moved",
            "keyturn account forget --account NAME, then keyturn account add DIRECTORY",
        )
        for entry in entries
        if not os.path.isfile(os.path.join(entry.directory, "account.age"))
    ]


def _unreadable(name: str, error: KeyturnError, why: str) -> Finding:
    return problem(name, error.message, why, error.hints[0] if error.hints else "correct it, or move it away")


def two_configurations(patient: Patient) -> list[Finding]:
    """A second configuration directory with something in it (story 63): what was set up there is not seen."""
    environment, used = patient.world.environment, patient.directories.config
    home = environment.get("HOME", "")
    bases = [environment.get("XDG_CONFIG_HOME", ""), f"{home}/.config" if home else ""]
    others = {Path(base) / "keyturn" for base in bases if os.path.isabs(base)}
    return [
        problem(
            "two-configurations",
            f"{used} is used, and {other} has {', '.join(there)}",
            "what was set up in the other one is not seen here",
            f"move what you need to {used}, or unset KEYTURN_CONFIG_DIR and XDG_CONFIG_HOME",
        )
        for other in sorted(others)
        if os.path.realpath(other) != os.path.realpath(used)
        if (there := [name for name in CONTENT if (other / name).is_file()])
    ]


def plaintext(patient: Patient) -> list[Finding]:
    """Credentials in files of known tools and in start-up files."""
    found = plaintext_finding.look(patient.world).found
    if not found:
        return []
    context = patient.context
    shown = list(dict.fromkeys(plaintext_finding.shown_place(context, each) for each in found))
    more = f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
    return [
        problem(
            "plaintext-left",
            f"credentials lie in plaintext: {', '.join(shown[:SHOWN])}{more}",
            "any program of yours, a backup or a stolen disk has them",
            "keyturn plaintext scan, then keyturn plaintext remove",
        )
    ]


def executables(patient: Patient) -> list[Finding]:
    """The programs that get credentials: there, and not to be replaced by others."""
    found = []
    directories = patient.directories
    for name in dict.fromkeys([*plugins_sh.wrapped(directories.plugins_sh), *shims.own(directories)]):
        path = path_search.find(name, patient.search, directories.shims)
        if not path:
            found.append(
                note(
                    "executable-missing",
                    f"{name} is set up, and is not on PATH",
                    "calling it says “command not found”",
                    f"install it, or: keyturn plugin uninstall {name}",
                )
            )
            continue
        real = os.path.realpath(path)
        if others_may_replace(real, os.stat(real)):
            found.append(
                problem(
                    "executable-open",
                    f"{name} is {real}, which others may replace",
                    "who replaces it gets your credentials",
                    f"ls -ld {real} {os.path.dirname(real)}; chmod go-w both",
                )
            )
    return found


def relative_path(patient: Patient) -> list[Finding]:
    """Empty and relative parts of PATH mean the working directory, whatever lies there."""
    relative = [part or "(empty)" for part in patient.search.split(":") if not part.startswith("/")]
    if not relative or not patient.search:
        return []
    return [
        note(
            "path-relative",
            f"PATH has relative parts: {', '.join(map(printable, dict.fromkeys(relative)))}",
            "a command may come out of a directory that you only looked into; keyturn passes them over",
            "take them out of PATH in your shell's start-up file",
        )
    ]


def start_up_files(patient: Patient) -> list[Finding]:
    """A start-up file that sources a plugins.sh that is not there complains in every shell."""
    context, found = patient.context, []
    path = patient.directories.plugins_sh
    if path.exists():
        return []
    for file in rc_files.start_up_files(patient.world.environment):
        for each in rc_files.lines_of(
            file, f"source {plugins_sh.quote(str(path))}", patient.world.environment
        ):
            found.append(
                problem(
                    "sourced-file-missing",
                    f"{sourcing.shown(context, file)}, line {each.number} sources {path}, which is not there",
                    "each shell that opens complains of it",
                    "keyturn plugin init, or take the line out",
                )
            )
    return found


def disk(patient: Patient) -> list[Finding]:
    """Room for the vault to be saved in."""
    try:
        state = os.statvfs(patient.directories.config.parent)
    except OSError:
        return []
    if state.f_blocks == 0 or state.f_bavail * state.f_frsize >= 1024 * 1024:
        return []
    return [
        problem(
            "disk-full",
            f"the disk of {patient.directories.config} is full",
            "nothing can be saved; what is there stays",
            files.FULL,
        )
    ]


CHECKS: tuple[Check, ...] = (
    *(places, own_files, settings, defaults, accounts, two_configurations, plaintext, executables),
    *(relative_path, start_up_files, disk),
)

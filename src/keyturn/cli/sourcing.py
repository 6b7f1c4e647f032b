"""The line that makes a person's shells read plugins.sh: offered for their start-up file, or shown."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from keyturn.cli.context import Context
from keyturn.cli.output import line, note
from keyturn.ground.errors import ConfigurationError
from keyturn.ground.names import printable
from keyturn.processes import identity, program
from keyturn.shells import rc_files
from keyturn.shells.rc_files import Shell

# Shells that cannot read plugins.sh, and their line for what `keyturn shell-init` prints for them.
_OF_SHELL_INIT = {
    "nu": "source ~/.keyturn.nu",
    "pwsh": "keyturn shell-init pwsh | Out-String | Invoke-Expression",
}


@dataclass(frozen=True)
class Sourcing:
    """What is to be done about the line: `files` get it; `is_read`: the shell's own files have it already."""

    shell: Shell
    line: str
    files: tuple[Path, ...]
    is_read: bool


def shell_here(context: Context) -> Shell:
    """The shell that this command was typed into.

    That one gave the command a process group of its own, in the same session; a script's shell has its
    commands in its own group. What is above the session is somebody else's terminal, or none.
    """
    own = identity.read(os.getpid())
    above = identity.ancestors(own) if own is not None else ()
    parents = [
        program.name(each.pid)
        for each in above
        if own is not None and each.session == own.session and each.group != own.group
    ]
    return rc_files.shell_of(context.world.environment, parents)


def line_for(context: Context, shell: Shell) -> str:
    """The line that makes the shell know the wrappers. Raises ConfigurationError."""
    return _OF_SHELL_INIT.get(shell.name) or shell.source_line(context.world.directories.plugins_sh)


def offer(context: Context, shell_rc: bool | None, file: Callable[[Shell], Path] | None = None) -> Sourcing:
    """Ask whether the line is to be added to the start-up file; nothing is changed yet.

    The line sources plugins.sh, or the `file` for the shell.

    `shell_rc` is the answer of `--shell-rc/--no-shell-rc`; None asks where somebody can be asked, and means
    no where not. Where the line stands already, nothing is asked. Raises ConfigurationError if the flag says
    yes and the shell's start-up file is not known, and CancelledByPersonError.
    """
    shell = shell_here(context)
    environment = context.world.environment
    text = shell.source_line(file(shell)) if file is not None else line_for(context, shell)
    if not shell.files:
        if shell_rc:
            name = f" of {printable(shell.name)}" if shell.name else ""
            raise ConfigurationError(
                f"the start-up file{name} is not known here", f"add this line to it by hand: {text}"
            )
        return Sourcing(shell, text, (), is_read=False)
    lacking = shell.lacking(text, environment)
    if lacking and shell_rc is None and context.may_ask:
        names = " and ".join(shown(context, path) for path in lacking)
        shell_rc = context.terminal.confirm(f"add “{text}” to {names}?", default=True)
    return Sourcing(shell, text, tuple(lacking) if shell_rc else (), is_read=not lacking)


def carry_out(context: Context, sourcing: Sourcing) -> None:
    """Add the line where that was agreed to, and print it for this shell, to stdout.

    Raises ConfigurationError, after all that, for a file that could not be changed.
    """
    problems: list[ConfigurationError] = []
    added = []
    for path in sourcing.files:
        try:
            if rc_files.add_source_line(path, sourcing.line, context.world.environment):
                added.append(shown(context, path))
        except ConfigurationError as error:
            problems.append(error)
    for name in added:
        note(f"added the line to {name}, so new shells have it; for this shell:")
    if not added and sourcing.is_read:
        name = shown(context, sourcing.shell.files[0])
        note(f"{name} is read by new shells and has the line already; for this shell:")
    elif not added and sourcing.line == _OF_SHELL_INIT["nu"]:
        note("Nushell reads a file of its own; write it, and again when another command is set up:")
        note("  keyturn shell-init nu | save --force ~/.keyturn.nu")
        note("then put this into config.nu, and type it in this shell:")
    elif not added:
        note("source this in your shell's start-up file, and in this shell:")
    line(sourcing.line)
    if problems:
        raise problems[0]


def shown(context: Context, path: Path) -> str:
    """A path as the person writes it."""
    home = context.world.home.rstrip("/")
    text = str(path)
    return printable(f"~{text.removeprefix(home)}" if home and text.startswith(f"{home}/") else text, 300)

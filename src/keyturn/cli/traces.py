"""Where else a credential leaves traces: start-up files that set it, tools that read its file."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from keyturn.ground import files
from keyturn.ground.errors import DamagedError
from keyturn.sdk.schema import Plugin

START_UP_FILES = (
    ".bashrc",
    ".bash_profile",
    ".bash_login",
    ".profile",
    ".zshrc",
    ".zshenv",
    ".zprofile",
    ".config/fish/config.fish",
    ".envrc",
    ".pam_environment",
)
LARGEST = 1024 * 1024


def of_variables(variables: tuple[str, ...], home: str) -> list[str]:
    """What to do about keys in the environment: the line that unsets them, and where they seem to be set."""
    lines = [
        "the keys are still in this shell's environment; take them out:",
        f"  unset {' '.join(variables)}",
    ]
    assigns = re.compile(rf"\b(?:{'|'.join(map(re.escape, variables))})[= ]")
    for name in START_UP_FILES if home else ():
        path = Path(home, name)
        try:
            content = files.read(path, LARGEST)[0].decode("utf-8", "replace")
        except (OSError, DamagedError):
            continue
        lines += [
            f"  {path}, line {number}, seems to set them"
            for number, line in enumerate(content.splitlines(), 1)
            if assigns.search(line) and not line.lstrip().startswith("#")
        ]
    return lines


def installed_readers(plugin: Plugin, search: str) -> list[str]:
    """The other tools on PATH that read the files of this plugin's credential."""
    names = sorted({name for readers in plugin.also_reads for name in readers.executables})
    return [name for name in names if shutil.which(name, path=search)]

"""Where else a credential leaves traces: start-up files that set it, tools that read its file."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from keyturn.catalogue import loader
from keyturn.ground import files
from keyturn.ground.errors import DamagedError
from keyturn.ground.names import printable
from keyturn.sdk.schema import Plugin
from keyturn.shells import rc_files

# Besides those of the shells: what sets variables for a login, for a desktop session, for a directory.
# fish keeps universal variables in a file of its own.
OTHER_FILES = (".pam_environment", ".envrc", ".xsessionrc", ".config/environment.d/*.conf")
FISH_VARIABLES = "fish/fish_variables"
SYSTEM_FILES = ("/etc/environment", "/etc/profile")
LARGEST = 1024 * 1024

_NO_ASSIGNMENT = re.compile(r"^\s*#|\bunset\b|\bset\s+(?:-\w*e\w*\b|--erase)")


def of_variables(
    variables: tuple[str, ...], home: str, environment: Mapping[str, str] | None = None, shell: str = ""
) -> list[str]:
    """What to do about keys in the environment: the line that unsets them, and where they seem to be set.

    `environment` tells where the start-up files of the person's shells are, besides those in `home`; `shell`
    is the name of the one that is to unset them. A line's number is told, never the line: the key is in it.
    """
    names = " ".join(variables)
    lines = [
        "what was imported is still in this shell's environment; take it out:",
        f"  set --erase {names}" if shell == "fish" else f"  unset {names}",
    ]
    assigns = _assignment(variables)
    for path in _files(home, environment or {}):
        try:
            content = files.read(path, LARGEST)[0].decode("utf-8", "replace")
        except (OSError, DamagedError):
            continue
        lines += [
            f"  {printable(str(path), 300)}, line {number}, seems to set them"
            for number, line in enumerate(content.split("\n"), 1)
            if assigns.search(line) and not _NO_ASSIGNMENT.search(line)
        ]
    return lines


def _assignment(variables: tuple[str, ...]) -> re.Pattern[str]:
    """NAME=value, set -gx NAME value, NAME DEFAULT=value (pam_env) and SETUVAR NAME:value (fish keeps such);
    not $NAME and ${NAME:-word}."""
    names = "|".join(map(re.escape, variables))
    return re.compile(rf"(?<![\w${{])(?:{names})(?:=|:|\s+[^\s;&|)])")


def _files(home: str, environment: Mapping[str, str]) -> list[Path]:
    """The files that may set a variable for every shell, those that are there, each once."""
    if not os.path.isabs(home):
        return [Path(path) for path in SYSTEM_FILES]
    configuration = environment.get("XDG_CONFIG_HOME", "")
    base = Path(configuration) if os.path.isabs(configuration) else Path(home, ".config")
    found = rc_files.start_up_files({**environment, "HOME": home})
    found += [path for name in OTHER_FILES for path in sorted(Path(home).glob(name))]
    return list(dict.fromkeys([*found, base / FISH_VARIABLES, *map(Path, SYSTEM_FILES)]))


def installed_readers(plugin: Plugin, search: str) -> list[str]:
    """The other tools on PATH that read the files of this plugin's credential."""
    names = sorted({name for readers in plugin.also_reads for name in readers.executables})
    return [name for name in names if shutil.which(name, path=search)]


def of_file(plugin: Plugin, search: str, set_up: Iterable[str] = ()) -> list[str]:
    """A warning about a file that loses its keys: which other installed tools read it, and how each gets
    its credentials from then on. `search` is a PATH; `set_up` are the executables that have theirs already.
    """
    others = [name for name in installed_readers(plugin, search) if name not in set(set_up)]
    known = [name for name in others if loader.find_by_executable(name) is not None]
    unknown = [name for name in others if name not in known]
    if not others:
        return []
    lines = ["note: these read that file too and do without its keys then:"]
    lines += [f"  {name}: set it up by keyturn plugin init {name}" for name in known]
    if unknown:
        lines.append(f"  {', '.join(unknown)}: no plugin yet")
    return lines

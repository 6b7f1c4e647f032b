"""Shims: small executables in a directory that goes first on PATH. Whatever starts `aws` gets the launcher.

A shim is the launcher, told its command's name; the kernel starts the interpreter by the `#!` line, for a
shell in between would change the command's environment.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from keyturn.ground import files
from keyturn.ground.errors import ConfigurationError, DamagedError
from keyturn.ground.paths import Directories
from keyturn.shells import launcher, shim_path
from keyturn.shells.launcher import FLAGS, Interpreter
from keyturn.shells.path_search import MARK

# execve(2): Linux before 5.1 cuts the line after 127 characters; newer ones take 255, macOS 512.
LONGEST_LINE = 127

_EXECUTABLE = re.compile(r"[A-Za-z0-9_.+-]{1,64}\Z")

_TEXT = """\
#!{interpreter} {flags}
# Keyturn's shim of {name}: it asks for credentials and becomes the real one. From: keyturn shim enable
import posix
import sys

sys.argv.insert(1, {word})
try:
    posix.stat({code})
except OSError:
    sys.stderr.write(
        "keyturn: the launcher of this shim is gone: " + sys.argv[0] + "\\n"
        "  hint: make it anew: keyturn shim enable {name}\\n"
    )
    raise SystemExit(198)
{entry}"""


def refusal(directories: Directories, interpreter: Interpreter) -> str:
    """Why there can be no shims here; empty if there can."""
    path = interpreter.bare
    if not re.match(r"/[^\s]*\Z", path):
        return f"a `#!` line cannot hold the path of the interpreter, {path!r}: it has a space in it"
    length = len(os.fsencode(f"#!{path} {FLAGS}"))
    if length > LONGEST_LINE:
        return f"the path of the interpreter, {path}, is too long for a `#!` line: {length} bytes"
    if ":" in str(directories.shims):
        return f"PATH cannot hold a directory with a colon: {directories.shims}"
    return ""


def render(directories: Directories, interpreter: Interpreter, name: str) -> bytes:
    """The text of one shim. Raises ConfigurationError, with the reason, where there can be none."""
    why = refusal(directories, interpreter)
    if why:
        raise ConfigurationError(
            why,
            "install keyturn with another interpreter or into another directory",
            "or, in scripts: keyturn plugin run -- COMMAND",
        )
    text = _TEXT.format(
        interpreter=interpreter.bare,
        flags=FLAGS,
        name=name,
        word=ascii(name),
        code=launcher.code_word(directories),
        entry=launcher.entry(directories),
    ).encode("utf-8", "surrogateescape")
    assert MARK in text
    return text


def may_be_named(name: str) -> bool:
    """Whether a shim can have this name."""
    return _EXECUTABLE.match(name) is not None and name.strip(".") != ""


def enabled(directories: Directories) -> list[str]:
    """The names of the shims that are there."""
    try:
        entries = sorted(os.listdir(directories.shims))
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [name for name in entries if may_be_named(name) and not name.endswith(".new")]


def own(directories: Directories) -> list[str]:
    """Those of them that Keyturn wrote."""
    return [name for name in enabled(directories) if is_ours(directories, name)]


def enable(directories: Directories, interpreter: Interpreter, names: Sequence[str]) -> list[str]:
    """Write shims of these names, and the files that put them first on PATH. Returns the names that are new.

    The launcher has to be there. Raises ConfigurationError where there can be none, and for another's file of
    that name.
    """
    known = enabled(directories)
    for name in names:
        if name in known and not is_ours(directories, name):
            path = directories.shims / name
            raise ConfigurationError(
                f"{path} is no shim of keyturn's", f"look at it, and move it away: {path}"
            )
    texts = {name: render(directories, interpreter, name) for name in names}
    uid = os.getuid()
    files.private_directory(directories.data, uid, mend=True)
    files.private_directory(directories.shims, uid, mend=True)
    for name, text in texts.items():
        _write(directories.shims / name, text)
    shim_path.write(directories)
    return [name for name in dict.fromkeys(names) if name not in known]


def disable(directories: Directories, names: Sequence[str]) -> list[str]:
    """Take shims away; with the last one their directory and the files that put it on PATH.

    Returns the names of those that were there.
    """
    gone = [name for name in own(directories) if name in names]
    for name in gone:
        (directories.shims / name).unlink(missing_ok=True)
    if not enabled(directories):
        remove_all(directories)
    return gone


def remove_all(directories: Directories) -> None:
    """Everything that `enable` wrote. Another's file in the directory stays, and the directory with it."""
    for name in own(directories):
        (directories.shims / name).unlink(missing_ok=True)
    if directories.shims.is_dir():
        files.remove_leftovers(directories.shims)
        if not any(directories.shims.iterdir()):
            directories.shims.rmdir()
    shim_path.remove(directories)


def is_ours(directories: Directories, name: str) -> bool:
    """Whether what is there under this name is a shim that Keyturn wrote."""
    content = _content(directories.shims / name)
    return content is not None and MARK in content


def is_stale(directories: Directories, interpreter: Interpreter, name: str) -> bool:
    """Whether a shim is not as this Keyturn writes it, or cannot be run."""
    path = directories.shims / name
    is_same = _content(path) == render(directories, interpreter, name)
    return not is_same or not os.access(path, os.X_OK)


def renew(directories: Directories, interpreter: Interpreter) -> list[str]:
    """Write those anew that are not as this Keyturn writes them; which ones. None where there can be none.

    What is not Keyturn's is left alone: `keyturn doctor` names it.
    """
    if not directories.shims.is_dir() or refusal(directories, interpreter):
        return []
    stale = [name for name in own(directories) if is_stale(directories, interpreter, name)]
    for name in stale:
        _write(directories.shims / name, render(directories, interpreter, name))
    if enabled(directories):
        shim_path.write(directories)
    return stale


def _write(path: Path, text: bytes) -> None:
    if _content(path) != text or not os.access(path, os.X_OK):
        files.write_atomically(path, text, 0o700)


def _content(path: Path) -> bytes | None:
    try:
        return files.read(path, 64 * 1024)[0]
    except (OSError, DamagedError):
        return None

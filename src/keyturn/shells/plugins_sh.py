"""`plugins.sh`: what a person sources. For now plain alias lines, which bash, zsh and fish read alike."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from keyturn import __version__
from keyturn.ground import files
from keyturn.ground.errors import ConfigurationError

# Inside single quotes, which all three shells keep as they are; a word with spaces gets double quotes there.
# So do `=` and `%`: zsh puts a path for `=name`, fish its own number for `%self`.
_PLAIN = re.compile(r"[A-Za-z0-9_./+@:,-]+\Z")
_SPACED = re.compile(r"[A-Za-z0-9_./+@%=:,() -]+\Z")
_ALIAS = re.compile(r"^alias ([A-Za-z0-9_.+-]+)='", re.MULTILINE)
# Tells a shell's programs which aliases it has read, so that `plugin inspect` sees whether they are today's.
HASH_VARIABLE = "KEYTURN_PLUGINS_HASH"

_EXECUTABLE = re.compile(r"[A-Za-z0-9_.+-]{1,64}\Z")


def quote(word: str) -> str:
    """`word` as one word of an alias in bash, zsh and fish.

    Raises ConfigurationError for characters that the three shells read differently.
    """
    if _PLAIN.match(word):
        return word
    if _SPACED.match(word):
        return f'"{word}"'
    raise ConfigurationError(
        f"the path {word!r} cannot be written into an alias that bash, zsh and fish read alike",
        "set KEYTURN_DATA_DIR to a directory without quotes, `$`, `!` and the like",
    )


def render(executables: list[str], command: list[str]) -> bytes:
    """The file's text: an alias an executable, which runs `command` with its name."""
    words = " ".join(quote(word) for word in command)
    aliases = [
        f"alias {name}='{words} {name}'" for name in sorted(set(executables)) if _EXECUTABLE.match(name)
    ]
    lines = [
        f"# written by keyturn {__version__}; source it from your shell's start-up file",
        *aliases,
        # fish knows `export` too.
        f"export {HASH_VARIABLE}={_hash(aliases)}",
    ]
    return "\n".join([*lines, ""]).encode()


def _hash(aliases: list[str]) -> str:
    """Of the aliases alone: another Keyturn that writes the same ones makes no shell stale."""
    return hashlib.sha256("\n".join(aliases).encode()).hexdigest()[:16]


def wrapped(path: Path) -> list[str]:
    """The executables that the file wraps; none where there is no file."""
    return _ALIAS.findall(_text(path))


def current_hash(path: Path) -> str:
    """What a shell that sources the file now gets in `HASH_VARIABLE`; empty where there is no file."""
    lines = _text(path).splitlines()
    return _hash([each for each in lines if _ALIAS.match(each)]) if lines else ""


def _text(path: Path) -> str:
    try:
        content, _ = files.read(path, 1024 * 1024)
    except FileNotFoundError:
        return ""
    return content.decode("utf-8", "replace")


def update(path: Path, executables: list[str], command: list[str]) -> bool:
    """Make the file wrap `executables` besides those it wraps already. Returns whether it changed.

    A link (to a dotfiles repository, story 62) is followed and kept.
    """
    try:
        is_there = _is(path, executables, command)
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {files.reason(error)}", files.remedy(error)) from None
    if is_there:
        # Every command comes by here; where there is nothing to write, nothing needs to be writable.
        return False
    with files.changing(path):
        if _is(path, executables, command):
            return False
        target = Path(os.path.realpath(path))
        files.write_atomically(target, render([*wrapped(target), *executables], command))
    return True


def remove(path: Path, executables: list[str], command: list[str]) -> bool:
    """Make the file wrap `executables` no more. Returns whether it changed."""
    if not set(executables) & set(wrapped(path)):
        return False
    with files.changing(path):
        target = Path(os.path.realpath(path))
        left = [name for name in wrapped(target) if name not in executables]
        files.write_atomically(target, render(left, command))
    return True


def _is(path: Path, executables: list[str], command: list[str]) -> bool:
    wanted = render([*wrapped(path), *executables], command)
    return path.exists() and files.read(path, 1024 * 1024)[0] == wanted


def source_line(path: Path) -> str:
    """The line for a start-up file of bash, zsh or fish."""
    return f"source {quote(str(path))}"

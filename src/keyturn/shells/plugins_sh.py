"""`plugins.sh`: what a person sources. One file that bash, zsh, fish and sh read, each its own part of it.

fish takes a quote behind a backslash for a part of the text, the others take it for the text's end. So all
that the others read is, for fish, one text in quotes, and what fish reads is a here-document to the others.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path

from keyturn import __version__
from keyturn.ground import files
from keyturn.ground.errors import ConfigurationError
from keyturn.shells import fish, nushell, powershell, quoting, wrappers, zsh

# A line of a start-up file that reads the same in bash, zsh, fish and sh. zsh puts a path for `=name`, fish
# its own number for `%self`: such a word gets double quotes, which all of them keep as they are.
_SPACED = re.compile(r"[A-Za-z0-9_./+@%=:,() -]+\Z")
_WRAPS = re.compile(r"^# wraps (\S+)$|^alias ([A-Za-z0-9_.+-]+)='", re.MULTILINE)
# Those that `render_for` knows.
SHELLS = ("bash", "zsh", "fish", "pwsh", "nu")
# Tells a shell's programs which wrappers it has read, so that `plugin inspect` sees whether they are today's.
HASH_VARIABLE = "KEYTURN_PLUGINS_HASH"
_HASH = re.compile(rf"^export {HASH_VARIABLE}=([0-9a-f]+)$", re.MULTILINE)

_HEADER = f"# written by keyturn {__version__}; source it from your shell's start-up file\n"
_TEXT = """\
{wraps}\
# Here bash, zsh and sh begin to read. For fish it is the beginning of a long text in quotes.
: '\\'
if [ -z "${{BASH_VERSION-}}${{ZSH_VERSION-}}" ] || [ -n "${{POSIXLY_CORRECT+x}}" ]; then
# sh
{sh}\
export {variable}={hash}
return 0
fi
# bash and zsh
{functions}\
export {variable}={hash}
if [ -n "${{BASH_VERSION-}}" ]; then return 0; fi
# zsh
{zsh}\
: <<"# end of the part for fish" #'
# fish, whose text in quotes ended in the line above; to the others this is a here-document that nobody reads.
{fish}\
# end of the part for fish
"""


def quote(word: str) -> str:
    """`word` as one word of a start-up file in bash, zsh, fish and sh.

    Raises ConfigurationError for characters that these shells read differently.
    """
    if quoting.is_plain(word):
        return word
    if _SPACED.match(word):
        return f'"{word}"'
    raise ConfigurationError(
        f"the path {word!r} cannot be written so that bash, zsh and fish read it alike",
        "set KEYTURN_CONFIG_DIR to a directory without quotes, `$`, `!` and the like",
    )


def render(executables: Sequence[str], command: Sequence[str]) -> bytes:
    """The file's text: a wrapper for each executable, which runs `command` with its name and arguments."""
    names = sorted({name for name in executables if wrappers.may_be_wrapped(name)})
    if not names:
        # For start-up files that read it still; fish knows `export` too.
        return _encoded(f"{_HEADER}export {HASH_VARIABLE}={_hash(names, command)}\n")
    text = _HEADER + _TEXT.format(
        wraps="".join(f"# wraps {name}\n" for name in names),
        sh=wrappers.aliases(names, command),
        functions=wrappers.functions(names, command),
        zsh=zsh.prompt(names, command),
        fish=_fish(names, command),
        variable=HASH_VARIABLE,
        hash=_hash(names, command),
    )
    return _encoded(text)


def render_for(shell: str, executables: Sequence[str], command: Sequence[str], version: str = "") -> bytes:
    """The part of one of `SHELLS` alone, for its start-up file to evaluate.

    `version` is Nushell's, where it is known. Raises ConfigurationError for a path that the shell cannot
    read.
    """
    names = sorted({name for name in executables if wrappers.may_be_wrapped(name)})
    if shell == "fish":
        return _encoded(_fish(names, command))
    if shell in ("pwsh", "nu"):
        if shell == "pwsh":
            text = powershell.functions(names, command)
            last = powershell.variable(HASH_VARIABLE, _hash(names, command))
        else:
            text = nushell.functions(names, command, version)
            last = nushell.variable(HASH_VARIABLE, _hash(names, command))
        return _as_text(text + last)
    text = wrappers.functions(names, command) + f"export {HASH_VARIABLE}={_hash(names, command)}\n"
    return _encoded(text + (zsh.prompt(names, command) if shell == "zsh" else ""))


def _fish(names: Sequence[str], command: Sequence[str]) -> str:
    return fish.functions(names, command) + f"set -gx {HASH_VARIABLE} {_hash(names, command)}\n"


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _as_text(text: str) -> bytes:
    """For shells whose words are text, not bytes. Raises ConfigurationError if it is none."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise ConfigurationError(
            "the launcher's path holds bytes that are no UTF-8, which this shell cannot write",
            "set KEYTURN_DATA_DIR to a directory with a name in UTF-8",
        ) from None


def _hash(names: Sequence[str], command: Sequence[str]) -> str:
    """Of what the wrappers do alone: another Keyturn that writes the same ones makes no shell stale."""
    text = wrappers.functions(names, command) + zsh.prompt(names, command) + fish.functions(names, command)
    return hashlib.sha256(_encoded(text)).hexdigest()[:16]


def wrapped(path: Path) -> list[str]:
    """The executables that the file wraps; none where there is no file."""
    return [name or former for name, former in _WRAPS.findall(_text(path))]


def current_hash(path: Path) -> str:
    """What a shell that sources the file now gets in `HASH_VARIABLE`; empty where there is no file."""
    match = _HASH.search(_text(path))
    return match[1] if match else ""


def _text(path: Path) -> str:
    try:
        content, _ = files.read(path, 1024 * 1024)
    except FileNotFoundError:
        return ""
    return content.decode("utf-8", "replace")


def update(path: Path, executables: Sequence[str], command: Sequence[str]) -> bool:
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


def remove(path: Path, executables: Sequence[str], command: Sequence[str]) -> bool:
    """Make the file wrap `executables` no more. Returns whether it changed."""
    if not set(executables) & set(wrapped(path)):
        return False
    with files.changing(path):
        target = Path(os.path.realpath(path))
        left = [name for name in wrapped(target) if name not in executables]
        files.write_atomically(target, render(left, command))
    return True


def _is(path: Path, executables: Sequence[str], command: Sequence[str]) -> bool:
    wanted = render([*wrapped(path), *executables], command)
    return path.exists() and files.read(path, 1024 * 1024)[0] == wanted


def source_line(path: Path) -> str:
    """The line for a start-up file of bash, zsh or fish."""
    return f"source {quote(str(path))}"

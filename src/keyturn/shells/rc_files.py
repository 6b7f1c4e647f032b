"""The start-up files of a person's shells, and the line in them that sources plugins.sh.

What each shell reads when a terminal opens: bash(1), INVOCATION; zsh(1), STARTUP/SHUTDOWN FILES; “The fish
language”, Configuration files; dash(1), ENV. macOS opens login shells, for which bash reads another file.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from keyturn.ground import files
from keyturn.ground.errors import ConfigurationError, DamagedError
from keyturn.ground.files import FileIdentity
from keyturn.shells import source_lines
from keyturn.shells.plugins_sh import quote
from keyturn.shells.source_lines import SourceLine

LARGEST = 4 * 1024 * 1024

# Shells that take the POSIX words only: `.`, and no `source`.
_POSIX = ("sh", "dash", "ash", "ksh", "mksh", "ksh93", "busybox", "yash")
# What bash reads when it is a login shell: the first of these that is there.
_BASH_LOGIN = (".bash_profile", ".bash_login", ".profile")


@dataclass(frozen=True)
class Shell:
    """A shell, and the files where a line has to stand for every interactive shell to read it.

    `name` is bash, zsh, fish, sh (whatever knows POSIX words only), nu, pwsh, or the name of another one, of
    which nothing is known. Those have no `files`, like an sh without ENV. In one of `others` a line does as
    well.
    """

    name: str
    files: tuple[Path, ...] = ()
    others: tuple[Path, ...] = ()

    def source_line(self, plugins_sh: Path) -> str:
        """The line that sources plugins.sh. Raises ConfigurationError for a path that cannot be quoted."""
        return f"{'.' if self.name == 'sh' else 'source'} {quote(str(plugins_sh))}"

    def lacking(self, line: str, environment: Mapping[str, str]) -> list[Path]:
        """Those of `files` that the line has to be added to; none if the shell reads it already."""
        if any(lines_of(path, line, environment) for path in self.others):
            return []
        return [path for path in self.files if not lines_of(path, line, environment)]


def shell_of(
    environment: Mapping[str, str], parents: Sequence[str] = (), platform: str = sys.platform
) -> Shell:
    """The shell that the person types into.

    `parents` are names of programs above this process, the nearest first; the first shell among them is it,
    for SHELL says only what a login begins with. SHELL counts where no parent is a shell. Shells of scripts
    are to be left out by the caller.
    """
    known = [kind for kind in map(_kind, parents) if kind]
    login = os.path.basename(environment.get("SHELL", ""))
    name = known[0] if known else _kind(login) or login
    return Shell(name, _files(name, environment, platform), _other_files(name, environment))


def _kind(program: str) -> str:
    name = os.path.basename(program).removeprefix("-")
    return name if name in ("bash", "zsh", "fish", "nu", "pwsh") else "sh" if name in _POSIX else ""


def _files(name: str, environment: Mapping[str, str], platform: str) -> tuple[Path, ...]:
    home = _directory(environment, "HOME")
    if home is None:
        return ()
    if name == "bash":
        return (home / ".bashrc", *_bash_login_file(home, platform))
    if name == "zsh":
        return ((_directory(environment, "ZDOTDIR") or home) / ".zshrc",)
    if name == "fish":
        return (_fish(environment, home) / "config.fish",)
    env = environment.get("ENV", "")
    return (Path(env),) if name == "sh" and os.path.isabs(env) else ()


def _other_files(name: str, environment: Mapping[str, str]) -> tuple[Path, ...]:
    """Debian's .bashrc reads .bash_aliases; zsh and fish read these before the one that is added to."""
    home = _directory(environment, "HOME")
    if home is None:
        return ()
    if name == "zsh":
        return ((_directory(environment, "ZDOTDIR") or home) / ".zshenv",)
    if name == "fish":
        return tuple(sorted(_fish(environment, home).glob("conf.d/*.fish")))
    return (home / ".bash_aliases",) if name == "bash" else ()


def _bash_login_file(home: Path, platform: str) -> list[Path]:
    """On macOS, where terminals open login shells: the file these read, unless it reads .bashrc itself.

    A .bash_profile made beside a .profile would hide that, so one that is there is taken.
    """
    if platform != "darwin":
        return []
    path = next((home / name for name in _BASH_LOGIN if (home / name).exists()), home / _BASH_LOGIN[0])
    content = _read(path) or b""
    lines = [line for line in content.splitlines() if not line.lstrip().startswith(b"#")]
    return [] if any(b".bashrc" in line for line in lines) else [path]


def _directory(environment: Mapping[str, str], name: str) -> Path | None:
    value = environment.get(name, "")
    return Path(value) if os.path.isabs(value) else None


def _fish(environment: Mapping[str, str], home: Path) -> Path:
    return (_directory(environment, "XDG_CONFIG_HOME") or home / ".config") / "fish"


def start_up_files(environment: Mapping[str, str]) -> list[Path]:
    """Every start-up file of bash, zsh, fish and sh that is there, each once: where a line may be."""
    home = _directory(environment, "HOME")
    if home is None:
        return []
    zsh = (".zshenv", ".zprofile", ".zshrc", ".zlogin")
    fish = _fish(environment, home)
    zdotdir = _directory(environment, "ZDOTDIR") or home
    places = [home / name for name in (".bashrc", *_BASH_LOGIN, ".bash_aliases", ".aliases")]
    places += [directory / name for directory in (home, zdotdir) for name in zsh]
    places += [fish / "config.fish", *sorted(fish.glob("conf.d/*.fish"))]
    places += _files("sh", environment, sys.platform)
    # Of two that are one file, a link and what it leads to, the first.
    found = {os.path.realpath(path): path for path in reversed(places) if path.is_file()}
    return [path for path in dict.fromkeys(places) if found.get(os.path.realpath(path)) == path]


def lines_of(path: Path, line: str, environment: Mapping[str, str]) -> list[SourceLine]:
    """The lines of the file that source what `line` does, in any spelling; none where it cannot be read."""
    return source_lines.find(_read(path) or b"", _target(line), environment)


def _target(line: str) -> str:
    """The path in a line of ours."""
    path = source_lines.expand(line.partition(" ")[2], {})
    assert path, line
    return path


def _read(path: Path) -> bytes | None:
    try:
        return files.read(path, LARGEST)[0]
    except (OSError, DamagedError):
        return None


def add_source_line(path: Path, line: str, environment: Mapping[str, str]) -> bool:
    """Make `line` the last one of a start-up file, unless it is there in this or another spelling.

    Returns whether the file was changed. Mode, owner and a link to the file stay; a missing file is made,
    0644 as shells' own, with the directories it needs. Raises ConfigurationError, with nothing changed, for
    a file that cannot be written or is not meant to be; its hint is the line to add by hand.
    """
    try:
        content, found = _content(path)
        if content is not None and source_lines.find(content, _target(line), environment):
            return False
        _replace(path, found, source_lines.append(content, line))
    except (OSError, DamagedError) as error:
        raise ConfigurationError(
            f"{path} was not changed: {_reason(error)}", f"add this line to it by hand: {line}"
        ) from None
    return True


def remove_source_line(path: Path, line: str, environment: Mapping[str, str]) -> bool:
    """Take the lines out of a start-up file that source what `line` does, and leave every other byte.

    After `add_source_line` alone that gives back what was there: the comment at the end of the line says
    whether a line end was put before it and whether the file was made for it; then it is deleted if nothing
    else came into it. Directories stay. A line that is part of more (`if`, `&&`, a block) stays, too: see
    `lines_of`. Returns whether the file was changed. Raises ConfigurationError as `add_source_line` does.
    """
    try:
        content, found = _content(path)
        if content is None or found is None:
            return False
        left = source_lines.remove(content, _target(line), environment)
        if left == content:
            return False
        if left is None:
            _check(path, found)
            Path(os.path.realpath(path)).unlink()
        else:
            _replace(path, found, left)
    except (OSError, DamagedError) as error:
        raise ConfigurationError(
            f"{path} was not changed: {_reason(error)}", f"take this line out of it by hand: {line}"
        ) from None
    return True


class _NotMeantToBeWrittenError(OSError):
    """A file that we could perhaps replace, but should not; the text says why."""


def _reason(error: OSError | DamagedError) -> str:
    if isinstance(error, DamagedError):
        return error.message
    return str(error) if isinstance(error, _NotMeantToBeWrittenError) else files.reason(error)


def _content(path: Path) -> tuple[bytes | None, os.stat_result | None]:
    """What is in the file and its status; None and None where there is none."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        if path.is_symlink():
            # A disk that is not mounted, a repository that is not here: whoever brings it back has the file.
            raise _NotMeantToBeWrittenError(
                f"it is a link to {os.path.realpath(path)}, which is not there"
            ) from None
        return None, None
    if stat.S_ISDIR(found.st_mode):
        raise _NotMeantToBeWrittenError("it is a directory")
    content, identity = files.read(path, LARGEST)
    if identity != FileIdentity.of(found):
        raise _NotMeantToBeWrittenError("it was changed meanwhile")
    return content, found


def _check(path: Path, found: os.stat_result) -> None:
    """Raises for what a rename would do and a person would not expect."""
    if found.st_uid != os.getuid():
        raise _NotMeantToBeWrittenError("it is not your file")
    if found.st_nlink != 1:
        raise _NotMeantToBeWrittenError("it has another hard link, which would be left behind")
    if not found.st_mode & stat.S_IWUSR:
        # A rename needs no permission on the file itself, but read-only is meant to say something.
        raise _NotMeantToBeWrittenError("it is read-only")
    now = files.identity(path)
    if now != FileIdentity.of(found):
        raise _NotMeantToBeWrittenError("it was changed meanwhile")


def _replace(path: Path, found: os.stat_result | None, content: bytes) -> None:
    """Write the file anew, whole or not at all; `found` is its status, None if it is to be made."""
    target = Path(os.path.realpath(path))
    if found is None:
        target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        with contextlib.suppress(files.UnconfirmedError):
            files.write_atomically(target, content, 0o644)
        return
    _check(target, found)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".new", dir=target.parent)
    try:
        with open(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            if os.fstat(descriptor).st_gid != found.st_gid:
                os.fchown(descriptor, -1, found.st_gid)
            # Mode, access lists and other attributes; the times are those of this change.
            shutil.copystat(target, temporary)
            os.utime(descriptor)
            os.fsync(descriptor)
        _check(target, found)
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    # The change is made. Should the disk not confirm it, a power failure brings the old file back whole.
    with contextlib.suppress(OSError):
        files.sync_directory(target.parent)

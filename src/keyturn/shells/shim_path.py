"""The files that put the directory of the shims first on PATH: one for POSIX shells and zsh, one for fish.

A start-up file sources one of them. They are safe to source twice and under `set -eu`, change PATH only if
the directory is not first yet, and leave no variable or function behind.
"""

from __future__ import annotations

import os
from pathlib import Path

from keyturn.ground import files
from keyturn.ground.paths import Directories

# The parts of PATH are compared with `case`. Where the directory comes again further back it is taken out, so
# that PATH does not grow with each shell in a shell. Empty parts stay.
_POSIX = """\
# written by keyturn; puts its shims first on PATH. Source it from your shell's start-up file.
keyturn_shims={directory}
case ":${{PATH-}}:" in
    :: | :"$keyturn_shims":*) ;;
    *)
        keyturn_rest=":$PATH:"
        while case "$keyturn_rest" in *:"$keyturn_shims":*) true ;; *) false ;; esac; do
            keyturn_rest=${{keyturn_rest%%:"$keyturn_shims":*}}:${{keyturn_rest#*:"$keyturn_shims":}}
        done
        keyturn_rest=${{keyturn_rest#:}}
        PATH=$keyturn_shims:${{keyturn_rest%:}}
        export PATH
        unset keyturn_rest
        ;;
esac
unset keyturn_shims
"""

_FISH = """\
# written by keyturn; puts its shims first on PATH. Source it from config.fish.
if not test "$PATH[1]" = {directory}
    begin
        set -l keyturn_rest
        set -l keyturn_part
        for keyturn_part in $PATH
            test "$keyturn_part" = {directory}; or set keyturn_rest $keyturn_rest $keyturn_part
        end
        set -gx PATH {directory} $keyturn_rest
    end
end
"""


def posix_file(directories: Directories) -> Path:
    return directories.config / "shims.sh"


def fish_file(directories: Directories) -> Path:
    return directories.config / "shims.fish"


def file_for(directories: Directories, shell: str) -> Path:
    """The one that a shell of this name sources."""
    return fish_file(directories) if shell == "fish" else posix_file(directories)


def render_posix(directory: Path) -> bytes:
    quoted = str(directory).replace("'", "'\\''")
    return _encoded(_POSIX.format(directory=f"'{quoted}'"))


def render_fish(directory: Path) -> bytes:
    quoted = str(directory).replace("\\", "\\\\").replace("'", "\\'")
    return _encoded(_FISH.format(directory=f"'{quoted}'"))


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def write(directories: Directories) -> bool:
    """Make both files as they should be. Returns whether one was changed."""
    changed = False
    for path, text in (
        (posix_file(directories), render_posix(directories.shims)),
        (fish_file(directories), render_fish(directories.shims)),
    ):
        try:
            is_there = files.read(path, 64 * 1024)[0] == text
        except FileNotFoundError:
            is_there = False
        if not is_there:
            files.private_directory(path.parent, os.getuid(), mend=True)
            files.write_atomically(Path(os.path.realpath(path)), text)
            changed = True
    return changed


def remove(directories: Directories) -> None:
    for path in (posix_file(directories), fish_file(directories)):
        path.unlink(missing_ok=True)


def write_empty(directories: Directories) -> None:
    """Files that do nothing, for start-up files that still read them."""
    for path in (posix_file(directories), fish_file(directories)):
        files.write_atomically(Path(os.path.realpath(path)), b"# written by keyturn; there are no shims\n")

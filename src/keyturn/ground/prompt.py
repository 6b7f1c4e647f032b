"""`keyturn status --short` for little more than a bare Python costs: prompts are drawn often.

Looked at before anything else of Keyturn is imported, so this imports only what Python itself has at its
start. The program that is run is `shells/segment.py`'s; it is made for one set of directories, and carries
what these were chosen by.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False  # `typing` would cost more than all of this
if TYPE_CHECKING:
    from collections.abc import Mapping

WORDS = ["status", "--short"]
FILE = "segment"
# All that `paths.resolve` looks at.
CHOOSING = (
    *("KEYTURN_CONFIG_DIR", "KEYTURN_DATA_DIR", "KEYTURN_STATE_DIR", "KEYTURN_RUNTIME_DIR"),
    *("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "HOME"),
)
LARGEST = 64 * 1024


def mark(environment: Mapping[str, str]) -> bytes:
    """The line of a program that was made for the directories of `environment`."""
    return b"# For %a\n" % ([environment.get(name) for name in CHOOSING],)


def show() -> None:
    """Show the state and end the process; return if there is no program for this environment."""
    data = os.environ.get("KEYTURN_DATA_DIR")
    if not data:
        base = os.environ.get("XDG_DATA_HOME", "")
        base = base if os.path.isabs(base) else os.path.join(os.environ.get("HOME", ""), ".local/share")
        data = os.path.join(base, "keyturn")
    path = os.path.join(data, FILE)
    if not os.path.isabs(path):
        return
    try:
        with open(path, "rb") as file:
            text = file.read(LARGEST)
    except OSError:
        return
    if mark(os.environ) in text:
        # A program of Keyturn's own in its own directory, as the launcher is.
        exec(compile(text, path, "exec", dont_inherit=True), {})

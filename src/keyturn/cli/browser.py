"""The person's browser: whether there is one that can come back to us, and opening a page in it.

Other users of the machine see a program's arguments. So no address of a service is among them, only one of
our own on the loopback (`cli/redirect.py`), which leads on.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping

from keyturn.processes import desktop

# As xdg-utils has it: commands with colons between, `%s` in them for the address.
VARIABLE = b"BROWSER"
# The openers of the desktops, of WSL, and Debian's own choice.
OPENERS = ("open",) if sys.platform == "darwin" else ("xdg-open", "wslview", "gio", "x-www-browser")
# Who came by ssh has a browser elsewhere, which cannot come back to the loopback here.
_ELSEWHERE = (b"SSH_CONNECTION", b"SSH_TTY", b"SSH_CLIENT")


def is_there(variables: Mapping[bytes, bytes]) -> bool:
    """Whether a browser can be opened where the person sits who has these variables."""
    if any(variables.get(name) for name in _ELSEWHERE):
        return False
    has_screen = bool(variables.get(VARIABLE)) or desktop.is_there(variables)
    return has_screen and _command("", variables) is not None


def show(address: str, variables: Mapping[bytes, bytes]) -> bool:
    """Open `address` in the browser; whether one was started. It goes on by itself."""
    command = _command(address, variables)
    if command is None:
        return False
    try:
        process = subprocess.Popen(
            command,
            env=dict(variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return False
    # An opener ends at once, a browser perhaps long after us.
    threading.Thread(target=process.wait, daemon=True).start()
    return True


def _command(address: str, variables: Mapping[bytes, bytes]) -> list[str] | None:
    """What opens `address`; None if nothing here can."""
    search = os.fsdecode(variables.get(b"PATH", b"")) or os.defpath
    for each in os.fsdecode(variables.get(VARIABLE, b"")).split(":"):
        try:
            words = shlex.split(each)
        except ValueError:
            continue
        found = shutil.which(words[0], path=search) if words else None
        if found is not None:
            rest = [word.replace("%s", address) for word in words[1:]]
            return [found, *rest, *([] if "%s" in each else [address])]
    for name in OPENERS:
        found = shutil.which(name, path=search)
        if found is not None:
            return [found, *(["open"] if name == "gio" else []), address]
    return None

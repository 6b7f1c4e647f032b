"""A caller's desktop: what a window on it needs to know, out of an environment that may hold anything."""

from __future__ import annotations

import sys
from collections.abc import Mapping

# A password window gets these and no others: what loads code into it (GTK_MODULES, LD_PRELOAD …) and what is
# a secret must not come along.
PATHS = ("HOME", "XAUTHORITY", "XDG_RUNTIME_DIR")
WORDS = (
    *("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "XDG_SESSION_TYPE", "XDG_CURRENT_DESKTOP"),
    *("LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "LC_MESSAGES"),
)
LONGEST = 4096


def variables(caller: Mapping[bytes, bytes]) -> dict[str, str]:
    """The environment for a window: the known names whose values are plain, and a fixed PATH.

    A value that holds control characters, is no UTF-8, is too long, or is no absolute path where one
    belongs, is left out.
    """
    found = {"PATH": "/usr/bin:/bin"}
    for name in (*PATHS, *WORDS):
        value = _plain(caller.get(name.encode(), b""))
        if value and (name not in PATHS or value.startswith("/")):
            found[name] = value
    return found


def _plain(value: bytes) -> str:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return ""
    return text if text.isprintable() and len(value) <= LONGEST else ""


def is_there(caller: Mapping[bytes, bytes]) -> bool:
    """Whether a window can be shown to this caller's person.

    On macOS programs need no variable for it; a caller that came by ssh has its person elsewhere.
    """
    if sys.platform == "darwin":
        return not caller.get(b"SSH_CONNECTION")
    found = variables(caller)
    return "DISPLAY" in found or "WAYLAND_DISPLAY" in found

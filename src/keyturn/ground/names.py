"""Names: ids, labels as people write them, and text that is safe to print."""

from __future__ import annotations

import base64
import re
import secrets
import unicodedata
from functools import lru_cache

# Closed by \Z, for $ would let a line feed follow.
ID_PATTERN = r"^[a-z2-7]{26}\Z"
PLUGIN_PATTERN = r"^[a-z0-9-]{1,32}\Z"

_ID = re.compile(ID_PATTERN)
_PLUGIN = re.compile(PLUGIN_PATTERN)


def new_id() -> str:
    """A random id of 128 bits, written as 1Password writes its own: 26 letters and digits in lower case."""
    return base64.b32encode(secrets.token_bytes(16)).decode("ascii").rstrip("=").lower()


def is_id(text: str) -> bool:
    return _ID.match(text) is not None


def is_plugin_name(text: str) -> bool:
    """Whether `text` may name a plugin: such a name becomes a file name and is compared with commands."""
    return _PLUGIN.match(text) is not None


@lru_cache(maxsize=1024)
def plain_label(label: str) -> str:
    """A label as it is compared: without case, spaces, `-` and `_`."""
    return re.sub(r"[\s_-]", "", unicodedata.normalize("NFC", label)).casefold()


def printable(text: str, limit: int = 120) -> str:
    """`text` for one line of a terminal: control and format characters dropped, length capped.

    Directory, file and item names come from elsewhere; an escape sequence in one of them could
    rewrite the question that a person is about to answer.
    """
    # Python's own notion is this one: nothing of the categories C and Z but the space.
    kept = text if text.isprintable() else "".join(c if c.isprintable() else "·" for c in text)
    return kept if len(kept) <= limit else kept[: limit - 1] + "…"


def masked(text: str) -> str:
    """The last four characters of a long value, nothing of a short one."""
    return "…" + text[-4:] if len(text) >= 16 else "…"

"""Telling one caller's environment from another's, without keeping any of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

# What differs from one command of a shell to the next, and no program goes by.
FLEETING = frozenset((b"_", b"SHLVL", b"OLDPWD", b"PWD", b"COLUMNS", b"LINES"))


def digest(entries: Iterable[bytes]) -> str:
    """A digest of `NAME=value` entries, whatever their order."""
    kept = sorted(entry for entry in entries if entry.partition(b"=")[0] not in FLEETING)
    return hashlib.sha256(b"\0".join(kept)).hexdigest()

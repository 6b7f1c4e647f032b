"""The base of everything that CLI and agent say to each other."""

from __future__ import annotations

import msgspec


class Message(msgspec.Struct, tag_field="op", tag=str.lower, frozen=True, kw_only=True):
    """Base of every message; its class name in lower case says which it is on the wire."""

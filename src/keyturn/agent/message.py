"""The base of everything that CLI and agent say to each other."""

from __future__ import annotations

import msgspec


class Message(msgspec.Struct, tag_field="op", tag=str.lower, frozen=True, kw_only=True):
    """Base of every message; its class name in lower case says which it is on the wire."""


class Request(Message, frozen=True, kw_only=True):
    """`account` is what the person named: an id or a title, or empty for “the one that is meant here”.
    `may_ask` tells whether this client could put a question to a person; `has_browser`, whether that person
    has a browser that can come back to the loopback of this machine."""

    account: str = ""
    may_ask: bool = False
    has_browser: bool = False

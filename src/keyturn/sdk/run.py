"""The types of the hot path: Invocation → Selection → (permission) → fields → Provisioned.

A provisioning function is pure but for configuration files that it may read. It is called with the
items opened so far and says either which item it has to see (`NeedItem`; the agent asks for permission
and opens it) or what the command gets (`Provisioned`). So nobody is asked for what is not needed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from keyturn.ground.resolution import Resolution
from keyturn.items import Item, ItemReference


@dataclass(frozen=True)
class Invocation:
    """One call of a wrapped command, as the kernel and the launcher tell it.

    `environment` holds only the variables that the plugin declares. Bytes throughout: what a
    person typed passes through byte for byte.
    """

    executable: str
    path: bytes
    arguments: tuple[bytes, ...] = field(repr=False)
    environment: Mapping[bytes, bytes] = field(repr=False)
    directory: str

    def variable(self, name: str) -> str:
        """A variable's text, or the empty string; undecodable bytes become surrogates."""
        return self.environment.get(name.encode(), b"").decode("utf-8", "surrogateescape")


@dataclass(frozen=True)
class Selection:
    """The items that the defaults offer for this call.

    `selected` is what the scopes give for the executable; `bound` are items bound to a name that the
    plugin knows (an AWS profile).
    """

    selected: Resolution[ItemReference] | None
    bound: Mapping[str, Resolution[ItemReference]] = field(default_factory=dict)


@dataclass(frozen=True)
class NeedItem:
    """The item that has to be opened before anything else can be decided, and why it is this one."""

    item: Resolution[ItemReference]


@dataclass(frozen=True)
class Provisioned:
    """What the command gets. `notes` are lines for stderr; `reasons` say how it came to this (inspect)."""

    arguments: tuple[bytes, ...] = field(repr=False)
    assign: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    remove: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


Provision = Callable[[Invocation, Selection, Mapping[str, Item]], "NeedItem | Provisioned"]
"""(invocation, selection, opened items by id) → what is needed next, or the end."""

"""The types of the hot path: Invocation → Selection → (permission) → fields → Provisioned.

A provisioning function is pure but for configuration files that it may read. It is called with the
items opened so far and says which item it has to see (`NeedItem`; the agent asks for permission and
opens it), or what the command gets (`Provisioned`), or that a service has to be asked for that first
(`NeedWork`). So nobody is asked for what is not needed, and what is decided can be looked at before it
is done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Protocol, TypeVar

from keyturn.ground.resolution import Resolution
from keyturn.ground.secret import Secret
from keyturn.items import Item, ItemReference
from keyturn.sdk.codes import CodeQuestion
from keyturn.sdk.printed import ProcessQuestion
from keyturn.sdk.provision_schema import Position
from keyturn.sdk.sign_in import SignInQuestion

T = TypeVar("T")


@dataclass(frozen=True)
class Invocation:
    """One call of a wrapped command, as the kernel and the launcher tell it.

    `environment` holds only the variables that the plugin declares. Bytes throughout: what a
    person typed passes through byte for byte. `surroundings` tells the caller's whole environment, its
    directory and session from others': what a program of its own prints may depend on any of it. `asked_by`
    is a command of Keyturn's own that asks in the executable's place, and hands on what it gets. `private` is
    the directory that will be there if the command gets files, and no other.
    """

    executable: str
    path: bytes
    arguments: tuple[bytes, ...] = field(repr=False)
    environment: Mapping[bytes, bytes] = field(repr=False)
    directory: str
    _: KW_ONLY
    surroundings: str = ""
    asked_by: str = ""
    private: str = ""

    def variable(self, name: str) -> str:
        """A variable's text, or the empty string; undecodable bytes become surrogates."""
        return self.environment.get(name.encode(), b"").decode("utf-8", "surrogateescape")


@dataclass(frozen=True)
class Selection:
    """The items that the defaults offer for this call.

    `selected` is what the scopes give for the executable; `bound` are items bound to a name that the
    plugin knows (an AWS profile). `others` are what the scopes give for credentials that the executable takes
    besides its own, by their plugins.
    """

    selected: Resolution[ItemReference] | None
    bound: Mapping[str, Resolution[ItemReference]] = field(default_factory=dict)
    others: Mapping[str, Resolution[ItemReference]] = field(default_factory=dict)


@dataclass(frozen=True)
class NeedItem:
    """The item that has to be opened before anything else can be decided, and why it is this one."""

    item: Resolution[ItemReference]


@dataclass(frozen=True)
class Insertion:
    """Words that come to the arguments; where that is, `keyturn.sdk.insertions` knows."""

    words: tuple[bytes, ...] = field(repr=False)
    position: Position = "first"


@dataclass(frozen=True)
class ProvidedFile:
    """A file that is there for one command. `path` is below the private directory of the invocation.

    `is_pipe`: it is read once; `may_be_pipe`: it would be, where it cannot be a file. `lives_with_tree`: it
    stays for what the command starts and leaves behind.
    """

    path: str
    content: Secret
    is_pipe: bool = False
    lives_with_tree: bool = False
    may_be_pipe: bool = False


@dataclass(frozen=True)
class Provisioned:
    """What the command gets. `notes` are lines for stderr; `reasons` say how it came to this (explain).

    `arguments` are the caller's, as a hook may have changed them; `insertions` come to them at the end.
    `news` are notes that a person hears once, by what tells one such thing from another.
    """

    arguments: tuple[bytes, ...] = field(repr=False)
    assign: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    remove: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    news: Mapping[str, str] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    files: tuple[ProvidedFile, ...] = ()
    insertions: tuple[Insertion, ...] = ()


class Worker(Protocol):
    """The caller's side of work that takes time."""

    @property
    def account(self) -> str:
        """The id of the account that the caller may use; empty if none was needed so far."""

    async def sign_in(self, question: SignInQuestion) -> None:
        """As `code`: return once somebody has signed in, or when it is worth looking again."""

    async def output(self, question: ProcessQuestion) -> None:
        """As `code`: return once the program has printed something of use (`Outputs`), or to look again."""

    async def code(self, question: CodeQuestion) -> None:
        """Return once a code of that device was typed (`TypedCodes`), or when it is worth looking again.

        Never called from work that others share: it may raise to make this caller come back.
        """

    async def follow(self, work: asyncio.Future[T], line: Callable[[], str]) -> T:
        """Wait for work that others may share; it goes on if this caller goes away.

        If it takes more than a second, the caller's person sees `line`, which may change, until it is done.
        """


@dataclass(frozen=True)
class NeedWork:
    """A service has to be asked. `plan` says what will be asked and why, a line each; `do` asks.

    `notes` are what `do` would have said besides, for who only wants the plan. `account` is there if `do`
    uses something of an account that is no item: a phrase for what. Then the caller has to be permitted that
    first, as an item's use is.
    """

    plan: tuple[str, ...]
    do: Callable[[Worker], Awaitable[Provisioned]] = field(repr=False)
    notes: tuple[str, ...] = ()
    account: str = ""


Provision = Callable[[Invocation, Selection, Mapping[str, Item]], "NeedItem | NeedWork | Provisioned"]
"""(invocation, selection, opened items by id) → what is needed next, or the end."""

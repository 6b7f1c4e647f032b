"""What a helper is asked to do with another program's vault, and what it answers.

The keeper holds no library and starts no program of such a vault: each operation is one task of a helper,
with a limit of time. Task and answer cross a pipe as msgpack, secrets in them as they are.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Protocol, TypeAlias

import msgspec

from keyturn.ground.errors import KeyturnError
from keyturn.ground.files import FileIdentity
from keyturn.ground.packed import Packed
from keyturn.ground.prompter import Prompter
from keyturn.ground.secret import Secret
from keyturn.items import Id, Item, ItemSummary, VaultReference
from keyturn.vaults.failed import Failed
from keyturn.vaults.places import KINDS, Place


class _Struct(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag=str.lower):
    """Tagged by its name."""


class Unlock(_Struct, frozen=True):
    """See whether the vault opens with the task's key, or without one. Answered by Opened or KeyWanted."""


class ListItems(_Struct, frozen=True):
    """All vaults, and what can be said of the items without their values. Answered by Listing."""


class GetItem(_Struct, frozen=True):
    """One item with its values, an archived one only if that is wanted. Answered by Got."""

    item: Id
    archived: bool = False


class CreateItem(_Struct, frozen=True):
    """Store a new item; its id is the store's to choose. Answered by Got."""

    vault: Id
    content: Item


class EditItem(_Struct, frozen=True):
    """Replace an item if it still has the version of `content`. Answered by Got."""

    content: Item


class ArchiveItem(_Struct, frozen=True):
    """Put an item aside. Answered by Got."""

    item: Id


class RestoreItem(_Struct, frozen=True):
    """Take an item out of the archive, or make it what it was. Answered by Got."""

    item: Id
    version: int | None = None


class DeleteItem(_Struct, frozen=True):
    """Remove an item for good. Answered by Nothing."""

    item: Id


class MoveItem(_Struct, frozen=True):
    """Put an item into another vault. Answered by Got."""

    item: Id
    vault: Id


class ListVersions(_Struct, frozen=True):
    """The versions of an item that are kept, the oldest first. Answered by Versions."""

    item: Id


class CreateVault(_Struct, frozen=True):
    """An empty vault. Answered by Made."""

    name: str


Operation: TypeAlias = (
    Unlock
    | ListItems
    | GetItem
    | CreateItem
    | EditItem
    | ArchiveItem
    | RestoreItem
    | DeleteItem
    | MoveItem
    | ListVersions
    | CreateVault
)


class Task(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One operation on the vault at `place`. `key` is what `Opened` gave to be kept.

    `environment` is what a program that is run for it gets: the agent's own and `place.environment`.
    """

    place: Place
    operation: Operation
    key: Secret | None = None
    environment: dict[str, str] = {}


# By path, what the file was before it was read.
Seen: TypeAlias = dict[str, FileIdentity]


class Opened(_Struct, frozen=True):
    """`key` is for the tasks to come, and is held until lock: what was typed, or what was got for it.

    `typed`: it opened by what the person typed, and by nothing else. If not, `prompt` asks for what would
    open it as well; empty where there is no such thing.
    """

    key: Secret | None = None
    typed: bool = False
    prompt: str = ""


class KeyWanted(_Struct, frozen=True):
    """The vault does not open by itself; `prompt` asks for what opens it."""

    prompt: str


class Listed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One item without its values, and the vault that it is in."""

    summary: ItemSummary
    vault: Id
    is_archived: bool = False


class Listing(_Struct, frozen=True):
    """`seen` are the files that were read, as they were before: while they are so, it holds.

    Where there are none it is believed for `seconds`.
    """

    vaults: list[VaultReference]
    items: list[Listed]
    seen: Seen = {}
    seconds: float = 0.0


class Got(_Struct, frozen=True):
    """`seen` and `seconds` as in Listing."""

    item: Item
    vault: VaultReference
    seen: Seen = {}
    seconds: float = 0.0


class Versions(_Struct, frozen=True):
    items: list[Item]


class Made(_Struct, frozen=True):
    vault: VaultReference


class Nothing(_Struct, frozen=True):
    """It is done."""


Answer: TypeAlias = Opened | KeyWanted | Listing | Got | Versions | Made | Nothing | Failed


class Store(Protocol):
    """One vault of another program, in a helper: made for one task, and gone with it.

    `do` raises a KeyturnError that says what is wrong (UnsupportedError for what the vault cannot do), and
    nothing else. WrongPasswordError: the key is not the one.
    """

    def do(self, operation: Operation) -> Answer: ...


class Maker(Protocol):
    """A store's module has `open_store`, which starts nothing and reads nothing yet."""

    def open_store(self, place: Place, key: Secret | None, environment: Mapping[str, str]) -> Store: ...


_tasks: Packed[Task] = Packed(Task, "a vault's task")
_answers: Packed[Answer] = Packed(Answer, "a vault's answer")
encode_task, decode_answer = _tasks.encode, _answers.decode


def work(task: bytes, prompter: Prompter) -> bytes:
    """The helper's entry; nobody is asked."""
    return _answers.encode(perform(_tasks.decode(task)))


def perform(task: Task) -> Answer:
    """Do the task with the store that its place names. What fails is a Failed."""
    try:
        maker: Maker = importlib.import_module(KINDS[task.place.backend].module)
        return maker.open_store(task.place, task.key, task.environment).do(task.operation)
    except KeyturnError as error:
        return Failed.of(error)

"""An account in another program's vault: a `Backend` whose work is done by helpers, and what it remembers.

A warm command must not wait for another program, so what was read is kept: titles and ids until the keeper
ends, values only while somebody may use the account (`forget_values`). Nothing is believed longer than its
store says: while the files that were read are the same, or for so many seconds.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from keyturn.ground import files
from keyturn.ground.errors import KeyturnError, MissingError, UnreachableError, UsageError
from keyturn.ground.names import is_id, printable
from keyturn.items import Item, ItemSummary, VaultReference, choose
from keyturn.vaults import operations
from keyturn.vaults.backend import Availability, Available, Unavailable
from keyturn.vaults.operations import Answer, Got, Listed, Listing, Made, Nothing, Operation, Seen, Versions
from keyturn.vaults.places import KINDS, Place

A = TypeVar("A")


@dataclass(frozen=True)
class _Known:
    """An answer, and until when it is believed (boot-time seconds) where there are no files to look at."""

    answer: Listing | Got
    until: float

    def holds(self, now: float) -> bool:
        return _are_as(self.answer.seen) if self.answer.seen else now < self.until


class ForeignAccount:
    """Implements `Backend`. Safe for several threads; one operation at a time is under way.

    `perform` does an operation in a helper and raises its error; `boot` gives the boot-time clock.
    """

    def __init__(
        self,
        account_id: str,
        title: str,
        place: Place,
        perform: Callable[[Operation], Answer],
        boot: Callable[[], float],
    ) -> None:
        self._id = account_id
        self.title = title
        self.place = place
        self._perform = perform
        self._boot = boot
        self._listing: _Known | None = None
        self._items: dict[str, _Known] = {}
        self._lock = threading.RLock()

    @property
    def id(self) -> str:
        return self._id

    def availability(self) -> Availability:
        try:
            self._list()
        except KeyturnError as error:
            return Unavailable(error.message, error.hints)
        return Available()

    def forget_values(self) -> None:
        """Drop every value that is held; titles and ids stay. Not a lock: only the keeper's end is one."""
        with self._lock:
            self._items.clear()

    def vaults(self) -> list[VaultReference]:
        return sorted(self._list().vaults, key=lambda vault: (vault.name, vault.id))

    def items(
        self, vault: str | None = None, *, archived: bool = False
    ) -> list[tuple[ItemSummary, VaultReference]]:
        listing = self._list()
        vaults = {each.id: each for each in listing.vaults}
        if vault is not None and vault not in vaults:
            raise self._no_vault(vault)
        return [
            (each.summary, vaults[each.vault])
            for each in listing.items
            if each.is_archived == archived and vault in (None, each.vault)
        ]

    def get(self, item_id: str) -> tuple[Item, VaultReference]:
        got = self._get(item_id)
        return _copied(got.item), got.vault

    def read_back(self, item_id: str) -> tuple[Item, VaultReference]:
        with self._lock:
            self._items.pop(item_id, None)
            return self.get(item_id)

    def find(self, wanted: str, vault: str | None = None) -> tuple[Item, VaultReference]:
        return self.get(self._found(wanted, vault, archived=False).id)

    def find_archived(self, wanted: str, vault: str | None = None) -> tuple[Item, VaultReference]:
        found = self._found(wanted, vault, archived=True)
        got = self._ask(operations.GetItem(item=found.id, archived=True), Got)
        return got.item, got.vault

    def create(self, vault_id: str, item: Item) -> Item:
        return self._changed("", operations.CreateItem(vault=self._vault(vault_id).id, content=item))

    def edit(self, item: Item) -> Item:
        self._listed(item.id)
        return self._changed(item.id, operations.EditItem(content=item))

    def archive(self, item_id: str) -> Item:
        self._listed(item_id)
        return self._changed(item_id, operations.ArchiveItem(item=item_id), keep=False)

    def restore(self, item_id: str, version: int | None = None) -> Item:
        self._listed(item_id, archived=True if version is None else None)
        return self._changed(item_id, operations.RestoreItem(item=item_id, version=version))

    def delete(self, item_id: str) -> None:
        self._listed(item_id, archived=None)
        with self._lock:
            try:
                self._ask(operations.DeleteItem(item=item_id), Nothing)
            finally:
                self._stale(item_id)

    def move(self, item_id: str, vault_id: str) -> Item:
        target = self._vault(vault_id)
        if self._listed(item_id, archived=None).vault == target.id:
            return self.get(item_id)[0]
        return self._changed(item_id, operations.MoveItem(item=item_id, vault=target.id))

    def history(self, item_id: str) -> list[Item]:
        self._listed(item_id, archived=None)
        return self._ask(operations.ListVersions(item=item_id), Versions).items

    def create_vault(self, name: str) -> VaultReference:
        with self._lock:
            try:
                return self._ask(operations.CreateVault(name=name), Made).vault
            finally:
                self._listing = None

    def _list(self) -> Listing:
        with self._lock:
            known = self._listing
            if known is None or not known.holds(self._boot()):
                answer = self._ask(operations.ListItems(), Listing)
                known = self._listing = _Known(answer, self._boot() + answer.seconds)
            assert isinstance(known.answer, Listing)
            return known.answer

    def _get(self, item_id: str) -> Got:
        with self._lock:
            known = self._items.get(item_id)
            if known is None or not known.holds(self._boot()):
                if not is_id(item_id):
                    raise self._no_item(item_id, is_archived=False)
                if self._listing is not None and self._listing.holds(self._boot()):
                    # It says at once what is not there; else the vault itself has to.
                    self._listed(item_id)
                answer = self._ask(operations.GetItem(item=item_id), Got)
                known = self._items[item_id] = _Known(answer, self._boot() + answer.seconds)
            assert isinstance(known.answer, Got)
            return known.answer

    def _changed(self, item_id: str, operation: Operation, *, keep: bool = True) -> Item:
        """Do what changes one item (or makes one: no id yet); whatever comes of it, what was known of that
        item is not believed."""
        with self._lock:
            try:
                got = self._ask(operation, Got)
            finally:
                self._stale(item_id)
            if keep:
                self._items[got.item.id] = _Known(got, self._boot() + got.seconds)
            return _copied(got.item)

    def _stale(self, item_id: str) -> None:
        self._items.pop(item_id, None)
        self._listing = None

    def _listed(self, item_id: str, *, archived: bool | None = False) -> Listed:
        """The item's line in the listing, among the archived ones, the others, or (None) both.

        Raises MissingError.
        """
        found = next((each for each in self._list().items if each.summary.id == item_id), None)
        if found is None or archived not in (None, found.is_archived):
            raise self._no_item(item_id, is_archived=found is not None and found.is_archived)
        return found

    def _found(self, wanted: str, vault: str | None, *, archived: bool) -> ItemSummary:
        found = choose([summary for summary, _ in self.items(vault, archived=archived)], wanted)
        if found is None:
            other = choose([summary for summary, _ in self.items(vault, archived=True)], wanted)
            raise self._no_item(wanted, is_archived=other is not None)
        return found

    def _no_item(self, wanted: str, *, is_archived: bool) -> MissingError:
        if is_archived:
            return MissingError(
                f"the item “{printable(wanted)}” is archived",
                f"take it out: keyturn item restore {printable(wanted)}",
            )
        return MissingError(f"there is no item “{printable(wanted)}”", "see them: keyturn item list")

    def _vault(self, vault_id: str) -> VaultReference:
        found = next((each for each in self._list().vaults if each.id == vault_id), None)
        if found is None:
            raise self._no_vault(vault_id)
        return found

    def _no_vault(self, wanted: str) -> MissingError:
        return MissingError(f"there is no vault “{printable(wanted)}”", "see them: keyturn vault list")

    def _ask(self, operation: Operation, kind: type[A]) -> A:
        answer = None
        with self._lock, contextlib.suppress(UnicodeEncodeError):
            answer = self._perform(operation)
        if answer is None:
            # Not while that error is handled: the text is in it.
            raise UsageError("text that is not UTF-8 cannot be stored")
        if not isinstance(answer, kind):
            raise UnreachableError(f"{KINDS[self.place.backend].title} gave an answer that makes no sense")
        return answer


def _are_as(seen: Seen) -> bool:
    """Whether the files are what they were."""
    try:
        return all(files.identity(Path(path)) == was for path, was in seen.items())
    except OSError:
        return False


def _copied(item: Item) -> Item:
    """An item of the caller's own: what is changed in it is not changed in memory here."""
    return msgspec.structs.replace(
        item,
        fields=[msgspec.structs.replace(field) for field in item.fields],
        tags=list(item.tags),
        urls=list(item.urls),
    )

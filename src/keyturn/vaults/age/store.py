"""The vaults of an unlocked account and the items in them.

An item is in one vault. A move that was cut short leaves it in two: the copy with the higher version
counts, the other is not shown, and the next change of the item takes it away.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec

from keyturn.ground.clock import timestamp
from keyturn.ground.errors import ConflictError, DamagedError, KeyturnError, MissingError
from keyturn.ground.names import is_id, printable
from keyturn.items import Item, ItemSummary, VaultReference, choose
from keyturn.vaults.age.contents import (
    archived,
    former,
    held,
    item_in,
    received,
    restored,
    with_edited,
    with_item,
    without,
)
from keyturn.vaults.age.directory import AccountDirectory
from keyturn.vaults.age.documents import Codec, VaultDocument, decode_item, summarise, version_of
from keyturn.vaults.age.pins import Machine
from keyturn.vaults.age.sealed import KeyRing, SealedFile

VaultFile = SealedFile[VaultDocument]


@dataclass(frozen=True)
class _Copy:
    """An item where it lies; `content` is encoded."""

    file: VaultFile
    document: VaultDocument
    content: msgspec.Raw

    @property
    def vault(self) -> VaultReference:
        return VaultReference(self.file.name, self.document.title)


class ItemStore:
    """The part of a `Backend` that is about items.

    Safe for several threads; other processes are kept apart by the lock in the directory.
    """

    def __init__(self, place: AccountDirectory, account_id: str, ring: KeyRing, machine: Machine) -> None:
        self.place = place
        self.ring = ring
        self.machine = machine
        self._id = account_id
        self._vault_codec = Codec(VaultDocument)
        self._vaults: dict[str, VaultFile] = {}
        # By vault: the document, and the ids of its items by title in lower case. Titles are no secrets.
        self._titles: dict[str, tuple[VaultDocument, dict[str, list[str]]]] = {}

    def vaults(self) -> list[VaultReference]:
        found = [VaultReference(file.name, file.load().title) for file in self.vault_files()]
        return sorted(found, key=lambda vault: (vault.name, vault.id))

    def items(
        self, vault: str | None = None, *, archived: bool = False
    ) -> list[tuple[ItemSummary, VaultReference]]:
        files = self.vault_files() if vault is None else [self._vault(vault)]
        # Before anything is opened, and so remembered: what is refused changes nothing.
        if vault is None and (gone := self._gone()):
            raise gone
        documents = [(file, file.load()) for file in files]
        outdated = self._outdated()
        found = []
        for file, document in documents:
            reference = VaultReference(file.name, document.title)
            found += [
                (summarise(key, content), reference)
                for key, content in (document.archived if archived else document.items).items()
                if not outdated or (file.name, key) not in outdated
            ]
        return found

    def get(self, item_id: str) -> tuple[Item, VaultReference]:
        found = self._live(item_id)
        return decode_item(item_id, found.content), found.vault

    def find(self, wanted: str, vault: str | None = None) -> tuple[Item, VaultReference]:
        if is_id(wanted):
            try:
                item, reference = self.get(wanted)
            except MissingError:
                pass  # a title may look like an id
            else:
                if vault in (None, reference.id):
                    return item, reference
        summary = choose(self._titled(wanted, vault), wanted)
        if summary is None:
            raise self._missing(wanted, vault)
        return self.get(summary.id)

    def find_archived(self, wanted: str, vault: str | None = None) -> tuple[Item, VaultReference]:
        summary = choose([each for each, _ in self.items(vault, archived=True)], wanted)
        if summary is None:
            raise MissingError(
                f"there is no archived item “{printable(wanted)}”", "see: keyturn item list --archived"
            )
        found = self._copies(summary.id)[0]
        return decode_item(summary.id, found.content), found.vault

    def history(self, item_id: str) -> list[Item]:
        found = self._copies(item_id)[0]
        return [*former(found.document, item_id), decode_item(item_id, found.content)]

    def create(self, vault_id: str, item: Item) -> Item:
        def add(document: VaultDocument) -> VaultDocument:
            if self._is_there(item.id):
                raise ConflictError(f"there is an item {printable(item.id)} already")
            return with_item(document, item)

        return item_in(self._vault(vault_id).update(add), item.id)

    def edit(self, item: Item) -> Item:
        found = self._live(item.id)
        return self._change(found, item.id, lambda was: with_edited(was, item, self._moment()))

    def archive(self, item_id: str) -> Item:
        found = self._live(item_id)
        return self._change(found, item_id, lambda was: archived(was, item_id, self._moment()))

    def restore(self, item_id: str, version: int | None = None) -> Item:
        found = self._copies(item_id)[0]
        return self._change(found, item_id, lambda was: restored(was, item_id, self._moment(), version))

    def delete(self, item_id: str) -> None:
        with self.place.locked():
            # The copy that counts goes last: another one would come back in its place.
            for found in reversed(self._copies(item_id)):
                found.file.update(lambda was: without(was, item_id))

    def move(self, item_id: str, vault_id: str) -> Item:
        target = self._vault(vault_id)
        with self.place.locked():
            found, *others = self._copies(item_id)
            if found.file is not target:
                # First there, then not here any more: whenever this ends, it is somewhere.
                source = found.document
                target.update(lambda was: received(was, source, item_id))
                others.append(found)
            for other in others:
                if other.file is not target:
                    other.file.update(lambda was: without(was, item_id))
            return item_in(target.load(), item_id)

    def vault_files(self) -> list[VaultFile]:
        """The vaults' files, by id."""
        return [self._file(vault_id) for vault_id in self.place.vault_ids()]

    def _file(self, vault_id: str) -> VaultFile:
        if vault_id not in self._vaults:
            self._vaults[vault_id] = SealedFile(
                self.place, self._id, vault_id, self._vault_codec, self.ring, self.machine
            )
        return self._vaults[vault_id]

    def _vault(self, vault_id: str) -> VaultFile:
        if vault_id not in self.place.vault_ids():
            raise MissingError(f"there is no vault {printable(vault_id)}")
        return self._file(vault_id)

    def _copies(self, item_id: str) -> list[_Copy]:
        """Where an item lies, archived or not, the copy that counts first.

        A damaged vault hides no item of a sound one, nor a missing item; so does one that is gone. Raises
        MissingError, DamagedError.
        """
        found: list[_Copy] = []
        damage: KeyturnError | None = None
        for file in self.vault_files():
            try:
                document = file.load()
            except DamagedError as error:
                damage = damage or error
                continue
            content = held(document, item_id)
            if content is not None:
                found.append(_Copy(file, document, content))
        if not found:
            raise damage or self._gone() or MissingError(f"there is no item {printable(item_id)}")
        if len(found) > 1:
            found.sort(key=lambda each: version_of(item_id, each.content), reverse=True)
        return found

    def _gone(self) -> DamagedError | None:
        """That a vault is gone which this machine saw: there is no way to delete one, so its file was lost.

        None if all are there. Asked only where something is listed or not found: the pins are on the disk.
        """
        pinned = self.machine.pinned(self._id)
        there = {"account", *self.place.vault_ids()}
        for name in sorted(pinned.files if pinned else ()):
            if name not in there:
                return DamagedError(
                    f"a vault that was here is gone: {self.place.vault(name)}",
                    f"older versions are in {self.place.versions}",
                    "to go on without it: keyturn account trust",
                )
        return None

    def _live(self, item_id: str) -> _Copy:
        """The copy that counts. Raises MissingError also for an item that is archived."""
        found = self._copies(item_id)[0]
        if item_id not in found.document.items:
            title = summarise(item_id, found.content).title
            raise MissingError(
                f"the item “{printable(title)}” is archived",
                f"to use it again: keyturn item restore {item_id}",
            )
        return found

    def _is_there(self, item_id: str) -> bool:
        """Whether a vault that opens has such an item."""
        try:
            self._copies(item_id)
        except (MissingError, DamagedError):
            return False
        return True

    def _outdated(self) -> set[tuple[str, str]]:
        """Vault and id of each copy that does not count; nothing, but after a move that was cut short."""
        documents = list(self._sound())
        doubled = {
            each
            for one, other in itertools.combinations(documents, 2)
            for ids in (one.items.keys(), one.archived.keys())
            for others in (other.items.keys(), other.archived.keys())
            for each in ids & others
        }
        return {(copy.file.name, each) for each in doubled for copy in self._copies(each)[1:]}

    def _sound(self) -> Iterator[VaultDocument]:
        for file in self.vault_files():
            with contextlib.suppress(DamagedError):
                yield file.load()

    def _titled(self, wanted: str, vault: str | None) -> list[ItemSummary]:
        """The items whose title is `wanted`, but for its case. A damaged vault is an error here."""
        found = []
        title, outdated = wanted.casefold(), self._outdated()
        for file in self.vault_files() if vault is None else [self._vault(vault)]:
            document = file.load()
            known = self._titles.get(file.name)
            if known is None or known[0] is not document:
                known = (document, _by_title(document))
                self._titles[file.name] = known
            found += [
                summarise(key, document.items[key])
                for key in known[1].get(title, [])
                if (file.name, key) not in outdated
            ]
        return found

    def _missing(self, wanted: str, vault: str | None) -> MissingError:
        there = [each for each, _ in self.items(vault, archived=True)]
        if any(wanted == each.id or wanted.casefold() == each.title.casefold() for each in there):
            return MissingError(
                f"the item “{printable(wanted)}” is archived",
                "to use it again: keyturn item restore",
                "see: keyturn item list --archived",
            )
        return MissingError(f"there is no item “{printable(wanted)}”", "see: keyturn item list")

    def _change(self, found: _Copy, item_id: str, change: Callable[[VaultDocument], VaultDocument]) -> Item:
        document = found.file.update(change)
        for other in self._copies(item_id)[1:]:
            other.file.update(lambda was: without(was, item_id))
        return item_in(document, item_id)

    def _moment(self) -> str:
        return timestamp(self.machine.clock.now())


def _by_title(document: VaultDocument) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, content in document.items.items():
        found.setdefault(summarise(key, content).title.casefold(), []).append(key)
    return found

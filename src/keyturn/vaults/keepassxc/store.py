"""A KeePassXC database as a vault's store: groups are vaults, entries items, the recycle bin the archive."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

from keyturn.ground.clock import Clock, SystemClock
from keyturn.ground.errors import ConflictError, MissingError, UsageError, WrongPasswordError
from keyturn.ground.names import printable
from keyturn.ground.secret import Secret
from keyturn.items import Item, VaultReference
from keyturn.vaults import operations
from keyturn.vaults.keepassxc import entries
from keyturn.vaults.keepassxc.database import ChangedError, Database, check_file, writing
from keyturn.vaults.operations import (
    Answer,
    Got,
    KeyWanted,
    Listed,
    Listing,
    Made,
    Nothing,
    Opened,
    Operation,
    Versions,
)
from keyturn.vaults.places import Place

T = TypeVar("T")

# As the age vaults keep; KeePassXC's own limit is in the database and is not looked at by the library.
VERSIONS_KEPT = 10
# Each time on the file as it is then; more than this is no coincidence.
TRIES = 3


def open_store(place: Place, key: Secret | None, environment: Mapping[str, str]) -> KeePassXC:
    """A store for one task."""
    return KeePassXC(place, key, SystemClock())


class KeePassXC:
    """Implements `Store`."""

    def __init__(self, place: Place, key: Secret | None, clock: Clock) -> None:
        self._place = place
        self._key = key
        self._clock = clock

    def do(self, operation: Operation) -> Answer:
        match operation:
            case operations.Unlock():
                return self._unlock()
            case operations.ListItems():
                return self._list()
            case operations.GetItem(item=item, archived=archived):
                database = self._open()
                entry = _entry(database, item)
                if not archived and _is_in(entry, database.kdbx.recyclebin_group):
                    raise MissingError("the item is archived", "take it out: keyturn item restore")
                return _got(database, entry)
            case operations.ListVersions(item=item):
                entry = _entry(self._open(), item)
                return Versions([entries.item_of(each) for each in (*entry.history, entry)])
            case operations.CreateVault(name=name):
                return self._change(lambda database: _create_vault(database, name))
            case operations.DeleteItem(item=item):
                return self._change(lambda database: _delete(database, item))
            case _:
                return self._change(lambda database: self._edit(database, operation))

    def _unlock(self) -> Opened | KeyWanted:
        if self._key is None:
            check_file(self._place.path)
            if self._place.key_file:
                with contextlib.suppress(WrongPasswordError):
                    self._open()
                    return Opened()
            name = printable(os.path.basename(self._place.path))
            return KeyWanted(f"password of the database {name}: ")
        self._open()
        return Opened(self._key, typed=True)

    def _open(self) -> Database:
        return Database(self._place.path, self._key, self._place.key_file)

    def _list(self) -> Listing:
        database = self._open()
        bin_group = database.kdbx.recyclebin_group
        vaults, items = [], []
        for group in _groups(database):
            vaults.append(_reference(group))
            items += [Listed(entries.summary_of(entry), _id(group)) for entry in group.entries]
        for entry in _below(bin_group):
            items.append(Listed(entries.summary_of(entry), _home(database, entry), is_archived=True))
        return Listing(vaults, items, database.seen)

    def _change(self, change: Callable[[Database], T]) -> T:
        """Do `change` on the database as it is now and save it; anew if another program was faster."""
        with writing(self._place.path):
            return self._try_to_change(change)

    def _try_to_change(self, change: Callable[[Database], T]) -> T:
        for _ in range(TRIES):
            database = self._open()
            answer = change(database)
            try:
                database.save()
            except ChangedError:
                continue
            if isinstance(answer, Got):
                # What is on the disk, not what is in memory: it is done when that opens.
                stored = self._open()
                return _got(stored, _entry(stored, answer.item.id))  # type: ignore[return-value]
            return answer
        raise ConflictError(
            "another program keeps writing the database; nothing was changed", "try again when it is done"
        )

    def _edit(self, database: Database, operation: Operation) -> Got:
        kdbx = database.kdbx
        match operation:
            case operations.CreateItem(vault=vault, content=item):
                # Its own search for one of the same title takes a title for a part of an expression.
                entry = kdbx.add_entry(_group(database, vault), "", "", "", force_creation=True)
                entries.write(entry, item)
                self._touch(entry, after=None)
                entry.ctime = datetime.fromisoformat(item.created_at)
            case operations.EditItem(content=item):
                entry = _entry(database, item.id)
                if entries.version_of(entry) != item.version:
                    raise ConflictError("the item was changed meanwhile", "look at it, then try again")
                self._rewrite(entry, item)
            case operations.ArchiveItem(item=item_id):
                entry = _entry(database, item_id)
                home = entry.group
                kdbx.trash_entry(entry)
                _remember_home(entry, home)
            case operations.RestoreItem(item=item_id, version=version):
                entry = _entry(database, item_id)
                if version is not None:
                    former = [each for each in (*entry.history, entry) if entries.version_of(each) == version]
                    if not former:
                        raise MissingError(f"the item has no version {version}")
                    self._rewrite(entry, entries.item_of(former[-1]))
                if _is_in(entry, kdbx.recyclebin_group):
                    kdbx.move_entry(entry, _group(database, _home(database, entry)))
            case operations.MoveItem(item=item_id, vault=vault):
                entry = _entry(database, item_id)
                kdbx.move_entry(entry, _group(database, vault))
            case _:
                raise TypeError(f"no operation of a store: {type(operation).__name__}")
        return _got(database, entry)

    def _rewrite(self, entry: Any, item: Item) -> None:
        """Make the entry what `item` says; what it was goes into its history."""
        before = entry.mtime
        entry.save_history()
        entries.write(entry, item)
        for former in entry.history[:-VERSIONS_KEPT]:
            entry.delete_history(former)
        self._touch(entry, after=before)

    def _touch(self, entry: Any, after: datetime | None) -> None:
        """Write down that it was changed now, and later than it was last: the second tells versions apart."""
        now = self._clock.now().replace(microsecond=0)
        entry.mtime = entry.atime = now if after is None else max(now, after + timedelta(seconds=1))


def _id(group: Any) -> str:
    return entries.item_id(group.uuid)


def _reference(group: Any) -> VaultReference:
    """A group by its path; the outermost by its own name."""
    path = [name or "" for name in group.path]
    return VaultReference(_id(group), "/".join(path) or group.name or "Root")


def _groups(database: Database) -> Iterator[Any]:
    """All groups but the recycle bin and what is in it."""
    bin_group = database.kdbx.recyclebin_group

    def below(group: Any) -> Iterator[Any]:
        if bin_group is not None and group.uuid == bin_group.uuid:
            return
        yield group
        for each in group.subgroups:
            yield from below(each)

    return below(database.kdbx.root_group)


def _below(group: Any) -> Iterator[Any]:
    if group is not None:
        yield from group.entries
        for each in group.subgroups:
            yield from _below(each)


def _group(database: Database, vault: str) -> Any:
    for group in _groups(database):
        if _id(group) == vault:
            return group
    raise MissingError("the database has no such group", "see them: keyturn vault list")


def _entry(database: Database, item_id: str) -> Any:
    for group in (*_groups(database), database.kdbx.recyclebin_group):
        for entry in _below(group) if group is database.kdbx.recyclebin_group else group.entries:
            if entries.item_id(entry.uuid) == item_id:
                return entry
    raise MissingError("the database has no such entry any more", "see them: keyturn item list")


def _is_in(entry: Any, group: Any) -> bool:
    return group is not None and any(each.uuid == entry.uuid for each in _below(group))


def _remember_home(entry: Any, home: Any) -> None:
    """KDBX 4.1's PreviousParentGroup, which KeePassXC restores to as well."""
    element = entry._element
    for old in element.findall("PreviousParentGroup"):
        element.remove(old)
    part = element.makeelement("PreviousParentGroup", {})
    part.text = home._element.findtext("UUID")
    element.append(part)


def _home(database: Database, entry: Any) -> str:
    """The vault that an archived entry was in; the outermost group if that is gone or was never told."""
    text = entry._element.findtext("PreviousParentGroup")
    for group in _groups(database):
        if text and group._element.findtext("UUID") == text:
            return _id(group)
    return _id(database.kdbx.root_group)


def _create_vault(database: Database, name: str) -> Made:
    if not name.strip() or name != name.strip() or not name.isprintable() or "/" in name or len(name) > 120:
        raise UsageError("a group's name is one line of 1 to 120 printable characters, without /")
    root = database.kdbx.root_group
    if any(_reference(group).name == name for group in _groups(database)):
        raise ConflictError(f"the database has a group “{name}” already")
    return Made(_reference(database.kdbx.add_group(root, name)))


def _delete(database: Database, item_id: str) -> Nothing:
    _entry(database, item_id).delete()
    return Nothing()


def _got(database: Database, entry: Any) -> Got:
    group = entry.group
    bin_group = database.kdbx.recyclebin_group
    if _is_in(entry, bin_group):
        group = _group(database, _home(database, entry))
    return Got(entries.item_of(entry), _reference(group), database.seen)

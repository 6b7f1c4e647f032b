"""The store of pass or gopass: directories at the top are vaults, files below them items."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from keyturn.ground import files
from keyturn.ground.clock import Clock, SystemClock, timestamp
from keyturn.ground.errors import (
    ConfigurationError,
    ConflictError,
    DamagedError,
    MissingError,
    SessionEndedError,
    StorageError,
    UnsupportedError,
    UsageError,
)
from keyturn.ground.files import FileIdentity
from keyturn.ground.names import printable
from keyturn.ground.secret import Secret
from keyturn.items import Item, ItemSummary, VaultReference
from keyturn.vaults import operations
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
    Seen,
)
from keyturn.vaults.password_store import entry
from keyturn.vaults.password_store.gnupg import GnuPG, NeedsPassphraseError
from keyturn.vaults.places import Place

SUFFIX = ".gpg"
RECIPIENTS = ".gpg-id"
# What lies at the top, in no directory, is in a vault of this name.
TOP = "(top)"


def open_store(place: Place, key: Secret | None, environment: Mapping[str, str]) -> PasswordStore:
    """A store for one task."""
    root = Path(place.path or os.path.join(environment.get("HOME", "/"), ".password-store"))
    return PasswordStore(root, GnuPG(place.program, key, environment), key, SystemClock())


class PasswordStore:
    """Implements `Store`. An item's id comes from its path: so nothing can be renamed, only moved.

    Other Keyturns are kept out by the lock of the directory itself; pass knows none.
    """

    def __init__(self, root: Path, gnupg: GnuPG, key: Secret | None, clock: Clock) -> None:
        self._root = root
        self._gnupg = gnupg
        self._key = key
        self._clock = clock

    def do(self, operation: Operation) -> Answer:
        if not self._root.is_dir():
            raise MissingError(
                f"there is no directory {printable(str(self._root), 300)}",
                "if it moved: keyturn account forget, then keyturn account create --backend pass --at DIR",
            )
        if not (self._root / RECIPIENTS).is_file():
            raise ConfigurationError(
                f"{self._root} is no store of pass: it has no .gpg-id", "make one: pass init KEY"
            )
        try:
            return self._do(operation)
        except NeedsPassphraseError:
            raise SessionEndedError(
                "GnuPG wants its passphrase again", "try again: you are asked for it"
            ) from None
        except OSError as error:
            raise StorageError(f"{self._root}: {files.reason(error)}", files.remedy(error)) from None

    def _do(self, operation: Operation) -> Answer:
        match operation:
            case operations.Unlock():
                return self._unlock()
            case operations.ListItems():
                return self._list()
            case operations.GetItem(item=item):
                return self._got(self._path(item))
            case operations.CreateItem(vault=vault, content=item):
                return self._create(vault, item)
            case operations.EditItem(content=item):
                return self._edit(item)
            case operations.MoveItem(item=item, vault=vault):
                return self._move(item, vault)
            case operations.DeleteItem(item=item):
                return self._delete(item)
            case operations.CreateVault(name=name):
                return self._create_vault(name)
            case _:
                raise UnsupportedError(
                    "a store of pass keeps no archive and no former versions",
                    "if it is in git, that does: pass git log",
                )

    def _unlock(self) -> Opened | KeyWanted:
        """Encrypts to the store's key and decrypts that, for the store may be empty."""
        recipients = self._recipients(self._root)
        prompt = f"passphrase of the GnuPG key of {printable(self._root.name)}: "
        probe = self._gnupg.encrypt(b"keyturn\n", recipients)
        if self._key is None:
            try:
                self._gnupg.decrypt(probe)
            except NeedsPassphraseError:
                return KeyWanted(prompt)
            # Unprotected, or remembered by GnuPG's agent: that cannot be told without making it forget.
            return Opened(prompt=prompt)
        self._gnupg.forget_passphrases(recipients)
        if self._gnupg.is_open(probe):
            return Opened()
        self._gnupg.decrypt(probe)
        return Opened(self._key, typed=True)

    def _list(self) -> Listing:
        seen: Seen = {}
        items = [
            Listed(ItemSummary(_id(path), self._title(path), updated_at=_moment(path)), self._vault(path).id)
            for path in self._paths(seen)
        ]
        return Listing(self._vaults(), items, seen)

    def _vaults(self) -> list[VaultReference]:
        tops = [
            each for each in sorted(self._root.iterdir()) if each.is_dir() and not each.name.startswith(".")
        ]
        return [
            VaultReference(_id(self._root), TOP),
            *(VaultReference(_id(each), each.name) for each in tops),
        ]

    def _paths(self, seen: Seen | None = None) -> Iterator[Path]:
        """The files of all entries; the directories that were looked into are added to `seen`."""
        for directory, names, found in os.walk(self._root):
            names[:] = sorted(name for name in names if not name.startswith("."))
            there = files.identity(Path(directory))
            if seen is not None and there is not None:
                seen[directory] = there
            for name in sorted(found):
                if name.endswith(SUFFIX) and not name.startswith("."):
                    yield Path(directory, name)

    def _path(self, item_id: str) -> Path:
        for path in self._paths():
            if _id(path) == item_id:
                return path
        raise MissingError("the store has no such entry any more", "see them: keyturn item list")

    def _vault(self, path: Path) -> VaultReference:
        parts = path.relative_to(self._root).parts
        return (
            VaultReference(_id(self._root), TOP)
            if len(parts) == 1
            else VaultReference(_id(self._root / parts[0]), parts[0])
        )

    def _title(self, path: Path) -> str:
        parts = path.relative_to(self._root).parts
        return "/".join(parts[1:] or parts).removesuffix(SUFFIX)

    def _got(self, path: Path) -> Got:
        content, there = files.read(path)
        text = self._gnupg.decrypt(content)
        try:
            fields, tags, urls, created = entry.parse(text.decode())
        except UnicodeDecodeError:
            raise DamagedError(f"the entry {printable(self._title(path))} is no text") from None
        item = Item(
            id=_id(path),
            title=self._title(path),
            category="API_CREDENTIAL",
            version=_version(there),
            created_at=created or _moment(path),
            updated_at=_moment(path),
            fields=fields,
            tags=tags,
            urls=urls,
        )
        return Got(item, self._vault(path), {str(path): there})

    def _create(self, vault: str, item: Item) -> Got:
        top = self._directory(vault)
        path = top / f"{_checked(item.title)}{SUFFIX}"
        with files.holding(self._root):
            if path.exists():
                raise ConflictError(f"the store has an entry “{printable(item.title)}” there already")
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._write(path, item)
        return self._got(path)

    def _edit(self, item: Item) -> Got:
        path = self._path(item.id)
        if item.title != self._title(path):
            raise UnsupportedError(
                "an entry of pass is its path: it cannot be renamed", "move it: pass mv OLD NEW"
            )
        with files.holding(self._root):
            there = files.identity(path)
            if there is None or _version(there) != item.version:
                raise ConflictError("the item was changed meanwhile", "look at it, then try again")
            # When it was made is not the caller's to say.
            made = self._got(path).item.created_at
            self._write(path, msgspec.structs.replace(item, created_at=made))
        return self._got(path)

    def _write(self, path: Path, item: Item) -> None:
        text = entry.render(item).encode()
        content = self._gnupg.encrypt(text, self._recipients(path.parent))
        target = Path(os.path.realpath(path))
        files.write_atomically(target, content, 0o600)

    def _move(self, item_id: str, vault: str) -> Got:
        path = self._path(item_id)
        target = self._directory(vault) / f"{self._title(path)}{SUFFIX}"
        with files.holding(self._root):
            if target.exists():
                raise ConflictError("there is an entry of this name in that directory already")
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._recipients(path.parent) != self._recipients(target.parent):
                raise UnsupportedError(
                    "that directory is encrypted to other keys", "pass encrypts it anew: pass mv OLD NEW"
                )
            os.rename(path, target)
            self._prune(path.parent)
        return self._got(target)

    def _delete(self, item_id: str) -> Nothing:
        path = self._path(item_id)
        with files.holding(self._root):
            path.unlink()
            self._prune(path.parent)
        return Nothing()

    def _prune(self, directory: Path) -> None:
        """Take away directories that are empty now, as pass does; one at the top is a vault and stays."""
        while directory != self._root and directory.parent != self._root:
            try:
                directory.rmdir()
            except OSError:
                return
            directory = directory.parent

    def _create_vault(self, name: str) -> Made:
        checked = _checked(name)
        if "/" in checked or not name.isprintable():
            raise UsageError("a directory's name is one line of printable characters, without /")
        path = self._root / checked
        try:
            path.mkdir(mode=0o700)
        except FileExistsError:
            raise ConflictError(f"the store has a directory “{printable(name)}” already") from None
        return Made(VaultReference(_id(path), name))

    def _directory(self, vault: str) -> Path:
        for each in self._vaults():
            if each.id == vault:
                return self._root if each.name == TOP else self._root / each.name
        raise MissingError("the store has no such directory", "see them: keyturn vault list")

    def _recipients(self, directory: Path) -> list[str]:
        """The keys of the nearest .gpg-id, as pass takes them: a comment begins with #."""
        while True:
            with contextlib.suppress(FileNotFoundError):
                lines = (directory / RECIPIENTS).read_text("utf-8", "replace").splitlines()
                found = [line.partition("#")[0].strip() for line in lines]
                keys = [key for key in found if key]
                if not keys:
                    raise ConfigurationError(f"{directory / RECIPIENTS} names no key")
                return keys
            if directory == self._root:
                raise ConfigurationError(f"{self._root} has no .gpg-id", "make it: pass init KEY")
            directory = directory.parent


def _id(path: Path) -> str:
    digest = hashlib.sha256(b"keyturn pass " + os.fsencode(path)).digest()[:16]
    return base64.b32encode(digest).decode().rstrip("=").lower()


def _version(there: FileIdentity) -> int:
    """What tells one state of a file from another: pass counts none."""
    return there.modified_ns // 1000


def _moment(path: Path) -> str:
    from datetime import UTC, datetime

    return timestamp(datetime.fromtimestamp(path.stat().st_mtime, UTC))


def _checked(title: str) -> str:
    """A title as a path below a directory. Raises UsageError for one that is none."""
    parts = title.split("/")
    is_good = all(
        part.strip() == part and part and not part.startswith(".") and part.isprintable() for part in parts
    )
    if not is_good or any(len(part.encode()) > 240 for part in parts):
        raise UsageError("an entry of pass is a path: printable names, none beginning with a dot")
    return title

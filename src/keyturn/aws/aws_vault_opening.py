"""Opening aws-vault's encrypted files and its collection of the Secret Service, as tasks."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from keyturn.aws import aws_vault, jwe
from keyturn.ground.errors import DamagedError, DeniedError
from keyturn.ground.packed import Packed
from keyturn.ground.secret import Secret

LARGEST = 64 * 1024 * 1024
WRONG, DAMAGED, LOCKED, ABSENT = "wrong", "damaged", "locked", "absent"


class OpenFiles(msgspec.Struct, tag="files", frozen=True, forbid_unknown_fields=True):
    """Files' contents by the names of their entries."""

    files: dict[str, bytes]
    passphrase: Secret


class ReadCollection(msgspec.Struct, tag="collection", frozen=True, forbid_unknown_fields=True):
    """The collection of this name, on the session bus that the environment tells. `names`: only these;
    None: no entry's content, only what they are called."""

    name: str
    names: list[str] | None = None


class Entry(msgspec.Struct, frozen=True):
    """`content` is there unless it could not be opened: then `problem` is WRONG or DAMAGED, and why."""

    name: str
    content: Secret | None = None
    problem: str = ""
    why: str = ""


class Opened(msgspec.Struct, frozen=True):
    """`problem` is LOCKED or ABSENT for the store as a whole; `why` is one line."""

    entries: list[Entry] = []
    problem: str = ""
    why: str = ""


Task = OpenFiles | ReadCollection
tasks: Packed[Task] = Packed(Task, "a task")
results: Packed[Opened] = Packed(Opened, "a result")


def perform(task: Task) -> Opened:
    """Do a task."""
    if isinstance(task, OpenFiles):
        return Opened([_opened(name, content, task.passphrase) for name, content in task.files.items()])
    return _collection(task)


def _opened(name: str, content: bytes, passphrase: Secret) -> Entry:
    try:
        return Entry(name, Secret(jwe.decrypt(content, passphrase).decode("utf-8", "replace")))
    except DeniedError as error:
        return Entry(name, problem=WRONG, why=error.message)
    except DamagedError as error:
        return Entry(name, problem=DAMAGED, why=error.message)


def _collection(task: ReadCollection) -> Opened:
    try:
        import secretstorage
        from secretstorage.exceptions import SecretStorageException
    except ImportError:
        return Opened(problem=ABSENT, why="it needs the Python package secretstorage, which is not installed")
    try:
        connection = secretstorage.dbus_init()
    except (SecretStorageException, OSError, KeyError):
        return Opened(problem=ABSENT, why="there is no session bus here")
    try:
        for collection in secretstorage.get_all_collections(connection):
            # aws-vault knows it by its path, whose odd characters are written `_` and two hex digits.
            if _plain(collection.collection_path.rpartition("/")[2]) == task.name:
                return _entries(collection, task.names)
    except (SecretStorageException, OSError):
        return Opened(problem=ABSENT, why="no Secret Service answers on the session bus")
    finally:
        connection.close()
    return Opened(problem=ABSENT, why="the Secret Service has no such collection")


def _entries(collection: Any, names: list[str] | None) -> Opened:
    # A question of the desktop's; `unlock` tells whether it was dismissed.
    if collection.is_locked() and collection.unlock():
        return Opened(problem=LOCKED, why="the collection is locked")
    found = []
    for item in collection.get_all_items():
        name = item.get_label()
        if not aws_vault.is_profile(name):
            continue
        if names is None:
            found.append(Entry(name))
        elif name in names:
            found.append(Entry(name, Secret(item.get_secret().decode("utf-8", "replace"))))
    return Opened(found)


def _plain(name: str) -> str:
    return re.sub(r"_([0-9a-f]{2})", lambda match: chr(int(match[1], 16)), name)

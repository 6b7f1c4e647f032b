"""Entries of the login keyring (freedesktop's Secret Service) as keys of slots, as a helper handles them.

The keyring only gates: whoever runs as this user while it is unlocked can read the entry. It needs the
package `secretstorage`, which is an extra, and the session bus whose address is in the helper's environment.
"""

from __future__ import annotations

import importlib.util
from typing import Any

import msgspec

from keyturn.ground.errors import KeyturnError, KeyUnusableError
from keyturn.ground.packed import Packed
from keyturn.ground.prompter import Prompter
from keyturn.ground.secret import Secret
from keyturn.items import Id
from keyturn.vaults.age import derive, identities
from keyturn.vaults.age.derive import Result, Unwrapped
from keyturn.vaults.failed import Failed

LIBRARY = "secretstorage"
# Where a session bus is listened for: the only kind of address that others can look for on the disk.
BUS_PREFIX = "unix:path="


class StoreInKeyring(msgspec.Struct, tag="store-in-keyring", frozen=True, forbid_unknown_fields=True):
    """Put a slot's identity into the login keyring and read it back. Gives Unwrapped, what was read."""

    account: Id
    item: Id
    label: str
    identity: Secret


class ReadFromKeyring(msgspec.Struct, tag="read-from-keyring", frozen=True, forbid_unknown_fields=True):
    """Gives Unwrapped."""

    account: Id
    item: Id


class DeleteFromKeyring(msgspec.Struct, tag="delete-from-keyring", frozen=True, forbid_unknown_fields=True):
    """Take the entry out of the keyring. Gives Unwrapped, what was in it."""

    account: Id
    item: Id


Task = StoreInKeyring | ReadFromKeyring | DeleteFromKeyring

_tasks: Packed[Task] = Packed(Task, "a task")
encode_task, decode_task = _tasks.encode, _tasks.decode


def missing_library() -> str:
    """Why no keyring can be used in this installation; empty if one can. Imports nothing."""
    if importlib.util.find_spec(LIBRARY) is None:
        return "the login keyring needs the Python package secretstorage, which is not installed"
    return ""


def work(task: bytes, prompter: Prompter) -> bytes:
    """The helper's entry; nobody is asked: a keyring that is locked stays locked."""
    return derive.encode_result(perform(decode_task(task)))


def perform(task: Task) -> Result:
    """Do the task; each takes some round trips over D-Bus. What fails is a Failed."""
    try:
        import secretstorage
        from secretstorage.exceptions import SecretStorageException
    except ImportError:
        return _failed(missing_library() or "the Python package secretstorage does not load")
    try:
        connection = secretstorage.dbus_init()
        try:
            # By its alias: `get_default_collection` would make one where none is, and ask for a password.
            found = secretstorage.get_collection_by_alias(connection, "default")
            return Unwrapped(identity=_done(task, found))
        finally:
            connection.close()
    except KeyturnError as error:
        return Failed.of(error)
    except (SecretStorageException, OSError, KeyError):
        return _failed("there is no login keyring on the session bus, or it does not answer")


def _done(task: Task, collection: Any) -> Secret:
    if collection.is_locked():
        raise KeyUnusableError("the login keyring is locked", "unlock it, or log in again")
    attributes = {"application": "keyturn", "account": task.account, "slot": task.item}
    if isinstance(task, StoreInKeyring):
        content = task.identity.reveal().encode()
        collection.create_item(task.label, attributes, content, replace=True)
    for item in collection.search_items(attributes):
        if item.is_locked():
            raise KeyUnusableError("the entry in the login keyring is locked", "unlock it, or log in again")
        found = Secret(item.get_secret().decode("ascii", "replace"))
        if not identities.is_identity(found):
            raise KeyUnusableError("the entry in the login keyring holds no key of a slot")
        if isinstance(task, DeleteFromKeyring):
            item.delete()
        return found
    raise KeyUnusableError("the login keyring has no entry for the slot")


def _failed(message: str) -> Failed:
    return Failed.of(KeyUnusableError(message))

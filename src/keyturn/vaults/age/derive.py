"""The slow tasks, which the agent has done by a helper process: scrypt takes one to two seconds.

A task and its result cross a pipe as msgpack. An error crosses as a result with its code, never as an
exception: the helper's standard error is nobody's.
"""

from __future__ import annotations

import unicodedata

import msgspec
import pyrage  # type: ignore[import-untyped]  # a compiled module without stubs

from keyturn.ground.errors import (
    DamagedError,
    KeyturnError,
    StorageError,
    UsageError,
    WrongPasswordError,
)
from keyturn.ground.packed import Packed
from keyturn.ground.prompter import Prompter
from keyturn.ground.secret import Secret
from keyturn.vaults.age import armor, identities
from keyturn.vaults.failed import Failed


class WrapPassword(msgspec.Struct, tag="wrap-password", frozen=True, forbid_unknown_fields=True):
    """Make a new slot's own identity and lock it with `password`. The result is Wrapped."""

    password: Secret


class UnwrapPassword(msgspec.Struct, tag="unwrap-password", frozen=True, forbid_unknown_fields=True):
    """Open the first block of a password slot. The result is Unwrapped."""

    block: bytes
    password: Secret


class Wrapped(msgspec.Struct, tag="wrapped", frozen=True, forbid_unknown_fields=True):
    """A slot's own identity, locked (an armored age block), and its recipient."""

    block: bytes
    recipient: Secret


class Unwrapped(msgspec.Struct, tag="unwrapped", frozen=True, forbid_unknown_fields=True):
    """A slot's own identity."""

    identity: Secret


Task = WrapPassword | UnwrapPassword
Result = Wrapped | Unwrapped | Failed

_tasks: Packed[Task] = Packed(Task, "a task")
_results: Packed[Result] = Packed(Result, "a result")
encode_task, decode_task = _tasks.encode, _tasks.decode
encode_result, decode_result = _results.encode, _results.decode


def work(task: bytes, prompter: Prompter) -> bytes:
    """The helper's entry; nobody is asked."""
    return encode_result(perform(decode_task(task)))


def perform(task: Task) -> Result:
    """Do the task; it takes a second or two and holds the interpreter's lock. What fails is a Failed."""
    try:
        if isinstance(task, WrapPassword):
            return _wrap(task)
        return _unwrap(task)
    except KeyturnError as error:
        return Failed.of(error)


def _wrap(task: WrapPassword) -> Wrapped:
    check_password(task.password)
    identity = identities.generate()
    content = identity_file(identity)
    block = pyrage.passphrase.encrypt(content, task.password.reveal(), armored=True)
    # age chooses the work by the machine's speed: what this product would not open is not handed out.
    armor.work_factor(block)
    return Wrapped(block=block, recipient=identities.recipient_of(identity))


def _unwrap(task: UnwrapPassword) -> Unwrapped:
    armor.work_factor(task.block)
    if not task.password or not _is_utf8(task.password):
        raise WrongPasswordError("wrong password")
    try:
        content = pyrage.passphrase.decrypt(task.block, task.password.reveal())
    except pyrage.DecryptError as error:
        # The library measures this machine and refuses what would take it minutes. That is no wrong password.
        too_slow = "xcessive" in str(error)
    else:
        return Unwrapped(identity=identity_in(content))
    if too_slow:
        raise StorageError("this machine is too slow for the slot's work factor")
    raise WrongPasswordError("wrong password")


def check_password(password: Secret) -> None:
    """Raises UsageError for a password that is empty or that nobody could type for `age -d`."""
    if not password:
        raise UsageError("an empty password protects nothing")
    if not _is_utf8(password) or any(unicodedata.category(c) == "Cc" for c in password.reveal()):
        raise UsageError("a password must be UTF-8 text without control characters")


def identity_file(identity: Secret) -> bytes:
    """An identity as `age -i` reads it."""
    return identity.reveal().encode() + b"\n"


def identity_in(content: bytes) -> Secret:
    """The identity in the first block of a slot. Raises DamagedError if there is none."""
    identity = Secret(content.decode("ascii", "replace").removesuffix("\n"))
    if not identities.is_identity(identity) or identity_file(identity) != content:
        raise DamagedError("the first block of the slot opens, but there is no identity in it")
    return identity


def _is_utf8(text: Secret) -> bool:
    # The exception of a strict encode would hold the text.
    return text.reveal().encode("utf-8", "ignore").decode() == text.reveal()

"""age plugins as keys of slots: what a helper does with them.

A plugin is a program of somebody else's (`age-plugin-NAME`) that may ask the person, wait for a touch, or
hang; so it is run by a helper, which is killed with it. The helper's PATH leads to the one that was looked at
(plugin_file.py). The protocol is C2SP's age-plugin; pyrage speaks it.
"""

from __future__ import annotations

import re

import msgspec
import pyrage  # type: ignore[import-untyped]  # a compiled module without stubs

from keyturn.ground.errors import KeyturnError, KeyUnusableError, UsageError
from keyturn.ground.names import printable
from keyturn.ground.packed import Packed
from keyturn.ground.prompter import Prompter
from keyturn.ground.secret import Secret
from keyturn.vaults.age import derive, identities
from keyturn.vaults.age.derive import Result, Unwrapped, Wrapped
from keyturn.vaults.failed import Failed

PROGRAM = "age-plugin-"
LONGEST_MESSAGE = 400

_REFUSALS = (
    pyrage.DecryptError,
    pyrage.EncryptError,
    pyrage.IdentityError,
    pyrage.RecipientError,
)
_NO_KEY = "No matching keys found"

# Where the name ends and the data begins, bech32's last 1 decides (C2SP age-plugin).
_IDENTITY = re.compile(r"AGE-PLUGIN-([A-Z0-9+._-]+)-1[A-Z0-9]+")
_RECIPIENT = re.compile(r"age1([a-z0-9+._-]+)1[a-z0-9]+")


class WrapForPlugin(msgspec.Struct, tag="wrap-for-plugin", frozen=True, forbid_unknown_fields=True):
    """Make a new slot's own identity and lock it for `recipient`, or if that is empty for what the plugin
    derives from `identity`. Gives Wrapped."""

    plugin: str
    recipient: str
    identity: Secret


class UnwrapByPlugin(msgspec.Struct, tag="unwrap-by-plugin", frozen=True, forbid_unknown_fields=True):
    """Open the first block of a slot. Gives Unwrapped."""

    plugin: str
    block: bytes
    identity: Secret


Task = WrapForPlugin | UnwrapByPlugin

_tasks: Packed[Task] = Packed(Task, "a task")
encode_task, decode_task = _tasks.encode, _tasks.decode


def name_in_identity(identity: Secret) -> str:
    """The name of the plugin that an identity (`AGE-PLUGIN-NAME-1…`) is for. Raises UsageError."""
    found = _IDENTITY.fullmatch(identity.reveal())
    if found is not None:
        try:
            return str(pyrage.plugin.Identity.from_str(identity.reveal()).plugin())
        except pyrage.IdentityError:
            pass
    raise UsageError("that is no identity of an age plugin", "it starts with AGE-PLUGIN-")


def name_in_recipient(recipient: str) -> str:
    """The name of the plugin that a recipient (`age1NAME1…`) is for. Raises UsageError."""
    if _RECIPIENT.fullmatch(recipient) is not None:
        try:
            return str(pyrage.plugin.Recipient.from_str(recipient).plugin())
        except pyrage.RecipientError:
            pass
    raise UsageError("that is no recipient of an age plugin", "it starts with age1 and the plugin's name")


def read_identity(content: str) -> tuple[Secret, str]:
    """The one identity in an identity file, and the recipient that a comment names (empty if none does).

    Raises UsageError for a file with none or several; nothing of it is repeated.
    """
    lines = [line.strip() for line in content.splitlines()]
    found = [Secret(line) for line in lines if line and not line.startswith("#")]
    if len(found) != 1:
        raise UsageError(f"an identity file with one identity is needed; this one has {len(found)}")
    name_in_identity(found[0])
    words = [word for line in lines if line.startswith("#") for word in line.split()]
    named = [word for word in words if _RECIPIENT.fullmatch(word)]
    return found[0], named[0] if len(set(named)) == 1 else ""


def work(task: bytes, prompter: Prompter) -> bytes:
    """The helper's entry. What the plugin asks is put to the person."""
    return derive.encode_result(perform(decode_task(task), prompter))


def perform(task: Task, prompter: Prompter) -> Result:
    """Do the task; it takes as long as the plugin does. What fails is a Failed."""
    try:
        if isinstance(task, WrapForPlugin):
            return _wrap(task, prompter)
        return _unwrap(task, prompter)
    except KeyturnError as error:
        return Failed.of(error)


class _Callbacks:
    """What a plugin wants of a person, as pyrage calls it. Its words are foreign text."""

    def __init__(self, plugin: str, prompter: Prompter) -> None:
        self._name = PROGRAM + plugin
        self._prompter = prompter

    def display_message(self, message: str) -> None:
        self._prompter.show(self._line(message))

    def confirm(self, message: str, yes_string: str, no_string: str | None) -> bool | None:
        yes, no = printable(yes_string, 40), printable(no_string or "no", 40)
        warning = ""
        while True:
            typed = self._prompter.text(f"{self._line(message)} [{yes}/{no}] ", warning).strip().casefold()
            is_yes, is_no = (bool(typed) and word.casefold().startswith(typed) for word in (yes, no))
            if is_yes != is_no:
                return is_yes
            warning = f"type {yes} or {no}"

    def request_public_string(self, description: str) -> str | None:
        return self._prompter.text(f"{self._line(description)}: ")

    def request_passphrase(self, description: str) -> str | None:
        return self._prompter.secret(f"{self._line(description)}: ").reveal()

    def _line(self, message: str) -> str:
        return f"{self._name}: {printable(' '.join(message.split()), LONGEST_MESSAGE).rstrip(':')}"


def _wrap(task: WrapForPlugin, prompter: Prompter) -> Wrapped:
    identity = identities.generate()
    try:
        recipients = [pyrage.plugin.Recipient.from_str(task.recipient)] if task.recipient else []
        keys = [] if recipients else [pyrage.plugin.Identity.from_str(task.identity.reveal())]
        callbacks = _Callbacks(task.plugin, prompter)
        plugin = pyrage.plugin.RecipientPluginV1(task.plugin, recipients, keys, callbacks)
        block = pyrage.encrypt(derive.identity_file(identity), [plugin], armored=True)
    except _REFUSALS as error:
        said = _said(error)
    else:
        return Wrapped(block=block, recipient=identities.recipient_of(identity))
    raise _failed(task.plugin, said)


def _unwrap(task: UnwrapByPlugin, prompter: Prompter) -> Unwrapped:
    try:
        key = pyrage.plugin.Identity.from_str(task.identity.reveal())
        plugin = pyrage.plugin.IdentityPluginV1(task.plugin, [key], _Callbacks(task.plugin, prompter))
        opened = pyrage.decrypt(task.block, [plugin])
    except _REFUSALS as error:
        said = _said(error)
    else:
        return Unwrapped(identity=derive.identity_in(opened))
    raise _failed(task.plugin, said)


def _said(error: Exception) -> str:
    """The first line of the library's words, without the marks that it sets around foreign text."""
    text = str(error).translate({0x2068: None, 0x2069: None})
    return printable(text.partition("\n")[0], LONGEST_MESSAGE)


def _failed(plugin: str, said: str) -> KeyUnusableError:
    name = PROGRAM + plugin
    if said.startswith(_NO_KEY):
        return KeyUnusableError(f"{name} has not the key of the slot", "it may be another key than at first")
    return KeyUnusableError(f"{name} failed: {said.removeprefix(repr(name)).strip()}")

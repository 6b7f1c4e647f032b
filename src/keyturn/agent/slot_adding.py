"""Slots whose key is outside of the account: added, or made known on this machine, once the key has opened
what is locked for it.

A slot that was never opened is nothing to rely on, so each key is used once, the person's touch or passphrase
included, before anything is written. Only a key that is not on this machine (another person's public key, a
bare recipient) cannot be tried.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

from keyturn.agent.accounts import Accounts, Unlocked
from keyturn.agent.conversation import Conversation
from keyturn.agent.registry import Entry
from keyturn.agent.requests import OutsideKey
from keyturn.ground.errors import DeniedError, KeyturnError, KeyUnusableError, UsageError
from keyturn.ground.names import new_id, printable
from keyturn.ground.secret import Secret
from keyturn.ground.settings import Settings
from keyturn.processes.facts import Process
from keyturn.vaults.age import identities, keyring, plugin, plugin_file, slots, ssh
from keyturn.vaults.age.account import SlotState
from keyturn.vaults.age.derive import Wrapped
from keyturn.vaults.age.openers import KeyringOpener, Opener, PluginOpener, SshOpener
from keyturn.vaults.age.slots import Kind, Slot, SlotKey

T = TypeVar("T")

# A command that asks nobody waits a minute and a half for its answer.
UNATTENDED_SECONDS = 60


class Adding:
    """One request: its key, and the client's person, who may be asked for a passphrase or a touch."""

    def __init__(
        self, accounts: Accounts, client: Conversation, settings: Settings, outside: OutsideKey
    ) -> None:
        self._accounts = accounts
        self._keys = accounts.keys
        self._client = client
        self._settings = settings
        self._outside = outside
        self._asking = Answers(client, outside.answer)

    async def add(self, entry: Entry, unlocked: Unlocked, kind: Kind, title: str) -> SlotState:
        """Add a slot. Raises UsageError, KeyUnusableError, DeniedError; nothing is written then."""
        if kind is Kind.KEYRING:
            return await self._add_keyring(entry, unlocked, title)
        opener, wrapped = await self._heard(self._wrap(kind))
        if opener is not None:
            await self._heard(self._keys.open(opener, entry.id, wrapped.block, self._asking))
        state, mark = await _written(unlocked, slots.locked_key(kind, wrapped, title))
        if opener is not None:
            await asyncio.to_thread(self._accounts.openers.keep, entry.id, mark, opener)
        return state

    async def use(self, entry: Entry, slot: Slot) -> None:
        """Remember how this machine opens `slot`. Raises as `add`."""
        kind = slot.header.kind
        known = (await asyncio.to_thread(self._accounts.openers.of, entry.id)).get(slot.mark)
        if kind is Kind.SSH:
            path = self._outside.key or (known.path if isinstance(known, SshOpener) else "")
            if not path:
                raise UsageError("the slot's SSH key is missing", "give its file: --key FILE")
            opener: Opener | None = (await self._ssh(path))[1]
            if opener is None:
                raise UsageError(f"{printable(path)} is a public key", "give the private one: --key FILE")
        elif kind is Kind.PLUGIN:
            opener = await self._known_plugin(known if isinstance(known, PluginOpener) else None)
        else:
            raise UsageError(f"a {kind} slot needs no key to be known on this machine")
        await self._heard(self._keys.open(opener, entry.id, slot.locked, self._asking))
        await asyncio.to_thread(self._accounts.openers.keep, entry.id, slot.mark, opener)

    async def _wrap(self, kind: Kind) -> tuple[Opener | None, Wrapped]:
        if kind is Kind.SSH:
            public, opener = await self._ssh(self._outside.key)
            return opener, await self._keys.wrap_for_ssh(public)
        identity, recipient, name = self._plugin_words()
        found = await asyncio.to_thread(plugin_file.look_at, self._outside.plugin, self._accounts.machine.uid)
        key = None if identity is None else self._plugin_opener(found, name, identity, self._outside.touch)
        wrapped = await self._keys.wrap_for_plugin(
            found, name, recipient, identity or Secret(""), self._asking
        )
        return key, wrapped

    async def _ssh(self, path: str) -> tuple[str, SshOpener | None]:
        """The public key, and the opener if the file is the private one."""
        if not path:
            raise UsageError("the SSH key is missing", "give its file: --key FILE")
        found = await asyncio.to_thread(ssh.look_at, path)
        if not found.has_private:
            return found.public, None
        if not found.is_protected and not self._outside.unprotected:
            raise ssh.unprotected_key(path)
        return found.public, SshOpener(path, not found.is_protected)

    def _plugin_words(self) -> tuple[Secret | None, str, str]:
        """The plugin's identity (None if only a recipient is given), its recipient and its name."""
        if self._outside.identity is None:
            recipient = self._outside.recipient
            return None, recipient, plugin.name_in_recipient(recipient)
        identity, named = plugin.read_identity(self._outside.identity.reveal())
        recipient = self._outside.recipient or named
        name = plugin.name_in_identity(identity)
        if recipient and plugin.name_in_recipient(recipient) != name:
            raise UsageError("identity and recipient are of different plugins")
        return identity, recipient, name

    def _plugin_opener(
        self, found: plugin_file.PluginFile, name: str, identity: Secret, touch: bool | None
    ) -> PluginOpener:
        if touch is None:
            raise UsageError(
                "it is not known whether the plugin wants a touch, a fingerprint or a PIN",
                "say so: --touch, or --no-touch if it opens by itself",
            )
        return PluginOpener(name, found.path, found.digest, identity, silent=not touch)

    async def _known_plugin(self, known: PluginOpener | None) -> PluginOpener:
        """From what is given now, and for the rest from what was known."""
        outside = self._outside
        path = outside.plugin or (known.path if known else "")
        if outside.identity is not None:
            identity, _, name = self._plugin_words()
        elif known is not None:
            identity, name = known.identity, known.name
        else:
            identity, name = None, ""
        if identity is None or not path:
            raise UsageError("the plugin's identity is missing", "give its file: --identity FILE")
        found = await asyncio.to_thread(plugin_file.look_at, path, self._accounts.machine.uid)
        touch = outside.touch if outside.touch is not None or known is None else not known.silent
        return self._plugin_opener(found, name, identity, touch)

    async def _add_keyring(self, entry: Entry, unlocked: Unlocked, title: str) -> SlotState:
        opener = KeyringOpener(self._outside.bus, new_id())
        reason = self._keys.unavailable(opener)
        if reason:
            raise KeyUnusableError(reason, f"pip install 'keyturn[keyring]' brings {keyring.LIBRARY}")
        identity = identities.generate()
        label = f"Keyturn: account {printable(entry.title)}"
        await self._keys.store_in_keyring(opener, entry.id, label, identity)
        try:
            key = slots.identity_key(Kind.KEYRING, identity, title)
            state, mark = await _written(unlocked, key)
        except KeyturnError:
            await self._keys.delete_from_keyring(opener, entry.id)
            raise
        await asyncio.to_thread(self._accounts.openers.keep, entry.id, mark, opener)
        return state

    async def _heard(self, work: Coroutine[object, object, T]) -> T:
        """Do work that may wait for the person: cancelled when they cancel, hang up or are silent."""
        seconds = self._settings.prompt.timeout_seconds
        if not self._client.may_ask:
            seconds = min(seconds, UNATTENDED_SECONDS)
        try:
            async with asyncio.timeout(seconds):
                return await self._client.run(work)
        except TimeoutError:
            raise DeniedError(f"nothing happened in {seconds} seconds") from None


class Answers:
    """Implements `Asking` for a request that brings the answer to its one secret question, or a person."""

    def __init__(self, client: Conversation, answer: Secret | None) -> None:
        self._client = client
        self._answer = answer

    @property
    def prompter(self) -> Process | None:
        return self._client.prompter

    async def secret(self, prompt: str, warning: str = "") -> Secret:
        answer, self._answer = self._answer, None
        if answer is not None:
            return answer
        self._require_person(prompt, warning)
        return await self._client.secret(prompt, warning)

    async def text(self, prompt: str, warning: str = "") -> str:
        self._require_person(prompt, warning)
        return await self._client.text(prompt, warning)

    async def show(self, *lines: str) -> None:
        if self._client.may_ask:
            await self._client.show(*lines)

    async def unless_other_way(self, work: Coroutine[object, object, T]) -> T:
        return await work

    def _require_person(self, prompt: str, warning: str) -> None:
        if not self._client.may_ask:
            raise DeniedError(
                warning or f"there is nobody to answer: {prompt.rstrip(': ')}",
                "give it: --passphrase-file PATH",
            )


async def _written(unlocked: Unlocked, key: SlotKey) -> tuple[SlotState, str]:
    state = await unlocked.run(lambda: unlocked.own("slots").add_slot(key))
    return state, slots.mark_of(state.kind, state.title, state.created, key.block)

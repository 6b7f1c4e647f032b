"""The keys outside of the accounts (SSH keys, age plugins, the login keyring), used by way of helpers."""

from __future__ import annotations

import asyncio
import os

from keyturn.agent.tasks import Helpers
from keyturn.auth.protocol import Asking
from keyturn.ground.errors import KeyturnError, KeyUnusableError, UnreachableError
from keyturn.ground.names import printable
from keyturn.ground.secret import Secret
from keyturn.vaults.age import derive, keyring, plugin, plugin_file, ssh
from keyturn.vaults.age.derive import Result, Unwrapped, Wrapped
from keyturn.vaults.age.openers import KeyringOpener, Opener, PluginOpener, SshOpener
from keyturn.vaults.age.pins import Machine
from keyturn.vaults.age.plugin_file import PluginFile
from keyturn.vaults.failed import Failed

# The keyring answers in milliseconds, and asks nobody; a bus without one says so after some seconds.
KEYRING_SECONDS = 20.0
BUS_VARIABLE = "DBUS_SESSION_BUS_ADDRESS"


class SlotKeys:
    """Locks for, and opens with, what is outside of an account."""

    def __init__(self, helpers: Helpers, machine: Machine) -> None:
        self._helpers = helpers
        self._machine = machine

    def unavailable(self, opener: Opener) -> str:
        """Why a slot's key is not there, as far as that shows without starting a process; empty if it is."""
        if isinstance(opener, SshOpener):
            return _unavailable_ssh(opener)
        if isinstance(opener, PluginOpener):
            return plugin_file.check(opener.path, self._machine.uid)
        return keyring.missing_library() or _unavailable_bus(opener.bus)

    async def wrap_for_ssh(self, public: str) -> Wrapped:
        """A new slot identity, locked for an SSH public key. Raises UsageError for one that age refuses."""
        task = ssh.encode_task(ssh.WrapForSsh(public))
        return _wrapped(await self._work("ssh", task, None))

    async def wrap_for_plugin(
        self, found: PluginFile, name: str, recipient: str, identity: Secret, asking: Asking
    ) -> Wrapped:
        """A new slot identity, locked by the plugin for its recipient, or else for its identity.

        Raises KeyUnusableError if the plugin fails.
        """
        task = plugin.WrapForPlugin(name, recipient, identity)
        return _wrapped(await self._run_plugin(found, name, plugin.encode_task(task), asking))

    async def store_in_keyring(self, opener: KeyringOpener, account: str, label: str, key: Secret) -> None:
        """Put a slot's identity into the keyring. Raises KeyUnusableError."""
        task = keyring.StoreInKeyring(account, opener.item, label, key)
        if await self._ask_keyring(opener, task) != key:
            raise KeyUnusableError("the login keyring gave back something else than was put into it")

    async def delete_from_keyring(self, opener: KeyringOpener, account: str) -> None:
        """Raises KeyUnusableError."""
        await self._ask_keyring(opener, keyring.DeleteFromKeyring(account, opener.item))

    async def open(self, opener: Opener, account: str, block: bytes, asking: Asking) -> Secret:
        """The slot's own identity, from its first block or from the keyring.

        Takes as long as the person does; cancelled, it ends the helper and the plugin. Raises
        KeyUnusableError, and DeniedError after three wrong passphrases.
        """
        if isinstance(opener, SshOpener):
            task = ssh.UnwrapBySsh(block, opener.path, opener.unprotected)
            return _unwrapped(await self._work("ssh", ssh.encode_task(task), asking))
        if isinstance(opener, KeyringOpener):
            return await self._ask_keyring(opener, keyring.ReadFromKeyring(account, opener.item))
        found = await asyncio.to_thread(plugin_file.look_at, opener.path, self._machine.uid)
        if found.digest != opener.digest:
            raise KeyUnusableError(
                f"{printable(opener.path, 300)} is another file than when it was looked at",
                "if you have updated it: keyturn account slot use SLOT",
            )
        what = "at work" if opener.silent else "waiting: the key may want to be touched"
        await asking.show(f"{plugin.PROGRAM}{opener.name} is {what}")
        content = plugin.encode_task(plugin.UnwrapByPlugin(opener.name, block, opener.identity))
        return _unwrapped(await self._run_plugin(found, opener.name, content, asking))

    async def _run_plugin(self, found: PluginFile, name: str, task: bytes, asking: Asking) -> Result:
        program = plugin.PROGRAM + name
        uid = self._machine.uid
        path = await asyncio.to_thread(plugin_file.search_path, found, program, self._machine.state, uid)
        return await self._work("plugin", task, asking, {"PATH": path})

    async def _ask_keyring(self, opener: KeyringOpener, task: keyring.Task) -> Secret:
        content = keyring.encode_task(task)
        try:
            async with asyncio.timeout(KEYRING_SECONDS):
                return _unwrapped(await self._work("keyring", content, None, {BUS_VARIABLE: opener.bus}))
        except TimeoutError:
            raise KeyUnusableError("the login keyring does not answer") from None

    async def _work(
        self, room: str, task: bytes, asking: Asking | None, environment: dict[str, str] | None = None
    ) -> Result:
        try:
            return derive.decode_result(await self._helpers.work(room, task, asking, environment))
        except UnreachableError as error:
            raise KeyUnusableError(error.message, *error.hints) from None


def _unavailable_ssh(opener: SshOpener) -> str:
    try:
        found = ssh.look_at(opener.path)
    except KeyturnError as error:
        return error.message
    if not found.has_private:
        return f"{printable(opener.path)} is a public key; the private one opens"
    if not found.is_protected and not opener.unprotected:
        return ssh.unprotected_key(opener.path).message
    return ""


def _unavailable_bus(bus: str) -> str:
    path = bus.removeprefix(keyring.BUS_PREFIX).partition(",")[0]
    if bus.startswith(keyring.BUS_PREFIX) and os.path.exists(path):
        return ""
    return "the session bus of the login keyring is not there"


def _wrapped(result: Result) -> Wrapped:
    if isinstance(result, Failed):
        raise result.error()
    assert isinstance(result, Wrapped)
    return result


def _unwrapped(result: Result) -> Secret:
    if isinstance(result, Failed):
        raise result.error()
    assert isinstance(result, Unwrapped)
    return result.identity

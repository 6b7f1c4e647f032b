"""Requests about accounts and their vaults."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec

from keyturn.agent import requests, results, sso_store
from keyturn.agent.conversation import Conversation
from keyturn.agent.permission import Permission, Permissions
from keyturn.agent.questions import Purpose
from keyturn.agent.registry import Entry
from keyturn.agent.session_requests import account_rows
from keyturn.agent.tasks import Helpers
from keyturn.agent.uses import Use
from keyturn.ground.errors import KeyturnError, UsageError
from keyturn.ground.names import new_id, printable
from keyturn.ground.paths import Directories
from keyturn.ground.secret import Secret
from keyturn.ground.settings import Settings
from keyturn.vaults.age import creation, opening, slots
from keyturn.vaults.age.account import AgeAccount
from keyturn.vaults.age.derive import WrapPassword, Wrapped
from keyturn.vaults.failed import Failed
from keyturn.vaults.foreign import ForeignAccount


class AccountRequests:
    """Handlers; each takes the client, its request and the settings, and returns what Done carries."""

    def __init__(self, permissions: Permissions, directories: Directories) -> None:
        self._permissions = permissions
        self._accounts = permissions.accounts
        self._directories = directories

    async def create(
        self, client: Conversation, request: requests.CreateAccount, settings: Settings
    ) -> object:
        title = request.title.strip()
        if not title:
            raise UsageError("an account needs a name")
        for each in (title, request.vault):
            slots.check_title(each)
        if any(entry.title.casefold() == title.casefold() for entry in self._accounts.registry.entries()):
            raise UsageError(f"there is an account called “{printable(title)}” already", "give another name")
        directory = (
            Path(request.directory)
            if request.directory
            else self._directories.data / "accounts" / _folder(title)
        )
        wrapped = await wrap(self._accounts.helpers, request.password)
        keys = [slots.password_key(wrapped, "password")]
        code = slots.new_recovery_code() if request.recovery else None
        if code is not None:
            keys.append(slots.recovery_key(code, "recovery code"))

        def make() -> AgeAccount:
            return creation.create(directory, title, keys, self._accounts.machine, request.vault)

        backend = await asyncio.to_thread(make)
        entry = Entry(id=backend.id, title=title, directory=str(directory))
        self._accounts.registry.add(entry)
        self._accounts.adopt(entry.id, backend, request.password)
        self._permissions.allow(client.caller, Use(entry.id), settings)
        return results.CreatedAccount(entry.id, entry.directory, code)

    async def add(self, client: Conversation, request: requests.AddAccount, settings: Settings) -> object:
        directory = await asyncio.to_thread(Path(request.directory).resolve)
        account = await asyncio.to_thread(opening.account_of, directory)
        # Its own title stands encrypted inside; until it is unlocked the directory's name has to do.
        entry = Entry(id=account, title=request.account or directory.name, directory=str(directory))
        self._accounts.registry.add(entry)
        return {"id": entry.id, "title": entry.title}

    async def list_place(
        self, client: Conversation, request: requests.ListPlace, settings: Settings
    ) -> object:
        """Nothing is opened: what stands in the way shows when it is used."""
        title = request.title.strip()
        if not title:
            raise UsageError("an account needs a name")
        slots.check_title(title)
        place = request.place
        for other in self._accounts.registry.entries():
            if other.place is not None and (other.place.backend, other.place.path) == (
                place.backend,
                place.path,
            ):
                raise UsageError(f"this vault is listed already, as “{printable(other.title)}”")
        entry = Entry(id=new_id(), title=title, directory="", place=place)
        if request.password is not None:
            await asyncio.to_thread(self._accounts.passwords.keep, entry.id, request.password)
        self._accounts.registry.add(entry)
        return {"id": entry.id, "title": entry.title}

    async def list(self, client: Conversation, request: requests.ListAccounts, settings: Settings) -> object:
        return account_rows(self._permissions)

    async def trust(self, client: Conversation, request: requests.TrustAccount, settings: Settings) -> object:
        entry = self._permissions.choose(request.account, client.caller)
        pinned, found = await self._accounts.trust(entry, request.password, confirmed=request.confirmed)
        return results.Trusted(pinned or "", found)

    async def forget(
        self, client: Conversation, request: requests.ForgetAccount, settings: Settings
    ) -> object:
        entry = self._permissions.choose(request.account, client.caller)
        self._accounts.registry.remove(entry)
        await asyncio.to_thread(self._accounts.passwords.forget, entry.id)
        if entry.place is None:
            await asyncio.to_thread(self._accounts.machine.forget, entry.id)
            await asyncio.to_thread(self._accounts.openers.forget, entry.id)
            await asyncio.to_thread(sso_store.forget, self._directories, entry.id)
        self._permissions.approvals.end_account(entry.id)
        self._accounts.drop(entry.id)
        return {"title": entry.title, "directory": entry.where}

    async def rename(
        self, client: Conversation, request: requests.RenameAccount, settings: Settings
    ) -> object:
        if not request.title.strip():
            raise UsageError("an account needs a name")
        permission = await permit(self._permissions, client, request, settings, "rename")
        backend = permission.unlocked.backend
        if isinstance(backend, ForeignAccount):
            # That program's own name for it is not ours to change.
            self._accounts.registry.rename(permission.entry, request.title)
            backend.title = request.title
            return None
        own = permission.unlocked.own("title")
        self._accounts.registry.rename(permission.entry, request.title)
        try:
            await permission.unlocked.run(lambda: own.rename(request.title))
        except KeyturnError:
            renamed = msgspec.structs.replace(permission.entry, title=request.title)
            self._accounts.registry.rename(renamed, permission.entry.title)
            raise
        return None

    async def create_vault(
        self, client: Conversation, request: requests.CreateVault, settings: Settings
    ) -> object:
        permission = await permit(self._permissions, client, request, settings, "create a vault in")
        backend = permission.unlocked.backend
        made = await permission.unlocked.run(lambda: backend.create_vault(request.title))
        return results.VaultRow(made.id, made.name, 0)

    async def list_vaults(
        self, client: Conversation, request: requests.ListVaults, settings: Settings
    ) -> object:
        permission = await permit(self._permissions, client, request, settings, "list the vaults of")
        backend = permission.unlocked.backend

        def rows() -> list[results.VaultRow]:
            return [
                results.VaultRow(each.id, each.name, len(backend.items(each.id))) for each in backend.vaults()
            ]

        return await permission.unlocked.run(rows)


async def permit(
    permissions: Permissions, client: Conversation, request: requests.Request, settings: Settings, verb: str
) -> Permission:
    """Wait until the client may use the account that its request means; `verb` is for the person."""
    entry = permissions.choose(request.account, client.caller)
    line = f"keyturn is to {verb} account “{printable(entry.title)}”"
    return await permissions.obtain(client, entry, Purpose((line,), Use(entry.id)), settings)


async def wrap(helpers: Helpers, password: Secret) -> Wrapped:
    """A new slot identity under `password`. Raises UsageError for a password that is none."""
    result = await helpers.derive(WrapPassword(password=password))
    if isinstance(result, Failed):
        raise result.error()
    assert isinstance(result, Wrapped)
    return result


def _folder(title: str) -> str:
    """A directory name for an account: its title where that is harmless, else what is left of it."""
    kept = "".join(c if c.isalnum() or c in "-_" else "-" for c in title.lower()).strip("-")
    return kept[:40] or "account"

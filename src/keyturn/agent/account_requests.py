"""Requests about accounts, their slots and their vaults."""

from __future__ import annotations

import asyncio
from pathlib import Path

from keyturn.agent import requests, results
from keyturn.agent.conversation import Conversation
from keyturn.agent.permission import Permission, Permissions
from keyturn.agent.questions import Purpose
from keyturn.agent.registry import Entry
from keyturn.agent.session_requests import account_rows
from keyturn.ground.errors import KeyturnError, MissingError, UsageError
from keyturn.ground.names import printable
from keyturn.ground.paths import Directories
from keyturn.ground.secret import Secret
from keyturn.ground.settings import Settings
from keyturn.vaults.age import creation, opening, rotation, slots
from keyturn.vaults.age.account import AgeAccount
from keyturn.vaults.age.derive import Failed, WrapPassword, Wrapped


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
        wrapped = await self._wrap(request.password)
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
        self._permissions.allow(client.caller, entry, None)
        return results.CreatedAccount(entry.id, entry.directory, code)

    async def _wrap(self, password: Secret) -> Wrapped:
        result = await self._accounts.helpers.derive(WrapPassword(password=password))
        if isinstance(result, Failed):
            raise result.error()
        assert isinstance(result, Wrapped)
        return result

    async def add(self, client: Conversation, request: requests.AddAccount, settings: Settings) -> object:
        directory = await asyncio.to_thread(Path(request.directory).resolve)
        account = await asyncio.to_thread(opening.account_of, directory)
        # Its own title stands encrypted inside; until it is unlocked the directory's name has to do.
        entry = Entry(id=account, title=request.account or directory.name, directory=str(directory))
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
        await asyncio.to_thread(self._accounts.machine.forget, entry.id)
        self._permissions.approvals.end_account(entry.id)
        self._accounts.drop(entry.id)
        return {"title": entry.title, "directory": entry.directory}

    async def rename(
        self, client: Conversation, request: requests.RenameAccount, settings: Settings
    ) -> object:
        if not request.title.strip():
            raise UsageError("an account needs a name")
        permission = await self._permit(client, request, settings, "rename")
        backend = permission.unlocked.backend
        self._accounts.registry.rename(permission.entry, request.title)
        try:
            await permission.unlocked.run(lambda: backend.rename(request.title))
        except KeyturnError:
            self._accounts.registry.rename(
                Entry(permission.entry.id, request.title, permission.entry.directory), permission.entry.title
            )
            raise
        return None

    async def list_slots(
        self, client: Conversation, request: requests.ListSlots, settings: Settings
    ) -> object:
        permission = await self._permit(client, request, settings, "list the slots of")
        backend = permission.unlocked.backend
        listed = await permission.unlocked.run(backend.slots)
        unlisted = await permission.unlocked.run(backend.unlisted_slots)
        rows = [
            results.SlotRow(
                slot.id, slot.kind, slot.title, slot.created, "" if slot.present else "its file is missing"
            )
            for slot in listed
        ]
        return rows + [results.SlotRow(each, "", "", "", "unknown to this account") for each in unlisted]

    async def add_slot(self, client: Conversation, request: requests.AddSlot, settings: Settings) -> object:
        permission = await self._permit(client, request, settings, f"add a {request.kind} slot to")
        code = None
        if request.kind == slots.Kind.RECOVERY:
            code = slots.new_recovery_code()
            key = slots.recovery_key(code, request.title or "recovery code")
        elif request.kind == slots.Kind.PASSWORD and request.password is not None:
            key = slots.password_key(await self._wrap(request.password), request.title or "password")
        else:
            raise UsageError(f"no slots of kind {printable(request.kind)}", "kinds: password, recovery")
        state = await permission.unlocked.run(lambda: permission.unlocked.backend.add_slot(key))
        return results.CreatedSlot(state.id, code)

    async def remove_slot(
        self, client: Conversation, request: requests.RemoveSlot, settings: Settings
    ) -> object:
        permission = await self._permit(client, request, settings, "remove a slot of")
        backend = permission.unlocked.backend
        listed = await permission.unlocked.run(backend.slots)
        matching = [slot for slot in listed if request.slot in (slot.id, slot.title)]
        if len(matching) != 1:
            what = "no slot is" if not matching else f"{len(matching)} slots are"
            raise MissingError(f"{what} called “{printable(request.slot)}”", "see: keyturn account slot list")
        report = await permission.unlocked.run(lambda: rotation.remove_slot(backend, matching[0].id))
        permission.unlocked.verifier = None
        return _changed(report)

    async def change_password(
        self, client: Conversation, request: requests.ChangePassword, settings: Settings
    ) -> object:
        """The old password opens the slot that is exchanged; so no approval is asked for besides."""
        entry = self._permissions.choose(request.account, client.caller)
        unlocked, slot_id = await self._accounts.unlock_by(entry, request.old)
        wrapped = await self._wrap(request.new)
        report = await unlocked.run(lambda: rotation.change_password(unlocked.backend, slot_id, wrapped))
        unlocked.verifier = None
        return _changed(report)

    async def create_vault(
        self, client: Conversation, request: requests.CreateVault, settings: Settings
    ) -> object:
        permission = await self._permit(client, request, settings, "create a vault in")
        backend = permission.unlocked.backend
        made = await permission.unlocked.run(lambda: backend.create_vault(request.title))
        return results.VaultRow(made.id, made.name, 0)

    async def list_vaults(
        self, client: Conversation, request: requests.ListVaults, settings: Settings
    ) -> object:
        permission = await self._permit(client, request, settings, "list the vaults of")
        backend = permission.unlocked.backend

        def rows() -> list[results.VaultRow]:
            return [
                results.VaultRow(each.id, each.name, len(backend.items(each.id))) for each in backend.vaults()
            ]

        return await permission.unlocked.run(rows)

    async def _permit(
        self, client: Conversation, request: requests.Request, settings: Settings, verb: str
    ) -> Permission:
        entry = self._permissions.choose(request.account, client.caller)
        purpose = Purpose((f"keyturn is to {verb} account “{printable(entry.title)}”",))
        return await self._permissions.obtain(client, entry, purpose, settings)


def _changed(report: rotation.Report) -> results.IdentityChanged:
    return results.IdentityChanged(
        items=[f"{title} ({vault})" for title, vault in report.to_rotate], lines=list(report.lines)
    )


def _folder(title: str) -> str:
    """A directory name for an account: its title where that is harmless, else what is left of it."""
    kept = "".join(c if c.isalnum() or c in "-_" else "-" for c in title.lower()).strip("-")
    return kept[:40] or "account"

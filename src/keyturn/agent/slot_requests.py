"""Requests about slots: what opens an account."""

from __future__ import annotations

import asyncio
from pathlib import Path

from keyturn.agent import requests, results
from keyturn.agent.account_requests import permit, wrap
from keyturn.agent.conversation import Conversation
from keyturn.agent.permission import Permissions
from keyturn.agent.slot_adding import Adding
from keyturn.agent.unlocking import OUTSIDE, describe
from keyturn.ground.errors import ConflictError, KeyturnError, MissingError, UnsupportedError, UsageError
from keyturn.ground.names import printable
from keyturn.ground.settings import Settings
from keyturn.vaults.age import rotation, slots
from keyturn.vaults.age.account import AgeAccount, SlotState
from keyturn.vaults.age.openers import KeyringOpener, Opener
from keyturn.vaults.age.opening import read_slots
from keyturn.vaults.age.slots import Kind

TITLES = {
    Kind.PASSWORD: "password",
    Kind.RECOVERY: "recovery code",
    Kind.SSH: "SSH key",
    Kind.PLUGIN: "plugin",
    Kind.KEYRING: "login keyring",
}


class SlotRequests:
    """Handlers; each takes the client, its request and the settings, and returns what Done carries."""

    def __init__(self, permissions: Permissions) -> None:
        self._permissions = permissions
        self._accounts = permissions.accounts

    async def list(self, client: Conversation, request: requests.ListSlots, settings: Settings) -> object:
        permission = await permit(self._permissions, client, request, settings, "list the slots of")
        backend = permission.unlocked.own("slots")
        listed = await permission.unlocked.run(backend.slots)
        marks = await permission.unlocked.run(lambda: _marks(backend))
        unlisted = await permission.unlocked.run(backend.unlisted_slots)
        openers = await asyncio.to_thread(self._accounts.openers.of, permission.entry.id)
        rows = [
            results.SlotRow(
                slot.id, slot.kind, slot.title, slot.created, self._note(slot, openers.get(marks[slot.id]))
            )
            for slot in listed
        ]
        return rows + [results.SlotRow(each, "", "", "", "unknown to this account") for each in unlisted]

    def _note(self, slot: SlotState, opener: Opener | None) -> str:
        if not slot.present:
            return "its file is missing"
        if slot.kind not in OUTSIDE:
            return ""
        if opener is None:
            return "its key is not known on this machine"
        reason = self._accounts.keys.unavailable(opener)
        return describe(opener) + (f"; {reason}" if reason else "")

    async def add(self, client: Conversation, request: requests.AddSlot, settings: Settings) -> object:
        if request.kind not in set(Kind):
            raise UsageError(f"no slots of kind {printable(request.kind)}", f"kinds: {', '.join(Kind)}")
        kind = Kind(request.kind)
        title = request.title or TITLES[kind]
        slots.check_title(title)
        permission = await permit(self._permissions, client, request, settings, f"add a {kind} slot to")
        unlocked, account = permission.unlocked, permission.unlocked.own("slots")
        # Before a key is touched in vain.
        if any(slot.title == title for slot in await unlocked.run(account.slots)):
            raise ConflictError(f"the account has a slot “{title}” already", "name it: --title")
        if kind in OUTSIDE:
            adding = Adding(self._accounts, client, settings, request.outside)
            state = await adding.add(permission.entry, unlocked, kind, title)
            return results.CreatedSlot(state.id, None)
        code = None
        if kind is Kind.RECOVERY:
            code = slots.new_recovery_code()
            key = slots.recovery_key(code, title)
        elif request.password is None:
            raise UsageError("a password slot needs a password", "give it: --new-password-file PATH")
        else:
            key = slots.password_key(await wrap(self._accounts.helpers, request.password), title)
        state = await unlocked.run(lambda: account.add_slot(key))
        return results.CreatedSlot(state.id, code)

    async def use(self, client: Conversation, request: requests.UseSlot, settings: Settings) -> object:
        """Needs no permission: it gives nothing away, and only who has the key gets it remembered."""
        entry = self._permissions.choose(request.account, client.caller)
        if entry.place is not None:
            raise UnsupportedError(f"{entry.where} has no slots")
        found, _ = await asyncio.to_thread(read_slots, Path(entry.directory))
        chosen = _chosen({slot.header.slot: slot.header.title for slot in found}, request.slot)
        slot = next(slot for slot in found if slot.header.slot == chosen)
        await Adding(self._accounts, client, settings, request.outside).use(entry, slot)
        return None

    async def remove(self, client: Conversation, request: requests.RemoveSlot, settings: Settings) -> object:
        permission = await permit(self._permissions, client, request, settings, "remove a slot of")
        unlocked, account = permission.unlocked, permission.entry.id
        own = unlocked.own("slots")
        listed = await unlocked.run(own.slots)
        chosen = _chosen({slot.id: slot.title for slot in listed}, request.slot)
        marks = await unlocked.run(lambda: _marks(own))
        report = await unlocked.run(lambda: rotation.remove_slot(own, chosen))
        unlocked.verifier = None
        changed = _changed(report)
        # From here on the slot is gone, whatever becomes of what was kept for it.
        try:
            opener = (await asyncio.to_thread(self._accounts.openers.of, account)).get(marks.pop(chosen))
            if isinstance(opener, KeyringOpener):
                await self._accounts.keys.delete_from_keyring(opener, account)
            await asyncio.to_thread(self._accounts.openers.keep_only, account, set(marks.values()))
        except KeyturnError as error:
            changed.lines.append(f"what this machine kept for the slot is still there: {error.message}")
        return changed

    async def renew_recovery(
        self, client: Conversation, request: requests.RenewRecovery, settings: Settings
    ) -> object:
        permission = await permit(self._permissions, client, request, settings, "make a recovery code of")
        unlocked, own = permission.unlocked, permission.unlocked.own("recovery code")
        listed = await unlocked.run(own.slots)
        present = [slot for slot in listed if slot.kind is Kind.RECOVERY]
        if len(present) > 1:
            raise UsageError(
                f"the account has {len(present)} recovery codes",
                "remove all but one: keyturn account slot remove",
            )
        code = slots.new_recovery_code()
        if not present:
            key = slots.recovery_key(code, TITLES[Kind.RECOVERY])
            await unlocked.run(lambda: own.add_slot(key))
            return results.RenewedRecovery(code, None)
        old = present[0].id
        report = await unlocked.run(lambda: rotation.replace_recovery_code(own, old, code))
        return results.RenewedRecovery(code, _changed(report))

    async def change_password(
        self, client: Conversation, request: requests.ChangePassword, settings: Settings
    ) -> object:
        """The old password opens the slot that is exchanged; so no approval is asked for besides."""
        entry = self._permissions.choose(request.account, client.caller)
        unlocked, slot_id = await self._accounts.unlock_by(entry, request.old)
        own = unlocked.own("password of Keyturn's")
        wrapped = await wrap(self._accounts.helpers, request.new)
        report = await unlocked.run(lambda: rotation.change_password(own, slot_id, wrapped))
        unlocked.verifier = None
        return _changed(report)


def _marks(backend: AgeAccount) -> dict[str, str]:
    """The marks of the slots that the account lists, by their ids."""
    return {
        record.id: slots.mark_of(record.kind, record.title, record.created, record.block.encode())
        for record in backend.file.load().slots
    }


def _chosen(titles: dict[str, str], wanted: str) -> str:
    """The id of the one slot with this id or title. Raises MissingError."""
    matching = [each for each, title in titles.items() if wanted in (each, title)]
    if len(matching) != 1:
        what = "no slot is" if not matching else f"{len(matching)} slots are"
        raise MissingError(f"{what} called “{printable(wanted)}”", "see: keyturn account slot list")
    return matching[0]


def _changed(report: rotation.Report) -> results.IdentityChanged:
    return results.IdentityChanged(
        items=[f"{title} ({vault})" for title, vault in report.to_rotate], lines=list(report.lines)
    )

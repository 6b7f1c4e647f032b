"""Titles for a shell to complete: of what is unlocked and approved already, without a trace of it."""

from __future__ import annotations

from functools import partial

from keyturn.agent import requests
from keyturn.agent.accounts import Unlocked
from keyturn.agent.conversation import Conversation
from keyturn.agent.permission import Permissions
from keyturn.ground.errors import KeyturnError
from keyturn.ground.settings import Settings


class TitleRequests:
    """Handlers; each takes the client, its request and the settings, and returns what Done carries."""

    def __init__(self, permissions: Permissions) -> None:
        self._permissions = permissions

    async def list(self, client: Conversation, request: requests.ListTitles, settings: Settings) -> object:
        """Nobody is asked, no approval is renewed and nothing is logged: pressing Tab is no use."""
        accounts, found = self._permissions.accounts, set[str]()
        for entry in accounts.registry.entries():
            unlocked = accounts.unlocked(entry.id)
            is_meant = not request.account or request.account in (entry.id, entry.title)
            if unlocked is None or not is_meant:
                continue
            if self._permissions.approvals.is_approved(client.caller, entry.id, settings.approval):
                found |= await unlocked.run(partial(_titles, unlocked, request))
        return sorted(found)


def _titles(unlocked: Unlocked, request: requests.ListTitles) -> set[str]:
    try:
        if request.kind == "vault":
            return {vault.name for vault in unlocked.backend.vaults()}
        items = unlocked.backend.items(archived=request.kind == "archived")
    except KeyturnError:
        # What uses it will say so.
        return set()
    return {summary.title for summary, _ in items}

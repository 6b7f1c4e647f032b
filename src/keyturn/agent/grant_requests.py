"""Requests about grants: permission for programs without a terminal, for a while."""

from __future__ import annotations

from keyturn.agent import requests, results
from keyturn.agent.approvals import How
from keyturn.agent.conversation import Conversation
from keyturn.agent.grants import Grant
from keyturn.agent.permission import Permissions
from keyturn.agent.questions import Purpose
from keyturn.agent.uses import Use
from keyturn.ground.errors import LockedError, MissingError, UsageError
from keyturn.ground.names import printable
from keyturn.ground.settings import Settings
from keyturn.processes import identity


class GrantRequests:
    """Handlers; each takes the client, its request and the settings, and returns what Done carries."""

    def __init__(self, permissions: Permissions) -> None:
        self._permissions = permissions

    async def give(self, client: Conversation, request: requests.GiveGrant, settings: Settings) -> object:
        entry = self._permissions.choose(request.account, client.caller)
        longest = settings.approval.hard_hours * 3600
        if not 0 < request.seconds <= longest:
            raise UsageError(
                f"a grant lasts between a second and {longest // 3600} hours",
                "the longest is the setting approval.hard_hours",
            )
        root = None
        if request.tree:
            process = identity.read(request.tree)
            if process is None or process.nested or process.uid != _uid(client):
                raise UsageError(f"there is no process {request.tree} of yours")
            root = (process.pid, process.start)
        purpose = Purpose((_line(entry.title, request),), Use(entry.id))
        permission = await self._permissions.obtain(client, entry, purpose, settings)
        if permission.how is not How.APPROVED:
            # Else what was let in for a while could let itself in for longer.
            raise LockedError(
                "a grant is given from a terminal", "in a script: keyturn signin --password-file PATH"
            )
        grant = self._permissions.approvals.grants.give(
            entry.id, request.seconds, plugin=request.plugin, below=request.below, root=root
        )
        return _row(grant, entry.title, request.seconds)

    async def revoke(self, client: Conversation, request: requests.RevokeGrant, settings: Settings) -> object:
        grants = self._permissions.approvals.grants
        if not request.number:
            grants.end_all()
        elif not grants.revoke(request.number):
            raise MissingError(f"there is no grant {printable(request.number)}", "see: keyturn grant list")
        return None


def rows(permissions: Permissions) -> list[results.GrantRow]:
    """Every grant that holds now."""
    titles = {entry.id: entry.title for entry in permissions.accounts.registry.entries()}
    found = permissions.approvals.grants.listed()
    return [_row(grant, titles.get(grant.account, grant.account), left) for grant, left in found]


def _row(grant: Grant, account: str, left: float) -> results.GrantRow:
    process = grant.root[0] if grant.root is not None else 0
    return results.GrantRow(grant.id, account, process, grant.plugin, grant.below, int(left))


def _uid(client: Conversation) -> int:
    return client.caller.process.uid if client.caller.process is not None else -1


def _line(title: str, request: requests.GiveGrant) -> str:
    who = f"process {request.tree} and what it starts" if request.tree else "programs without a terminal"
    what = f" for {printable(request.plugin)}" if request.plugin else ""
    where = f" in {printable(request.below)}" if request.below else ""
    return f"let {who} use “{printable(title)}”{what}{where} for {request.seconds // 60 or 1} min"

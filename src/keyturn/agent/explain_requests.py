"""Requests about what would happen: plans, and items with something amiss."""

from __future__ import annotations

import asyncio

from keyturn.agent import requests, results
from keyturn.agent.conversation import Conversation
from keyturn.agent.hooks import Hooks
from keyturn.agent.permission import Permission, Permissions
from keyturn.agent.running import Runner
from keyturn.agent.uses import Use
from keyturn.catalogue import loader
from keyturn.ground.errors import KeyturnError
from keyturn.ground.settings import Settings
from keyturn.ground.wire import RunRequest
from keyturn.sdk.schema import Plugin


class ExplainRequests:
    """Handlers; each takes the client, its request and the settings, and returns what Done carries."""

    def __init__(self, permissions: Permissions, runner: Runner, hooks: Hooks) -> None:
        self._permissions = permissions
        self._runner = runner
        self._hooks = hooks

    async def explain(self, client: Conversation, request: requests.Explain, settings: Settings) -> object:
        wanted = RunRequest(request.name, request.path, request.arguments, request.environment)
        explanation = await self._runner.explain(client, wanted, settings)
        return results.Explained(lines=list(explanation.lines), notes=list(explanation.notes))

    async def diagnose(self, client: Conversation, request: requests.Diagnose, settings: Settings) -> object:
        """Nobody is asked: of what is locked, or not approved here, nothing is said."""
        plugin = loader.find_by_executable(request.executable)
        found = []
        for reference in request.items if plugin is not None else ():
            try:
                entry = self._permissions.entry(reference.account, reference.title)
            except KeyturnError:
                continue
            permission = self._permissions.at_once(
                client.caller, entry, Use(entry.id, reference.item), settings
            )
            if permission is not None and plugin is not None:
                found += await asyncio.to_thread(self._lines, permission, plugin, reference.item)
        return found

    def _lines(self, permission: Permission, plugin: Plugin, item: str) -> list[str]:
        try:
            return self._hooks.diagnose(plugin, permission.unlocked.backend.get(item)[0])
        except KeyturnError:
            # It is gone, or its account damaged: what uses it will say so.
            return []

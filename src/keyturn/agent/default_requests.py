"""Requests about the defaults that name items."""

from __future__ import annotations

import asyncio
from functools import partial

from keyturn.agent import requests
from keyturn.agent.conversation import Conversation
from keyturn.agent.item_access import ItemAccess
from keyturn.ground.errors import UsageError
from keyturn.ground.names import printable
from keyturn.ground.settings import Settings
from keyturn.processes import identity
from keyturn.processes.identity import TerminalSession
from keyturn.scopes import defaults, places
from keyturn.scopes.defaults import Defaults, DefaultsFile
from keyturn.scopes.layers import Scope
from keyturn.scopes.sessions import SessionDefaults


class DefaultRequests:
    """Handlers; each takes the client, its request and the settings, and returns what Done carries."""

    def __init__(self, access: ItemAccess, defaults_file: DefaultsFile, sessions: SessionDefaults) -> None:
        self._access = access
        self._defaults = defaults_file
        self._sessions = sessions

    async def set(self, client: Conversation, request: requests.SetDefault, settings: Settings) -> object:
        terminal = _terminal(client, request)
        verb = f"set the default of {printable(request.executable)} in"
        await self._access.permit(client, request, settings, verb)
        await asyncio.to_thread(self._defaults.change, partial(_with_request, request))
        if terminal is not None:
            item = {request.executable: request.reference}
            await asyncio.to_thread(self._sessions.change, terminal, lambda items: {**items, **item})
        return None


def _terminal(client: Conversation, request: requests.SetDefault) -> TerminalSession | None:
    """The terminal session that the default is for; None in another scope. UsageError if there is none."""
    if request.scope is Scope.DIRECTORY:
        try:
            places.path(request.place)
        except ValueError:
            raise UsageError("no directory is named that a default could be for") from None
    if request.scope is not Scope.SESSION:
        return None
    terminal = identity.nearest_terminal_session(client.caller.process)
    if terminal is None:
        raise UsageError(
            "there is no terminal session here that a default could be for",
            "in a terminal it is for that one; else choose --scope directory or --scope global",
        )
    return terminal


def _with_request(request: requests.SetDefault, known: Defaults) -> Defaults:
    """`known` with what the request asks for, but for a session's default."""
    item = request.reference
    if request.scope is Scope.DIRECTORY:
        known = defaults.with_directory_default(known, request.place, request.executable, item)
    elif request.scope is Scope.GLOBAL:
        known = defaults.with_default(known, request.executable, item)
    if request.vault_title:
        known = defaults.with_vault_title(known, item.vault, request.vault_title)
    if request.bind:
        known = defaults.with_binding(known, request.owner or request.plugin, request.bind, item)
    if request.trust:
        known = defaults.with_trusted(known, request.plugin, request.trust)
    return known

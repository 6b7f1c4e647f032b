"""Requests about the agent itself: signing in and out, status."""

from __future__ import annotations

import math
import os
from collections.abc import Awaitable, Callable

from keyturn import __version__
from keyturn.agent import grant_requests, requests, results
from keyturn.agent.audit import Audit
from keyturn.agent.callers import Caller
from keyturn.agent.connection import Connection
from keyturn.agent.conversation import Conversation
from keyturn.agent.grants import SCRIPT_SECONDS
from keyturn.agent.permission import Permissions
from keyturn.agent.questions import Matter, Purpose, nobody_to_ask
from keyturn.agent.registry import Entry
from keyturn.agent.uses import Use
from keyturn.ground import wire
from keyturn.ground.errors import KeyturnError, UsageError
from keyturn.ground.settings import Settings
from keyturn.processes import identity
from keyturn.processes.facts import Process


class SessionRequests:
    """Handlers; each takes the client, its request and the settings, and returns what Done carries."""

    def __init__(self, permissions: Permissions, audit: Audit, idle_left: Callable[[], float]) -> None:
        """`idle_left`: the seconds until all accounts lock if nothing is used."""
        self._permissions = permissions
        self._audit = audit
        self._idle_left = idle_left

    async def hello(self, client: Conversation, request: requests.Hello, settings: Settings) -> object:
        return {"version": __version__, "pid": os.getpid()}

    async def talk(self, client: Conversation, request: requests.Talk, settings: Settings) -> object:
        """The elected launcher, come back as the CLI. Whether it is still its turn is part of the answer."""
        reported = self._permissions.questions.report(request.ticket, client.caller)
        if reported is None:
            return False
        matter, purpose = reported
        try:
            return await client.converse(self._permissions, matter, request.ticket, purpose)
        except KeyturnError as error:
            # The launcher will not come back to hear it.
            self._audit.write(client.caller, purpose, error)
            raise

    async def sign_in(self, client: Conversation, request: requests.SignIn, settings: Settings) -> object:
        entry = self._permissions.choose(request.account, client.caller)
        if request.password is not None:
            await self._unlock(entry, request)
            return self._allow(client.caller, entry, settings, once=request.once)
        if client.caller.terminal is None:
            raise nobody_to_ask(Matter("unlock", entry.id))
        purpose = Purpose((f"keyturn signin to “{entry.title}”",), Use(entry.id))
        await self._permissions.obtain(client, entry, purpose, settings)
        # Not approved anew: that would move the hard limit without anybody being asked.
        self._permissions.approvals.remember(client.caller.terminal, entry.id)
        return {"account": entry.title, "grant": False}

    async def _unlock(self, entry: Entry, request: requests.SignIn) -> None:
        assert request.password is not None
        accounts = self._permissions.accounts
        if accounts.unlocked(entry.id) is not None:
            await accounts.verify(entry, request.password)
        else:
            await accounts.unlock(entry, request.password)
        self._permissions.questions.settle(Matter("unlock", entry.id))

    def _allow(self, caller: Caller, entry: Entry, settings: Settings, *, once: bool) -> object:
        """Approve the terminal; without one, a grant for a process and its descendants."""
        use, grants = Use(entry.id), self._permissions.approvals.grants
        if self._permissions.allow(caller, use, settings) is not None:
            self._permissions.questions.settle(Matter("approve", entry.id, caller.terminal))
            self._permissions.questions.settle(Matter("approve", entry.id))
            return {"account": entry.title, "grant": False}
        if once and caller.process is not None:
            grants.give(entry.id, SCRIPT_SECONDS, root=(caller.process.pid, caller.process.start))
            return {"account": entry.title, "grant": False}
        parent = identity.read(caller.process.parent) if caller.process is not None else None
        if caller.process is None or parent is None or not _may_be_granted(parent, caller.process):
            raise UsageError(
                "there is no terminal, and no parent process of yours that could be given access",
                "run signin and the command from one script",
            )
        grants.give(entry.id, SCRIPT_SECONDS, root=(parent.pid, parent.start))
        return {"account": entry.title, "grant": True}

    async def sign_out(self, client: Conversation, request: requests.SignOut, settings: Settings) -> object:
        approvals = self._permissions.approvals
        approvals.end(client.caller.terminal)
        if request.everywhere:
            approvals.end_all()
            approvals.grants.end_all()
        return None

    async def status(self, client: Conversation, request: requests.GetStatus, settings: Settings) -> object:
        accounts, approvals = self._permissions.accounts, self._permissions.approvals
        titles = {entry.id: entry.title for entry in accounts.registry.entries()}
        here = client.caller.terminal
        return results.Status(
            version=__version__,
            pid=os.getpid(),
            preset=str(settings.approval.preset),
            locks_in_seconds=int(self._idle_left()) if accounts.any_unlocked else None,
            accounts=account_rows(self._permissions),
            approvals=[
                results.ApprovalRow(
                    account=titles.get(scope.account, scope.account),
                    terminal=identity.terminal_name(scope.terminal.terminal) if scope.terminal else "",
                    this=here is not None and scope.terminal in (None, here),
                    seconds_left=int(left) if math.isfinite(left) else None,
                    item=scope.item,
                    program=scope.program.path if scope.program is not None else "",
                )
                for scope, left in approvals.listed(settings.approval)
            ],
            grants=grant_requests.rows(self._permissions),
        )


async def segment(
    connection: Connection,
    status: Callable[[Conversation, requests.GetStatus, Settings], Awaitable[object]],
    settings: Settings,
) -> bytes:
    """What a shell's prompt shows: nobody is asked, and nothing is renewed."""
    client = Conversation(connection, settings, may_ask=False)
    found = await status(client, requests.GetStatus(), settings)
    return wire.encode_segment(results.short(found) if isinstance(found, results.Status) else "")


def account_rows(permissions: Permissions) -> list[results.AccountRow]:
    """Every listed account, and whether it is unlocked."""
    return [
        results.AccountRow(
            entry.id,
            entry.title,
            entry.where,
            permissions.accounts.unlocked(entry.id) is not None,
            entry.place.backend if entry.place is not None else "keyturn",
        )
        for entry in permissions.accounts.registry.entries()
    ]


def _may_be_granted(parent: Process, child: Process) -> bool:
    """Whether a grant may go to the parent of the process that signs in.

    Not to a service manager, a cron daemon or a tmux server: everything that the user runs descends
    from such a one.
    """
    is_manager = parent.parent <= 1 and parent.session != child.session
    return parent.pid > 1 and parent.uid == child.uid and not is_manager

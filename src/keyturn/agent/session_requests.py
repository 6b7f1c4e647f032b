"""Requests about the agent itself: signing in and out, locking, status."""

from __future__ import annotations

import os

from keyturn import __version__
from keyturn.agent import requests, results
from keyturn.agent.callers import Caller
from keyturn.agent.conversation import Conversation
from keyturn.agent.permission import Permissions
from keyturn.agent.questions import Matter, Purpose, nobody_to_ask
from keyturn.agent.registry import Entry
from keyturn.ground.errors import UsageError
from keyturn.ground.settings import Settings
from keyturn.processes import identity
from keyturn.processes.facts import Process


class SessionRequests:
    """Handlers; each takes the client, its request and the settings, and returns what Done carries."""

    def __init__(self, permissions: Permissions) -> None:
        self._permissions = permissions

    async def hello(self, client: Conversation, request: requests.Hello, settings: Settings) -> object:
        return {"version": __version__, "pid": os.getpid()}

    async def talk(self, client: Conversation, request: requests.Talk, settings: Settings) -> object:
        """The elected launcher, come back as the CLI. Whether it is still its turn is part of the answer."""
        reported = self._permissions.questions.report(request.ticket, client.caller)
        if reported is None:
            return False
        matter, purpose = reported
        return await client.converse(self._permissions, matter, request.ticket, purpose)

    async def sign_in(self, client: Conversation, request: requests.SignIn, settings: Settings) -> object:
        entry = self._permissions.choose(request.account, client.caller)
        if request.password is not None:
            await self._unlock(entry, request)
            return self._allow(client.caller, entry, once=request.once)
        if client.caller.terminal is None:
            raise nobody_to_ask(Matter("unlock", entry.id))
        purpose = Purpose((f"keyturn signin to “{entry.title}”",))
        await self._permissions.obtain(client, entry, purpose, settings)
        return {"account": entry.title, "grant": False}

    async def _unlock(self, entry: Entry, request: requests.SignIn) -> None:
        assert request.password is not None
        accounts = self._permissions.accounts
        if accounts.unlocked(entry.id) is not None:
            await accounts.verify(entry, request.password)
        else:
            await accounts.unlock(entry, request.password)
        self._permissions.questions.settle(Matter("unlock", entry.id))

    def _allow(self, caller: Caller, entry: Entry, *, once: bool) -> object:
        """Approve the terminal; without one, a grant for a process and its descendants."""
        if self._permissions.allow(caller, entry, None) is not None:
            assert caller.terminal is not None
            self._permissions.questions.settle(Matter("approve", entry.id, caller.terminal))
            return {"account": entry.title, "grant": False}
        if once and caller.process is not None:
            self._permissions.approvals.grant(entry.id, caller.process.pid, caller.process.start)
            return {"account": entry.title, "grant": False}
        parent = identity.read(caller.process.parent) if caller.process is not None else None
        if caller.process is None or parent is None or not _may_be_granted(parent, caller.process):
            raise UsageError(
                "there is no terminal, and no parent process of yours that could be given access",
                "run signin and the command from one script",
            )
        self._permissions.approvals.grant(entry.id, parent.pid, parent.start)
        return {"account": entry.title, "grant": True}

    async def sign_out(self, client: Conversation, request: requests.SignOut, settings: Settings) -> object:
        self._permissions.approvals.end(client.caller.terminal, everywhere=request.everywhere)
        return None

    async def status(self, client: Conversation, request: requests.GetStatus, settings: Settings) -> object:
        accounts, approvals = self._permissions.accounts, self._permissions.approvals
        titles = {entry.id: entry.title for entry in accounts.registry.entries()}
        return results.Status(
            version=__version__,
            pid=os.getpid(),
            accounts=account_rows(self._permissions),
            approvals=[
                results.ApprovalRow(
                    account=titles.get(account, account),
                    terminal=_terminal_name(terminal.terminal),
                    this=terminal == client.caller.terminal,
                    seconds_left=int(left),
                )
                for terminal, account, left in approvals.listed(settings.approval)
            ],
            grants=[
                results.GrantRow(titles.get(grant.account, grant.account), grant.pid, int(left))
                for grant, left in approvals.listed_grants()
            ],
        )


def account_rows(permissions: Permissions) -> list[results.AccountRow]:
    """Every listed account, and whether it is unlocked."""
    return [
        results.AccountRow(
            entry.id, entry.title, entry.directory, permissions.accounts.unlocked(entry.id) is not None
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


def _terminal_name(device: int) -> str:
    """pts/3 for a pseudo-terminal of Linux (major numbers 136 to 143), else the device's numbers."""
    major, minor = os.major(device), os.minor(device)
    return f"pts/{(major - 136) * 256 + minor}" if 136 <= major <= 143 else f"{major}:{minor}"

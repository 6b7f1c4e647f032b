"""Holding the conversation of an elected one, on a terminal or in a window."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Protocol, TypeVar

from keyturn.agent.callers import Caller
from keyturn.agent.permission import Permissions
from keyturn.agent.questions import Matter, Purpose
from keyturn.auth.protocol import Asking
from keyturn.ground.errors import KeyturnError
from keyturn.ground.settings import Settings
from keyturn.ground.wire import WireError

T = TypeVar("T")


class Talk(Asking, Protocol):
    """A conversation that can be cut off."""

    async def run(self, work: Coroutine[object, object, T]) -> T:
        """Do `work`, which asks, while the person's answers are taken.

        Raises CancelledByPersonError when the person cancels; EOFError, ConnectionError or WireError when
        the other side is gone or garbles. The work is cancelled then, and its clean-up waited for.
        """


async def converse(
    talk: Talk,
    permissions: Permissions,
    matter: Matter,
    ticket: str,
    purpose: Purpose,
    caller: Caller,
    settings: Settings,
) -> bool:
    """Ask the person at the other end about `matter` and tell all who wait. False if the turn was lost."""
    try:
        await talk.run(permissions.ask(talk, matter, purpose))
    except asyncio.CancelledError:
        # Settled elsewhere, given to another terminal, or the client is gone.
        task = asyncio.current_task()
        assert task is not None
        task.uncancel()
        permissions.questions.drop(matter, ticket)
        verdict = permissions.questions.verdict(ticket)
        if verdict is not None:
            raise verdict from None
        return False
    except (EOFError, ConnectionError, WireError):
        permissions.questions.drop(matter, ticket)
        raise
    except KeyturnError as error:
        permissions.questions.fail(matter, ticket, error)
        raise
    permissions.agreed(matter, purpose, caller, settings)
    return True

"""One CLI at the other end: its request, and the questions that it puts to its person for us."""

from __future__ import annotations

import asyncio

import msgspec

from keyturn.agent import messages
from keyturn.agent.callers import Caller
from keyturn.agent.connection import Connection
from keyturn.agent.permission import Permissions
from keyturn.agent.questions import Matter, Purpose, cancelled
from keyturn.ground.secret import Secret
from keyturn.ground.wire import WireError


class Conversation:
    """Implements `Asker` and `Asking` on a control connection."""

    def __init__(self, connection: Connection, *, may_ask: bool) -> None:
        self._connection = connection
        self.caller: Caller = connection.caller
        self.may_ask = may_ask
        self._lines: list[str] = []
        self._number = 0

    async def waiting(self) -> None:
        await self._connection.say_wait(messages.encode(messages.Waiting()))

    async def elected(self, permissions: Permissions, matter: Matter, ticket: str) -> None:
        """A CLI is asked on the connection that it has; if its turn is lost meanwhile, it waits on."""
        reported = permissions.questions.report(ticket, self.caller)
        if reported is None or not await self.converse(permissions, matter, ticket, reported[1]):
            await self._connection.send(messages.encode(messages.Waiting()))

    async def converse(self, permissions: Permissions, matter: Matter, ticket: str, purpose: Purpose) -> bool:
        """Ask the person at the other end about `matter`; False if the turn was lost meanwhile."""
        self._lines = list(purpose.lines)
        try:
            await permissions.converse(self, matter, ticket, purpose, self.caller)
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
        except (EOFError, ConnectionError):
            permissions.questions.drop(matter, ticket)
            raise
        return True

    async def secret(self, prompt: str, warning: str = "") -> Secret:
        self._number += 1
        question = messages.Ask(number=self._number, lines=self._lines, prompt=prompt, warning=warning)
        await self._connection.send(messages.encode(question))
        while True:
            try:
                answer = messages.decode_answer(await self._connection.receive())
            except msgspec.DecodeError:
                raise WireError("an answer that is none") from None
            if answer.number != self._number:
                # Typed for a question that was withdrawn in the same moment.
                continue
            if isinstance(answer, messages.Cancel):
                raise cancelled()
            return answer.secret

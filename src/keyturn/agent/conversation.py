"""One CLI at the other end: its request, and the questions that it puts to its person for us."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

import msgspec

from keyturn.agent import messages, talking
from keyturn.agent.callers import Caller
from keyturn.agent.connection import Connection
from keyturn.agent.other_ways import OtherWays
from keyturn.agent.permission import Permissions
from keyturn.agent.questions import Matter, Purpose, cancelled
from keyturn.ground.secret import Secret
from keyturn.ground.settings import Settings
from keyturn.ground.wire import WireError
from keyturn.processes.facts import Process
from keyturn.sdk.printed import Printed
from keyturn.sdk.sign_in import Redirected

T = TypeVar("T")


class Conversation:
    """Implements `Asker`, `Asking`, `Browsing` and `RunningPrograms` on a control connection."""

    # Where a request says so, programs of its caller's can be run at the other end, whoever is there.
    may_execute = False

    def __init__(
        self, connection: Connection, settings: Settings, *, may_ask: bool, has_browser: bool = False
    ) -> None:
        self._connection = connection
        self._settings = settings
        self.caller: Caller = connection.caller
        self.may_ask = may_ask
        self.has_browser = has_browser
        self._lines: list[str] = []
        self._number = 0
        self._answer: asyncio.Future[tuple[int, Secret]] | None = None
        self._ended: messages.Ended | None = None
        self._ways = OtherWays()

    @property
    def prompter(self) -> Process | None:
        return self.caller.process

    async def waiting(self) -> None:
        await self._connection.say_wait(messages.encode(messages.Waiting()))

    async def has_window(self) -> bool:
        return False

    async def tell(self, line: str) -> None:
        await self.show(line)

    async def elected(
        self, permissions: Permissions, matter: Matter, ticket: str, *, asks_nobody: bool = False
    ) -> None:
        """A CLI is asked on the connection that it has; if its turn is lost meanwhile, it waits on."""
        reported = permissions.questions.report(ticket, self.caller)
        if reported is None or not await self.converse(permissions, matter, ticket, reported[1]):
            await self._connection.send(messages.encode(messages.Waiting()))

    async def converse(self, permissions: Permissions, matter: Matter, ticket: str, purpose: Purpose) -> bool:
        """Ask the person at the other end about `matter`; False if the turn was lost meanwhile."""
        self._lines = list(purpose.lines)
        try:
            return await talking.converse(
                self, permissions, matter, ticket, purpose, self.caller, self._settings
            )
        finally:
            # What is told after it does not stand below a question that was answered.
            self._lines = []

    async def run(self, work: Coroutine[object, object, T]) -> T:
        working = asyncio.ensure_future(work)
        listening = asyncio.ensure_future(self._listen())
        try:
            await asyncio.wait((working, listening), return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                return working.result()
            listening.result()
            raise AssertionError("listening ends by an error only")
        finally:
            for task in (working, listening):
                task.cancel()
            # Its clean-up is waited for: a helper is ended, a dialog taken back.
            await asyncio.gather(working, listening, return_exceptions=True)

    async def _listen(self) -> None:
        """Take the client's answers as they come. Raises when the person cancels or hangs up."""
        while True:
            try:
                reply = messages.decode_answer(await self._connection.receive())
            except msgspec.DecodeError:
                raise WireError("an answer that is none") from None
            if reply.number != self._number:
                # Typed for a question that was withdrawn in the same moment.
                continue
            if isinstance(reply, messages.Cancel):
                raise cancelled()
            if isinstance(reply, messages.OtherWay):
                self._ways.leave(self._ways.innermost)
            elif self._answer is None or self._answer.done():
                continue
            elif isinstance(reply, messages.Ended):
                self._ended = reply
                self._answer.set_result((reply.status, reply.output))
            elif isinstance(reply, messages.Returned):
                self._answer.set_result((reply.port, reply.query))
            else:
                self._answer.set_result((0, reply.secret))

    async def unless_other_way(self, work: Coroutine[object, object, T]) -> T:
        return await self._ways.do(work)

    async def secret(self, prompt: str, warning: str = "") -> Secret:
        return await self._ask(prompt, warning, echo=False)

    async def text(self, prompt: str, warning: str = "") -> str:
        return (await self._ask(prompt, warning, echo=True)).reveal()

    async def _ask(self, prompt: str, warning: str, *, echo: bool) -> Secret:
        self._number += 1
        self._answer = asyncio.get_running_loop().create_future()
        question = messages.Ask(
            number=self._number,
            lines=self._lines,
            prompt=prompt,
            warning=warning,
            echo=echo,
            other_way=self._ways.innermost is not None,
        )
        await self._connection.send(messages.encode(question))
        return (await self._answer)[1]

    async def execute(self, command: str, seconds: float) -> tuple[int, Secret]:
        """Implements `codes.Executing`."""
        self._number += 1
        self._answer = asyncio.get_running_loop().create_future()
        execute = messages.Execute(number=self._number, command=command, seconds=seconds)
        await self._connection.send(messages.encode(execute))
        return await self._answer

    async def run_program(
        self, words: tuple[str, ...], assign: tuple[tuple[str, str], ...], seconds: float
    ) -> Printed:
        """Implements `programs.RunningPrograms`."""
        self._number += 1
        self._answer = asyncio.get_running_loop().create_future()
        execute = messages.Execute(
            number=self._number, command="", seconds=seconds, words=list(words), assign=dict(assign)
        )
        await self._connection.send(messages.encode(execute))
        status, output = await self._answer
        ended = self._ended
        is_late, is_cut = (ended.is_late, ended.is_cut) if ended is not None else (False, False)
        return Printed(status, output, is_late, is_cut)

    async def browse(self, address: str, *lines: str) -> Redirected:
        """Implements `Browsing`."""
        self._number += 1
        self._answer = asyncio.get_running_loop().create_future()
        browse = messages.Browse(number=self._number, lines=[*self._lines, *lines], address=address)
        await self._connection.send(messages.encode(browse))
        port, query = await self._answer
        return Redirected(port, query)

    async def show(self, *lines: str) -> None:
        self._number += 1
        shown = messages.Show(
            number=self._number, lines=[*self._lines, *lines], other_way=self._ways.innermost is not None
        )
        await self._connection.send(messages.encode(shown))

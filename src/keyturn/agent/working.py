"""Work that takes time on behalf of a caller: its person hears what is waited for, and is asked for codes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from keyturn.agent.permission import Asker, Permissions
from keyturn.agent.questions import Purpose
from keyturn.ground.names import printable
from keyturn.processes.identity import TerminalSession
from keyturn.sdk.codes import CodeQuestion
from keyturn.sdk.printed import ProcessQuestion
from keyturn.sdk.sign_in import SignInQuestion

T = TypeVar("T")

# What is done sooner is not worth a word.
SILENT_SECONDS = 1.0


class Tellers:
    """Which terminals hear of something already: of a hundred callers on one, one is told."""

    def __init__(self) -> None:
        self._busy: set[TerminalSession] = set()

    def take(self, terminal: TerminalSession | None) -> bool:
        """Whether this caller is the one to be told; then `leave` has to follow."""
        if terminal is None or terminal in self._busy:
            return False
        self._busy.add(terminal)
        return True

    def leave(self, terminal: TerminalSession | None) -> None:
        if terminal is not None:
            self._busy.discard(terminal)


@dataclass(frozen=True)
class CallersSide:
    """Implements `sdk.run.Worker` for one caller; `purpose` is that of the item that is used."""

    asker: Asker
    permissions: Permissions
    tellers: Tellers
    purpose: Purpose

    async def code(self, question: CodeQuestion) -> None:
        device = printable(question.device, 200)
        line = f"{self.purpose.command} needs a one-time code of {device} to {question.purpose}"
        await self.permissions.obtain_code(
            self.asker, replace(self.purpose, lines=(line, *self.purpose.lines[1:]), code=question)
        )

    @property
    def account(self) -> str:
        return self.purpose.use.account

    async def sign_in(self, question: SignInQuestion) -> None:
        # Who called the command that signs in knows for what.
        line = f"{self.purpose.command} needs you to sign in to “{printable(question.title, 200)}”"
        first = (line,) if self.purpose.command else ()
        purpose = replace(self.purpose, lines=(*first, *self.purpose.lines[1:]), sign_in=question)
        await self.permissions.obtain_sign_in(self.asker, purpose)

    async def output(self, question: ProcessQuestion) -> None:
        await self.permissions.obtain_output(self.asker, replace(self.purpose, process=question))

    async def follow(self, work: asyncio.Future[T], line: Callable[[], str]) -> T:
        terminal, is_teller, shown = self.asker.caller.terminal, False, ""
        try:
            while not (await asyncio.wait((work,), timeout=SILENT_SECONDS))[0]:
                await self.asker.waiting()
                is_teller = is_teller or self.tellers.take(terminal)
                if is_teller and line() != shown:
                    shown = line()
                    await self.asker.tell(shown)
        finally:
            if is_teller:
                self.tellers.leave(terminal)
        return work.result()

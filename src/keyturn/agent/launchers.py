"""A launcher that has to wait for a person: it can wait but not talk."""

from __future__ import annotations

import asyncio

from keyturn.agent import pinentry, talking
from keyturn.agent.connection import Connection
from keyturn.agent.permission import Permissions
from keyturn.agent.pinentry import PinentryAsking
from keyturn.agent.questions import Matter
from keyturn.agent.tasks import Helpers
from keyturn.ground import wire
from keyturn.ground.settings import Settings
from keyturn.processes import desktop


class ElectedError(Exception):
    """A launcher was elected: it has to become the CLI and come back with this ticket."""

    def __init__(self, ticket: str) -> None:
        self.ticket = ticket


class LauncherAsker:
    """Implements `Asker` for a launcher.

    One with a terminal becomes the CLI when it is elected. One without, but with a desktop, stays what it
    is, and its person is asked in a window.
    """

    may_ask = True
    may_execute = True

    def __init__(
        self, connection: Connection, environment: list[bytes], settings: Settings, helpers: Helpers
    ) -> None:
        """`environment` is the caller's; what a window needs is taken out of it, if it comes to that."""
        self.caller = connection.caller
        self._connection = connection
        self._environment = environment
        self._settings = settings
        self._helpers = helpers
        self._window: str | None = None

    async def waiting(self) -> None:
        await self._connection.say_wait(wire.WAIT)

    async def has_window(self) -> bool:
        """Whether its person can be asked in a window; a terminal, if it has one, is the better place."""
        if self._window is None:
            self._window = "" if self.caller.terminal is not None else await self._find_window()
        return bool(self._window)

    async def _find_window(self) -> str:
        if not self._settings.prompt.desktop or self.caller.process is None:
            return ""
        pairs = (entry.partition(b"=") for entry in self._environment)
        variables = {name: value for name, _, value in pairs}
        if not desktop.is_there(variables):
            return ""
        self._variables = desktop.variables(variables)
        uid, prompt = self.caller.process.uid, self._settings.prompt
        found = await asyncio.to_thread(pinentry.find, prompt, self._variables, uid)
        return found if isinstance(found, str) else ""

    async def tell(self, line: str) -> None:
        is_dumb = not any(each.startswith(b"TERM=") and each != b"TERM=dumb" for each in self._environment)
        # From the background it would stop at `stty tostop`, and disturb whoever is in front.
        if self.caller.is_foreground and not is_dumb:
            await self._connection.send(wire.encode_show(f"keyturn: {line}"))

    async def elected(
        self, permissions: Permissions, matter: Matter, ticket: str, *, asks_nobody: bool = False
    ) -> None:
        if asks_nobody or not await self.has_window():
            raise ElectedError(ticket)
        reported = permissions.questions.report(ticket, self.caller)
        if reported is None:
            return
        _, purpose = reported
        asking = PinentryAsking(
            self._window or "",
            self._variables,
            purpose.lines,
            self.caller.process,
            float(self._settings.prompt.timeout_seconds),
            self._helpers.running,
        )
        done = await talking.converse(
            asking, permissions, matter, ticket, purpose, self.caller, self._settings
        )
        if not done and self._connection.is_gone:
            raise EOFError

"""Following logind in a test: what was heard, and a script beside it."""

import asyncio
import os
from collections.abc import Awaitable, Callable

from keyturn.agent.logind import Callbacks, Logind
from tests.agent.login import PATH, SystemBus

UID, OTHER = 1000, 1001
MINE, THEIRS, NEW = (f"{PATH}/session/_3{number}" for number in (1, 2, 3))


class Heard:
    """What the callbacks were told, in order."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self._news = asyncio.Event()

    def callback(self, word: str) -> Callable[[], Awaitable[None]]:
        async def told() -> None:
            self.words.append(word)
            self._news.set()

        return told

    @property
    def callbacks(self) -> Callbacks:
        return Callbacks(self.callback("sleep"), self.callback("screen"), self.callback("logout"))

    async def up_to(self, word: str) -> list[str]:
        """Wait for a word; all that was said before, and the word."""
        async with asyncio.timeout(5):
            while word not in self.words:
                self._news.clear()
                await self._news.wait()
        said, self.words = self.words, []
        return said


async def until(claim: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not claim():  # noqa: ASYNC110  # the other side is a thread or a process
            await asyncio.sleep(0.01)


Script = Callable[[Logind, Heard], Awaitable[None]]


def follow(bus: SystemBus, script: Script) -> None:
    """Run a script beside a Logind that follows the bus.

    Signals are taken in their order: what must not be heard is sent before what must.
    """

    async def run() -> None:
        heard = Heard()
        followed = Logind(UID, heard.callbacks, str(bus.socket), os.getuid())
        followed.start()
        async with asyncio.timeout(20):
            await followed.following.wait()
            try:
                await script(followed, heard)
            finally:
                await followed.close()
        assert heard.words == []

    asyncio.run(run())

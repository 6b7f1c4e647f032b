"""A program of an ordinary user: one authenticator goes through a scene, by real parts of the machine.

The scene is JSON in the first argument: `authenticator`, what it is made with, `answers` to its questions.
What the person sees is printed as it happens, a JSON array a line; at last an object: how it ended.
"""

import asyncio
import json
import os
import sys
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from keyturn.agent.tasks import Helpers
from keyturn.auth import system_bus
from keyturn.auth.pam import Pam
from keyturn.auth.polkit import Polkit
from keyturn.auth.polkit_authority import Authority
from keyturn.auth.protocol import Asking, Authenticator
from keyturn.ground.errors import KeyturnError
from keyturn.ground.secret import Secret
from keyturn.processes import identity
from keyturn.processes.facts import Process
from tests.auth.foreign_agent import foreign_agent

T = TypeVar("T")


class Scripted:
    """Implements `Asking` for the process that it runs in; without an answer left it waits for ever."""

    def __init__(self, answers: list[str]) -> None:
        self.log: list[list[str]] = []
        self._answers = answers

    @property
    def prompter(self) -> Process | None:
        return identity.read(os.getpid())

    async def secret(self, prompt: str, warning: str = "") -> Secret:
        self._tell("secret", prompt, warning)
        return Secret(await self._answer())

    async def text(self, prompt: str, warning: str = "") -> str:
        self._tell("text", prompt, warning)
        return await self._answer()

    async def show(self, *lines: str) -> None:
        self._tell("show", *lines)

    async def unless_other_way(self, work: Coroutine[object, object, T]) -> T:
        return await work

    async def _answer(self) -> str:
        if not self._answers:
            await asyncio.Event().wait()
        return self._answers.pop(0)

    def _tell(self, *event: str) -> None:
        self.log.append(list(event))
        print(json.dumps(event), flush=True)


class Held:
    """polkit, on one connection that outlives the question: what closing it would do is not what is seen."""

    name = "held"

    async def unavailable(self) -> str:
        return ""

    async def approve(self, asking: Asking) -> None:
        process = asking.prompter
        assert process is not None
        async with system_bus.connect() as bus:
            authority = Authority(bus)
            try:
                for _ in range(2):
                    async with authority.registered(process, "/org/example/ours"):
                        await asking.show("registered")
                async with foreign_agent("hang"):
                    await authority.ask(process, {})
            finally:
                await asking.show("the connection ends")


def make(scene: dict[str, Any]) -> Authenticator:
    seconds = scene.get("seconds", 30.0)
    if scene["authenticator"] == "held":
        return Held()
    if scene["authenticator"] == "polkit":
        return Polkit(scene.get("lines", ()), seconds)
    helpers = Helpers({"PATH": "/usr/bin:/bin"})

    async def helper(room: str, task: bytes, asking: Asking) -> bytes:
        return await helpers.work(room, task, asking)

    return Pam(helper, scene.get("service", ""), seconds)


async def play(scene: dict[str, Any], asking: Scripted) -> str:
    authenticator = make(scene)
    if scene.get("only") == "unavailable":
        raise KeyturnError(await authenticator.unavailable())
    if "agent" in scene:
        async with foreign_agent(scene["agent"]) as seen:
            await authenticator.approve(asking)
        return json.dumps(seen)
    for _ in range(scene.get("times", 1)):
        await authenticator.approve(asking)
    return ""


async def main(scene: dict[str, Any]) -> None:
    asking = Scripted(scene.get("answers", []))
    task = asyncio.ensure_future(play(scene, asking))
    loop = asyncio.get_running_loop()

    def listen() -> None:
        if sys.stdin.readline():
            loop.call_soon_threadsafe(task.cancel)

    threading.Thread(target=listen, daemon=True).start()
    try:
        told: dict[str, Any] = {"outcome": "approved", "message": await task}
    except asyncio.CancelledError:
        told = {"outcome": "cancelled"}
    except KeyturnError as error:
        told = {"outcome": error.code, "message": error.message, "hints": error.hints}
    print(json.dumps({"message": "", "hints": (), **told, "log": asking.log}), flush=True)


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
    # Not past the thread that still reads.
    os._exit(0)

"""Giving a file to a process, and looking what is left of it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from keyturn.agent import private_directories
from keyturn.agent.callers import Caller
from keyturn.agent.private_directories import ALIVE
from keyturn.agent.provisioned_files import ProvisionedFiles
from keyturn.ground.secret import Secret
from keyturn.ground.settings import Settings
from keyturn.ground.world import World
from keyturn.processes import identity
from keyturn.sdk.run import Invocation, ProvidedFile

SECONDS = 10.0
TEXT = "password EXAMPLE"
DEFAULTS = Settings()


def caller_of(pid: int) -> Caller:
    return Caller(pid, identity.read(pid), None, None)


def command(private: str) -> Invocation:
    return Invocation("demo", b"/bin/demo", (), {}, "/", private=private)


async def give(
    files: ProvisionedFiles,
    pid: int,
    *,
    settings: Settings = DEFAULTS,
    content: str = TEXT,
    is_pipe: bool = False,
    may_be_pipe: bool = False,
    tree: bool = False,
) -> Path:
    """A file for the process; its path."""
    caller = caller_of(pid)
    private = files.reserve(caller)
    path = f"{private}/demo/sub/my.cnf"
    file = ProvidedFile(path, Secret(content), is_pipe, tree, may_be_pipe)
    held = await files.provide(caller, command(private), (file,), settings)
    assert held == ([f"{private}/{ALIVE}"] if tree else [])
    return Path(path)


async def until(holds: Callable[[], bool]) -> None:
    """Wait until the condition holds."""
    async with asyncio.timeout(SECONDS):
        while not holds():  # noqa: ASYNC110  # it is the file system that is looked at
            await asyncio.sleep(0.01)


def left(world: World) -> list[Path]:
    """What there is of private directories."""
    return private_directories.found(world.directories, world.uid)


def run(work: Awaitable[None]) -> None:
    """Run a test's part in a loop, with a limit."""

    async def limited() -> None:
        async with asyncio.timeout(2 * SECONDS):
            await work

    asyncio.run(limited())

"""Named pipes for tools that read once: written to the first reader, and never waited for in vain."""

from __future__ import annotations

import asyncio
import os
import stat
import subprocess
from pathlib import Path

import pytest

from keyturn.agent import private_directories
from keyturn.agent.provisioned_files import ProvisionedFiles
from keyturn.ground.secret import Secret
from keyturn.ground.world import World
from keyturn.sdk.run import ProvidedFile
from tests.agent.given_files import SECONDS, TEXT, caller_of, give, left, run, until


def test_a_pipe_is_written_once(world: World, sleeper: subprocess.Popen[bytes]) -> None:
    async def live() -> None:
        content = TEXT * 20_000
        path = await give(ProvisionedFiles(world), sleeper.pid, is_pipe=True, content=content)
        assert stat.S_ISFIFO(path.stat().st_mode)
        assert await asyncio.to_thread(path.read_text) == content
        with pytest.raises(FileNotFoundError):
            os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    run(live())


def test_a_pipe_that_nobody_reads_goes_with_the_process(
    world: World, sleeper: subprocess.Popen[bytes]
) -> None:
    async def live() -> None:
        path = await give(ProvisionedFiles(world), sleeper.pid, is_pipe=True)
        sleeper.kill()
        await until(lambda: not path.exists())

    run(live())
    assert left(world) == []


def test_a_pipe_does_not_wait_for_ever(
    world: World, sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def live() -> None:
        monkeypatch.setattr("keyturn.agent.provisioned_files.PIPE_SECONDS", 0.1)
        path = await give(ProvisionedFiles(world), sleeper.pid, is_pipe=True)
        await until(lambda: not path.exists())

    run(live())


def test_what_is_in_pipes_is_forgotten_at_lock(world: World, sleeper: subprocess.Popen[bytes]) -> None:
    async def live() -> None:
        files = ProvisionedFiles(world)
        path = await give(files, sleeper.pid, is_pipe=True)
        files.stop_pipes()
        assert not path.exists()
        assert path.parent.exists(), "files stay until the command ends"

    run(live())


def test_who_reads_a_pipe_of_a_keeper_that_was_killed_does_not_hang(
    world: World, sleeper: subprocess.Popen[bytes]
) -> None:
    async def live() -> None:
        caller = caller_of(sleeper.pid)
        private = Path(ProvisionedFiles(world).reserve(caller))
        # As it is without the keeper that made it: nobody will ever write.
        path = private / "demo/f"
        private_directories.fill(private, world.uid, (ProvidedFile(str(path), Secret(TEXT), is_pipe=True),))
        reader = await asyncio.create_subprocess_exec("cat", path, stdout=subprocess.PIPE)
        await asyncio.sleep(0.2)
        assert reader.returncode is None, "it waits"
        ProvisionedFiles(world).recover()
        async with asyncio.timeout(SECONDS):
            assert (await reader.communicate())[0] == b""
        assert not path.exists()

    run(live())

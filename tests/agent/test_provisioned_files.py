"""Files for commands: there for one process, or for all that it leaves behind, and gone with them."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
import threading
import time
from pathlib import Path

import pytest

from keyturn.agent import private_directories
from keyturn.agent.private_directories import ALIVE, Owner
from keyturn.agent.provisioned_files import ProvisionedFiles
from keyturn.ground.errors import PrivateFilesError, UnreachableError
from keyturn.ground.secret import Secret
from keyturn.ground.settings import Settings
from keyturn.ground.world import World
from keyturn.processes import identity, mounts
from keyturn.sdk.run import ProvidedFile
from tests.agent.given_files import TEXT, caller_of, command, give, left, run, until


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_file_is_there_until_its_process_has_ended(
    world: World, sleeper: subprocess.Popen[bytes], number: int
) -> None:
    async def live() -> None:
        path = await give(ProvisionedFiles(world), sleeper.pid)
        assert path.read_text() == TEXT
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        private = path.parents[2]
        for directory in (path.parent, private, private.parent, private.parent.parent):
            assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        assert mounts.is_in_memory(path.parent)
        await asyncio.sleep(0.1)
        assert path.exists()
        sleeper.send_signal(number)
        await until(lambda: not private.exists())

    run(live())
    assert left(world) == []


def test_a_file_for_a_tree_is_there_until_the_last_has_ended(world: World) -> None:
    """The launcher opens the pipe, and everything that is started from there inherits it."""
    reading, writing = os.pipe()
    script = "read path; exec 7<>$path; sleep 60 & echo $!; exec 1>&-; read end"
    parent = subprocess.Popen(["sh", "-c", script], stdin=reading, stdout=subprocess.PIPE)
    os.close(reading)

    async def live() -> None:
        files = ProvisionedFiles(world)
        path = await give(files, parent.pid, tree=True)
        os.write(writing, f"{path.parents[2]}/{ALIVE}\n".encode())
        assert parent.stdout is not None
        child = int(await asyncio.to_thread(parent.stdout.readline))
        os.write(writing, b"end\n")
        await asyncio.to_thread(parent.wait)
        await asyncio.sleep(0.2)
        assert path.read_text() == TEXT, "the child goes on"
        # The next keeper knows it too.
        later = ProvisionedFiles(world)
        later.recover()
        assert path.exists()
        os.kill(child, signal.SIGKILL)
        await until(lambda: not path.parents[2].exists())
        os.close(writing)
        parent.stdout.close()

    run(live())
    assert left(world) == []


def test_what_may_be_a_pipe_is_a_file_where_it_can_be(world: World, sleeper: subprocess.Popen[bytes]) -> None:
    async def live() -> None:
        assert (await give(ProvisionedFiles(world), sleeper.pid, may_be_pipe=True)).is_file()

    run(live())


def test_a_tree_that_never_came_to_be(world: World, sleeper: subprocess.Popen[bytes]) -> None:
    """The launcher was killed before it opened the pipe."""

    async def live() -> None:
        path = await give(ProvisionedFiles(world), sleeper.pid, tree=True)
        sleeper.kill()
        await until(lambda: not path.parents[2].exists())

    run(live())


def test_a_caller_that_has_gone_leaves_nothing(world: World, sleeper: subprocess.Popen[bytes]) -> None:
    async def live() -> None:
        files = ProvisionedFiles(world)
        gone = caller_of(sleeper.pid)
        sleeper.kill()
        sleeper.wait()
        private = files.reserve(gone)
        file = ProvidedFile(f"{private}/demo/f", Secret(TEXT))
        # Between what is looked at first and the end of writing it may go at any time.
        process = gone.process
        assert process is not None
        with pytest.raises(UnreachableError):
            await files._make(process, Path(private), (file,))
        with pytest.raises(PrivateFilesError):
            await files.provide(gone, command(private), (file,), Settings())

    run(live())
    assert left(world) == []


def test_a_caller_that_hangs_up_while_its_files_are_made_leaves_nothing(
    world: World, sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill, begun = private_directories.fill, threading.Event()

    def slow(directory: Path, uid: int, provided: tuple[ProvidedFile, ...]) -> None:
        begun.set()
        time.sleep(0.3)
        fill(directory, uid, provided)

    async def live() -> None:
        monkeypatch.setattr(private_directories, "fill", slow)
        giving = asyncio.create_task(give(ProvisionedFiles(world), sleeper.pid))
        await asyncio.to_thread(begun.wait)
        giving.cancel()
        await until(lambda: left(world) != [])
        sleeper.kill()
        await until(lambda: left(world) == [])

    run(live())


def test_the_next_keeper_takes_over_and_sweeps(world: World, sleeper: subprocess.Popen[bytes]) -> None:
    async def live() -> None:
        kept = await give(ProvisionedFiles(world), sleeper.pid)
        place = kept.parents[3]
        process = identity.read(sleeper.pid)
        assert process is not None
        recycled = private_directories.new_name(Owner(sleeper.pid, process.start - 1))
        ended = private_directories.new_name(Owner(2**22 + 1, 1))
        other_boot = f"00000000-{sleeper.pid}-{process.start}-{'0' * 16}"
        for name in (recycled, ended, other_boot, "what is this", kept.parents[2].name + "x"):
            (place / name).mkdir()
            (place / name / "f").write_text(TEXT)
        outside = world.directories.runtime / "outside"
        outside.mkdir()
        (outside / "f").write_text("not ours")
        (place / ended / "link").symlink_to(outside)
        (place / "file").write_text(TEXT)
        os.mkfifo(place / "pipe")
        odd = place / private_directories.new_name(Owner(2**22 + 2, 1))
        odd.mkdir()
        (odd / ALIVE).symlink_to("/dev/null/none")
        later = ProvisionedFiles(world)
        later.recover()
        assert [each.name for each in place.iterdir()] == [kept.parents[2].name]
        assert (outside / "f").read_text() == "not ours"
        sleeper.kill()
        await until(lambda: not kept.parents[2].exists())

    run(live())


def test_all_of_them_go_when_the_agent_ends(world: World, sleeper: subprocess.Popen[bytes]) -> None:
    async def live() -> None:
        await give(ProvisionedFiles(world), sleeper.pid)

    run(live())
    assert len(left(world)) == 1
    private_directories.remove_all(world.directories, world.uid)
    assert left(world) == []

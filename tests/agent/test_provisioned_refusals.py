"""Where a file would not be private, or cannot be made, there is none, and its command does not run."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path

import pytest

from keyturn.agent import private_directories
from keyturn.agent.callers import Caller
from keyturn.agent.provisioned_files import LARGEST, ProvisionedFiles
from keyturn.ground.errors import ConfigurationError, PrivateFilesError, StorageError
from keyturn.ground.secret import Secret
from keyturn.ground.settings import Files, Settings
from keyturn.ground.world import World
from keyturn.processes import mounts
from keyturn.sdk.run import ProvidedFile
from tests.agent.given_files import TEXT, command, give, left, run, until
from tests.parts import needs

ON_DISK = Settings(files=Files(on_disk=True))


@pytest.fixture
def no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose file systems are all on disks."""
    monkeypatch.setattr(mounts, "is_in_memory", lambda path: False)


@pytest.mark.usefixtures("no_memory")
def test_without_memory_a_file_is_refused_unless_allowed(
    world: World, sleeper: subprocess.Popen[bytes]
) -> None:
    async def live() -> None:
        files = ProvisionedFiles(world)
        with pytest.raises(PrivateFilesError, match="no file system here is in memory") as caught:
            await give(files, sleeper.pid)
        assert caught.value.hints == ("allow such files on a disk: keyturn settings set files.on_disk true",)
        assert left(world) == []
        path = await give(files, sleeper.pid, settings=ON_DISK)
        assert path.is_relative_to(world.directories.runtime)
        assert (await give(files, sleeper.pid, settings=ON_DISK, may_be_pipe=True)).is_file()
        for pipe in (
            await give(files, sleeper.pid, is_pipe=True),
            await give(files, sleeper.pid, may_be_pipe=True),
        ):
            assert pipe.is_fifo()
            assert await asyncio.to_thread(pipe.read_text) == TEXT
        sleeper.kill()
        await until(lambda: left(world) == [])

    run(live())


@pytest.mark.needs("root")
@pytest.mark.parametrize("options", [["--mount"], ["--pid", "--fork", "--kill-child"]])
def test_who_does_not_see_our_files_gets_none(world: World, options: list[str]) -> None:
    """A process in a mount namespace of its own, and one in a pid namespace."""
    ready = "echo $$; exec sleep 60"
    with subprocess.Popen([needs("unshare"), *options, "sh", "-c", ready], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        pid = int(children[0]) if children else process.pid

        async def live() -> None:
            with pytest.raises(PrivateFilesError, match="it would not see where it runs"):
                await give(ProvisionedFiles(world), pid)

        run(live())
        process.kill()
    assert left(world) == []


def test_who_cannot_be_seen_gets_none(world: World) -> None:
    async def live() -> None:
        files, unseen = ProvisionedFiles(world), Caller(0, None, None, None)
        file = ProvidedFile("/x", Secret(TEXT))
        with pytest.raises(PrivateFilesError, match="it would not see"):
            await files.provide(unseen, command(files.reserve(unseen)), (file,), Settings())

    run(live())


def test_limits(world: World, sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    async def live() -> None:
        files = ProvisionedFiles(world)
        with pytest.raises(PrivateFilesError, match="more than"):
            await give(files, sleeper.pid, content="x" * (LARGEST + 1))
        monkeypatch.setattr("keyturn.agent.provisioned_files.MOST", 2)
        for _ in range(2):
            await give(files, sleeper.pid)
        with pytest.raises(PrivateFilesError, match="2 commands have files"):
            await give(files, sleeper.pid)
        sleeper.kill()
        await until(lambda: left(world) == [])

    run(live())


def test_what_others_could_have_planted_is_no_place_for_files(
    world: World, sleeper: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    place = private_directories.place_in_memory(world.directories, world.uid)
    assert place is not None

    async def live() -> None:
        files = ProvisionedFiles(world)
        place.parent.mkdir(mode=0o700, exist_ok=True)
        place.symlink_to(tmp_path)
        with pytest.raises(ConfigurationError, match="is not a private directory of yours"):
            await give(files, sleeper.pid)
        assert os.listdir(tmp_path) == []
        place.unlink()
        place.mkdir(mode=0o770)
        place.chmod(0o770)
        with pytest.raises(ConfigurationError, match="is not a private directory of yours"):
            await give(files, sleeper.pid)

    run(live())


def test_what_cannot_be_written_is_an_error_and_leaves_nothing(
    world: World, sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: object, mode: int) -> None:
        raise OSError(28, "No space left on device")

    async def live() -> None:
        monkeypatch.setattr(os, "mkfifo", full)
        with pytest.raises(StorageError, match="no space left") as caught:
            await give(ProvisionedFiles(world), sleeper.pid, is_pipe=True)
        assert "df -h" in caught.value.hints[0]

    run(live())
    assert left(world) == []


def test_a_file_never_goes_outside_or_over_another(tmp_path: Path) -> None:
    directory = tmp_path / "p/files/x"
    outside = (ProvidedFile(str(tmp_path / "mine"), Secret(TEXT)),)
    with pytest.raises(ValueError, match="not in the subpath"):
        private_directories.fill(directory, os.getuid(), outside)
    assert not directory.exists()
    twice = (ProvidedFile(f"{directory}/f", Secret("a")),) * 2
    with pytest.raises(StorageError, match="file exists"):
        private_directories.fill(directory, os.getuid(), twice)
    assert not directory.exists()

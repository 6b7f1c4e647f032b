"""Files for commands: there for one process, or for all that it leaves behind, and gone with them."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import stat
import subprocess
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from keyturn.agent import private_directories
from keyturn.agent.callers import Caller
from keyturn.agent.private_directories import ALIVE, Owner
from keyturn.agent.provisioned_files import LARGEST, ProvisionedFiles
from keyturn.ground.clock import SystemClock
from keyturn.ground.errors import ConfigurationError, PrivateFilesError, StorageError, UnreachableError
from keyturn.ground.secret import Secret
from keyturn.ground.settings import Files, Settings
from keyturn.ground.world import World
from keyturn.processes import identity, mounts
from keyturn.sdk.run import Invocation, ProvidedFile
from tests.parts import needs

SECONDS = 10.0
TEXT = "password EXAMPLE"
ON_DISK = Settings(files=Files(on_disk=True))


@pytest.fixture
def world(home: Path) -> Iterator[World]:
    runtime = home / "run"
    runtime.mkdir(mode=0o700)
    found = World({"HOME": str(home), "KEYTURN_RUNTIME_DIR": str(runtime)}, os.getuid(), SystemClock())
    yield found
    for place in private_directories.places(found.directories, found.uid):
        shutil.rmtree(place, ignore_errors=True)


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def caller_of(pid: int) -> Caller:
    return Caller(pid, identity.read(pid), None, None)


def command(private: str) -> Invocation:
    return Invocation("demo", b"/bin/demo", (), {}, "/", private)


async def give(
    files: ProvisionedFiles,
    pid: int,
    *,
    settings: Settings = Settings(),  # noqa: B008  # it does not change
    content: str = TEXT,
    is_pipe: bool = False,
    tree: bool = False,
) -> Path:
    """A file for the process; its path."""
    caller = caller_of(pid)
    private = files.reserve(caller)
    path = f"{private}/demo/sub/my.cnf"
    file = ProvidedFile(path, Secret(content), is_pipe, tree)
    held = await files.provide(caller, command(private), (file,), settings)
    assert held == ([f"{private}/{ALIVE}"] if tree else [])
    return Path(path)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not holds():  # noqa: ASYNC110  # it is the file system that is looked at
            await asyncio.sleep(0.01)


def left(world: World) -> list[Path]:
    return private_directories.found(world.directories, world.uid)


def run(work: Awaitable[None]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(2 * SECONDS):
            await work

    asyncio.run(limited())


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
        later = ProvisionedFiles(world)
        later.recover()
        assert [each.name for each in place.iterdir()] == [kept.parents[2].name]
        assert (outside / "f").read_text() == "not ours"
        sleeper.kill()
        await until(lambda: not kept.parents[2].exists())

    run(live())


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
        pipe = await give(files, sleeper.pid, is_pipe=True)
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


def test_all_of_them_go_when_the_agent_ends(world: World, sleeper: subprocess.Popen[bytes]) -> None:
    async def live() -> None:
        await give(ProvisionedFiles(world), sleeper.pid)

    run(live())
    assert len(left(world)) == 1
    private_directories.remove_all(world.directories, world.uid)
    assert left(world) == []

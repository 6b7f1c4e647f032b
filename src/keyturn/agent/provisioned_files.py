"""Files for running commands: made before a command starts, gone when it has ended, however it ends.

The agent writes no list of them. What there is stands in the file system, under names that say whose it is;
so a keeper that follows another one, locked or killed, takes over what it finds.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path

from keyturn.agent import private_directories
from keyturn.agent.callers import Caller
from keyturn.agent.pipe_writers import PipeWriter, release
from keyturn.agent.private_directories import ALIVE, Owner
from keyturn.ground.errors import PrivateFilesError, UnreachableError
from keyturn.ground.names import printable
from keyturn.ground.settings import Settings
from keyturn.ground.world import World
from keyturn.processes import mounts
from keyturn.processes.exits import ExitWatch
from keyturn.processes.facts import Process
from keyturn.sdk.run import Invocation, ProvidedFile

log = logging.getLogger("keyturn")

# For one command; what is more than this is no credential.
LARGEST = 4 * 1024 * 1024
# At once; more commands than these with files are a loop that has got out of hand.
MOST = 1024
# A pipe that nobody has opened by then is taken away, and with it the secret.
PIPE_SECONDS = 600.0


class ProvisionedFiles:
    """The private directories of one keeper."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._held: dict[Path, _Held] = {}

    def recover(self) -> None:
        """Take over what the keeper before left, and remove what is nobody's; in the loop, at the start."""
        for directory in private_directories.found(self._world.directories, self._world.uid):
            _release_pipes(directory)
            owner = private_directories.owner_of(directory.name)
            if owner is None or not owner.is_of_this_boot:
                private_directories.remove(directory)
            else:
                self._hold(directory, owner, ())

    def reserve(self, caller: Caller) -> str:
        """The directory that a command will have if it gets files; nothing is made."""
        if caller.process is None:
            return ""
        owner = Owner(caller.process.pid, caller.process.start)
        return f"{self._place[0]}/{private_directories.new_name(owner)}"

    async def provide(
        self, caller: Caller, invocation: Invocation, provided: tuple[ProvidedFile, ...], settings: Settings
    ) -> list[str]:
        """Make the files of a command in its private directory. Returns what its launcher has to hold open.

        Raises PrivateFilesError where they would not be private, StorageError if they cannot be written, and
        UnreachableError if the caller has ended meanwhile.
        """
        if not provided:
            return []
        process = _private_caller(caller, invocation.executable)
        provided = self._as_possible(provided, settings)
        self._check(provided, invocation.executable, settings)
        private = invocation.private
        # Shielded: what is half made when the caller hangs up is made, watched and at once removed.
        work = asyncio.ensure_future(self._make(process, Path(private), provided))
        await asyncio.shield(work)
        is_tree = any(each.lives_with_tree for each in provided)
        return [os.path.join(private, ALIVE)] if is_tree else []

    async def _make(self, process: Process, directory: Path, provided: tuple[ProvidedFile, ...]) -> None:
        await asyncio.to_thread(private_directories.fill, directory, self._world.uid, provided)
        if not self._hold(directory, Owner(process.pid, process.start), provided):
            raise UnreachableError("the caller is gone")

    def _as_possible(
        self, provided: tuple[ProvidedFile, ...], settings: Settings
    ) -> tuple[ProvidedFile, ...]:
        """Pipes in the place of the files that may be, where a file would be on a disk."""
        _, is_in_memory = self._place
        if is_in_memory or settings.files.on_disk:
            return provided
        return tuple(replace(each, is_pipe=each.is_pipe or each.may_be_pipe) for each in provided)

    def _check(self, provided: tuple[ProvidedFile, ...], executable: str, settings: Settings) -> None:
        _, is_in_memory = self._place
        if not is_in_memory and not settings.files.on_disk and not all(each.is_pipe for each in provided):
            raise PrivateFilesError(
                f"{printable(executable)} gets its credential in a file; no file system here is in memory",
                "allow such files on a disk: keyturn settings set files.on_disk true",
            )
        if sum(len(each.content.reveal()) for each in provided) > LARGEST:
            raise PrivateFilesError(
                f"the files for {printable(executable)} would have more than {LARGEST} characters",
                "look at the item: a credential is shorter",
            )
        if len(self._held) >= MOST:
            raise PrivateFilesError(
                f"{MOST} commands have files from keyturn at once", "let some of them end, then try again"
            )

    @cached_property
    def _place(self) -> tuple[Path, bool]:
        """Where directories are made, and whether that is in memory; looked up once: every command asks."""
        directories, uid = self._world.directories, self._world.uid
        found = private_directories.place_in_memory(directories, uid)
        return (private_directories.places(directories, uid)[0], False) if found is None else (found, True)

    def _hold(self, directory: Path, owner: Owner, provided: tuple[ProvidedFile, ...]) -> bool:
        """Watch over a directory that is there; False if it was removed, for nobody has it any more."""
        held = _Held(directory, owner, partial(self._held.pop, directory, None))
        self._held[directory] = held
        held.start(provided)
        return directory in self._held

    def stop_pipes(self) -> None:
        """What is in pipes still is forgotten with everything else; a reader that comes late finds
        nothing."""
        for held in self._held.values():
            held.stop_pipes()


class _Held:
    """One directory, until its process, and for a tree all that it has left behind, has ended."""

    def __init__(self, directory: Path, owner: Owner, gone: Callable[[], object]) -> None:
        self._loop = asyncio.get_running_loop()
        self._directory = directory
        self._owner = owner
        self._gone = gone
        self._pipes: list[PipeWriter] = []
        self._timer: asyncio.TimerHandle | None = None
        self._alive = -1

    def start(self, provided: tuple[ProvidedFile, ...]) -> None:
        """Begin to watch, and to serve its pipes."""
        self._pipes = [PipeWriter(Path(each.path), each.content) for each in provided if each.is_pipe]
        if self._pipes:
            self._timer = self._loop.call_later(PIPE_SECONDS, self.stop_pipes)
        with contextlib.suppress(OSError):
            # Not there, for most: then the process alone counts.
            self._alive = os.open(self._directory / ALIVE, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            self._watch = ExitWatch(self._loop, self._owner.pid, self._owner.start, self._process_ended)
        except ProcessLookupError:
            self._process_ended()
        except OSError as error:
            # As for no more descriptors: without a watch the file would stay for ever.
            log.error("a command's end cannot be watched: %s", type(error).__name__)
            self._remove()

    def _process_ended(self) -> None:
        if self._alive >= 0 and not self._is_left():
            self._loop.add_reader(self._alive, self._look)
        else:
            self._remove()

    def _is_left(self) -> bool:
        """Whether nobody has the pipe open any more. Nothing is ever written to it."""
        try:
            return os.read(self._alive, 4096) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def _look(self) -> None:
        if self._is_left():
            self._loop.remove_reader(self._alive)
            self._remove()

    def stop_pipes(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        for pipe in self._pipes:
            pipe.stop()
        self._pipes = []

    def _remove(self) -> None:
        """A few names in memory: as quick as asking a thread to do it."""
        self.stop_pipes()
        if self._alive >= 0:
            os.close(self._alive)
            self._alive = -1
        private_directories.remove(self._directory)
        self._gone()


def _private_caller(caller: Caller, executable: str) -> Process:
    """The caller's process, if it is one that will find the files. Raises PrivateFilesError."""
    process = caller.process
    if process is None or process.nested or not mounts.sees_our_files(process.pid):
        raise PrivateFilesError(
            f"{printable(executable)} gets its credential in a file, which it would not see where it runs",
            "run it outside that container or namespace",
        )
    return process


def _release_pipes(directory: Path) -> None:
    """Pipes that the keeper before has not written: what was to go through them is forgotten."""
    for above, _, names in os.walk(directory):
        for name in names:
            path = Path(above, name)
            if name != ALIVE and path.is_fifo():
                release(path)

"""Asking in a window of the desktop, by the pinentry program that GnuPG uses.

For a caller that has a desktop but no terminal to ask on: an editor, a file manager, a build started by one.
The program is foreign: it is run in a process group of its own with a fixed set of variables, is believed
nothing that is not of the protocol, and is killed when its question is settled elsewhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import stat
from asyncio.subprocess import DEVNULL, PIPE, SubprocessStreamProtocol
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from keyturn.agent import executables
from keyturn.agent.other_ways import OtherWays
from keyturn.ground.errors import CancelledByPersonError, DeniedError, UnusableError
from keyturn.ground.names import printable
from keyturn.ground.secret import Secret
from keyturn.ground.settings import Prompt
from keyturn.processes.assuan import READ_AHEAD, Assuan, GarbledError, RefusedError
from keyturn.processes.facts import Process

T = TypeVar("T")

PROGRAMS = ("pinentry-mac", "pinentry-gnome3", "pinentry-qt", "pinentry-gtk-2", "pinentry")
DIRECTORIES = ("/usr/bin", "/usr/local/bin", "/opt/homebrew/bin")
# They ask on a terminal, which is what the caller has not got; `pinentry` is often a link to one of them.
ON_TERMINALS = ("pinentry-curses", "pinentry-tty")

TITLE = "Keyturn"
NO_MARKUP = str.maketrans("<>", "‹›")  # noqa: RUF001  # alike on purpose
# The letter after the underscore is the button's own, with Alt.
OTHER_WAY, CANCEL = "_Use another way", "_Cancel"
EMPTY_FOR_OTHER_WAY = "Leave it empty to agree in another way."

# From its start until it can show something; a cold start of a toolkit on a busy machine takes seconds.
START_SECONDS = 20.0
# What a program that keeps the time itself is given beyond its time.
GRACE_SECONDS = 5.0

# libgpg-error's numbers: the person closed the window or pressed Cancel; nobody came.
CANCELLED = (99, 114, 198)
TIMED_OUT = 62


@dataclass(frozen=True)
class Absent:
    """There is no program that could show a window, and why."""

    reason: str


def find(prompt: Prompt, variables: Mapping[str, str], uid: int) -> str | Absent:
    """The absolute path of the program to use: the one of the settings, else the first of PROGRAMS.

    `variables` are those of the caller's desktop. Touches the disk: run it off the loop.
    """
    if prompt.pinentry:
        if not os.path.isabs(prompt.pinentry):
            return Absent("prompt.pinentry is not an absolute path")
        reason = _refusal(prompt.pinentry, uid)
        return Absent(f"{printable(prompt.pinentry)} {reason}") if reason else prompt.pinentry
    for name in PROGRAMS:
        # GNOME's has its window shown by another program, by way of the session bus.
        if name == "pinentry-gnome3" and "DBUS_SESSION_BUS_ADDRESS" not in variables:
            continue
        for directory in DIRECTORIES:
            path = os.path.join(directory, name)
            if not _refusal(path, uid):
                return path
    return Absent("no pinentry program for windows is installed")


def _refusal(path: str, uid: int) -> str:
    """Why the program at `path` is not given a password; empty if it is."""
    real = os.path.realpath(path)
    try:
        found = os.stat(real)
        is_exchangeable = executables.others_may_replace(real, found)
    except OSError:
        return "is not there"
    if not stat.S_ISREG(found.st_mode) or not os.access(real, os.X_OK):
        return "is not a program"
    if found.st_uid not in (0, uid) or is_exchangeable:
        return "could be replaced by others"
    if os.path.basename(real) in ON_TERMINALS:
        return "asks on a terminal"
    return ""


class PinentryAsking:
    """Implements `Asking` by windows, one at a time. Use it by `run`."""

    def __init__(
        self,
        program: str,
        variables: Mapping[str, str],
        lines: Sequence[str],
        prompter: Process | None,
        seconds: float,
        running: set[asyncio.subprocess.Process] | None = None,
    ) -> None:
        """`program` and `variables` as `find` and `desktop.variables` gave them; `lines` say what it is for.

        Each question may take `seconds`. `running` holds the program while it runs, for whoever has to
        kill it at once; its process group is its pid.
        """
        self._program = program
        self._variables = dict(variables)
        self._lines = list(lines)
        self._prompter = prompter
        self._seconds = seconds
        self._running = running if running is not None else set()
        self._work: asyncio.Task[object] | None = None
        self._is_cancelled = False
        self._window: asyncio.Task[None] | None = None
        self._ways = OtherWays()

    @property
    def prompter(self) -> Process | None:
        return self._prompter

    async def run(self, work: Coroutine[object, object, T]) -> T:
        """Do `work`, which asks; afterwards no window is left.

        Raises CancelledByPersonError, the work cancelled, when the person presses Cancel meanwhile.
        """
        task = asyncio.ensure_future(work)
        self._work = task
        try:
            return await task
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if self._is_cancelled and not (current is not None and current.cancelling()):
                raise cancelled() from None
            raise
        finally:
            self._work = None
            await self._close_window()

    async def secret(self, prompt: str, warning: str = "") -> Secret:
        way = self._ways.innermost
        lines = [*self._lines, EMPTY_FOR_OTHER_WAY] if way is not None else self._lines
        labels = {"SETPROMPT": _plain(prompt), "SETERROR": _plain(warning)}
        answer = await self._ask("GETPIN", lines, labels)
        if way is not None and not answer:
            self._ways.leave(way)
            await asyncio.Event().wait()
        return answer

    async def text(self, prompt: str, warning: str = "") -> str:
        """The window hides what is typed here too: a pinentry has no other kind of question."""
        return (await self.secret(prompt, warning)).reveal()

    async def show(self, *lines: str) -> None:
        await self._close_window()
        self._window = asyncio.create_task(self._show([*self._lines, *lines], self._ways.innermost))

    async def unless_other_way(self, work: Coroutine[object, object, T]) -> T:
        try:
            return await self._ways.do(work)
        finally:
            # Its button offers what is over.
            await self._close_window()

    async def _show(self, lines: Sequence[str], way: asyncio.Task[object] | None) -> None:
        """A window with one button, Cancel, or two, the other way before it."""
        word, buttons = "CONFIRM --one-button", {"SETOK": CANCEL}
        if way is not None:
            word, buttons = "CONFIRM", {"SETOK": OTHER_WAY, "SETCANCEL": CANCEL}
        try:
            await self._run_program(word, lines, buttons)
        except (UnusableError, DeniedError):
            # Only a notice: what it is about goes on without it.
            return
        except CancelledByPersonError:
            way = None
        if way is not None:
            self._ways.leave(way)
        elif self._work is not None:
            self._is_cancelled = True
            self._work.cancel()

    async def _close_window(self) -> None:
        window, self._window = self._window, None
        if window is not None and window is not asyncio.current_task():
            window.cancel()
            await asyncio.gather(window, return_exceptions=True)

    async def _ask(self, word: str, lines: Sequence[str], labels: Mapping[str, str]) -> Secret:
        await self._close_window()
        return await self._run_program(word, lines, labels)

    async def _run_program(self, word: str, lines: Sequence[str], labels: Mapping[str, str]) -> Secret:
        """One window from its start to its end; its answer. Raises as `Asking` does."""
        try:
            async with self._started() as assuan:
                async with asyncio.timeout(START_SECONDS):
                    await self._prepare(assuan, lines, labels)
                try:
                    async with asyncio.timeout(self._seconds + GRACE_SECONDS):
                        return await assuan.request(word)
                except TimeoutError:
                    raise _nobody() from None
        except RefusedError as error:
            code = error.code
        except (GarbledError, OSError, TimeoutError):
            code = -1
        if code in CANCELLED:
            raise cancelled()
        if code == TIMED_OUT:
            raise _nobody()
        raise UnusableError(
            f"{os.path.basename(self._program)} could not show a window",
            "choose another program: keyturn settings set prompt.pinentry PATH",
        )

    async def _prepare(self, assuan: Assuan, lines: Sequence[str], labels: Mapping[str, str]) -> None:
        await assuan.greeted()
        # No other program of the display reads what is typed (X11); Wayland's never do.
        with contextlib.suppress(RefusedError):
            await assuan.request("OPTION grab")
        await assuan.request("SETTITLE", TITLE)
        await assuan.request("SETDESC", "\n".join(_plain(line) for line in lines))
        for name, label in labels.items():
            if label:
                await assuan.request(name, label)
        with contextlib.suppress(RefusedError):
            await assuan.request("SETTIMEOUT", str(max(1, int(self._seconds))))

    @contextlib.asynccontextmanager
    async def _started(self) -> AsyncIterator[Assuan]:
        # What create_subprocess_exec does, but that keeps the transport to itself: a program that talks on
        # leaves a pipe that only its transport can close.
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.subprocess_exec(
            lambda: SubprocessStreamProtocol(limit=READ_AHEAD, loop=loop),
            self._program,
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            env=self._variables,
            cwd="/",
            process_group=0,
        )
        process = asyncio.subprocess.Process(transport, protocol, loop)
        self._running.add(process)
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            yield Assuan(process.stdout, process.stdin)
        finally:
            self._running.discard(process)
            if process.returncode is None:
                # The group: a program may have its window shown by a child.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
            transport.close()
            await process.wait()


def _plain(text: str) -> str:
    """For a label: no control characters, and nothing that a toolkit could take for markup (Qt guesses)."""
    return printable(text).translate(NO_MARKUP)


def cancelled() -> CancelledByPersonError:
    return CancelledByPersonError("cancelled")


def _nobody() -> DeniedError:
    return DeniedError("nobody answered in time")

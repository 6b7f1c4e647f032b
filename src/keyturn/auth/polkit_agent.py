"""polkit's questions as text on the person's terminal, where no desktop shows them.

polkit hands an authentication to the agent that is registered for the asking process. The agent does not
judge: polkit's own helper, which is setuid root, runs PAM and reports to polkit by a cookie; between the
helper and the person lines are carried (`PAM_PROMPT_ECHO_OFF Password: `). The interface is described in
polkit's reference manual, “org.freedesktop.PolicyKit1.AuthenticationAgent”.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import re
import signal
import stat
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from keyturn.auth import prompts, system_bus
from keyturn.auth.polkit_authority import ACTION, CANCELLED, FAILED, Authority
from keyturn.auth.protocol import Asking
from keyturn.auth.system_bus import Bus
from keyturn.ground.errors import KeyturnError, UnusableError
from keyturn.processes.facts import Process

INTERFACE = "org.freedesktop.PolicyKit1.AuthenticationAgent"
PATH = "/io/github/keyturn/agent"

# Where distributions put it: Debian and Arch, Fedora, openSUSE, Debian before 11.
HELPERS = (
    "/usr/lib/polkit-1/polkit-agent-helper-1",
    "/usr/libexec/polkit-agent-helper-1",
    "/usr/libexec/polkit-1/polkit-agent-helper-1",
    "/usr/lib/policykit-1/polkit-agent-helper-1",
)
ATTEMPTS = 3
END_SECONDS = 2.0
LONGEST_LINE = 64 * 1024


class Agent:
    """Answers polkit's calls. `problem`: why an authentication could not even be tried."""

    def __init__(self, bus: Bus, polkit: str, asking: Asking) -> None:
        """`polkit` is the unique bus name of the one whose calls are answered."""
        self.problem: KeyturnError | None = None
        self._bus = bus
        self._polkit = polkit
        self._asking = asking
        self._running: dict[str, asyncio.Task[None]] = {}

    async def serve(self, calls: asyncio.Queue[Any]) -> None:
        """Answer polkit until cancelled."""
        try:
            while True:
                await self._serve(await calls.get())
        finally:
            for task in self._running.values():
                task.cancel()
            await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def _serve(self, call: Any) -> None:
        if system_bus.sender(call) != self._polkit:
            await self._bus.answer(call, FAILED)
        elif system_bus.member(call) == "BeginAuthentication":
            cookie = call.body[4]
            self._running[cookie] = asyncio.create_task(self._begin(call))
            # Cancelled before it began it would not even answer.
            await asyncio.sleep(0)
        elif system_bus.member(call) == "CancelAuthentication":
            if (task := self._running.get(call.body[0])) is not None:
                task.cancel()
            await self._bus.answer(call)
        else:
            await self._bus.answer(call, FAILED)

    async def _begin(self, call: Any) -> None:
        action, _, _, _, cookie, identities = call.body
        error = CANCELLED
        try:
            error = "" if action == ACTION and await self._authenticate(cookie, identities) else FAILED
        except KeyturnError as problem:
            self.problem, error = problem, FAILED
        except (OSError, ValueError):
            # ValueError: a line without an end.
            self.problem, error = UnusableError("polkit's helper cannot be run"), FAILED
        finally:
            self._running.pop(cookie, None)
            await self._bus.answer(call, error)

    async def _authenticate(self, cookie: str, identities: Sequence[tuple[str, dict[str, Any]]]) -> bool:
        user, helper = _user(identities), find_helper()
        if not user:
            raise UnusableError("polkit names nobody who could be asked")
        if not helper:
            raise UnusableError("polkit's setuid helper is not installed")
        warning = ""
        for attempt in range(1, ATTEMPTS + 1):
            if await self._attempt(helper, user, cookie, warning):
                return True
            warning = f"not accepted ({attempt} of {ATTEMPTS})"
        return False

    async def _attempt(self, helper: str, user: str, cookie: str, warning: str) -> bool:
        """One run of the helper: whether PAM and polkit were content."""
        process = await asyncio.create_subprocess_exec(
            helper,
            user,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={},
            cwd="/",
            process_group=0,
            limit=LONGEST_LINE,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(cookie.encode() + b"\n")
            while line := await process.stdout.readline():
                kind, text = decode(line)
                if kind == "SUCCESS":
                    return True
                if kind == "FAILURE":
                    return False
                if kind == "PAM_PROMPT_ECHO_OFF":
                    secret = await self._asking.secret(prompts.named(text, user), warning)
                    process.stdin.write(secret.reveal().encode("utf-8", "surrogateescape") + b"\n")
                    warning = ""
                elif kind == "PAM_PROMPT_ECHO_ON":
                    shown = await self._asking.text(text, warning)
                    process.stdin.write(shown.encode("utf-8", "surrogateescape") + b"\n")
                    warning = ""
                elif kind in ("PAM_TEXT_INFO", "PAM_ERROR_MSG"):
                    await self._asking.show(text)
            return False
        finally:
            await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    """A helper that still waits (for a finger, say) is ended; it is ours to signal, for its real uid is."""
    if process.stdin is not None:
        process.stdin.close()
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END_SECONDS):
                await process.wait()


def decode(line: bytes) -> tuple[str, str]:
    r"""The kind and the text of a helper's line; the text is escaped by glib's g_strescape (`\303\251`)."""
    kind, _, text = line.rstrip(b"\n").partition(b" ")
    plain = re.sub(rb"\\([0-7]{1,3}|.)", lambda found: _unescaped(found[1]), text)
    return kind.decode("ascii", "replace"), plain.decode("utf-8", "replace")


def _unescaped(escaped: bytes) -> bytes:
    if escaped[:1].isdigit():
        return bytes([int(escaped, 8) & 0xFF])
    return {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"b": b"\b", b"f": b"\f", b"v": b"\v"}.get(
        escaped, escaped
    )


def find_helper(places: Sequence[str] = HELPERS, owner: int = 0) -> str:
    """polkit's helper: setuid, root's (`owner`), and writable by nobody else. Empty if there is none."""
    for place in places:
        with contextlib.suppress(OSError):
            found = os.lstat(place)
            is_setuid = stat.S_ISREG(found.st_mode) and bool(found.st_mode & stat.S_ISUID)
            if is_setuid and found.st_uid == owner and not found.st_mode & 0o022:
                return place
    return ""


def _user(identities: Sequence[tuple[str, dict[str, Any]]]) -> str:
    """The name of who has to authenticate: the person, else the first (an administrator, by a rule)."""
    uids = [named["uid"][1] for kind, named in identities if kind == "unix-user" and "uid" in named]
    uids.sort(key=lambda uid: uid != os.getuid())
    for uid in uids:
        with contextlib.suppress(KeyError):
            return pwd.getpwuid(uid).pw_name
    return ""


@asynccontextmanager
async def serving(bus: Bus, authority: Authority, process: Process, asking: Asking) -> AsyncIterator[Agent]:
    """Be the agent for `process` while the block runs. Raises BusError if polkit does not want it."""
    agent = Agent(bus, await authority.unique_name(), asking)
    with bus.incoming(INTERFACE) as calls:
        task = asyncio.create_task(agent.serve(calls))
        try:
            async with authority.registered(process, PATH):
                yield agent
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

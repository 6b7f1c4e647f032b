"""Running helpers: exec'ed, never forked from the keeper; in groups of their own, with a limit."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping

from keyturn.agent import exchange
from keyturn.auth.protocol import Asking
from keyturn.ground import wire
from keyturn.ground.errors import UnreachableError
from keyturn.ground.secret import Secret
from keyturn.ground.wire import WireError
from keyturn.vaults.age import derive

# The longest derivation that is accepted (log N 21) takes some ten seconds on a slow machine.
HELPER_SECONDS = 60.0


class Helpers:
    """Starts helpers and knows those that run, so that locking can end them."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)
        # Also windows that ask: each leads a process group of its own.
        self.running: set[asyncio.subprocess.Process] = set()

    async def derive(self, task: derive.Task) -> derive.Result:
        """One key derivation in a helper. Raises UnreachableError if the helper fails."""
        try:
            async with asyncio.timeout(HELPER_SECONDS):
                output = await self.work("derive", derive.encode_task(task), None)
        except TimeoutError:
            raise UnreachableError("the key derivation took too long") from None
        return derive.decode_result(output)

    async def work(
        self,
        room: str,
        task: bytes,
        asking: Asking | None,
        environment: Mapping[str, str] | None = None,
    ) -> bytes:
        """Have `room` (keyturn/agent/helper.py) do a task and return its result.

        Its questions go to `asking`. The caller sets the limit of time: cancelled, this kills the helper.
        `environment` is added to the helper's own. Raises UnreachableError if the helper fails.
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-m",
            "keyturn.agent.helper",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={**self._environment, **(environment or {})},
            cwd="/",
            process_group=0,
        )
        self.running.add(process)
        try:
            return await _exchange(process, exchange.Work(room, task), asking)
        except (EOFError, OSError, WireError):
            raise UnreachableError(
                f"the helper for {room} failed", "try again; see the agent's log"
            ) from None
        finally:
            await self._end(process)

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        self.running.discard(process)
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()

    def kill_all(self) -> None:
        """Kill every helper and its children, and wait until the kernel has ended them."""
        for process in self.running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        for process in self.running:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(process.pid, 0)


async def _exchange(process: asyncio.subprocess.Process, work: exchange.Work, asking: Asking | None) -> bytes:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(exchange.encode(work))
    while True:
        try:
            length = wire.frame_length(await process.stdout.readexactly(wire.LENGTH_BYTES))
            message = exchange.decode_from_helper(await process.stdout.readexactly(length))
        except asyncio.IncompleteReadError:
            raise EOFError from None
        if isinstance(message, exchange.Result):
            return message.content
        if asking is None:
            raise WireError("a question where nobody is to be asked")
        if isinstance(message, exchange.Shown):
            await asking.show(message.line)
        elif message.echo:
            text = await asking.text(message.prompt, message.warning)
            process.stdin.write(exchange.encode(exchange.Reply(Secret(text))))
        else:
            secret = await asking.secret(message.prompt, message.warning)
            process.stdin.write(exchange.encode(exchange.Reply(secret)))

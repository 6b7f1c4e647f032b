"""Running helpers: exec'ed, never forked from the keeper; in groups of their own, with a limit."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping

from keyturn.ground.errors import UnreachableError
from keyturn.vaults.age import derive

# The longest derivation that is accepted (log N 21) takes some ten seconds on a slow machine.
HELPER_SECONDS = 60.0


class Helpers:
    """Starts helpers and knows those that run, so that locking can end them."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)
        self._running: set[asyncio.subprocess.Process] = set()

    async def derive(self, task: derive.Task) -> derive.Result:
        """One key derivation in a helper. Raises UnreachableError if the helper fails."""
        output = await self._run("keyturn.agent.helper", derive.encode_task(task))
        return derive.decode_result(output)

    async def _run(self, module: str, task: bytes) -> bytes:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-m",
            module,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=self._environment,
            cwd="/",
            process_group=0,
        )
        self._running.add(process)
        try:
            async with asyncio.timeout(HELPER_SECONDS):
                output, _ = await process.communicate(task)
        except TimeoutError:
            raise UnreachableError("the key derivation took too long") from None
        finally:
            await self._end(process)
        if process.returncode != 0 or not output:
            raise UnreachableError("the helper for key derivation failed", "try again; see the agent's log")
        return output

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        self._running.discard(process)
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()

    def kill_all(self) -> None:
        """Kill every helper and its children, and wait until the kernel has ended them."""
        for process in self._running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        for process in self._running:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(process.pid, 0)

"""One accepted connection: frames with limits, and word of the other side's hanging up."""

from __future__ import annotations

import asyncio
import contextlib
import os

from keyturn.agent.callers import Caller
from keyturn.ground import wire
from keyturn.ground.wire import WireError

# A client of ours sends its question at once; one that does not is not waited for.
FIRST_FRAME_SECONDS = 5.0
# A client that does not take its answer is given up.
SEND_SECONDS = 10.0
# Frames over 64 KiB are held a few at a time, so that nobody can make the keeper hold gigabytes.
LARGE_FRAMES_AT_ONCE = 4


class Connection:
    """Reads frames from and writes frames to one client."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        caller: Caller,
        large_frames: asyncio.Semaphore,
    ) -> None:
        self.caller = caller
        self._reader = reader
        self._writer = writer
        self._large_frames = large_frames
        self._said_wait = False
        self.is_gone = False
        self._frames: asyncio.Queue[bytes | None] = asyncio.Queue(1)
        self._is_receiving = False
        self._pump: asyncio.Task[None] | None = None

    async def first_frame(self) -> bytes:
        """The frame that a connection begins with. Raises WireError, EOFError or TimeoutError.

        From then on the task that called this is cancelled when the other side hangs up.
        """
        async with asyncio.timeout(FIRST_FRAME_SECONDS):
            frame = await self._read_frame()
        task = asyncio.current_task()
        assert task is not None
        self._pump = asyncio.create_task(self._watch(task))
        return frame

    async def receive(self) -> bytes:
        """The next frame's body. Raises EOFError when the other side has hung up."""
        self._is_receiving = True
        try:
            frame = await self._frames.get()
        finally:
            self._is_receiving = False
        if frame is None:
            raise EOFError
        return frame

    async def _watch(self, task: asyncio.Task[object]) -> None:
        """Hand over frames as they are asked for; at the end wake whoever waits, or cancel the handler."""
        with contextlib.suppress(WireError, EOFError, ConnectionError, TimeoutError):
            while True:
                await self._frames.put(await self._read_frame())
        self.is_gone = True
        if self._is_receiving:
            await self._frames.put(None)
        else:
            task.cancel()

    async def _read_frame(self) -> bytes:
        length = wire.frame_length(await self._exactly(wire.LENGTH_BYTES))
        if length <= wire.LARGE_FRAME:
            return await self._exactly(length)
        async with self._large_frames, asyncio.timeout(FIRST_FRAME_SECONDS):
            return await self._exactly(length)

    async def _exactly(self, length: int) -> bytes:
        try:
            return await self._reader.readexactly(length)
        except asyncio.IncompleteReadError:
            raise EOFError from None

    async def send(self, body: bytes) -> None:
        """Write one frame. Raises ConnectionError if the other side is gone."""
        if len(body) > wire.LARGEST_FRAME:
            raise WireError("an answer too large for one frame")
        self._writer.write(wire.frame(body))
        async with asyncio.timeout(SEND_SECONDS):
            await self._writer.drain()

    async def say_wait(self, body: bytes) -> None:
        """Tell the client, once, that its answer depends on a person."""
        if not self._said_wait:
            self._said_wait = True
            await self.send(body)

    async def close(self) -> None:
        """Close, after what was written has gone out."""
        if self._pump is not None:
            self._pump.cancel()
        try:
            async with asyncio.timeout(SEND_SECONDS):
                self._writer.close()
                await self._writer.wait_closed()
        except (OSError, TimeoutError):
            self._writer.transport.abort()
        if self.caller.pidfd is not None:
            with contextlib.suppress(OSError):
                os.close(self.caller.pidfd)

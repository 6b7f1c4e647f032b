"""A connection to the system's message bus that sends nothing by itself and never wakes this process.

Of jeepney it uses the parts that do no input or output: its asyncio connection cannot take descriptors.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
from dataclasses import dataclass
from typing import Any

from jeepney import (
    DBusAddress,
    HeaderFields,
    MatchRule,
    Message,
    MessageFlag,
    MessageType,
    Parser,
    message_bus,
    new_method_call,
)
from jeepney.auth import BEGIN, Authenticator
from jeepney.fds import FileDescriptor, fds_buf_size

# The bus and whoever answers on it are other people's: nothing is waited for without a limit.
OPEN_SECONDS = 5.0
CALL_SECONDS = 5.0
LARGEST_READ = 65536


class BusError(Exception):
    """There is no bus, it has gone, or it or somebody on it answered with an error or not at all."""


@dataclass(frozen=True)
class Signal:
    """A signal as the bus delivered it. `sender` is the unique name, which the bus itself sets."""

    sender: str
    path: str
    interface: str
    member: str
    signature: str
    body: tuple[Any, ...]


class Bus:
    """An open connection. `open` makes one; `close` it in the end."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._parser = Parser()
        self._serials = itertools.count(1)
        self._replies: dict[int, asyncio.Future[Message]] = {}
        self._signals: asyncio.Queue[Signal | None] = asyncio.Queue()
        self._is_open = True
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(connection, self._read)

    @classmethod
    async def open(cls, path: str, owner: int = 0) -> Bus:
        """Connect to the bus whose socket is at `path` and belongs to `owner`. Raises BusError."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.setblocking(False)
        try:
            if os.stat(path).st_uid != owner:
                raise BusError("another user's bus")
            async with asyncio.timeout(OPEN_SECONDS):
                await _authenticate(connection, path)
        except BaseException as error:
            connection.close()
            if isinstance(error, (OSError, ValueError)):
                raise BusError("no bus") from None
            raise
        bus = cls(connection)
        try:
            await bus.ask_bus(message_bus.Hello())
        except BaseException:
            bus.close()
            raise
        return bus

    def close(self) -> None:
        """Hang up: what is waited for fails, and there are no more signals."""
        if not self._is_open:
            return
        self._is_open = False
        self._loop.remove_reader(self._connection)
        self._connection.close()
        for reply in self._replies.values():
            if not reply.done():
                reply.set_exception(BusError("the bus has gone"))
        self._signals.put_nowait(None)

    async def next_signal(self) -> Signal | None:
        """Wait for a signal; None when the connection has ended."""
        return await self._signals.get()

    async def follow(self, **rule: str) -> None:
        """Have signals delivered that fit a rule (type, sender, interface …; arg0 for their first word)."""
        first = rule.pop("arg0", None)
        wanted = MatchRule(type="signal", **rule)
        if first is not None:
            wanted.add_arg_condition(0, first)
        await self.ask_bus(message_bus.AddMatch(wanted))

    async def owner(self, name: str) -> str:
        """The unique name of the connection that owns `name`; empty if nobody does."""
        try:
            return str((await self.ask_bus(message_bus.GetNameOwner(name)))[0])
        except BusError:
            return ""

    async def call(
        self,
        destination: str,
        path: str,
        interface: str,
        member: str,
        signature: str = "",
        body: tuple[Any, ...] = (),
    ) -> tuple[Any, ...]:
        """Call a method; what it returned, descriptors as jeepney's objects. Starts no service.

        Raises BusError for an error, and after CALL_SECONDS.
        """
        address = DBusAddress(path, bus_name=destination, interface=interface)
        return await self.ask_bus(new_method_call(address, member, signature or None, body))

    async def ask_bus(self, message: Message) -> tuple[Any, ...]:
        """Send a method call and wait for what it returns. Raises BusError."""
        if not self._is_open:
            raise BusError("the bus has gone")
        serial = next(self._serials)
        message.header.flags |= MessageFlag.no_auto_start
        reply = self._loop.create_future()
        self._replies[serial] = reply
        try:
            async with asyncio.timeout(CALL_SECONDS):
                await self._loop.sock_sendall(self._connection, message.serialise(serial))
                answer = await reply
        except OSError:
            # TimeoutError is one.
            raise BusError("no answer") from None
        finally:
            del self._replies[serial]
        if answer.header.message_type is not MessageType.method_return:
            raise BusError("an error for an answer")
        return tuple(answer.body)

    def _read(self) -> None:
        try:
            # No more than belongs to one message, so that descriptors stay with theirs.
            wanted = min(self._parser.bytes_desired(), LARGEST_READ)
            content, ancillary, flags, _ = self._connection.recvmsg(
                wanted, fds_buf_size(), socket.MSG_CMSG_CLOEXEC if hasattr(socket, "MSG_CMSG_CLOEXEC") else 0
            )
            if not content or flags & socket.MSG_CTRUNC:
                self.close()
                return
            self._parser.add_data(content, FileDescriptor.from_ancdata(ancillary))
            while (message := self._parser.get_next_message()) is not None:
                self._take(message)
        except BlockingIOError:
            return
        except Exception:  # noqa: BLE001  # whatever cannot be parsed: this connection is of no use any more
            self.close()

    def _take(self, message: Message) -> None:
        fields = message.header.fields
        if message.header.message_type is MessageType.signal:
            self._signals.put_nowait(
                Signal(
                    sender=fields.get(HeaderFields.sender, ""),
                    path=fields.get(HeaderFields.path, ""),
                    interface=fields.get(HeaderFields.interface, ""),
                    member=fields.get(HeaderFields.member, ""),
                    signature=fields.get(HeaderFields.signature, ""),
                    body=tuple(message.body),
                )
            )
            return
        reply = self._replies.get(fields.get(HeaderFields.reply_serial, 0))
        if reply is not None and not reply.done():
            reply.set_result(message)
            return
        # Nobody waits for it: a descriptor in it must not stay open.
        for part in message.body:
            if isinstance(part, FileDescriptor):
                part.close()


async def _authenticate(connection: socket.socket, path: str) -> None:
    loop = asyncio.get_running_loop()
    await loop.sock_connect(connection, os.fsencode(path))
    authenticator = Authenticator(enable_fds=True)
    for line in authenticator:
        await loop.sock_sendall(connection, line)
        received = await loop.sock_recv(connection, 1024)
        if not received:
            raise ConnectionResetError
        authenticator.feed(received)
    await loop.sock_sendall(connection, BEGIN)

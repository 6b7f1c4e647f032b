"""The system bus, as far as polkit needs it: calls, and calls that come in. jeepney is imported when used."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

# The bus's own fixed place (D-Bus Specification, “System message bus”). DBUS_SYSTEM_BUS_ADDRESS is not looked
# at: a variable, or a socket that an ordinary user made, could lead to a bus with a false polkit on it.
SOCKET = "/run/dbus/system_bus_socket"
BUS, BUS_PATH = "org.freedesktop.DBus", "/org/freedesktop/DBus"
# Of a service that runs, or that the bus starts for this call.
CALL_SECONDS = 5.0


class BusError(Exception):
    """A call was answered by an error; `name` is its D-Bus name."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(f"{name}: {text}")
        self.name = name
        self.text = text


class NoBusError(Exception):
    """There is no system bus, or it ended."""


class Bus:
    """One connection. Made by `connect`."""

    def __init__(self, router: Any) -> None:
        self._router = router

    async def call(
        self,
        service: str,
        path: str,
        interface: str,
        method: str,
        signature: str = "",
        body: tuple[Any, ...] = (),
        seconds: float | None = CALL_SECONDS,
    ) -> tuple[Any, ...]:
        """Call a method and return the values that it answers.

        Waits for `seconds` at most; None: as long as it takes, for a person may be in it. Raises BusError
        and NoBusError.
        """
        from jeepney import DBusAddress, HeaderFields, MessageType, new_method_call
        from jeepney.io.common import RouterClosed

        address = DBusAddress(path, bus_name=service, interface=interface)
        message = new_method_call(address, method, signature or None, body)
        try:
            async with asyncio.timeout(seconds):
                reply = await self._router.send_and_get_reply(message)
        except TimeoutError:
            raise BusError("org.freedesktop.DBus.Error.NoReply", "no answer in time") from None
        except (OSError, EOFError, RouterClosed, KeyError):
            # KeyError: jeepney 0.9 clears its table of replies when the bus ends, and then deletes from it.
            raise NoBusError from None
        if reply.header.message_type is MessageType.error:
            text = reply.body[0] if reply.body and isinstance(reply.body[0], str) else ""
            raise BusError(reply.header.fields[HeaderFields.error_name], text)
        values: tuple[Any, ...] = reply.body
        return values

    @contextlib.contextmanager
    def incoming(self, interface: str) -> Iterator[asyncio.Queue[Any]]:
        """An asyncio.Queue of the calls that come in for `interface`, while the block runs."""
        from jeepney import MatchRule

        rule = MatchRule(type="method_call", interface=interface)
        with self._router.filter(rule, queue=asyncio.Queue()) as queue:
            yield queue

    async def answer(self, call: Any, error: str = "") -> None:
        """Answer an incoming call by an empty return, or by the error of this D-Bus name."""
        from jeepney import new_error, new_method_return

        reply = new_error(call, error, "s", ("",)) if error else new_method_return(call)
        with contextlib.suppress(OSError):
            await self._router.send(reply)


def member(call: Any) -> str:
    """The method that an incoming call names."""
    from jeepney import HeaderFields

    return str(call.header.fields.get(HeaderFields.member, ""))


def sender(call: Any) -> str:
    """The unique name of who makes an incoming call; the bus vouches for it."""
    from jeepney import HeaderFields

    return str(call.header.fields.get(HeaderFields.sender, ""))


@asynccontextmanager
async def connect(path: str = SOCKET, owner: int = 0, seconds: float = CALL_SECONDS) -> AsyncIterator[Bus]:
    """A connection for as long as the block runs. Raises NoBusError, after `seconds` at most.

    The socket has to be `owner`'s: root's, if nothing else is said.
    """
    from jeepney.io.asyncio import DBusConnection, DBusRouter

    try:
        if os.stat(path).st_uid != owner:
            raise NoBusError
        reader, writer = await asyncio.open_unix_connection(path)
    except OSError:
        raise NoBusError from None
    connection = DBusConnection(reader, writer)
    try:
        await _authenticate(reader, writer, seconds)
        router = DBusRouter(connection)
        try:
            bus = Bus(router)
            try:
                # The bus routes nothing before it.
                await bus.call(BUS, BUS_PATH, BUS, "Hello", seconds=seconds)
            except BusError:
                raise NoBusError from None
            yield bus
        finally:
            # Of a bus that ended in the middle this says so once more.
            with contextlib.suppress(OSError, EOFError):
                await router.__aexit__(None, None, None)
    finally:
        with contextlib.suppress(OSError, EOFError):
            await connection.close()


async def _authenticate(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    """Say who we are, which the kernel confirms. jeepney's own way in has no limit of time."""
    from jeepney.auth import BEGIN, AuthenticationError, Authenticator

    authenticator = Authenticator()
    try:
        async with asyncio.timeout(seconds):
            for line in authenticator:
                writer.write(line)
                authenticator.feed(await reader.readuntil(b"\r\n"))
    except (OSError, EOFError, asyncio.LimitOverrunError, AuthenticationError):
        # A TimeoutError is an OSError, an IncompleteReadError an EOFError.
        raise NoBusError from None
    writer.write(BEGIN)

"""A server on the loopback for one sign-in: it sends a browser on its way, and waits for it to come back.

RFC 8252, 7.3: a port that the system chooses, open only while the sign-in lasts. It answers two requests:
its own start address, which leads to the service's page and alone stands among a program's arguments, and the
way back, which is taken once and only with the `state` of this sign-in. Who asks must be this user: a browser
of somebody else's would sign *us* in as *them*.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import socket
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

from keyturn.ground.clock import SystemClock
from keyturn.ground.secret import Secret
from keyturn.processes import loopback
from keyturn.sdk.sign_in import CALLBACK, PORT

HOST = "127.0.0.1"
LARGEST = 16 * 1024
# Of what connects and says nothing (browsers do so, ahead of time), so many are kept for so long.
MOST, SECONDS = 32, 20.0
_REQUEST = re.compile(rb"(?P<method>GET|HEAD) (?P<target>/[!-~]*) HTTP/1\.[01]\r\n")
_HOST = re.compile(rb"(?i)\r\nhost:[ \t]*(?P<host>[!-~]+)[ \t]*\r\n")

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Keyturn</title>
<body style="font-family: sans-serif; margin: 4em"><p>{text}</p></body></html>
"""
DONE = "Keyturn has what it waited for. You can close this page and go back to your terminal."
NOT_DONE = "The sign-in was refused. Your terminal says more; you can close this page."
ANOTHER = "This page belongs to another sign-in, which is over. Go back to your terminal."
NOT_FOUND = "There is nothing here."
NOT_YOURS = "This page is another user's."


class Redirect:
    """`with Redirect(address) as redirect:` listens until the block ends; `address` has `PORT` in it."""

    def __init__(self, address: str) -> None:
        self._listening = socket.create_server((HOST, 0), backlog=16)
        self._listening.setblocking(False)
        self.port: int = self._listening.getsockname()[1]
        self._address = address.replace(PORT, str(self.port))
        states = parse_qs(urlsplit(self._address).query).get("state", [])
        self._state = Secret(states[0]) if states and states[0] else None
        self._path = f"/start/{secrets.token_urlsafe(16)}"
        self._query: Secret | None = None
        self._clock = SystemClock()
        self._open: dict[int, tuple[socket.socket, bytearray, float]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listening.close()
        for connection, _, _ in self._open.values():
            connection.close()

    @property
    def start(self) -> str:
        """The address that a browser is to open."""
        return f"http://{HOST}:{self.port}{self._path}"

    @property
    def query(self) -> Secret:
        """What the browser came back with; there once `serve` has returned None."""
        assert self._query is not None
        return self._query

    def serve(self, ready: list[int]) -> list[int] | None:
        """Look to those descriptors that can be read. Returns what to wait for; None: the browser is back."""
        if self._listening.fileno() in ready:
            with contextlib.suppress(OSError):
                connection, _ = self._listening.accept()
                self._take(connection)
        for descriptor in [each for each in ready if each in self._open]:
            self._read(descriptor)
        for descriptor, (_, _, deadline) in list(self._open.items()):
            if deadline < self._clock.boot():
                self._drop(descriptor)
        return None if self._query is not None else [self._listening.fileno(), *self._open]

    def _take(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        if len(self._open) >= MOST:
            self._drop(next(iter(self._open)))
        self._open[connection.fileno()] = (connection, bytearray(), self._clock.boot() + SECONDS)

    def _read(self, descriptor: int) -> None:
        connection, received, _ = self._open[descriptor]
        try:
            part = connection.recv(LARGEST)
        except BlockingIOError:
            return
        except OSError:
            part = b""
        received += part
        is_whole = b"\r\n\r\n" in received
        if is_whole and len(received) <= LARGEST:
            with contextlib.suppress(OSError):
                connection.sendall(self._answer(bytes(received), loopback.owner(connection)))
        if is_whole or not part or len(received) > LARGEST:
            self._drop(descriptor)

    def _drop(self, descriptor: int) -> None:
        connection, _, _ = self._open.pop(descriptor)
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_WR)
        connection.close()

    def _answer(self, request: bytes, owner: int | None) -> bytes:
        # root can do what it likes; under WSL it is who brings a browser of Windows here.
        if owner not in (None, 0, os.getuid()):
            return _response("403 Forbidden", NOT_YOURS)
        parsed, host = _REQUEST.match(request), _HOST.search(request)
        # Of another name: a page of the web that would like to be taken for this one (DNS rebinding).
        if parsed is None or host is None or host["host"] != f"{HOST}:{self.port}".encode():
            return _response("400 Bad Request", NOT_FOUND)
        path, _, query = parsed["target"].decode("ascii").partition("?")
        if path == self._path:
            return _response("302 Found", "", f"Location: {self._address}")
        if path != CALLBACK or parsed["method"] != b"GET":
            return _response("404 Not Found", NOT_FOUND)
        return self._back(query)

    def _back(self, query: str) -> bytes:
        try:
            found = parse_qs(query, keep_blank_values=True, max_num_fields=20)
        except ValueError:
            found = {}
        states = [Secret(each) for each in found.get("state", [])]
        if self._query is not None or self._state is None or states != [self._state]:
            return _response("400 Bad Request", ANOTHER)
        self._query = Secret(query)
        return _response("200 OK", DONE if found.get("code") else NOT_DONE)


def _response(status: str, text: str, *headers: str) -> bytes:
    content = _PAGE.format(text=text).encode() if text else b""
    lines = [
        f"HTTP/1.1 {status}",
        "Content-Type: text/html; charset=utf-8",
        f"Content-Length: {len(content)}",
        "Cache-Control: no-store",
        "Referrer-Policy: no-referrer",
        "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'",
        "Connection: close",
        *headers,
    ]
    return "\r\n".join(lines).encode("ascii") + b"\r\n\r\n" + content

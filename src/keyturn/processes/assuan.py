"""The Assuan protocol's client side, as far as a pinentry needs it (libassuan's manual, “Implementation”).

A line is at most 1000 bytes before its line feed; `%`, CR and LF in a text are written as `%25`, `%0D` and
`%0A`. A request gets lines of data, status or comment and then OK or ERR. Nothing that was read is ever part
of an error: it may be half a password.
"""

from __future__ import annotations

import asyncio
import re

from keyturn.ground.secret import Secret

# ASSUAN_LINELENGTH is 1002 with CR and LF.
LINE_BYTES = 1000
# What a reader's buffer needs for one line; a longer one is refused, not stored.
READ_AHEAD = LINE_BYTES + 2

# No answer of a person is longer; a program that sends more is not what it should be.
LARGEST_ANSWER = 8192
MOST_LINES = 200

_ERROR = re.compile(rb"ERR ([0-9]{1,10})(?: .*)?\Z", re.DOTALL)
_ESCAPE = re.compile(rb"%(.{0,2})", re.DOTALL)
_ESCAPED = {"%": b"%25", "\r": b"%0D", "\n": b"%0A"}
# The error's number without the part that names its source (libgpg-error).
_CODE = 0xFFFF


class RefusedError(Exception):
    """ERR: the program understood and says no. `code` is libgpg-error's number."""

    def __init__(self, code: int) -> None:
        super().__init__(f"code {code}")
        self.code = code


class GarbledError(Exception):
    """The program ended or does not keep to the protocol."""


def escape(text: str, room: int = LINE_BYTES) -> bytes:
    """`text` for a line, in UTF-8; what has no place in `room` bytes is cut off, between two characters."""
    parts, left = [], room
    for character in text:
        part = _ESCAPED.get(character) or character.encode("utf-8", "replace")
        if len(part) > left:
            break
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def unescape(data: bytes) -> bytes:
    """The inverse of `escape`, for data. Raises GarbledError for a `%` without two hexadecimal digits."""
    return _ESCAPE.sub(_unescape_one, data)


def _unescape_one(found: re.Match[bytes]) -> bytes:
    digits = found[1]
    if re.fullmatch(rb"[0-9A-Fa-f]{2}", digits) is None:
        raise GarbledError("data that is not escaped")
    return bytes([int(digits, 16)])


def line(word: str, text: str | None = None) -> bytes:
    """A request: `word` is ours, `text` may hold anything and is escaped and cut to the line's length."""
    head = word.encode("ascii")
    body = head if text is None else head + b" " + escape(text, LINE_BYTES - len(head) - 1)
    return body + b"\n"


class Assuan:
    """The two pipes of a program that speaks it. The reader's limit has to be READ_AHEAD."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def greeted(self) -> None:
        """Wait until the program says that it is there. Raises RefusedError, GarbledError."""
        await self._reply()

    async def request(self, word: str, text: str | None = None) -> Secret:
        """Send one request; the data of its reply, mostly none. Raises RefusedError, GarbledError."""
        self._writer.write(line(word, text))
        return await self._reply()

    async def _reply(self) -> Secret:
        data: list[bytes] = []
        length = 0
        for _ in range(MOST_LINES):
            received = await self._line()
            if received == b"OK" or received.startswith(b"OK "):
                # An answer that is no UTF-8 is kept as it is, as one that was typed on a terminal.
                return Secret(b"".join(data).decode("utf-8", "surrogateescape"))
            error = _ERROR.match(received)
            if error is not None:
                raise RefusedError(int(error[1]) & _CODE)
            if received.startswith(b"D "):
                length += len(received)
                if length > LARGEST_ANSWER:
                    break
                data.append(unescape(received[2:]))
            elif not received.startswith((b"S ", b"#")):
                # An INQUIRE too: nothing was offered that could be inquired.
                break
        raise GarbledError("a reply that is none")

    async def _line(self) -> bytes:
        try:
            return (await self._reader.readuntil(b"\n"))[:-1]
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            pass
        # Not from within: the error holds what was read, and would hang on this one.
        raise GarbledError("the program ended, or its line does not")

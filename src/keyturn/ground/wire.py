"""Frames on the agent's socket, and the launcher's part of the protocol.

A frame is a length (four bytes, big-endian) and a body. The first body of a connection starts with
the protocol version and a letter: `R` for a launcher's question, `C` for the CLI's messages (msgpack,
`agent/messages.py`). What a launcher sends and gets is lists of fields: a count, then the fields, each
ending in NUL; whatever `execve` carries is free of NUL, and so the launcher needs no parser.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from keyturn.ground.errors import KeyturnError

VERSION = 3
LARGEST_FRAME = 8 * 1024 * 1024
# A frame over this size has to find a free place among a few, and a short deadline.
LARGE_FRAME = 64 * 1024
LENGTH_BYTES = 4

# A launcher's question, the CLI's messages, and what a shell's prompt wants to show.
RUN, CONTROL, SEGMENT = b"R", b"C", b"P"
# In the place of a ticket: this launcher's person is to choose an item first; or, with an item's id behind
# it, to say which of its fields is the one that is missing.
CHOOSE, MEND = "choose", "mend "
WAIT, SHOW, GO, TALK, ERROR, MISMATCH = b"W", b"S", b"G", b"T", b"E", b"V"


class WireError(KeyturnError):
    """A frame that is not of the protocol. What it held is never repeated in a message."""

    code = "wire"


def frame(body: bytes) -> bytes:
    """`body` with its length in front."""
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def frame_length(prefix: bytes) -> int:
    """The length that a prefix announces. Raises WireError for none or more than the limit."""
    length = int.from_bytes(prefix, "big")
    if len(prefix) != LENGTH_BYTES or not 0 < length <= LARGEST_FRAME:
        raise WireError("a frame of a length that is not of the protocol")
    return length


def encode_fields(*lists: list[bytes]) -> bytes:
    """Lists of fields as one body part. A field must hold no NUL."""
    parts: list[bytes] = []
    for fields in lists:
        parts.append(b"%d" % len(fields))
        parts.extend(fields)
    if any(b"\0" in part for part in parts):
        raise WireError("a field with NUL in it")
    return b"".join(part + b"\0" for part in parts)


def decode_fields(body: bytes, count: int) -> list[list[bytes]]:
    """The inverse of `encode_fields` for exactly `count` lists. Raises WireError for anything else."""
    if not body.endswith(b"\0"):
        raise WireError("a body that does not end")
    parts = body[:-1].split(b"\0")
    found: list[list[bytes]] = []
    position = 0
    for _ in range(count):
        if position >= len(parts):
            raise WireError("a list is missing")
        number = parts[position]
        # No leading zeros and no signs: one list has one encoding.
        if not number.isdigit() or number != b"%d" % int(number[:9]):
            raise WireError("a count that is none")
        end = position + 1 + int(number)
        if end > len(parts):
            raise WireError("fewer fields than announced")
        found.append(parts[position + 1 : end])
        position = end
    if position != len(parts):
        raise WireError("more fields than announced")
    return found


@dataclass(frozen=True)
class RunRequest:
    """A launcher's question: may this command run, and with what."""

    name: bytes
    path: bytes
    arguments: list[bytes]
    environment: list[bytes]

    def encode(self) -> bytes:
        head = bytes([VERSION]) + RUN
        return head + encode_fields([self.name, self.path], self.arguments, self.environment)

    @classmethod
    def decode(cls, body: bytes) -> RunRequest:
        """From a body without version and letter."""
        head, arguments, environment = decode_fields(body, 3)
        if len(head) != 2:
            raise WireError("a question without name and path")
        return cls(head[0], head[1], arguments, environment)


@dataclass(frozen=True)
class Go:
    """The answer that lets a command run: what changes in its environment, and its arguments.

    `held` are named pipes that it holds open, and all that it starts: by them the agent sees when the last
    one has ended that may want the files that it was given.
    """

    notes: list[bytes]
    remove: list[bytes]
    assign: list[tuple[bytes, bytes]]
    arguments: list[bytes]
    held: list[bytes] = field(default_factory=list)

    def encode(self) -> bytes:
        pairs = [part for pair in self.assign for part in pair]
        return GO + encode_fields(self.notes, self.remove, pairs, self.arguments, self.held)

    @classmethod
    def decode(cls, body: bytes) -> Go:
        notes, remove, pairs, arguments, held = decode_fields(body, 5)
        if len(pairs) % 2:
            raise WireError("a name without a value")
        return cls(notes, remove, list(zip(pairs[::2], pairs[1::2], strict=True)), arguments, held)


def encode_show(line: str) -> bytes:
    """Not an answer yet: what the launcher waits for, for its terminal, until something else comes."""
    return SHOW + encode_fields([line.replace("\0", "").encode("utf-8", "replace")])


def encode_talk(ticket: str) -> bytes:
    """The answer that elects this launcher to ask the person."""
    return TALK + encode_fields([ticket.encode()])


def encode_error(error: KeyturnError) -> bytes:
    """The answer that ends a launcher: its exit status and the lines that it prints."""
    lines = [error.message, *error.hints]
    cleaned = [line.replace("\0", "").encode("utf-8", "replace") for line in lines]
    return ERROR + encode_fields([b"%d" % error.status], cleaned)


def encode_segment(text: str) -> bytes:
    """The answer to a prompt: one line, and a short one."""
    return SEGMENT + encode_fields([text.replace("\0", "").encode("utf-8", "replace")[:1024]])


def encode_mismatch() -> bytes:
    """The answer to another version of the protocol; the launcher lets the CLI sort it out."""
    return MISMATCH + bytes([VERSION])

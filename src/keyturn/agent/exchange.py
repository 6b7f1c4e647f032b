"""What the agent and a helper say to each other over the helper's pipes: frames of msgpack.

The agent sends a `Work`; the helper answers with `Result`, and before it any number of questions for the
person, each answered by `Reply`. A helper whose person cancels is killed.
"""

from __future__ import annotations

from typing import TypeAlias, TypeVar

import msgspec

from keyturn.ground import wire
from keyturn.ground.secret import Secret, decode_secret, encode_secret
from keyturn.ground.wire import WireError

T = TypeVar("T")


class Work(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`room` names the module that does it (agent/helper.py), `task` is in that module's own encoding."""

    room: str
    task: bytes


class Question(msgspec.Struct, tag="question", frozen=True, forbid_unknown_fields=True):
    prompt: str
    warning: str = ""
    echo: bool = False


class Shown(msgspec.Struct, tag="shown", frozen=True, forbid_unknown_fields=True):
    """A line for the person; it is not answered."""

    line: str


class Result(msgspec.Struct, tag="result", frozen=True, forbid_unknown_fields=True):
    content: bytes


class Reply(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    text: Secret


FromHelper: TypeAlias = Question | Shown | Result

_encoder = msgspec.msgpack.Encoder(enc_hook=encode_secret)
_work = msgspec.msgpack.Decoder(Work)
_from_helper: msgspec.msgpack.Decoder[FromHelper] = msgspec.msgpack.Decoder(FromHelper)
_reply = msgspec.msgpack.Decoder(Reply, dec_hook=decode_secret)


def encode(message: Work | FromHelper | Reply) -> bytes:
    """As a frame."""
    return wire.frame(_encoder.encode(message))


def decode_work(body: bytes) -> Work:
    """Raises WireError, as the others here, for bytes that are none; they are not repeated."""
    return _decoded(_work, body)


def decode_from_helper(body: bytes) -> FromHelper:
    return _decoded(_from_helper, body)


def decode_reply(body: bytes) -> Reply:
    return _decoded(_reply, body)


def _decoded(decoder: msgspec.msgpack.Decoder[T], body: bytes) -> T:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    raise WireError("a helper's message that is none")

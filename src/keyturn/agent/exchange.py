"""What the agent and a helper say to each other over the helper's pipes: frames of msgpack.

The agent sends a `Work`; the helper answers with `Result`, and before it any number of questions for the
person, each answered by `Reply`. A helper whose person cancels is killed.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from keyturn.ground import packed, wire
from keyturn.ground.packed import Packed
from keyturn.ground.secret import Secret


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

_work: Packed[Work] = Packed(Work, "a helper's work")
_from_helper: Packed[FromHelper] = Packed(FromHelper, "a helper's message")
_reply: Packed[Reply] = Packed(Reply, "a reply to a helper")
decode_work, decode_from_helper, decode_reply = _work.decode, _from_helper.decode, _reply.decode


def encode(message: Work | FromHelper | Reply) -> bytes:
    """As a frame."""
    return wire.frame(packed.encode(message))

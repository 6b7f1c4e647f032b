"""What the CLI and the agent say to each other: msgpack frames behind `C` (keyturn/ground/wire.py).

A request is answered by `Done` or `Failed`, with any number of `Ask` and `Show` before it; while one of these
stands on the terminal the CLI sends `Answer`, `OtherWay` or `Cancel`. To `Talk` the agent may also send
`Execute`, which is answered by `Ended`. `Browse` stands on the terminal too, and is answered by `Returned`.
Unknown fields are ignored, so that a newer side may say more within one protocol version.
"""

from __future__ import annotations

from typing import Any, TypeAlias, TypeVar

import msgspec

from keyturn.agent import requests
from keyturn.agent.message import Message
from keyturn.ground.errors import KeyturnError, all_errors
from keyturn.ground.secret import Secret, decode_secret, encode_secret

T = TypeVar("T")


class Done(Message, frozen=True, kw_only=True):
    result: Any = None


class Failed(Message, frozen=True, kw_only=True):
    code: str
    text: str
    hints: list[str] = []


class Waiting(Message, frozen=True, kw_only=True):
    """Somebody else is being asked; go on waiting."""


class Ask(Message, frozen=True, kw_only=True):
    """Ask the person: `lines` say for what, `prompt` is the question; `warning` is about the last answer.

    An answer carries the number of its question. A `Waiting` that comes instead withdraws the question.
    `echo`: what is typed is shown. `other_way`: an empty answer asks for another way (`OtherWay`).
    """

    number: int
    lines: list[str]
    prompt: str
    warning: str = ""
    echo: bool = False
    other_way: bool = False


class Show(Message, frozen=True, kw_only=True):
    """Show these lines until something else comes; Enter, if `other_way`, and Ctrl-C are answers to it."""

    number: int
    lines: list[str]
    other_way: bool = False


class Browse(Message, frozen=True, kw_only=True):
    """Open `address` in the person's browser, and show these lines until it comes back.

    `{port}` in it stands for the port of a server on the loopback, which waits for the browser: what it is
    called with is the answer (`Returned`).
    """

    number: int
    lines: list[str]
    address: str


class Returned(Message, frozen=True, kw_only=True):
    """A browser has come back: the port that it called, and the query of the address."""

    number: int
    port: int
    query: Secret


class Execute(Message, frozen=True, kw_only=True):
    """Run a command line of the caller's own configuration by a shell, for at most so many seconds.

    With `words` it is a program and its arguments instead, and no shell is between. `assign` are variables
    that it gets besides.
    """

    number: int
    command: str
    seconds: float
    words: list[str] = []
    assign: dict[str, str] = {}


class Ended(Message, frozen=True, kw_only=True):
    """A command has ended: its exit status, as a shell has it, and the beginning of what it printed.

    `is_late`: it was ended, for its time was over. `is_cut`: there was more to print than is read.
    """

    number: int
    status: int
    output: Secret
    is_late: bool = False
    is_cut: bool = False


class Answer(Message, frozen=True, kw_only=True):
    number: int
    secret: Secret


class Cancel(Message, frozen=True, kw_only=True):
    """The person pressed Ctrl-C."""

    number: int


class OtherWay(Message, frozen=True, kw_only=True):
    """The person would rather agree in another way."""

    number: int


# What the CLI sends while a conversation goes on, and what the agent sends at any time.
Reply: TypeAlias = Answer | Cancel | OtherWay | Ended | Returned
Response: TypeAlias = Done | Failed | Ask | Show | Waiting | Execute | Browse

_encoder = msgspec.msgpack.Encoder(enc_hook=encode_secret)


def encode(message: Message) -> bytes:
    return _encoder.encode(message)


def _decoder(kinds: Any) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(kinds, dec_hook=decode_secret)


def _union(kinds: tuple[type, ...]) -> Any:
    union: Any = kinds[0]
    for kind in kinds[1:]:
        union = union | kind
    return union


_request: msgspec.msgpack.Decoder[requests.Request] = _decoder(_union(requests.ALL))
_answer: msgspec.msgpack.Decoder[Reply] = _decoder(Answer | Cancel | OtherWay | Ended | Returned)
_response: msgspec.msgpack.Decoder[Response] = _decoder(
    Done | Failed | Ask | Show | Waiting | Execute | Browse
)


def decode_request(body: bytes) -> requests.Request:
    """Raises msgspec.DecodeError for bytes that are no request; they are not repeated in it."""
    return _decoded(_request, body)


def decode_answer(body: bytes) -> Reply:
    """As `decode_request`."""
    return _decoded(_answer, body)


def is_reply(body: bytes) -> bool:
    """Whether these bytes are an answer to a question, wanted or not."""
    try:
        _decoded(_answer, body)
    except msgspec.DecodeError:
        return False
    return True


def decode_response(body: bytes) -> Response:
    """As `decode_request`."""
    return _decoded(_response, body)


def _decoded(decoder: msgspec.msgpack.Decoder[T], body: bytes) -> T:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    # Raised out here: the other exception would come along as the context, with the bytes in it.
    raise msgspec.DecodeError("a message that is none")


def failed(error: KeyturnError) -> Failed:
    return Failed(code=error.code, text=error.message, hints=list(error.hints))


def error_of(message: Failed) -> KeyturnError:
    """The error that the agent raised, to be raised again."""
    kind = all_errors().get(message.code, KeyturnError)
    return kind(message.text, *message.hints)


def convert(result: Any, kind: type[T]) -> T:
    """What Done carries, as `kind`."""
    return msgspec.convert(result, kind, dec_hook=decode_secret)

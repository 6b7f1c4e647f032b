"""What the CLI and the agent say to each other: msgpack frames behind `C` (keyturn/ground/wire.py).

A request is answered by `Done` or `Failed`, with any number of `Ask` and `Show` before it; while one of these
stands on the terminal the CLI sends `Answer`, `OtherWay` or `Cancel`.
Unknown fields are ignored, so that a newer side may say more within one protocol version.
"""

from __future__ import annotations

from typing import Any, TypeAlias, TypeVar

import msgspec

from keyturn.ground.errors import KeyturnError, all_errors
from keyturn.ground.secret import Secret, decode_secret, encode_secret
from keyturn.items import ItemReference, Url

T = TypeVar("T")


class Message(msgspec.Struct, tag_field="op", tag=str.lower, frozen=True, kw_only=True):
    """Base of every message; its class name in lower case says which it is on the wire."""


class Request(Message, frozen=True, kw_only=True):
    """`account` is what the person named: an id or a title, or empty for “the one that is meant here”.
    `may_ask` tells whether this client could put a question to a person."""

    account: str = ""
    may_ask: bool = False


# --- the agent itself ---------------------------------------------------------------------------------


class Hello(Request, frozen=True, kw_only=True):
    """Is somebody there? Done with version and process id."""


class GetStatus(Request, frozen=True, kw_only=True):
    """Done(Status)."""


class Talk(Request, frozen=True, kw_only=True):
    """The elected talker reports for duty; asked by Ask, then Done when the question is settled."""

    ticket: str


class SignIn(Request, frozen=True, kw_only=True):
    """Unlock the account and approve this terminal; without one, make a grant for the parent process.

    `once`: without a terminal the grant is for the calling process alone, which has a request to follow.
    """

    password: Secret | None = None
    once: bool = False


class SignOut(Request, frozen=True, kw_only=True):
    """End this terminal's approvals, or with `everywhere` all approvals and grants."""

    everywhere: bool = False


class Lock(Request, frozen=True, kw_only=True):
    """Forget everything. The connection ends when it is done."""


class Stop(Request, frozen=True, kw_only=True):
    """Forget everything and end the agent."""


# --- accounts -----------------------------------------------------------------------------------------


class CreateAccount(Request, frozen=True, kw_only=True):
    """A new account with a password slot, one vault and, if wanted, a recovery slot. Done(CreatedAccount)."""

    title: str
    vault: str
    password: Secret
    recovery: bool = False
    directory: str | None = None


class AddAccount(Request, frozen=True, kw_only=True):
    """List the account that lies in a directory."""

    directory: str


class ListAccounts(Request, frozen=True, kw_only=True):
    """Done(list of AccountRow)."""


class TrustAccount(Request, frozen=True, kw_only=True):
    """Pin what lies in the account's directory now, if confirmed. Done(Trusted)."""

    password: Secret
    confirmed: bool = False


class ForgetAccount(Request, frozen=True, kw_only=True):
    """Drop the entry and this machine's pins; never files."""


class RenameAccount(Request, frozen=True, kw_only=True):
    title: str


class ListSlots(Request, frozen=True, kw_only=True):
    """Done(list of SlotRow)."""


class AddSlot(Request, frozen=True, kw_only=True):
    """`kind` is password or recovery. Done(CreatedSlot)."""

    kind: str
    title: str
    password: Secret | None = None


class RemoveSlot(Request, frozen=True, kw_only=True):
    """Done(IdentityChanged)."""

    slot: str


class ChangePassword(Request, frozen=True, kw_only=True):
    """`old` opens the slot that is replaced. Done(IdentityChanged)."""

    old: Secret
    new: Secret


# --- vaults and items ---------------------------------------------------------------------------------


class CreateVault(Request, frozen=True, kw_only=True):
    title: str


class ListVaults(Request, frozen=True, kw_only=True):
    """Done(list of VaultRow)."""


class ListItems(Request, frozen=True, kw_only=True):
    """Done(list of ItemRow)."""

    vault: str = ""


class GetItem(Request, frozen=True, kw_only=True):
    """An item by id or title. Done(ItemView)."""

    item: str
    vault: str = ""


class FieldChange(msgspec.Struct, frozen=True):
    """Set the field that `label` matches, or add it. No value: it is removed."""

    label: str
    type: str = ""
    value: Secret | None = None


class CreateItem(Request, frozen=True, kw_only=True):
    """Done(ItemView)."""

    title: str
    fields: list[FieldChange]
    vault: str = ""
    tags: list[str] = []
    urls: list[Url] = []


class EditItem(Request, frozen=True, kw_only=True):
    """Done(ItemView)."""

    item: str
    vault: str = ""
    title: str = ""
    fields: list[FieldChange] = []
    tags: list[str] | None = None


class CheckItem(Request, frozen=True, kw_only=True):
    """Read an item back from disk through a fresh decryption and compare fields. Done(bool)."""

    reference: ItemReference
    fields: dict[str, Secret]


# --- defaults -----------------------------------------------------------------------------------------


class SetDefault(Request, frozen=True, kw_only=True):
    """Make an item the global default of an executable; bind it to a name and trust a path where given."""

    executable: str
    plugin: str
    reference: ItemReference
    bind: str = ""
    trust: str = ""


# --- answers ------------------------------------------------------------------------------------------


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
Reply: TypeAlias = Answer | Cancel | OtherWay
Response: TypeAlias = Done | Failed | Ask | Show | Waiting

REQUESTS: tuple[type[Request], ...] = tuple(Request.__subclasses__())

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


_request: msgspec.msgpack.Decoder[Request] = _decoder(_union(REQUESTS))
_answer: msgspec.msgpack.Decoder[Reply] = _decoder(Answer | Cancel | OtherWay)
_response: msgspec.msgpack.Decoder[Response] = _decoder(Done | Failed | Ask | Show | Waiting)


def decode_request(body: bytes) -> Request:
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

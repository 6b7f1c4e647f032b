"""What is inside account.age and vaults/*.age: JSON, typed and strict.

There is one encoding of a document: what parses encodes to the same bytes, or it is refused. Items stay
encoded until they are asked for (10,000 decoded items would cost 70 MB).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Generic, Literal, TypeVar

import msgspec

from keyturn.ground.errors import DamagedError, MisplacedError, NewerError, UsageError
from keyturn.ground.secret import Secret, decode_secret, encode_secret
from keyturn.items import Id, Item, ItemSummary
from keyturn.vaults.age.slots import Kind

# The newest format of each document. A program that knows only older ones refuses it by this number.
ACCOUNT_FORMAT: Literal[1] = 1
VAULT_FORMAT: Literal[2] = 2
HISTORY = 64

Generation = Annotated[int, msgspec.Meta(ge=1, le=2**53)]
Digest = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]


class SlotRecord(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A slot as the account knows it: enough to wrap another identity for it without asking anybody.

    `block` is the first block of a slot that is locked, empty for others.
    """

    id: Id
    kind: Kind
    title: str
    created: str
    recipient: Secret
    block: str


class Previous(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """There while a change of identity is under way: the old identity, and the slots that go with it."""

    identity: Secret
    slots: list[Id]


class AccountDocument(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The payload of account.age. `history`: the generations before and the SHA-256 of their files."""

    keyturn: Literal["account"]
    format: Literal[1]
    account: Id
    title: str
    created: str
    generation: Generation
    writer: Id
    history: list[tuple[Generation, Digest]]
    slots: list[SlotRecord]
    previous: Previous | None


class VaultDocument(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The payload of vaults/ID.age; `items` maps ids to encoded items.

    `archived` are items that were deleted and can be restored. `versions` are what items, of either kind,
    were before they were edited, the oldest first.
    """

    keyturn: Literal["vault"]
    format: Literal[2]
    account: Id
    vault: Id
    title: str
    created: str
    generation: Generation
    writer: Id
    history: list[tuple[Generation, Digest]]
    items: dict[Id, msgspec.Raw]
    archived: dict[Id, msgspec.Raw]
    versions: dict[Id, list[msgspec.Raw]]


class _FirstVault(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A vault of format 1: without archive and versions."""

    keyturn: Literal["vault"]
    format: Literal[1]
    account: Id
    vault: Id
    title: str
    created: str
    generation: Generation
    writer: Id
    history: list[tuple[Generation, Digest]]
    items: dict[Id, msgspec.Raw]


class _Envelope(msgspec.Struct):
    keyturn: str
    format: Annotated[int, msgspec.Meta(ge=1)]


class _ItemHead(msgspec.Struct):
    """The part of an item that a summary needs; the values are skipped, never made into strings."""

    id: str
    title: str
    category: str
    updated_at: str
    tags: tuple[str, ...] = ()


class _ItemVersion(msgspec.Struct):
    id: str
    version: int


Document = TypeVar("Document", bound=AccountDocument | VaultDocument)


def place_of(document: AccountDocument | VaultDocument) -> str:
    """The name of the file that the document belongs in: `account`, or the vault's id."""
    return "account" if isinstance(document, AccountDocument) else document.vault


def account_title(document: AccountDocument | VaultDocument) -> str:
    """The account's title where the document knows it, else nothing."""
    return document.title if isinstance(document, AccountDocument) else ""


_KINDS: dict[type[Any], tuple[str, int]] = {
    AccountDocument: ("account", ACCOUNT_FORMAT),
    VaultDocument: ("vault", VAULT_FORMAT),
}
_encoder = msgspec.json.Encoder(enc_hook=encode_secret)
_item_decoder = msgspec.json.Decoder(Item, dec_hook=decode_secret)
_head_decoder = msgspec.json.Decoder(_ItemHead)
_version_decoder = msgspec.json.Decoder(_ItemVersion)


def _with_archive(content: bytes) -> bytes:
    """A vault of format 1 in format 2. Raises DamagedError for what is none."""
    first: _FirstVault | None
    try:
        first = msgspec.json.decode(content, type=_FirstVault)
    except (msgspec.DecodeError, UnicodeDecodeError):
        first = None
    # What is not as format 1 writes it must not become sound by being migrated.
    if first is None or _encode(first) != content:
        raise DamagedError("the vault does not parse")
    kept = {name: getattr(first, name) for name in first.__struct_fields__ if name != "format"}
    return _encode(VaultDocument(**kept, format=VAULT_FORMAT, archived={}, versions={}))


# Takes the bytes of a document from the format that is the key to the next one.
Migrations = Mapping[int, Callable[[bytes], bytes]]
MIGRATIONS: dict[str, Migrations] = {"account": {}, "vault": {1: _with_archive}}


class Codec(Generic[Document]):
    """Between a document and its bytes."""

    def __init__(
        self, kind: type[Document], migrations: Migrations | None = None, newest: int | None = None
    ) -> None:
        """`migrations` and `newest`, the format that is written: other ones than those of `kind`."""
        self.name, own = _KINDS[kind]
        self.format = own if newest is None else newest
        self._decoder: msgspec.json.Decoder[Document] = msgspec.json.Decoder(kind, dec_hook=decode_secret)
        self._migrations = MIGRATIONS[self.name] if migrations is None else migrations

    def encode(self, document: Document) -> bytes:
        """Raises UsageError for text that is not UTF-8."""
        return _encode(document)

    def decode(self, content: bytes) -> tuple[Document, int]:
        """The document, and the format that it was written in.

        Raises MisplacedError for another kind of document, NewerError naming the version, DamagedError
        without a word of the content for everything else.
        """
        found = self._envelope(content)
        for version in range(found, self.format):
            if version not in self._migrations:
                raise DamagedError(f"the {self.name} has format {version}, which never was released")
            content = self._migrations[version](content)
        return self._strictly(content), found

    def _envelope(self, content: bytes) -> int:
        try:
            envelope = msgspec.json.decode(content, type=_Envelope)
        except (msgspec.DecodeError, UnicodeDecodeError):
            envelope = None
        if envelope is None:
            raise DamagedError(f"the {self.name} does not parse")
        if envelope.keyturn != self.name:
            raise MisplacedError(f"another kind of document in the place of the {self.name}")
        if envelope.format > self.format:
            raise NewerError(
                f"the {self.name} has format {envelope.format}; this Keyturn reads up to {self.format}",
                "update Keyturn",
            )
        return envelope.format

    def _strictly(self, content: bytes) -> Document:
        document: Document | None
        try:
            document = self._decoder.decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError):
            document = None
        if document is None:
            raise DamagedError(f"the {self.name} does not parse")
        if _encode(document) != content:
            raise DamagedError(f"the {self.name} is not in its strict form")
        return document


def encode_item(item: Item) -> bytes:
    """An item as a vault holds it.

    Raises UsageError for an item that would not be read back as it is: text that is not UTF-8, an id
    that is none.
    """
    content = _encode(item)
    try:
        same = _encode(_item_decoder.decode(content)) == content
    except msgspec.DecodeError:
        same = False
    if not same:
        raise UsageError("the item cannot be stored: an id or a type in it is malformed")
    return content


def decode_item(item_id: str, content: bytes | msgspec.Raw) -> Item:
    """Raises DamagedError, naming the id, for anything but what `encode_item` wrote for `item_id`."""
    try:
        item = _item_decoder.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        item = None
    if item is None or item.id != item_id or _encode(item) != bytes(content):
        raise DamagedError(f"the item {item_id} does not parse")
    return item


def summarise(item_id: str, content: bytes | msgspec.Raw) -> ItemSummary:
    """What can be said of an item without its values. Raises DamagedError naming the id."""
    try:
        head = _head_decoder.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        head = None
    if head is None or head.id != item_id:
        raise DamagedError(f"the item {item_id} does not parse")
    return ItemSummary(head.id, head.title, head.category, head.tags, head.updated_at)


def version_of(item_id: str, content: bytes | msgspec.Raw) -> int:
    """An item's version. Raises DamagedError naming the id."""
    try:
        found = _version_decoder.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        found = None
    if found is None or found.id != item_id:
        raise DamagedError(f"the item {item_id} does not parse")
    return found.version


def _encode(value: Any) -> bytes:
    try:
        return _encoder.encode(value)
    except UnicodeEncodeError:
        pass
    # Raised out here: the other exception would come along as the context, with the text in it.
    raise UsageError("text that is not UTF-8 cannot be stored")

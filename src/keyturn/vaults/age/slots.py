"""Slot files: each wraps the account identity for one password, key or recovery code.

A slot file is a text header and one or two armored age blocks, so that `age -d` opens it without Keyturn
(docs/reference/vault-format.md). The header is in clear; the last block repeats account and slot and
carries the hash of all that stands before it, so that a slot that was moved or edited is noticed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from keyturn.ground.errors import DamagedError, MisplacedError, NewerError, UsageError
from keyturn.ground.names import is_id, printable
from keyturn.ground.secret import Secret
from keyturn.vaults.age import armor, identities
from keyturn.vaults.age.derive import Wrapped

FORMAT = 1
SUFFIX = ".slot"
LARGEST = 64 * 1024
LONGEST_TITLE = 120


class Kind(StrEnum):
    """What opens a slot."""

    PASSWORD = "password"
    RECOVERY = "recovery"
    SSH = "ssh"
    PLUGIN = "plugin"
    KEYRING = "keyring"

    @property
    def is_locked(self) -> bool:
        """Whether the slot has an identity of its own, locked for the outside in a first block."""
        return self in (Kind.PASSWORD, Kind.SSH, Kind.PLUGIN)


@dataclass(frozen=True)
class Header:
    """The clear part of a slot file; `created` is RFC 3339 in UTC with whole seconds."""

    account: str
    slot: str
    kind: Kind
    title: str
    created: str

    def encode(self) -> bytes:
        """The header's lines and the empty line after them."""
        lines = (
            f"keyturn-slot: {FORMAT}",
            f"account: {self.account}",
            f"slot: {self.slot}",
            f"kind: {self.kind}",
            f"title: {self.title}",
            f"created: {self.created}",
        )
        return "\n".join(lines).encode() + b"\n\n"


@dataclass(frozen=True)
class Slot:
    """A parsed slot file. `blocks`: the locked slot identity, where the kind has one, and the account
    identity."""

    header: Header
    blocks: tuple[bytes, ...]

    def encode(self) -> bytes:
        return self.header.encode() + b"".join(self.blocks)

    @property
    def locked(self) -> bytes:
        """The block that a password, an SSH key or a plugin opens; only slots that are locked have one."""
        return self.blocks[0]

    @property
    def mark(self) -> str:
        """As `mark_of`."""
        header = self.header
        block = self.locked if header.kind.is_locked else b""
        return mark_of(header.kind, header.title, header.created, block)

    def open(self, slot_identity: Secret) -> Secret | None:
        """The account identity, or None if the slot is not for `slot_identity`.

        Raises MisplacedError or DamagedError if it opens and was written for another place or header.
        """
        content = identities.unseal(self.blocks[-1], slot_identity)
        return None if content is None else self._account_identity(content)

    def _account_identity(self, content: bytes) -> Secret:
        *comments, last = content.decode("ascii", "replace").removesuffix("\n").split("\n")
        identity, name = Secret(last), self.header.slot
        expected = _bound_to(self.header, self.blocks[:-1])
        if comments[:2] != expected[:2]:
            raise MisplacedError(f"the slot {name} was written for another account or under another id")
        if comments != expected:
            raise DamagedError(f"the slot {name} was changed since it was written")
        if not identities.is_identity(identity) or content != _identity_content(identity, expected):
            raise DamagedError(f"the slot {name} holds no account identity")
        return identity


@dataclass(frozen=True)
class SlotKey:
    """What a new slot brings: its recipient, and the block that is opened from outside if it has one."""

    kind: Kind
    title: str
    recipient: Secret
    block: bytes = b""


def mark_of(kind: Kind, title: str, created: str, block: bytes) -> str:
    """Tells a slot from others as long as it exists: a change of the account identity gives it a new id and
    leaves this. 64 hexadecimal digits; `block` is the first block of a slot that is locked."""
    return hashlib.sha256(block or f"{kind}\n{title}\n{created}\n".encode()).hexdigest()


def file_name(slot_id: str) -> str:
    return slot_id + SUFFIX


def check_title(title: str) -> None:
    """Raises UsageError for a title that is not one printable line of at most 120 characters."""
    if not _is_title(title):
        raise UsageError(f"a title is one line of 1 to {LONGEST_TITLE} printable characters")


def password_key(wrapped: Wrapped, title: str) -> SlotKey:
    """The key of a new password slot from what the helper made. Raises UsageError for a bad title."""
    return locked_key(Kind.PASSWORD, wrapped, title)


def locked_key(kind: Kind, wrapped: Wrapped, title: str) -> SlotKey:
    """As `password_key`, for every kind that is locked."""
    check_title(title)
    return SlotKey(kind, title, wrapped.recipient, wrapped.block)


def identity_key(kind: Kind, identity: Secret, title: str) -> SlotKey:
    """The key of a new slot that `identity`, which is kept elsewhere, opens by itself."""
    check_title(title)
    return SlotKey(kind, title, identities.recipient_of(identity))


def new_recovery_code() -> Secret:
    """A recovery code: an age identity, which `age -d -i` takes. It is to be shown once and not kept."""
    return identities.generate()


def read_recovery_code(typed: Secret) -> Secret:
    """The code as it was made from what a person typed; case and white space do not matter.

    Raises UsageError, which repeats nothing of it.
    """
    code = Secret("".join(typed.reveal().split()).upper())
    if not identities.is_identity(code):
        raise UsageError(
            "that is not a recovery code", "it starts with AGE-SECRET-KEY-1 and has 74 characters"
        )
    return code


def recovery_key(code: Secret, title: str) -> SlotKey:
    """The key of a new recovery slot. Raises UsageError for a bad title or code."""
    return identity_key(Kind.RECOVERY, read_recovery_code(code), title)


def wrap(header: Header, account_identity: Secret, recipient: Secret, block: bytes) -> Slot:
    """The slot that gives `account_identity` to whoever has the identity of `recipient`."""
    outer = (block,) if header.kind.is_locked else ()
    content = _identity_content(account_identity, _bound_to(header, outer))
    return Slot(header, (*outer, identities.seal(content, recipient, armored=True)))


def parse(content: bytes) -> Slot:
    """A slot file. Raises NewerError naming the version, WorkFactorError, or DamagedError.

    Strict: what parses encodes to the same bytes, and the work factor is within its bounds.
    """
    head, mark, rest = content.partition(b"\n\n")
    header = _parse_header(head + mark)
    blocks = armor.split(rest)
    if len(blocks) != (2 if header.kind.is_locked else 1):
        raise DamagedError(f"a {header.kind} slot with {len(blocks)} age blocks")
    if header.kind is Kind.PASSWORD:
        armor.work_factor(blocks[0])
    elif header.kind is Kind.SSH:
        armor.check_ssh(blocks[0])
    return Slot(header, tuple(blocks))


def parse_at(path: Path, content: bytes) -> Slot:
    """`parse` for a file found at `path`, which every error names; MisplacedError under a wrong name."""
    try:
        slot = parse(content)
    except DamagedError as error:
        raise type(error)(f"{path}: {error.message}", *error.hints) from None
    if path.name != file_name(slot.header.slot):
        raise MisplacedError(f"{path} is the slot {slot.header.slot} under another name")
    return slot


def _parse_header(content: bytes) -> Header:
    try:
        lines = content.decode().removesuffix("\n\n").split("\n")
    except UnicodeDecodeError:
        lines = []
    names = ("keyturn-slot", "account", "slot", "kind", "title", "created")
    pairs = dict(line.split(": ", 1) for line in lines if ": " in line)
    version = pairs.get(names[0], "")
    if version.isascii() and version.isdigit() and int(version[:9]) > FORMAT:
        raise NewerError(f"the slot has format {version[:9]}; this Keyturn reads {FORMAT}", "update Keyturn")
    if tuple(pairs) != names or pairs["kind"] not in set(Kind):
        raise DamagedError("the header is not that of a slot")
    header = Header(pairs["account"], pairs["slot"], Kind(pairs["kind"]), pairs["title"], pairs["created"])
    well_formed = is_id(header.account) and is_id(header.slot) and _is_title(header.title)
    if not well_formed or not _is_moment(header.created) or header.encode() != content:
        raise DamagedError("the header of the slot is malformed")
    return header


def _is_title(title: str) -> bool:
    return bool(title) and title == title.strip() and title == printable(title, LONGEST_TITLE)


def _is_moment(text: str) -> bool:
    form = "%Y-%m-%dT%H:%M:%SZ"
    try:
        # Not strptime, which imports a calendar first: each unlock would wait for it.
        return datetime.fromisoformat(text).strftime(form) == text
    except ValueError:
        return False


def _bound_to(header: Header, outer: tuple[bytes, ...]) -> list[str]:
    """The comments before the account identity; age ignores them in an identity file."""
    digest = hashlib.sha256(header.encode() + b"".join(outer)).hexdigest()
    return [
        f"# keyturn-account: {header.account}",
        f"# keyturn-slot: {header.slot}",
        f"# keyturn-before: {digest}",
    ]


def _identity_content(account_identity: Secret, comments: list[str]) -> bytes:
    return ("\n".join((*comments, account_identity.reveal())) + "\n").encode()

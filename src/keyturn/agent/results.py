"""What `Done` carries: the agent's results, as the CLI shows them."""

from __future__ import annotations

import msgspec

from keyturn.ground.secret import Secret
from keyturn.items import Item


class AccountRow(msgspec.Struct, frozen=True):
    id: str
    title: str
    directory: str
    unlocked: bool


class SlotRow(msgspec.Struct, frozen=True):
    id: str
    kind: str
    title: str
    created: str
    note: str = ""


class VaultRow(msgspec.Struct, frozen=True):
    id: str
    title: str
    items: int


class ItemRow(msgspec.Struct, frozen=True):
    id: str
    title: str
    vault: str
    vault_title: str
    category: str = ""
    tags: list[str] = []
    updated_at: str = ""


class ItemView(msgspec.Struct, frozen=True):
    """An item and where it is."""

    account: str
    vault: str
    vault_title: str
    item: Item


class CreatedAccount(msgspec.Struct, frozen=True):
    id: str
    directory: str
    recovery_code: Secret | None


class CreatedSlot(msgspec.Struct, frozen=True):
    id: str
    recovery_code: Secret | None


class IdentityChanged(msgspec.Struct, frozen=True):
    """Older copies of the files stay readable with what was removed: these items are to be rotated."""

    items: list[str]
    lines: list[str] = []


class Trusted(msgspec.Struct, frozen=True):
    pinned: str
    found: str


class ApprovalRow(msgspec.Struct, frozen=True):
    account: str
    terminal: str
    this: bool
    seconds_left: int


class GrantRow(msgspec.Struct, frozen=True):
    account: str
    process: int
    seconds_left: int


class Status(msgspec.Struct, frozen=True):
    version: str
    pid: int
    accounts: list[AccountRow]
    approvals: list[ApprovalRow]
    grants: list[GrantRow]

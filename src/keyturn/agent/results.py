"""What `Done` carries: the agent's results, as the CLI shows them."""

from __future__ import annotations

import msgspec

from keyturn.ground.names import printable
from keyturn.ground.secret import Secret
from keyturn.items import Item, ItemReference


class AccountRow(msgspec.Struct, frozen=True):
    """`directory` is where it is, for people; `backend` whose vault it is."""

    id: str
    title: str
    directory: str
    unlocked: bool
    backend: str = "keyturn"


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


class FoundItem(msgspec.Struct, frozen=True):
    """`related`: something speaks for its being the credential that was looked for."""

    id: str
    title: str
    vault: str
    vault_title: str
    account: str
    related: bool


class ItemView(msgspec.Struct, frozen=True):
    """An item and where it is."""

    account: str
    vault: str
    vault_title: str
    item: Item


class CodeRow(msgspec.Struct, frozen=True):
    """A one-time code; valid in so many seconds, and after so many no more."""

    code: Secret
    valid_in: float
    valid_for: float


class VersionRow(msgspec.Struct, frozen=True):
    """`changes` are labels of fields that are other than in the version before: +new, -removed."""

    version: int
    title: str
    updated_at: str
    current: bool
    changes: list[str] = []


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


class RenewedRecovery(msgspec.Struct, frozen=True):
    """`changed` is there if an older code was replaced."""

    recovery_code: Secret
    changed: IdentityChanged | None


class Trusted(msgspec.Struct, frozen=True):
    pinned: str
    found: str


class ApprovalRow(msgspec.Struct, frozen=True):
    """`terminal` is empty for all of the user's; `seconds_left` None: until the account locks.

    `item` and `program` are what the approval is for under the preset `strict`.
    """

    account: str
    terminal: str
    this: bool
    seconds_left: int | None
    item: str = ""
    program: str = ""


class GrantRow(msgspec.Struct, frozen=True):
    """`process` 0: every process without a terminal; `plugin` and `below` empty: not limited by these."""

    id: str
    account: str
    process: int
    plugin: str
    below: str
    seconds_left: int


class Status(msgspec.Struct, frozen=True):
    version: str
    pid: int
    preset: str
    locks_in_seconds: int | None
    accounts: list[AccountRow]
    approvals: list[ApprovalRow]
    grants: list[GrantRow]


def short(found: Status) -> str:
    """`Work 9m` where this terminal may use accounts, `unlocked` where others may, else nothing."""
    mine = [f"{each.account} {_minutes(each.seconds_left)}".strip() for each in found.approvals if each.this]
    if mine:
        return printable(", ".join(dict.fromkeys(mine)))
    return "unlocked" if any(each.unlocked for each in found.accounts) else ""


def _minutes(seconds: int | None) -> str:
    if seconds is None:
        return ""
    return (
        f"{seconds // 3600}h" if seconds >= 3600 else f"{seconds // 60}m" if seconds >= 60 else f"{seconds}s"
    )


class Explained(msgspec.Struct, frozen=True):
    """The plan of a command with its reasons, and what else is worth knowing."""

    lines: list[str]
    notes: list[str]


class MatchedItem(msgspec.Struct, frozen=True):
    """An item that has the values; `labels` are its own, by those that were asked for."""

    reference: ItemReference
    vault_title: str
    labels: dict[str, str]


class BackupRow(msgspec.Struct, frozen=True):
    """A kept copy of a plaintext file. `left` is the SHA-256 of what was left there then."""

    id: str
    path: str
    link: str
    moment: str
    tools: list[str]
    left: str


class BackupContent(msgspec.Struct, frozen=True):
    """A copy with its file, in base64."""

    row: BackupRow
    left: str
    mode: int
    content: Secret

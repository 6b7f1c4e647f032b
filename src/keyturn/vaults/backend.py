"""What every vault can do, Keyturn's own or another program's.

A backend is synchronous: the agent runs it in a worker thread. `tests/vaults/contract.py` is the contract
as tests; each backend's own tests inherit it. What a vault cannot do raises UnsupportedError, which says what
and whose vault it is; nothing is half done then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from keyturn.items import Item, ItemSummary, VaultReference


@dataclass(frozen=True)
class Available:
    """The backend can be used now."""


@dataclass(frozen=True)
class Unavailable:
    """The backend cannot be used now: why, in one line, and what to try."""

    reason: str
    hints: tuple[str, ...] = ()


Availability = Available | Unavailable


class Backend(Protocol):
    """One unlocked account. Every method raises a KeyturnError that says what is wrong, and nothing else."""

    @property
    def id(self) -> str:
        """The account's id."""

    @property
    def title(self) -> str:
        """The account's title."""

    def availability(self) -> Availability:
        """Whether it can be used now; never raises."""

    def vaults(self) -> list[VaultReference]:
        """The vaults, by name and then by id."""

    def items(
        self, vault: str | None = None, *, archived: bool = False
    ) -> list[tuple[ItemSummary, VaultReference]]:
        """What can be said of the items without their values: of all vaults, or of the one with id `vault`.

        Archived ones only if asked for, and then no others. Raises MissingError for an unknown vault.
        """

    def get(self, item_id: str) -> tuple[Item, VaultReference]:
        """One item with its values, and where it is. Raises MissingError, also if it is archived."""

    def read_back(self, item_id: str) -> tuple[Item, VaultReference]:
        """As `get`, but read anew from where it is stored, whatever is held in memory."""

    def find(self, wanted: str, vault: str | None = None) -> tuple[Item, VaultReference]:
        """The item that a person names by id or title (`items.choose`), in the vault with this id.

        Raises MissingError, AmbiguousError.
        """

    def find_archived(self, wanted: str, vault: str | None = None) -> tuple[Item, VaultReference]:
        """As `find`, among the archived items."""

    def create(self, vault_id: str, item: Item) -> Item:
        """Store a new item and return it as stored.

        Raises MissingError for an unknown vault, ConflictError if an item with this id exists,
        UsageError for text that cannot be stored.
        """

    def edit(self, item: Item) -> Item:
        """Replace the item with `item.id`; returned as stored: a higher `version`, a new `updated_at`.

        `item.version` is the version that was read: if the stored one is another by now, somebody
        else was faster, and a ConflictError says so instead of undoing that change.
        """

    def archive(self, item_id: str) -> Item:
        """Put an item aside: from now on it is listed and got only where archived items are asked for."""

    def restore(self, item_id: str, version: int | None = None) -> Item:
        """Take an item out of the archive, and with `version` make it again what it was then.

        That is an edit: the version that it replaces is kept. Raises MissingError for one that is not.
        """

    def delete(self, item_id: str) -> None:
        """Remove an item, archived or not, and what is kept of its history. Raises MissingError."""

    def move(self, item_id: str, vault_id: str) -> Item:
        """Put an item, with its history, into the vault with this id; returned as it is there.

        If it is there already, nothing is moved. At no moment is it in neither vault.
        """

    def history(self, item_id: str) -> list[Item]:
        """The versions of an item that are kept, archived or not, the oldest first and today's last."""

    def create_vault(self, name: str) -> VaultReference:
        """An empty vault. Raises ConflictError if the account has one of this name."""

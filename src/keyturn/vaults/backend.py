"""What every vault can do, Keyturn's own or another program's.

A backend is synchronous: the agent runs it in a worker thread. `tests/vaults/contract.py` is the contract
as tests; each backend's own tests inherit it.
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

    def items(self, vault: str | None = None) -> list[tuple[ItemSummary, VaultReference]]:
        """What can be said of the items without their values: of all vaults, or of the one with id `vault`.

        Raises MissingError for an unknown vault.
        """

    def get(self, item_id: str) -> tuple[Item, VaultReference]:
        """One item with its values, and where it is. Raises MissingError."""

    def create(self, vault_id: str, item: Item) -> Item:
        """Store a new item and return it as stored.

        Raises MissingError for an unknown vault, ConflictError if an item with this id exists,
        UsageError for text that cannot be stored.
        """

    def edit(self, item: Item) -> Item:
        """Replace the item with `item.id`; returned as stored, with `version` + 1 and a new `updated_at`.

        `item.version` is the version that was read: if the stored one is another by now, somebody
        else was faster, and a ConflictError says so instead of undoing that change.
        """

    def create_vault(self, name: str) -> VaultReference:
        """An empty vault. Raises ConflictError if the account has one of this name."""

"""What the CLI asks of the agent. `agent/messages.py` has the answers, and how both cross the wire."""

from __future__ import annotations

import msgspec

from keyturn.agent.message import Message
from keyturn.ground.secret import Secret
from keyturn.items import ItemReference, Url


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


ALL: tuple[type[Request], ...] = tuple(Request.__subclasses__())

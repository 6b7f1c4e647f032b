"""What the CLI asks of the agent. `agent/messages.py` has the answers, and how both cross the wire."""

from __future__ import annotations

from typing import Literal

import msgspec

from keyturn.agent.aws_messages import EnableMfaDevice as EnableMfaDevice
from keyturn.agent.aws_messages import MakeMfaDevice as MakeMfaDevice
from keyturn.agent.aws_messages import ProvideAws as ProvideAws
from keyturn.agent.aws_messages import VerifyKeys as VerifyKeys
from keyturn.agent.item_messages import CheckItem as CheckItem
from keyturn.agent.item_messages import CreateItem as CreateItem
from keyturn.agent.item_messages import CreateVault as CreateVault
from keyturn.agent.item_messages import DeleteItem as DeleteItem
from keyturn.agent.item_messages import EditItem as EditItem
from keyturn.agent.item_messages import FieldChange as FieldChange
from keyturn.agent.item_messages import FindItems as FindItems
from keyturn.agent.item_messages import GetCodes as GetCodes
from keyturn.agent.item_messages import GetItem as GetItem
from keyturn.agent.item_messages import ListItems as ListItems
from keyturn.agent.item_messages import ListVaults as ListVaults
from keyturn.agent.item_messages import ListVersions as ListVersions
from keyturn.agent.item_messages import MoveItem as MoveItem
from keyturn.agent.item_messages import ReplaceItem as ReplaceItem
from keyturn.agent.item_messages import RestoreItem as RestoreItem
from keyturn.agent.message import Request as Request
from keyturn.agent.plaintext_messages import GetBackup as GetBackup
from keyturn.agent.plaintext_messages import KeepBackup as KeepBackup
from keyturn.agent.plaintext_messages import ListBackups as ListBackups
from keyturn.agent.plaintext_messages import MatchItem as MatchItem
from keyturn.agent.sso_messages import EndSignIn as EndSignIn
from keyturn.agent.sso_messages import ListSignIns as ListSignIns
from keyturn.agent.sso_messages import ListSsoRoles as ListSsoRoles
from keyturn.agent.sso_messages import SignInSso as SignInSso
from keyturn.ground.secret import Secret
from keyturn.items import ItemReference
from keyturn.scopes.layers import Scope
from keyturn.vaults.places import Place

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


class GiveGrant(Request, frozen=True, kw_only=True):
    """Let programs without a terminal use the account for some seconds. Done(GrantRow).

    `below` is a directory, `tree` the process whose descendants alone are meant; empty and 0: no limit.
    """

    seconds: int
    plugin: str = ""
    below: str = ""
    tree: int = 0


class RevokeGrant(Request, frozen=True, kw_only=True):
    """End one grant, or with no number all of them."""

    number: str = ""


class Lock(Request, frozen=True, kw_only=True):
    """Forget everything. The connection ends when it is done."""


class Stop(Request, frozen=True, kw_only=True):
    """Forget everything and end the agent."""


# --- accounts -----------------------------------------------------------------------------------------


class ListPlace(Request, frozen=True, kw_only=True):
    """List another program's vault as an account called `title`. Done({id, title}).

    `password` is one to agree by, which opens nothing.
    """

    title: str
    place: Place
    password: Secret | None = None


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


class OutsideKey(msgspec.Struct, frozen=True):
    """Where the key of a slot is that is opened from outside; paths are absolute.

    `key` is an SSH key's file, `unprotected` that it may lack a passphrase. `plugin` is a program,
    `recipient` and `identity` (the content of an identity file) are its own; `touch` tells whether it wants
    something of the person, None that this is not known. `bus` leads to the login keyring. `answer` is given
    to the first secret question, so that nobody is asked.
    """

    key: str = ""
    unprotected: bool = False
    plugin: str = ""
    recipient: str = ""
    identity: Secret | None = None
    touch: bool | None = None
    bus: str = ""
    answer: Secret | None = None


class AddSlot(Request, frozen=True, kw_only=True):
    """`kind` is one of the kinds of slots; `password` and `outside` are for those that need them.
    Done(CreatedSlot)."""

    kind: str
    title: str
    password: Secret | None = None
    outside: OutsideKey = OutsideKey()


class UseSlot(Request, frozen=True, kw_only=True):
    """Remember on this machine how a slot is opened, once it has opened that way."""

    slot: str
    outside: OutsideKey = OutsideKey()


class RenewRecovery(Request, frozen=True, kw_only=True):
    """A new recovery code in the place of the one that there is, or the first. Done(RenewedRecovery)."""


class RemoveSlot(Request, frozen=True, kw_only=True):
    """Done(IdentityChanged)."""

    slot: str


class ChangePassword(Request, frozen=True, kw_only=True):
    """`old` opens the slot that is replaced. Done(IdentityChanged)."""

    old: Secret
    new: Secret


# --- defaults -----------------------------------------------------------------------------------------


class SetDefault(Request, frozen=True, kw_only=True):
    """Make an item the default of an executable; bind it to a name and trust a path where given.

    For `session` that of the caller's terminal session, as the kernel tells it; for `directory` that of the
    directory that `place` is the written form of, and below. `vault_title` is remembered. `owner` is the
    plugin that the name belongs to; empty: `plugin`.
    """

    executable: str
    plugin: str
    reference: ItemReference
    bind: str = ""
    owner: str = ""
    trust: str = ""
    scope: Scope = Scope.GLOBAL
    place: str = ""
    vault_title: str = ""


class Explain(Request, frozen=True, kw_only=True):
    """What a wrapped command would get here and why. The fields are a launcher's; of the environment only the
    variables that the plugin reads are sent. Done(Explained)."""

    name: bytes
    path: bytes
    arguments: list[bytes]
    environment: list[bytes]


class ListTitles(Request, frozen=True, kw_only=True):
    """The titles of items, archived items or vaults, for a shell to complete. Done(list of str)."""

    kind: Literal["item", "archived", "vault"]


class Diagnose(Request, frozen=True, kw_only=True):
    """What is amiss with items for `executable`, as far as nobody has to be asked. Done(list of str)."""

    executable: str
    items: list[ItemReference]


ALL: tuple[type[Request], ...] = tuple(Request.__subclasses__())

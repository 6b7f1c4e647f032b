"""Which handler answers which request of a command line."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from keyturn.agent import requests
from keyturn.agent.account_requests import AccountRequests
from keyturn.agent.audit import Audit
from keyturn.agent.aws_requests import AwsRequests
from keyturn.agent.conversation import Conversation
from keyturn.agent.default_requests import DefaultRequests
from keyturn.agent.explain_requests import ExplainRequests
from keyturn.agent.grant_requests import GrantRequests
from keyturn.agent.hooks import Hooks
from keyturn.agent.item_access import ItemAccess
from keyturn.agent.item_changes import ItemChanges
from keyturn.agent.item_requests import ItemRequests
from keyturn.agent.permission import Permissions
from keyturn.agent.plaintext_requests import PlaintextRequests
from keyturn.agent.running import Runner
from keyturn.agent.session_requests import SessionRequests
from keyturn.agent.slot_requests import SlotRequests
from keyturn.agent.sso_requests import SsoRequests
from keyturn.agent.title_requests import TitleRequests
from keyturn.ground.settings import Settings
from keyturn.ground.world import World
from keyturn.scopes.defaults import DefaultsFile
from keyturn.scopes.sessions import SessionDefaults

Handler: TypeAlias = Callable[[Conversation, Any, Settings], Awaitable[object]]


@dataclass(frozen=True)
class Wired:
    """What a keeper has, and handlers share."""

    permissions: Permissions
    audit: Audit
    world: World
    hooks: Hooks
    runner: Runner


def handlers(
    wired: Wired, defaults_file: DefaultsFile, sessions: SessionDefaults, idle_left: Callable[[], float]
) -> dict[type[requests.Request], Handler]:
    """All but those that end the keeper, which are its own."""
    permissions, hooks, clock = wired.permissions, wired.hooks, wired.world.clock
    session = SessionRequests(permissions, wired.audit, idle_left)
    grant = GrantRequests(permissions)
    account = AccountRequests(permissions, wired.world.directories)
    slot = SlotRequests(permissions)
    access = ItemAccess(permissions, wired.audit)
    item, changes = ItemRequests(access, clock), ItemChanges(access, clock)
    default = DefaultRequests(access, defaults_file, sessions)
    explain = ExplainRequests(permissions, wired.runner, hooks)
    plaintext = PlaintextRequests(permissions, access, wired.audit, clock)
    aws = AwsRequests(permissions, access, wired.audit, clock, hooks, wired.runner)
    sso = SsoRequests(permissions, wired.audit, clock, hooks)
    return {
        requests.Hello: session.hello,
        requests.GetStatus: session.status,
        requests.Talk: session.talk,
        requests.SignIn: session.sign_in,
        requests.SignOut: session.sign_out,
        requests.GiveGrant: grant.give,
        requests.RevokeGrant: grant.revoke,
        requests.CreateAccount: account.create,
        requests.AddAccount: account.add,
        requests.ListPlace: account.list_place,
        requests.ListAccounts: account.list,
        requests.TrustAccount: account.trust,
        requests.ForgetAccount: account.forget,
        requests.RenameAccount: account.rename,
        requests.ListSlots: slot.list,
        requests.AddSlot: slot.add,
        requests.UseSlot: slot.use,
        requests.RemoveSlot: slot.remove,
        requests.RenewRecovery: slot.renew_recovery,
        requests.ChangePassword: slot.change_password,
        requests.CreateVault: account.create_vault,
        requests.ListVaults: account.list_vaults,
        requests.ListItems: item.list,
        requests.FindItems: item.find,
        requests.GetItem: item.get,
        requests.GetCodes: item.codes,
        requests.ListVersions: item.versions,
        requests.CreateItem: changes.create,
        requests.EditItem: changes.edit,
        requests.ReplaceItem: changes.replace,
        requests.DeleteItem: changes.delete,
        requests.RestoreItem: changes.restore,
        requests.MoveItem: changes.move,
        requests.CheckItem: item.check,
        requests.SetDefault: default.set,
        requests.Explain: explain.explain,
        requests.Diagnose: explain.diagnose,
        requests.ListTitles: TitleRequests(permissions).list,
        requests.ProvideAws: aws.provide,
        requests.VerifyKeys: aws.verify,
        requests.MakeMfaDevice: aws.make,
        requests.EnableMfaDevice: aws.enable,
        requests.SignInSso: sso.sign_in,
        requests.EndSignIn: sso.end,
        requests.ListSignIns: sso.list,
        requests.ListSsoRoles: sso.roles,
        requests.MatchItem: plaintext.match,
        requests.KeepBackup: plaintext.keep,
        requests.ListBackups: plaintext.list,
        requests.GetBackup: plaintext.get,
    }

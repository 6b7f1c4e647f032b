"""Requests about single sign-on: sign in and out, what is signed in to, and which roles there are."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, replace
from typing import TypeAlias

from keyturn.agent import requests
from keyturn.agent.audit import Audit
from keyturn.agent.conversation import Conversation
from keyturn.agent.hooks import Hooks
from keyturn.agent.permission import Permission, Permissions
from keyturn.agent.questions import Purpose
from keyturn.agent.sso_messages import EndedRow, RoleRow, SignInRow, SsoRoles
from keyturn.agent.uses import Use
from keyturn.agent.working import CallersSide, Tellers
from keyturn.aws import endpoints, sso_choosing
from keyturn.aws.calls import Network
from keyturn.aws.sso_config import SsoSession, called
from keyturn.aws.sso_oidc import Flow
from keyturn.aws.sso_tokens import SignIn
from keyturn.ground.clock import Clock, timestamp
from keyturn.ground.errors import KeyturnError, LockedError, SignedOutError, UsageError
from keyturn.ground.names import printable
from keyturn.ground.settings import Settings
from keyturn.processes import identity

# A page of roles an account; an organization's portal takes that many at once without a word.
ACCOUNTS_AT_ONCE = 8

_Chosen: TypeAlias = requests.SignInSso | requests.EndSignIn | requests.ListSsoRoles


@dataclass(frozen=True)
class _Found:
    """The session that is meant, and how its services are reached from the caller."""

    session: SsoSession
    network: Network


class SsoRequests:
    """Handlers; each takes the client, its request and the settings, and returns what Done carries."""

    def __init__(self, permissions: Permissions, audit: Audit, clock: Clock, hooks: Hooks) -> None:
        self._permissions = permissions
        self._audit = audit
        self._clock = clock
        self._sso = hooks.sso
        self._executor = hooks.executor
        self._configuration = hooks.configuration
        self._tellers = Tellers()

    async def sign_in(self, client: Conversation, request: requests.SignInSso, settings: Settings) -> object:
        flow = _flow(request.flow)
        found = await self._find(client, request, settings)
        permission, side = await self._permit(client, request, settings, found, "keyturn aws sso login")
        account = permission.entry.id
        question = self._sso.sign_in_question(account, found.session, found.network, flow)
        if not client.may_ask:
            raise LockedError(
                "to sign in somebody has to be told where, and there is no terminal",
                "sign in from a terminal: keyturn aws sso login",
            )
        await replace(side, purpose=replace(side.purpose, command="")).sign_in(question)
        signed_in = await self._kept(account, found.session)
        if signed_in is None:
            raise SignedOutError(f"{called(found.session)} was ended at once", "try again")
        return self._row(signed_in)

    async def end(self, client: Conversation, request: requests.EndSignIn, settings: Settings) -> object:
        if not request.everything:
            found = await self._find(client, request, settings)
            permission, _ = await self._permit(client, request, settings, found, "keyturn aws sso logout")
            account = permission.entry.id
            if await self._kept(account, found.session) is None:
                return []
            return [await self._end(account, found)]
        permission = await self._permit_account(client, request, settings, "end the sign-ins of")
        account = permission.entry.id
        signed_in = await self._sso.sign_ins(account)
        network = endpoints.network(_variables(request.environment), {}, _directory(client))
        await client.waiting()
        return [await self._end(account, _Found(each.session, network)) for each in signed_in]

    async def list(self, client: Conversation, request: requests.ListSignIns, settings: Settings) -> object:
        permission = await self._permit_account(client, request, settings, "list the sign-ins of")
        return [self._row(each) for each in await self._sso.sign_ins(permission.entry.id)]

    async def roles(self, client: Conversation, request: requests.ListSsoRoles, settings: Settings) -> object:
        found = await self._find(client, request, settings)
        permission, side = await self._permit(client, request, settings, found, "keyturn aws sso")
        account, session, network = permission.entry.id, found.session, found.network
        await client.waiting()
        while not await self._sso.is_signed_in(account, session, network):
            await side.sign_in(self._sso.sign_in_question(account, session, network))
        accounts = await self._sso.accounts(account, session, network)
        limit = asyncio.Semaphore(ACCOUNTS_AT_ONCE)

        async def names(aws_account: str) -> list[str]:
            async with limit:
                return await self._sso.roles(account, session, network, aws_account)

        asked = await asyncio.gather(*(names(each.id) for each in accounts))
        rows = [
            RoleRow(each.id, each.name, each.email, name)
            for each, found_names in zip(accounts, asked, strict=True)
            for name in found_names
        ]
        return SsoRoles(session.name, session.start_url, session.region, rows)

    async def _end(self, account: str, found: _Found) -> EndedRow:
        heard = await self._sso.sign_out(account, found.session, found.network)
        self._executor.forget_sign_ins()
        return EndedRow(found.session.title, found.session.start_url, heard)

    async def _kept(self, account: str, session: SsoSession) -> SignIn | None:
        signed_in = await self._sso.sign_ins(account)
        return next((each for each in signed_in if each.session.key == session.key), None)

    async def _find(self, client: Conversation, request: _Chosen, settings: Settings) -> _Found:
        variables, directory = _variables(request.environment), _directory(client)

        def find() -> _Found:
            configuration = self._configuration.load(variables, directory)
            surroundings = endpoints.Surroundings(configuration, variables, settings.aws.endpoints)
            session, profile = sso_choosing.choose(surroundings, request.session, request.profile)
            section = configuration.profiles.get(profile, {})
            return _Found(session, endpoints.network(variables, section, directory))

        return await asyncio.to_thread(find)

    async def _permit(
        self, client: Conversation, request: _Chosen, settings: Settings, found: _Found, command: str
    ) -> tuple[Permission, CallersSide]:
        """The yes to use the account for a session, written down; and the caller's side of a sign-in."""
        entry = self._permissions.choose(request.account, client.caller)
        line = f"keyturn is to use {called(found.session)} with account “{printable(entry.title)}”"
        purpose = Purpose((line,), Use(entry.id, called(found.session)), command, "named")
        how = ""
        try:
            permission = await self._permissions.obtain(client, entry, purpose, settings)
            how = permission.how
        except KeyturnError as error:
            self._audit.write(client.caller, purpose, error, how)
            raise
        self._audit.write(client.caller, purpose, None, how)
        side = CallersSide(client, self._permissions, self._tellers, purpose)
        return permission, side

    async def _permit_account(
        self, client: Conversation, request: requests.Request, settings: Settings, verb: str
    ) -> Permission:
        entry = self._permissions.choose(request.account, client.caller)
        line = f"keyturn is to {verb} account “{printable(entry.title)}”"
        return await self._permissions.obtain(client, entry, Purpose((line,), Use(entry.id)), settings)

    def _row(self, signed_in: SignIn) -> SignInRow:
        session, token = signed_in.session, signed_in.token
        now = self._clock.now()
        return SignInRow(
            session.title,
            session.start_url,
            session.region,
            timestamp(token.expires),
            max(int((token.expires - now).total_seconds()), 0),
            token.refresh is not None and token.registration.expires > now,
        )


def _flow(wanted: str) -> Flow | None:
    if not wanted:
        return None
    if wanted not in tuple(Flow):
        raise UsageError("one signs in by device or browser", "see: keyturn aws sso login --help")
    return Flow(wanted)


def _variables(environment: list[bytes]) -> dict[str, str]:
    pairs = (os.fsdecode(each).partition("=") for each in environment)
    return {name: value for name, _, value in pairs}


def _directory(client: Conversation) -> str:
    return identity.directory(client.caller.pid) or ""

"""Requests about single sign-on; part of `requests`, which is how they are named."""

from __future__ import annotations

import msgspec

from keyturn.agent.message import Request


class SignInSso(Request, frozen=True, kw_only=True):
    """Have a person sign in, whatever is kept. Done(SignInRow).

    The session is that of `[sso-session SESSION]`, else the profile's, else what is meant here. `flow` is
    `device`, `browser` or empty: as it suits. `environment` are those of the caller's variables that say
    where the AWS files are and how AWS is reached, as `NAME=value`.
    """

    environment: list[bytes]
    profile: str = ""
    session: str = ""
    flow: str = ""


class EndSignIn(Request, frozen=True, kw_only=True):
    """Forget a sign-in and end it at the service, or with `everything` all of the account. Done(list of
    EndedRow)."""

    environment: list[bytes]
    profile: str = ""
    session: str = ""
    everything: bool = False


class ListSignIns(Request, frozen=True, kw_only=True):
    """Done(list of SignInRow). No service is asked."""


class ListSsoRoles(Request, frozen=True, kw_only=True):
    """The accounts and roles of the person who signed in; asks for a sign-in first where none holds.
    Done(SsoRoles)."""

    environment: list[bytes]
    profile: str = ""
    session: str = ""


class SignInRow(msgspec.Struct, frozen=True):
    """`expires` is an RFC 3339 time; `refreshes`: it is renewed without a person."""

    session: str
    start_url: str
    region: str
    expires: str
    seconds_left: int
    refreshes: bool


class EndedRow(msgspec.Struct, frozen=True):
    """`heard`: the service knows of it."""

    session: str
    start_url: str
    heard: bool


class RoleRow(msgspec.Struct, frozen=True):
    account: str
    account_name: str
    email: str
    role: str


class SsoRoles(msgspec.Struct, frozen=True):
    """`session` is the section's name, empty for the older way of writing it."""

    session: str
    start_url: str
    region: str
    rows: list[RoleRow]

"""Requests about credentials in plaintext files; part of `requests`, which is how they are named."""

from __future__ import annotations

from keyturn.agent.message import Request
from keyturn.ground.secret import Secret


class MatchItem(Request, frozen=True, kw_only=True):
    """Which item has all these values, called so or otherwise; one with the tag first. Done(MatchedItem), or
    None."""

    fields: dict[str, Secret]
    tag: str = ""


class KeepBackup(Request, frozen=True, kw_only=True):
    """Keep a file as it is before credentials are taken out of it, encrypted. Done(BackupRow).

    `path` is where links led, `link` the path that was looked at, `content` the file in base64, `left` the
    SHA-256 of what is left of it, `tools` the names of those whose credentials go.
    """

    path: str
    link: str
    mode: int
    tools: list[str]
    left: str
    content: Secret


class ListBackups(Request, frozen=True, kw_only=True):
    """Done(list of BackupRow), the newest first."""


class GetBackup(Request, frozen=True, kw_only=True):
    """Done(BackupContent)."""

    backup: str

"""GitHub: which of its variables carry the token depends on the host that the item names."""

from __future__ import annotations

import re
from collections.abc import Mapping

from keyturn.ground.errors import UncarriedError
from keyturn.ground.secret import Secret
from keyturn.sdk.parts import Parts
from keyturn.sdk.run import Invocation

_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?")


def provide(values: Mapping[str, Secret], invocation: Invocation) -> Parts:
    """The token in the variables of its host, and that host.

    `gh help environment`: GH_TOKEN and GITHUB_TOKEN are for github.com and for subdomains of ghe.com,
    GH_ENTERPRISE_TOKEN and GITHUB_ENTERPRISE_TOKEN for every other host; GH_HOST says which it talks to.
    Without a host the item is for github.com, and a GH_HOST of the caller would lead elsewhere. Raises
    UncarriedError for a host that is none.
    """
    token = values["token"]
    host = _host(values["host"].reveal()) if "host" in values else "github.com"
    names = ("GH_TOKEN", "GITHUB_TOKEN")
    if _is_enterprise(host):
        names = ("GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN")
    variables = dict.fromkeys(names, token)
    if host == "github.com":
        return Parts(variables, remove=("GH_HOST",))
    return Parts({**variables, "GH_HOST": Secret(host)})


def _host(text: str) -> str:
    """The host as gh writes it: people paste the address of their server. Raises UncarriedError."""
    host = re.sub(r"\Ahttps?://", "", text.strip().lower()).rstrip("/")
    if not _HOST.fullmatch(host):
        raise UncarriedError(
            "the field “host” is no name of a host", "write it as git.example.com, or leave it out"
        )
    return host


def _is_enterprise(host: str) -> bool:
    return host not in ("github.com", "github.localhost") and not host.endswith(".ghe.com")

"""Which proxy a request goes through, by the caller's variables."""

from __future__ import annotations

import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit


def proxies_for(url: str, variables: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The proxies for `url` by scheme, as botocore takes them from an environment of these `variables`.

    The rules are urllib's (getproxies_environment): lower case wins, and an empty lower-case variable
    takes a proxy away; NO_PROXY holds `*`, or names that stand for themselves and all below, with a port
    or without.
    """
    proxies: dict[str, str] = {}
    for name, value in variables:
        if name.lower().endswith("_proxy") and value:
            proxies[name.lower().removesuffix("_proxy")] = value
    for name, value in variables:
        if name.endswith("_proxy"):
            if value:
                proxies[name.lower().removesuffix("_proxy")] = value
            else:
                proxies.pop(name.lower().removesuffix("_proxy"), None)
    if _bypasses(urlsplit(url).netloc, proxies):
        return {}
    proxies.pop("no", None)
    return proxies


def _bypasses(host: str, proxies: Mapping[str, str]) -> bool:
    bypass: Any = urllib.request.proxy_bypass_environment  # type: ignore[attr-defined]  # not in typeshed
    return bool(bypass(host, proxies))

"""Under which key a default stands: the executable, or the executable and a credential that is not its own.

An executable's own credential, the one that its plugin file names, is under the executable's name alone:
`terraform`. One that it takes besides is under both names: `terraform/hcloud`, where `hcloud` is the plugin
whose credential it is. Neither name holds a slash.
"""

from __future__ import annotations

SLASH = "/"


def written(executable: str, credential: str = "") -> str:
    """The key of a default. `credential` is empty for the executable's own."""
    return f"{executable}{SLASH}{credential}" if credential else executable


def parsed(key: str) -> tuple[str, str]:
    """The executable and the credential of a key; the latter is empty for the executable's own."""
    executable, _, credential = key.partition(SLASH)
    return executable, credential

"""What a plugin's named code gives: parts of a provision that data cannot say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from keyturn.ground.secret import Secret
from keyturn.sdk.run import Invocation


@dataclass(frozen=True)
class PartFile:
    """A file below the plugin's private directory, and the variables that tell the tool of it."""

    name: str
    text: Secret
    path_variable: str = ""
    directory_variable: str = ""


@dataclass(frozen=True)
class Parts:
    """Variables to set and to take out, and files. They come to what the plugin's tables say."""

    variables: Mapping[str, Secret] = field(default_factory=dict)
    remove: tuple[str, ...] = ()
    files: tuple[PartFile, ...] = ()


Provide = Callable[[Mapping[str, Secret], Invocation], Parts]
"""(fields by the labels of the plugin file, the call) → what the command gets. Pure; what it cannot give, it
refuses with an UncarriedError that names the field."""

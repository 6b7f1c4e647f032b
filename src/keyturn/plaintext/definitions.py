"""What is where: the data file that says where tools keep credentials in plaintext, and in what form.

Strict, as plugin files are: an unknown key is an error that names file, key and what was expected.
"""

from __future__ import annotations

import tomllib
from functools import lru_cache
from typing import Literal

import msgspec

from keyturn.ground.errors import ConfigurationError
from keyturn.ground.names import is_plugin_name
from keyturn.plaintext.formats import FORMATS

ANY = "*"


def stands_for(wanted: str, key: str) -> str | None:
    """What `*` stands for in a key that is the one wanted, without regard to case; None if it is another."""
    before, star, behind = wanted.casefold().partition(ANY)
    plain = key.casefold()
    if not star:
        return "" if plain == before else None
    if len(plain) < len(before + behind) or not plain.startswith(before) or not plain.endswith(behind):
        return None
    return key[len(before) : len(key) - len(behind)]


class Fields(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Labels of an item's fields, each with the key where its value stands.

    `secret` and `open` go out of the file together, all or none, and all have to be there, except those in
    `optional`; `open` ones may be shown. `beside` are only copied: a host, a user. A key may be a list of
    keys that lead down, and `@1` is the first key that a `*` stood for. `refuse` has, by label, beginnings
    of values that are of no use in a vault, with why.
    """

    secret: dict[str, str | list[str]]
    open: dict[str, str | list[str]] = {}
    beside: dict[str, str | list[str]] = {}
    optional: list[str] = []
    refuse: dict[str, dict[str, str]] = {}

    def __post_init__(self) -> None:
        labels = [*self.secret, *self.open, *self.beside]
        if not self.secret or len(set(labels)) != len(labels):
            raise ValueError("at least one secret, and each label once")
        if not set(self.optional) <= set(labels) or not set(self.refuse) <= set(labels):
            raise ValueError("optional and refuse name labels of these fields")
        if all(label in self.optional for label in self.secret):
            raise ValueError("one secret at least is not optional")

    @property
    def taken(self) -> dict[str, str | list[str]]:
        """What goes out of the file."""
        return {**self.open, **self.secret}


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of a tool. `places` are where it may be: `~/…`, or `$NAME/…` where that variable is set.

    `at` are the keys that lead to a credential, with `*` for what differs; empty: the top of the file.
    `named` is the key of a name for it, where the keys that lead there are only numbers.
    """

    places: list[str]
    format: str
    fields: Fields
    at: list[str] = []
    named: str = ""

    def __post_init__(self) -> None:
        if not self.places or not all(place.startswith(("~/", "$")) for place in self.places):
            raise ValueError("places begin with ~/ or $NAME")
        if self.format not in FORMATS:
            raise ValueError(f"format is one of {', '.join(FORMATS)}")


class Tool(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A tool and its plaintext. `name` is the plugin's where there is one; `commands` use the credential.

    `known` says how this was learned: from the `facts` read out of 1Password's shell plugins, from the
    tool's `documentation` (`url`), or from its `source` (`url`). `variables` hold a credential in start-up
    files of shells.
    """

    name: str
    title: str
    commands: list[str]
    known: Literal["facts", "documentation", "source"]
    files: list[File] = msgspec.field(name="file", default_factory=list)
    variables: list[Fields] = []
    url: str = ""

    def __post_init__(self) -> None:
        if not is_plugin_name(self.name):
            raise ValueError("name is 1 to 32 of a-z, 0-9 and -")
        if not self.files and not self.variables:
            raise ValueError("a tool has a file or variables")
        if self.known != "facts" and not self.url:
            raise ValueError("url says where it was read")

    @property
    def tag(self) -> str:
        """The tag of items that hold its credential where no plugin says another."""
        return f"tool/{self.name}"


class _Tools(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    tools: list[Tool] = msgspec.field(name="tool")


@lru_cache(maxsize=4)
def parse(content: bytes, source: str) -> tuple[Tool, ...]:
    """The tools of a data file; `source` names it in errors. Raises ConfigurationError: one line."""
    try:
        tools = msgspec.convert(tomllib.loads(content.decode()), _Tools).tools
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{source}: not TOML: {error}") from None
    except msgspec.ValidationError as error:
        text, _, place = str(error).partition(" - at ")
        key = place.strip("`").removeprefix("$").removeprefix(".") or "the file"
        raise ConfigurationError(f"{source}: {key}: {text[:1].lower()}{text[1:]}") from None
    names = [tool.name for tool in tools]
    if len(set(names)) != len(names) or not names:
        raise ConfigurationError(f"{source}: tool: expected each name once, and one at least")
    return tuple(tools)

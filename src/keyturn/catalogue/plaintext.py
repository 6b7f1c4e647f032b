"""Every tool whose plaintext is known: the plugins, and the tools of a data file that have none.

Both say by `[[import]]` where a credential lies (`keyturn.sdk.import_schema`). The data file is as strict as
plugin files are: an unknown key is an error that names file, key and what was expected.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import msgspec

from keyturn.catalogue import loader
from keyturn.ground.errors import ConfigurationError
from keyturn.ground.names import is_plugin_name
from keyturn.sdk.import_schema import Importer
from keyturn.sdk.schema import FieldDefinition, Plugin

BUILT_IN = Path(__file__).with_suffix(".toml")


@dataclass(frozen=True)
class Tool:
    """A tool and its plaintext. `name` is the plugin's where there is one (`plugin`); `commands` use the
    credential, whose fields are `definitions`."""

    name: str
    title: str
    commands: tuple[str, ...]
    definitions: tuple[FieldDefinition, ...]
    importers: tuple[Importer, ...]
    plugin: Plugin | None = None


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A tool in the data file.

    `known` says how this was learned: from the `facts` read out of 1Password's shell plugins, from the tool's
    `documentation` (`url`), or from its `source` (`url`). `secret` are the labels of values that must not be
    shown; they go out of a file together, and those named in `also_removed` with them.
    """

    name: str
    title: str
    commands: tuple[str, ...]
    known: Literal["facts", "documentation", "source"]
    secret: tuple[str, ...]
    importers: tuple[Importer, ...] = msgspec.field(name="import")
    url: str = ""

    def __post_init__(self) -> None:
        if not is_plugin_name(self.name):
            raise ValueError("name is 1 to 32 of a-z, 0-9 and -")
        if not self.importers:
            raise ValueError("a tool has an import")
        if self.known != "facts" and not self.url:
            raise ValueError("url says where it was read")
        if not self.secret or len(set(self.secret)) != len(self.secret):
            raise ValueError("secret names at least one label, each once")
        for importer in self.importers:
            if importer.hook is not None:
                raise ValueError("only a plugin's import has a hook")
            if not set(importer.labels()) & set(self.secret):
                raise ValueError("each import fills at least one secret label")


class _Entries(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    tools: tuple[Entry, ...] = msgspec.field(name="tool")


def tools() -> tuple[Tool, ...]:
    """Every tool whose plaintext is known, the plugins first.

    Raises ConfigurationError for a file that is not as it has to be.
    """
    plugins = [of_plugin(loader.load(name)) for name in loader.credentials()]
    names = {tool.name for tool in plugins}
    return (*plugins, *(each for each in others() if each.name not in names))


def of_plugin(plugin: Plugin) -> Tool:
    commands = tuple(each.runs for each in plugin.executables)
    fields = plugin.credential.fields
    return Tool(plugin.name, plugin.platform, commands, fields, plugin.importers, plugin)


def others() -> tuple[Tool, ...]:
    """The tools of the data file."""
    return parse(BUILT_IN.read_bytes(), str(BUILT_IN))


@lru_cache(maxsize=4)
def parse(content: bytes, source: str) -> tuple[Tool, ...]:
    """The tools of a data file; `source` names it in errors. Raises ConfigurationError: one line."""
    try:
        entries = msgspec.convert(tomllib.loads(content.decode()), _Entries).tools
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{source}: not TOML: {error}") from None
    except msgspec.ValidationError as error:
        text, _, place = str(error).partition(" - at ")
        key = place.strip("`").removeprefix("$").removeprefix(".") or "the file"
        raise ConfigurationError(f"{source}: {key}: {text[:1].lower()}{text[1:]}") from None
    names = [entry.name for entry in entries]
    if len(set(names)) != len(names) or not names:
        raise ConfigurationError(f"{source}: tool: expected each name once, and one at least")
    return tuple(map(_tool, entries))


def _tool(entry: Entry) -> Tool:
    labels = dict.fromkeys(label for importer in entry.importers for label in importer.labels())
    definitions = tuple(
        FieldDefinition(label=label, secret=label in entry.secret, optional=True) for label in labels
    )
    return Tool(entry.name, entry.title, entry.commands, definitions, entry.importers)

"""A plugin's cases: command lines, items and found files as data, each with what has to come of it.

They stand in `cases/`, beside the plugin's file and under its name, one TOML file for each plugin:

`[[rule]]`: command lines of one executable that need authentication, and such as do not.
`[[provision]]`: an item's fields in; variables, arguments and files out, exactly these.
`[[import]]`: files and variables in; candidates out, exactly these, and what is refused.
`[[deviation]]`: where the plugin knowingly does otherwise than the one of 1Password.
"""

from __future__ import annotations

import shlex
import tomllib
from pathlib import Path
from typing import Literal

import msgspec

from keyturn.ground import files
from keyturn.ground.errors import ConfigurationError
from keyturn.sdk import complaints

DIRECTORY = "cases"

# The largest of ours is a few kilobytes; more than this is something else.
_LARGEST = 256 * 1024


class RuleCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Command lines as a shell splits them, without the command: `needs` authenticate, `bare` do not."""

    executable: str
    needs: tuple[str, ...]
    bare: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.needs or not self.bare:
            raise ValueError("a rule case has command lines in needs and in bare")
        for line in (*self.needs, *self.bare):
            shlex.split(line)


class ProvisionCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An item with these `fields`, for one call: what the command gets, all of it.

    `executable` is the plugin's first if it is empty; `arguments` and `environment` are the caller's.
    `sets` and `removes` are variables. `becomes` are the arguments that the command gets: the caller's, if it
    is not said. `files` are the provisioned files by their names; where an argument or a variable has the
    path of one, `{name}` stands for it, and `{}` for the directory of all. `refuses` is a part of the error
    that comes of it instead.
    """

    name: str
    fields: dict[str, str]
    executable: str = ""
    arguments: tuple[str, ...] = ()
    environment: dict[str, str] = {}
    sets: dict[str, str] = {}
    removes: tuple[str, ...] = ()
    becomes: tuple[str, ...] | None = None
    files: dict[str, str] = {}
    refuses: str = ""


class Found(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A candidate: its fields, and the title that it suggests."""

    fields: dict[str, str]
    hint: str = ""


class KeyringEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a tool keeps in the login keyring."""

    service: str
    secret: str
    username: str = ""


class ImportCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What lies about on a machine, and the candidates that are found, in their order.

    `files` are by path: `~/…` is in the home directory, another is absolute. `rejects` are parts of the
    reasons for what is found and not offered, one for each.
    """

    name: str
    files: dict[str, str] = {}
    environment: dict[str, str] = {}
    keyring: tuple[KeyringEntry, ...] = ()
    system: Literal["linux", "darwin"] = "linux"
    finds: tuple[Found, ...] = ()
    rejects: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.files and not self.environment and not self.keyring:
            raise ValueError("an import case has files, environment or keyring")
        for path in self.files:
            parts = path.removeprefix("~").split("/")
            if not path.startswith(("~/", "/")) or parts[0]:
                raise ValueError("files begin with ~/ or /")
            # They are written below a directory that is made for them, and never beside it.
            if any(part in ("", ".", "..") or "\0" in part for part in parts[1:]):
                raise ValueError("files are paths of names, without . and ..")


class Deviation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a plugin knowingly does otherwise than 1Password's plugin of the same tool.

    `what` is done here, `because` of what, and `source` where to look that up: an address, or what was tried.
    """

    what: str
    because: str
    source: str


class Cases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All cases of one plugin, and its deviations."""

    rules: tuple[RuleCase, ...] = msgspec.field(name="rule", default=())
    provisions: tuple[ProvisionCase, ...] = msgspec.field(name="provision", default=())
    imports: tuple[ImportCase, ...] = msgspec.field(name="import", default=())
    deviations: tuple[Deviation, ...] = msgspec.field(name="deviation", default=())


def path_beside(plugin_file: Path) -> Path:
    """Where the cases of the plugin in this file stand."""
    return plugin_file.parent / DIRECTORY / plugin_file.name


def load_cases(path: Path) -> Cases:
    """The cases in the file at `path`.

    Raises ConfigurationError: one line with file, key and what was expected; also if there is no file.
    """
    try:
        content, _ = files.read(path, _LARGEST)
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {files.reason(error)}") from None
    return parse_cases(content, str(path))


def parse_cases(content: bytes, source: str) -> Cases:
    """The cases in a file's content; `source` names the file in errors. Raises ConfigurationError."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise ConfigurationError(f"{source}: not UTF-8") from None
    try:
        return msgspec.convert(tomllib.loads(text), Cases)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigurationError(f"{source}: {complaints.of_syntax(error)}") from None
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{source}: {complaints.of_value(error, Cases, text)}") from None

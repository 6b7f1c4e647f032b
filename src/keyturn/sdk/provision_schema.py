"""How a command gets a credential: the `[provision]` tables of a plugin file.

Variables, files and arguments, alone or together. A secret goes into an argument only where a tool takes it
in no other way, and then the file says so: other users of the machine can read the arguments of every
process.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

import msgspec

from keyturn.ground.names import plain_label

Hook = Literal["aws", "github", "npm"]
"""Named code for what these tables cannot say; `keyturn.agent.hooks` has each."""

FileFormat = Literal[
    "ini",
    "ini-interpolated",
    "ini-go",
    "ini-mysql",
    "npmrc",
    "lines",
    "json",
    "yaml",
    "toml",
    "netrc",
    "text",
]
# Formats whose keys lead down through tables and lists.
TREES = ("json", "yaml", "toml")
INI = ("ini", "ini-interpolated", "ini-go", "ini-mysql")

Position = Literal["first", "last", "after-command"]
Lifetime = Literal["process", "tree"]

# More files than this for one command, or steps of a name, are a mistake.
MOST_FILES = 16
DEEPEST = 4

_PART = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.-]{0,63}")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_OPTION = re.compile(r"--?[A-Za-z0-9][A-Za-z0-9_-]*")
PATHS = ("path", "directory")


class Filling(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A variable's value that is more than a field: text around it, or a condition.

    With one of the options `unless` among the caller's arguments the variable stays as the caller has it.
    """

    field: str
    prefix: str = ""
    suffix: str = ""
    unless: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.field:
            raise ValueError("field is the label of a field")
        if "\0" in self.prefix + self.suffix:
            raise ValueError("prefix and suffix are text that a variable can carry")
        _check_options(self.unless)


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One value in a file: a field's, with `prefix` and `suffix` around it, or a constant `value`.

    `key` is where it stands; in json, yaml and toml it may be a list of keys that lead down, with numbers for
    the places in a list. `section` is for the ini formats. An entry whose optional field an item lacks is
    left out; with `always`, its value is then empty.
    """

    field: str = ""
    value: str | bool | int | float | None = None
    key: str | tuple[str | int, ...] = ""
    section: str = ""
    prefix: str = ""
    suffix: str = ""
    always: bool = False

    def __post_init__(self) -> None:
        if bool(self.field) == (self.value is not None):
            raise ValueError("an entry has exactly one of field, value")
        if not self.field and (self.prefix or self.suffix or self.always):
            raise ValueError("prefix, suffix and always go with field")
        if isinstance(self.key, tuple) and (not self.key or not isinstance(self.key[0], str)):
            raise ValueError("a list of keys begins with a name")

    @property
    def steps(self) -> tuple[str | int, ...]:
        """The keys that lead to it."""
        return self.key if isinstance(self.key, tuple) else (self.key,)


class FileDefinition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file that is there for one command, in a private directory in memory; never a file of the user's own.

    `name` is its path below that directory (`tea/config.yml`), whose parts are names. The values are quoted
    as the `format` wants it, and what it cannot carry is refused. The tool is told by a variable with the
    file's path, a variable with the directory's, or arguments with `{path}` or `{directory}` in them, at a
    `position` as those of `[[provision.argument]]`. With one of the options `unless` among the caller's
    arguments there is no such file.

    `lifetime`: gone when the command ends, or for "tree" when all have ended that inherited a pipe from it.
    `pipe`: the tool reads the file once, from start to end, so that a named pipe does; "fallback" makes one
    only where no file system is in memory. `separator` stands between key and value in lines.
    """

    name: str
    format: FileFormat
    content: tuple[Entry, ...]
    path_variable: str = ""
    directory_variable: str = ""
    arguments: tuple[str, ...] = ()
    position: Position = "first"
    unless: tuple[str, ...] = ()
    lifetime: Lifetime = "process"
    pipe: bool | Literal["fallback"] = False
    separator: str = "="

    def __post_init__(self) -> None:
        parts = self.name.split("/")
        if len(parts) > DEEPEST or not all(_PART.fullmatch(part) and part.strip(".") for part in parts):
            raise ValueError("name is a file's name, or a path of such names, in letters, digits, ., _ and -")
        if not any(entry.field for entry in self.content):
            raise ValueError("content has at least one entry with a field")
        for entry in self.content:
            _check_entry(entry, self.format)
        keys = [(entry.section, entry.steps) for entry in self.content]
        if self.format not in ("text", "netrc") and len(set(keys)) != len(keys):
            raise ValueError("one key stands in content twice")
        if self.format in TREES:
            _check_tree([entry.steps for entry in self.content])
        if self.format == "netrc" and self.content[0].key != "machine":
            raise ValueError("a netrc file begins with the key machine")
        if not (self.path_variable or self.directory_variable or self.arguments):
            raise ValueError("a tool is told of a file by path_variable, directory_variable or arguments")
        if any("=" in name or "\0" in name for name in self.variables):
            raise ValueError("path_variable and directory_variable are names of variables")
        words = list(placeholders(self.arguments))
        if not set(words) <= set(PATHS) or (self.arguments and not words):
            raise ValueError("arguments have {path} or {directory} in them, and nothing else in braces")
        _check_options(self.unless)
        if self.separator != "=" and self.format != "lines":
            raise ValueError("separator goes with the format lines")
        if (
            self.separator.strip() not in ("=", ":", "")
            or not self.separator
            or not self.separator.isprintable()
        ):
            raise ValueError("separator is =, : or a space, with spaces around it")

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables that tell of it."""
        return tuple(name for name in (self.path_variable, self.directory_variable) if name)


class ArgumentDefinition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Arguments for the command, with fields in them: `--user={username}`.

    They are left out together if an item lacks one of the fields, and if one of the options `unless` is among
    the caller's arguments. `position` is before all others ("first"), after the word of the command, or
    "last", which is always before a bare `--`. A secret field needs a `warning`: why there is no other way.
    """

    words: tuple[str, ...]
    position: Position = "first"
    unless: tuple[str, ...] = ()
    warning: str = ""

    def __post_init__(self) -> None:
        if not self.words or not all(self.words) or any("\0" in word for word in self.words):
            raise ValueError("words are arguments")
        if "--" in self.words:
            raise ValueError("words have no bare --")
        if not self.labels or "" in self.labels:
            raise ValueError("words have the label of a field in braces")
        if not self.warning.isprintable():
            raise ValueError("warning is one line")
        _check_options(self.unless)

    @property
    def labels(self) -> tuple[str, ...]:
        """The fields that it takes."""
        return tuple(placeholders(self.words))


class Provision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a command gets the credential: variables filled with fields, files, arguments, a hook in the
    program.

    Beside these variables, `fixed` have one value always, and `remove` are taken out: by either a command
    might come to use another credential than this one. The hook "aws" stands alone; what another hook gives
    comes to the rest.
    """

    hook: Hook | None = None
    environment: dict[str, str | Filling] = {}
    fixed: dict[str, str] = {}
    remove: tuple[str, ...] = ()
    files: tuple[FileDefinition, ...] = msgspec.field(name="file", default=())
    arguments: tuple[ArgumentDefinition, ...] = msgspec.field(name="argument", default=())

    def __post_init__(self) -> None:
        gives = self.environment or self.files or self.arguments
        if not gives and self.hook is None:
            raise ValueError("provision has at least one of environment, file, argument, hook")
        if self.hook == "aws" and (gives or self.fixed or self.remove):
            raise ValueError("the hook aws stands alone")
        told = [name for file in self.files for name in file.variables]
        named = [*self.environment, *self.fixed, *self.remove, *told]
        if any(not name or "=" in name or "\0" in name for name in named):
            raise ValueError("environment, fixed and remove name variables")
        if any("\0" in value for value in self.fixed.values()):
            raise ValueError("fixed has values that a variable can carry")
        if len(set(named)) != len(named):
            raise ValueError("one variable stands in two of environment, fixed, remove and file")
        if "" in self.environment.values():
            raise ValueError("environment maps names of variables to labels of fields")
        if len(self.files) > MOST_FILES:
            raise ValueError(f"a command gets {MOST_FILES} files at the most")
        names = [file.name for file in self.files]
        if any(one == other or one.startswith(f"{other}/") for one in names for other in _others(names, one)):
            raise ValueError("two files have names that stand in each other's way")

    @property
    def variables(self) -> dict[str, Filling]:
        """The variables that are filled with fields."""
        return {
            name: Filling(each) if isinstance(each, str) else each for name, each in self.environment.items()
        }

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of all fields that it takes."""
        filled = [each if isinstance(each, str) else each.field for each in self.environment.values()]
        written = [entry.field for file in self.files for entry in file.content if entry.field]
        return (*filled, *written, *(label for each in self.arguments for label in each.labels))

    @property
    def is_for_any_command(self) -> bool:
        """Whether a command that its plugin does not wrap can get it: told by variables, not by arguments."""
        told = [*self.environment, *self.files]
        return self.hook is not None or (bool(told) and all(file.variables for file in self.files))

    def check_secrets(self, secrets: Iterable[str]) -> None:
        """Raises ValueError if an argument has one of the fields `secrets` without a warning, or the
        reverse."""
        hidden = {plain_label(label) for label in secrets}
        for each in self.arguments:
            is_secret = any(plain_label(label) in hidden for label in each.labels)
            if is_secret and not each.warning:
                raise ValueError("an argument with a secret in it needs a warning: why there is no other way")
            if each.warning and not is_secret:
                raise ValueError("a warning goes with an argument that has a secret in it")


def placeholders(words: Iterable[str]) -> Iterable[str]:
    """What stands in braces. Raises ValueError for a brace that is none of a pair."""
    for word in words:
        if "{" in _PLACEHOLDER.sub("", word) or "}" in _PLACEHOLDER.sub("", word):
            raise ValueError("braces come in pairs, around a name")
        yield from _PLACEHOLDER.findall(word)


def fill(word: str, values: dict[str, str]) -> str:
    """A word with the values in the place of its placeholders."""
    return _PLACEHOLDER.sub(lambda found: values[found[1]], word)


def _others(names: list[str], one: str) -> list[str]:
    rest = list(names)
    rest.remove(one)
    return rest


def _check_options(options: tuple[str, ...]) -> None:
    if not all(_OPTION.fullmatch(option) for option in options):
        raise ValueError("an option is written with its dashes, such as --user")


def _check_entry(entry: Entry, form: str) -> None:
    if form not in TREES and not isinstance(entry.key, str):
        raise ValueError("a list of keys is for json, yaml and toml")
    if form not in TREES and entry.value is not None and not isinstance(entry.value, str):
        raise ValueError("a value that is no text is for json, yaml and toml")
    if (form in INI) != bool(entry.section):
        raise ValueError("each entry of an ini file has a section, and only those have one")
    if (form == "text") == bool(entry.key):
        raise ValueError("each entry has a key, but for the format text")
    if form == "netrc" and entry.key not in ("machine", "login", "password", "account"):
        raise ValueError("the keys of a netrc file are machine, login, password and account")
    if form not in TREES and form != "text":
        for text in (entry.section, str(entry.key)):
            if text != text.strip() or not text.isprintable() or set(text) & set("[]=\"'#;\\`"):
                raise ValueError("keys and sections are words without =, brackets, quotes, # and ;")


def _check_tree(paths: list[tuple[str | int, ...]]) -> None:
    """Each key leads to one thing: a value, a table, or a list."""
    inner: dict[tuple[str | int, ...], type] = {}
    for path in paths:
        for depth, step in enumerate(path):
            if inner.setdefault(path[:depth], type(step)) is not type(step):
                raise ValueError("names and numbers lead on from one key")
    if any(path in inner for path in paths):
        raise ValueError("a key has a value and leads on")

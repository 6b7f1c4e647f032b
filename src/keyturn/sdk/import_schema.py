"""Where a tool keeps its credential in plaintext: the `[[import]]` tables of a plugin file.

They are the one description of that. By them `plugin init` finds what can be imported, and `keyturn
plaintext` finds what lies about and takes it out; `keyturn.catalogue` reads files by them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

Format = Literal[
    "ini",
    "ini-comments",
    "ini-interpolated",
    "ini-go",
    "ini-mysql",
    "npmrc",
    "lines",
    "json",
    "yaml",
    "toml",
    "netrc",
    "pgpass",
    "text",
    "regex",
]
Step = str | tuple[str, ...]
Key = str | tuple[str, ...]

ANY = "*"
VALUE = "@value"
LAST = "@key"
_STAR = re.compile(r"@[1-9]")


class Taken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A value that is more than what stands at one key.

    `key` is where it stands, or `constant` what it is, or it stands in the entries that `in` leads to: at the
    key `take` of the one whose `match` is what our entry has at `with`. Of an address `part` is taken;
    `before` and `after` are put around it. It is left out where it, or the address, is one of `unless`.
    """

    key: Key = ""
    constant: str = ""
    in_: tuple[Step, ...] = msgspec.field(name="in", default=())
    match: Key = ""
    with_: Key = msgspec.field(name="with", default="")
    take: Key = ""
    part: Literal["host", "scheme"] | None = None
    before: str = ""
    after: str = ""
    unless: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (bool(self.key), bool(self.constant), bool(self.in_)).count(True) != 1:
            raise ValueError("a value has exactly one of key, constant, in")
        lookup = (self.match, self.with_, self.take)
        if any(lookup) != bool(self.in_) or all(lookup) != bool(self.in_):
            raise ValueError("in goes with match, with and take")


Value = str | tuple[str, ...] | Taken


class Importer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a credential may be found: variables that hold its fields, files, or a hook in the program.

    `environment` are variables that hold one credential together; of two for one field the first that is set
    counts. Each of `any_environment` holds the one `field`, so each is a credential of its own.

    `files` are where a file of this `format` may be: `~/…`, `/…`, or `$NAME/…` where that variable is set
    (`$NAME` alone is the file, or several as PATH has them); all that are there are read. `at` are the keys
    that lead to a credential; `*` stands for anything, a list for alternatives; without it the whole file is
    one. With `merge` all that `at` leads to are one, in which a later value wins. `pattern` is for the format
    `regex`: its named groups are the keys.

    The INI formats are those of the readers: `ini` of Python's configparser, `ini-interpolated` with its
    interpolation, `ini-comments` of configobj, `ini-go` of Go's gopkg.in/ini.v1, `ini-mysql` of MySQL and
    MariaDB, `npmrc` of npm; `lines` has `key = value` and nothing else. What stands above the first section
    is in the section "". `text` is a file that is one value (`@value`), white space around it apart. `netrc`
    has machines with `login`, `password` and `account`; in `pgpass` host, port, database and user lead to a
    password (`@value`).

    `fields` says for labels where the values are, from there on: at a key, at keys that lead down, `@value`
    (what stands at `at` itself), `@1` (what the first `*` stood for), `@key` (the last one), or a table.
    `also_removed` are the labels of those that go out of the file with the secret ones; the others stay.

    `where` passes over what does not have these keys with a value like one of the patterns. `need` are labels
    of fields without which it is none, besides the credential's own; of `need_any` one is enough. `hint` is a
    title for the item. `refuse_with`: if one of these variables, or keys, is set, what the others hold is
    temporary.

    With `keyring` it is the login keyring of a Linux desktop, as Go's library go-keyring uses it: `at` are
    the service and the user's name there, which lead to `@value`. What is found is offered, never removed.

    A `hook` may stand beside files: it imports then, and they say what is found and removed.
    """

    hook: Literal["aws-files"] | None = None
    environment: dict[str, str] | None = None
    any_environment: tuple[str, ...] = ()
    field: str = ""
    files: tuple[str, ...] = ()
    keyring: bool = False
    os: Literal["linux", "darwin"] | None = None
    format: Format | None = None
    pattern: str = ""
    at: tuple[Step, ...] = ()
    merge: bool = False
    fields: dict[str, Value] = {}
    also_removed: tuple[str, ...] = ()
    where: dict[str, tuple[str, ...]] = {}
    need: tuple[str, ...] = ()
    need_any: tuple[str, ...] = ()
    hint: Value = ""
    refuse_with: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        kinds = [self.environment is not None, bool(self.any_environment), self.keyring, bool(self.files)]
        if kinds.count(True) > 1 or (not any(kinds) and self.hook is None):
            raise ValueError(
                "an importer has exactly one of environment, any_environment, files, keyring, hook"
            )
        if self.hook is not None and any(kinds[:3]):
            raise ValueError("a hook stands alone or beside files")
        if self.environment is not None:
            if not self.environment:
                raise ValueError("environment names at least one variable")
            if not all(map(is_variable, self.environment)) or not all(self.environment.values()):
                raise ValueError("environment maps names of variables to labels of fields")
        if bool(self.any_environment) != bool(self.field):
            raise ValueError("any_environment and field go together")
        if not all(map(is_variable, self.any_environment)):
            raise ValueError("any_environment has names of variables")
        if not {*self.also_removed, *self.need, *self.need_any} <= set(self.labels()):
            raise ValueError("also_removed, need and need_any name labels that the importer fills")
        if self.files:
            self._check_files()
        elif self.keyring:
            self._check_keyring()
        elif self.format or self.fields or self.at or self.where or self.os or self.pattern or self.hint:
            raise ValueError("format, at, fields, where, hint, os and pattern go with files")

    def _check_keyring(self) -> None:
        if self.format or self.pattern or self.os or self.merge or self.also_removed:
            raise ValueError("format, pattern, os, merge and also_removed go with files")
        if len(self.at) != 2 or not self.fields or not all(self.fields.values()):
            raise ValueError("keyring needs at, a service and a user's name, and fields")
        self._check_at()

    def _check_files(self) -> None:
        if not all(place.startswith(("~/", "/", "$")) and place not in ("/", "$") for place in self.files):
            raise ValueError("files begin with ~/, / or $NAME")
        if self.format is None or not self.fields:
            raise ValueError("files need format and fields")
        if (self.format == "regex") != bool(self.pattern):
            raise ValueError("pattern goes with the format regex, and only with that")
        if self.pattern and not groups(self.pattern):
            raise ValueError("pattern is a regular expression with named groups: (?P<name>…)")
        if not all(self.fields.values()):
            raise ValueError("a key is not empty; @value is what stands at `at` itself")
        self._check_at()

    def _check_at(self) -> None:
        stars = 0
        for step in self.at:
            for each in (step,) if isinstance(step, str) else step:
                if each.count(ANY) > 1:
                    raise ValueError("a step of at has one * at the most")
            stars += ANY in step if isinstance(step, str) else any(ANY in each for each in step)
        for patterns in self.where.values():
            if not patterns or any(each.count(ANY) > 1 for each in patterns):
                raise ValueError("where has patterns for each key, with one * in each at the most")
        for key in self._keys():
            if key.startswith("@") and not _is_known(key, stars):
                raise ValueError(f"{key} is none of @value, @key, @1 … as many as at has *")

    def _keys(self) -> Iterable[str]:
        for value in (*self.fields.values(), self.hint):
            keys = (value.key, value.match, value.with_, value.take) if isinstance(value, Taken) else (value,)
            yield from (key for key in keys if isinstance(key, str))
        yield from self.where

    def labels(self) -> Iterable[str]:
        """The labels of fields that it may fill."""
        if self.environment is not None:
            return self.environment.values()
        return (self.field,) if self.field else self.fields

    def variables(self) -> tuple[Mapping[str, str], ...]:
        """For each credential that variables may hold, the labels by the names of the variables."""
        if self.environment is not None:
            return (self.environment,)
        return tuple({name: self.field} for name in self.any_environment)


def is_variable(name: str) -> bool:
    """Whether it may be the name of an environment variable."""
    return bool(name) and "=" not in name and "\0" not in name


def groups(pattern: str) -> tuple[str, ...]:
    """The named groups of a regular expression; none if it is not one."""
    try:
        return tuple(re.compile(pattern).groupindex)
    except (re.error, OverflowError, RecursionError):
        return ()


def _is_known(key: str, stars: int) -> bool:
    if key == LAST:
        return stars > 0
    return key == VALUE or (_STAR.fullmatch(key) is not None and int(key[1:]) <= stars)

"""A plugin: one TOML file that says what a platform's credential is and how its commands get it.

The parsing is strict: a key or value that is not of the schema is an error that names file, key and
what was expected, for a misspelt rule must never be a rule that silently does not hold.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Annotated, Any, Literal

import msgspec

from keyturn.ground.errors import ConfigurationError
from keyturn.ground.names import is_plugin_name, plain_label
from keyturn.items import credential_tag
from keyturn.sdk import complaints, rules
from keyturn.sdk.argv import Options
from keyturn.sdk.import_schema import Importer
from keyturn.sdk.provision_schema import Lifetime, Provision
from keyturn.sdk.rules import Rule

CharacterSet = Literal["uppercase", "lowercase", "digits"]


class Composition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a real value looks like. It is information for people and for examples, never a check.

    Beside the characters of `charset` there are those in `specific`.
    """

    length: Annotated[int, msgspec.Meta(ge=1, le=10_000)] | None = None
    prefix: str = ""
    charset: tuple[CharacterSet, ...] = ()
    specific: str = ""

    def __post_init__(self) -> None:
        if self.length is not None and len(self.prefix) > self.length:
            raise ValueError("prefix is longer than length")
        if any(character.isalnum() and character.isascii() for character in self.specific):
            raise ValueError("specific has characters that are of no charset")


class FieldDefinition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A field of the credential. `aka` are other titles that people give it.

    `temporary_prefixes`: values that begin so stop working by themselves, so they are not imported.
    `example` is for what no composition can tell; that of a secret says EXAMPLE. Without `asked` nobody who
    types a credential is asked for the field: it comes with an import.
    """

    label: str
    secret: bool = False
    optional: bool = False
    aka: tuple[str, ...] = ()
    composition: Composition | None = None
    temporary_prefixes: tuple[str, ...] = ()
    example: str = ""
    asked: bool = True

    def __post_init__(self) -> None:
        if self.secret and self.example and "EXAMPLE" not in self.example:
            raise ValueError("the example of a secret has EXAMPLE in it")
        if not self.asked and not self.optional:
            raise ValueError("a field that nobody is asked for is optional")


class CredentialType(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an item of this platform holds; the order of the fields is their order in the item."""

    name: str
    title: str
    fields: tuple[FieldDefinition, ...] = msgspec.field(name="field")
    docs_url: str = ""
    management_url: str = ""

    def __post_init__(self) -> None:
        if not is_plugin_name(self.name):
            raise ValueError("name is written in a-z, 0-9 and -")
        labels = [plain_label(text) for field in self.fields for text in (field.label, *field.aka)]
        if not labels or "" in labels:
            raise ValueError("a credential has at least one field, each with a label")
        if len(set(labels)) != len(labels):
            raise ValueError("two fields have labels that match each other")

    def field(self, label: str) -> FieldDefinition | None:
        """The field called `label`, compared as items compare labels."""
        wanted = plain_label(label)
        return next((field for field in self.fields if plain_label(field.label) == wanted), None)


class AlsoReads(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Other commands that read a file which an importer reads, for who is about to take keys out of it."""

    file: str
    executables: tuple[str, ...]


class ProfileWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How an executable is told a profile: its option, and its variables, the first non-empty one wins.

    `option` is empty where it has none. `variables_by_version` are other orders by major version, where
    versions differ; `distribution` is the Python distribution whose version that is. `in_child` says whether
    the command still sees the profile: "variable" (it takes keys before the profile, and the profile's other
    settings hold) or "hidden" (it would take the profile before the keys).
    """

    variables: tuple[str, ...]
    in_child: Literal["variable", "hidden"]
    option: str = ""
    variables_by_version: dict[str, tuple[str, ...]] = {}
    distribution: str = ""

    def __post_init__(self) -> None:
        if self.variables_by_version and not self.distribution:
            raise ValueError("variables_by_version needs a distribution")
        for order in self.variables_by_version.values():
            if sorted(order) != sorted(self.variables):
                raise ValueError("variables_by_version orders the same variables anew")


class Executable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A command that the plugin wraps.

    `any_credential`: besides the plugin's own, it takes those of all other plugins, as many as are chosen
    for it (terraform, whose providers talk to whatever there is). `provision` is its own way to get the
    credential, in place of the plugin's; `file_lifetime` holds for all files that it gets.
    """

    runs: str
    name: str
    needs_auth: Rule
    docs_url: str = ""
    options: Options = Options()
    profile: ProfileWords | None = None
    any_credential: bool = False
    provision: Provision | None = None
    file_lifetime: Lifetime | None = None

    def __post_init__(self) -> None:
        if not self.runs or "/" in self.runs or any(c.isspace() for c in self.runs):
            raise ValueError("runs is the name of one command")
        option = self.profile.option if self.profile is not None else ""
        if option and option not in self.options.valued:
            raise ValueError("the profile's option is one of options.valued")

    def needs_authentication(self, arguments: Sequence[bytes]) -> bool:
        """False only where the rules say so for certain."""
        return rules.needs_authentication(self.needs_auth, arguments, self.options)


class Plugin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One platform. `reads` are the caller's variables that the plugin looks at (`X_*`); no other is kept.

    `uses` names the plugin whose credential this one takes. The file then says nothing of the credential and
    its importers, and may leave out `provision` and `reads`: they are the other plugin's.

    `replaces`: commands of built-in plugins that this one takes over; only a person's own plugin may.
    """

    name: str
    platform: str
    credential: CredentialType
    provision: Provision
    executables: tuple[Executable, ...] = msgspec.field(name="executable")
    importers: tuple[Importer, ...] = msgspec.field(name="import", default=())
    also_reads: tuple[AlsoReads, ...] = ()
    reads: tuple[str, ...] = ()
    homepage: str = ""
    uses: str = ""
    replaces: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not is_plugin_name(self.name):
            raise ValueError("name is 1 to 32 of a-z, 0-9 and -")
        if not self.executables:
            raise ValueError("a plugin has at least one executable")
        commands = [executable.runs for executable in self.executables]
        if len(set(commands)) != len(commands):
            raise ValueError("two executables run the same command")
        own = [each.provision for each in self.executables if each.provision is not None]
        for labels in (
            *(each.labels for each in (self.provision, *own)),
            *(each.labels() for each in self.importers),
        ):
            for label in labels:
                if self.credential.field(label) is None:
                    raise ValueError(f"the credential has no field “{label}”")
        secrets = [field.label for field in self.credential.fields if field.secret]
        for each in (self.provision, *own):
            each.check_secrets(secrets)

    @property
    def owner(self) -> str:
        """The plugin whose credential it is; names are bound to items by this one."""
        return self.uses or self.name

    @property
    def item_title(self) -> str:
        """What an item of its credential is called where nobody says otherwise."""
        # The platform's whole name is nothing that people say.
        return "AWS" if self.owner == "aws" else self.platform

    @property
    def tag(self) -> str:
        """The tag of its items."""
        return credential_tag(self.owner, self.credential.name)

    def executable(self, runs: str) -> Executable | None:
        """The executable that a command of this name is."""
        return next((each for each in self.executables if each.runs == runs), None)

    def provision_for(self, runs: str) -> Provision:
        """How the command of this name gets the credential; one that the plugin does not wrap, too."""
        found = self.executable(runs)
        return self.provision if found is None or found.provision is None else found.provision

    def warnings(self) -> tuple[str, ...]:
        """What a person should know before the credential is used, a line each: secrets in arguments."""
        found = [
            f"{each.runs}: {argument.warning}"
            for each in self.executables
            for argument in self.provision_for(each.runs).arguments
            if argument.warning
        ]
        return tuple(dict.fromkeys(found))

    def reads_variable(self, name: bytes) -> bool:
        """Whether the plugin looks at this variable of the caller."""
        whole, patterns = _reading(self.reads)
        return name in whole or (
            patterns is not None and patterns.match(name.decode("utf-8", "surrogateescape")) is not None
        )


@lru_cache(maxsize=256)
def _reading(names: tuple[str, ...]) -> tuple[frozenset[bytes], re.Pattern[str] | None]:
    """The whole names and the patterns, ready: a command comes with a hundred variables or so."""
    patterns = [name for name in names if set(name) & set("*?[")]
    whole = frozenset(name.encode() for name in names if name not in patterns)
    return whole, re.compile("|".join(map(fnmatch.translate, patterns))) if patterns else None


def parse(content: bytes, source: str, plugin: Callable[[str], Plugin] | None = None) -> Plugin:
    """The plugin in a file's content; `source` names the file in errors.

    `plugin` gives another plugin by its name, for a file that uses that one's credential. Raises
    ConfigurationError: one line with file, key and what was expected.
    """
    # Only where there is TOML to parse: it takes as long as the interpreter's start.
    import tomllib

    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise ConfigurationError(f"{source}: not UTF-8") from None
    try:
        table = tomllib.loads(text)
        return msgspec.convert(table if "uses" not in table else _with_used(table, source, plugin), Plugin)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigurationError(f"{source}: {complaints.of_syntax(error)}") from None
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{source}: {complaints.of_value(error, Plugin, text)}") from None


def _with_used(table: dict[str, Any], source: str, plugin: Callable[[str], Plugin] | None) -> dict[str, Any]:
    """`table` with what it takes from the plugin that it uses."""
    uses = table["uses"]
    own = [key for key in ("credential", "import", "also_reads") if key in table]
    if own:
        raise ConfigurationError(f"{source}: {own[0]}: expected nothing, for the file uses another plugin's")
    if not isinstance(uses, str) or not is_plugin_name(uses) or uses == table.get("name") or plugin is None:
        raise ConfigurationError(f"{source}: uses: expected the name of another plugin")
    other = plugin(uses)
    if other.uses:
        raise ConfigurationError(f"{source}: uses: expected a plugin with a credential of its own")
    taken = {
        "credential": other.credential,
        "import": other.importers,
        "also_reads": other.also_reads,
        "provision": other.provision,
        "reads": other.reads,
    }
    return {**taken, **table}

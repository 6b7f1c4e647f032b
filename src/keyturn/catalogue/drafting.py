"""A new plugin of one's own, out of a few answers: the text of its file and of its cases.

What a person wants beyond that they write by hand, into a file that loads and whose cases run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from keyturn.catalogue import own_rules
from keyturn.ground.errors import UsageError
from keyturn.ground.names import is_plugin_name, plain_label
from keyturn.sdk import examples
from keyturn.sdk.schema import Composition, FieldDefinition

# What most commands take without asking anybody.
BARE = ("--help", "-h", "--version", "help", "version", "completion")
# A command line that certainly is none of them.
_NEEDS = ("list", "anything --else")
# Everything that a format, a shell or a parser could take for something else.
_HOSTILE = '-"it\'s" #1; %s $HOME \\ ü'
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class DraftField:
    """A field of the credential and the variable that carries it. `looks`: of a pasted example, if any."""

    label: str
    variable: str
    is_secret: bool = True
    looks: Composition | None = None

    def __post_init__(self) -> None:
        if not plain_label(self.label) or not self.label.isprintable():
            raise UsageError(
                "a field has a label, one line of text", "such as --field 'api token=MY_API_TOKEN'"
            )
        if not _VARIABLE.fullmatch(self.variable):
            raise UsageError(
                f"“{self.label}” needs the name of a variable: letters, digits and _",
                f"such as --field '{self.label}=MY_API_TOKEN'",
            )

    @property
    def definition(self) -> FieldDefinition:
        """As the plugin will have it."""
        return FieldDefinition(self.label, secret=self.is_secret, composition=self.looks)


@dataclass(frozen=True)
class Draft:
    """The answers. `bare` are beginnings of command lines that need none, as in `rules.toml`.

    `is_taking_over`: the command is a built-in plugin's, and this one is to wrap it from now on.
    """

    name: str
    runs: str
    platform: str
    title: str
    fields: Sequence[DraftField]
    bare: Sequence[str] = BARE
    homepage: str = ""
    docs_url: str = ""
    management_url: str = ""
    is_taking_over: bool = False

    def __post_init__(self) -> None:
        if not is_plugin_name(self.name):
            raise UsageError(
                "a plugin's name is 1 to 32 of a-z, 0-9 and -", f"such as {_plain(self.name) or 'mytool'}"
            )
        if not self.runs or "/" in self.runs or any(c.isspace() for c in self.runs):
            raise UsageError(
                "a plugin wraps a command by its name, without a directory", "such as --runs mytool"
            )
        texts = (self.runs, self.platform, self.title, self.homepage, self.docs_url, self.management_url)
        if not all(text.isprintable() for text in texts) or not self.platform or not self.title:
            raise UsageError(
                "a platform and a title are one line of text each", "see: keyturn plugin new --help"
            )
        if not self.fields:
            raise UsageError("a credential has at least one field", "such as --field token=MYTOOL_TOKEN")
        for what, found in (
            ("label", [plain_label(field.label) for field in self.fields]),
            ("variable", [field.variable for field in self.fields]),
        ):
            if len(set(found)) != len(found):
                raise UsageError(
                    f"two fields have the same {what}", "labels are compared without case and spaces"
                )
        for entry in self.bare:
            try:
                own_rules.compiled(entry)
            except ValueError as error:
                raise UsageError(str(error), "such as --bare login --bare 'config list'") from None

    @property
    def credential(self) -> str:
        """The credential's name, which is in the tag of its items."""
        return _plain(self.title) or "credential"

    def plugin_text(self) -> str:
        """The plugin's file."""
        return "\n".join([*self._head(), *self._fields(), *self._ways(), *self._executable(), ""])

    def cases_text(self) -> str:
        """The file of its cases."""
        return "\n".join([*self._rule_case(), *self._value_cases(), ""])

    def _head(self) -> Iterator[str]:
        yield from (f"name = {_text(self.name)}", f"platform = {_text(self.platform)}")
        if self.is_taking_over:
            yield f"replaces = [{_text(self.runs)}]"
        if self.homepage:
            yield f"homepage = {_text(self.homepage)}"
        yield from ("", "[credential]", f"name = {_text(self.credential)}", f"title = {_text(self.title)}")
        for key, url in (("docs_url", self.docs_url), ("management_url", self.management_url)):
            if url:
                yield f"{key} = {_text(url)}"

    def _fields(self) -> Iterator[str]:
        for field in self.fields:
            yield from ("", "[[credential.field]]", f"label = {_text(field.label)}")
            if field.is_secret:
                yield "secret = true"
            if field.looks is not None:
                yield f"composition = {_composition(field.looks)}"

    def _ways(self) -> Iterator[str]:
        variables = [f"{field.variable} = {_text(field.label)}" for field in self.fields]
        yield from ("", "[provision.environment]", *variables)
        yield from ("", "[[import]]", "[import.environment]", *variables)

    def _executable(self) -> Iterator[str]:
        yield from ("", "[[executable]]", f"runs = {_text(self.runs)}", f"name = {_text(self.platform)}")
        yield from (
            "",
            "# These run as they are; words are compared by their place. In doubt it gets the credential.",
            "[[executable.needs_auth.all]]",
            "not = { any = [",
            "  { no_arguments = true },",
        )
        for entry in self.bare:
            yield f"  {_rule(entry)},"
        yield "] }"

    def _rule_case(self) -> Iterator[str]:
        yield "# What has to come of the plugin; run them: keyturn plugin test " + self.name
        first = {entry.split()[0] for entry in self.bare}
        needs = [line for line in _NEEDS if line.split()[0] not in first] or ["certainly none of those"]
        yield from ("", "[[rule]]", f"executable = {_text(self.runs)}")
        yield f"needs = [{', '.join(map(_text, needs))}]"
        yield f"bare = [{', '.join(map(_text, ['', *map(_line, self.bare)]))}]"

    def _value_cases(self) -> Iterator[str]:
        plain = {field.label: examples.example(field.definition) for field in self.fields}
        hostile = {field.label: f"{_HOSTILE}{number or ''}" for number, field in enumerate(self.fields)}
        for name, values in (("examples", plain), ("hostile values", hostile)):
            yield from ("", "[[provision]]", f"name = {_text(name)}", "[provision.fields]")
            yield from (f"{_text(label)} = {_text(value)}" for label, value in values.items())
            yield "[provision.sets]"
            yield from (f"{field.variable} = {_text(values[field.label])}" for field in self.fields)
        for name, values in (("variables", plain), ("variables with hostile values", hostile)):
            yield from ("", "[[import]]", f"name = {_text(name)}", "[import.environment]")
            yield from (f"{field.variable} = {_text(values[field.label])}" for field in self.fields)
            yield from ("[[import.finds]]", "[import.finds.fields]")
            yield from (f"{_text(label)} = {_text(value)}" for label, value in values.items())


def variable_for(name: str, label: str) -> str:
    """The variable that a tool of this name most likely reads: `mytool`, `api token` → `MYTOOL_API_TOKEN`."""
    return re.sub(r"[^A-Z0-9]+", "_", f"{name}_{label}".upper()).strip("_")


def _composition(looks: Composition) -> str:
    parts = [f"length = {looks.length}"] if looks.length is not None else []
    parts += [f"prefix = {_text(looks.prefix)}"] if looks.prefix else []
    parts += [f"charset = [{', '.join(map(_text, looks.charset))}]"] if looks.charset else []
    parts += [f"specific = {_text(looks.specific)}"] if looks.specific else []
    return "{ " + ", ".join(parts) + " }"


def _rule(entry: str) -> str:
    words = [part for part in entry.split() if not part.startswith("-")]
    options = [part for part in entry.split() if part.startswith("-")]
    parts = [f"{{ command = [{', '.join(map(_text, words))}] }}"] if words else []
    parts += [f"{{ option = {_text(option)} }}" for option in options]
    return parts[0] if len(parts) == 1 else f"{{ all = [{', '.join(parts)}] }}"


def _line(entry: str) -> str:
    """A command line that an entry fits."""
    return " ".join(part.replace("*", "x") for part in entry.split())


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:32].strip("-")


def _text(text: str) -> str:
    """A basic string of TOML: JSON's, where all is printable but line feeds and tabs."""
    return json.dumps(text, ensure_ascii=False)

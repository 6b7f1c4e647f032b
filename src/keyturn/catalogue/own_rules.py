"""A person's own rules, in `rules.toml`: which commands need credentials, whatever the plugin says.

    [aws]
    always = ["configure export-credentials"]
    never = ["s3 presign", "* describe-*", "--dry-run"]

A table is a command that a plugin wraps. An entry is the beginning of a command line: words by their place,
options left out, where `*` stands for any word or a part of one; options behind the words have to stand
anywhere. What holds is: `always`, else `never`, else the plugin's own rules. A line that an entry fits only
perhaps (an option that the plugin does not know is before it) authenticates, as with the plugin's rules.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from keyturn.ground import files
from keyturn.ground.errors import ConfigurationError
from keyturn.ground.names import printable
from keyturn.sdk import complaints, rules
from keyturn.sdk.rules import Rule
from keyturn.sdk.schema import Executable

LARGEST = 64 * 1024
MEND = "correct it, or move the file away: then the plugins' own rules hold"


class OwnRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rules for one command, as they are written."""

    always: tuple[str, ...] = ()
    never: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.always and not self.never:
            raise ValueError("expected always or never, each a list of the beginnings of command lines")
        for entry in (*self.always, *self.never):
            compiled(entry)

    def applied(self, executable: Executable) -> Executable:
        """The executable with these rules before its own."""
        needs = executable.needs_auth
        if self.never:
            never = Rule(any_of=tuple(map(compiled, self.never)))
            needs = Rule(all_of=(needs, Rule(negated=never)))
        if self.always:
            needs = Rule(any_of=(*map(compiled, self.always), needs))
        return msgspec.structs.replace(executable, needs_auth=needs)

    def reason(self, executable: Executable, arguments: Sequence[bytes]) -> str:
        """Which entry decides for these arguments, in words; empty where none does.

        `executable` is as its plugin has it.
        """
        for kind, entries in (("always", self.always), ("never", self.never)):
            for entry in entries:
                if rules.matches(compiled(entry), arguments, executable.options):
                    return f"{kind} “{entry}” in {FILE}"
        return ""


FILE = "rules.toml"


def compiled(entry: str) -> Rule:
    """An entry as a rule. Raises ValueError, which says what is expected."""
    words: list[str] = []
    options: list[str] = []
    for part in entry.split():
        if part.startswith("-"):
            options.append(part)
        elif options:
            raise ValueError(
                f"“{printable(entry)}”: expected words before options; an option's value is none"
            )
        else:
            words.append(part)
    if any("=" in option or not option.strip("-") for option in options):
        raise ValueError(f"“{printable(entry)}”: expected the bare name of an option, such as --dry-run")
    parts = [Rule(command=tuple(words))] if words else []
    parts += [Rule(option=option) for option in options]
    if not parts:
        raise ValueError("expected the words of a command, such as “s3 presign”")
    return parts[0] if len(parts) == 1 else Rule(all_of=tuple(parts))


def load(path: Path) -> Mapping[str, OwnRules]:
    """The rules in the file at `path`, by command; none where there is no file.

    Raises ConfigurationError: one line with file, line, key and what was expected.
    """
    try:
        content, _ = files.read(path, LARGEST)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {files.reason(error)}", files.remedy(error)) from None
    try:
        text = content.decode()
        tables = tomllib.loads(text)
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path}: not UTF-8 text", MEND) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path}: {complaints.of_syntax(error)}", MEND) from None
    found = {}
    for command, table in tables.items():
        try:
            found[command] = msgspec.convert(table, OwnRules)
        except msgspec.ValidationError as error:
            what = complaints.of_value(error, OwnRules, text, command)
            raise ConfigurationError(f"{path}: {what}", MEND) from None
    return found

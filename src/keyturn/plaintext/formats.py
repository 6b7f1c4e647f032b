"""The formats by name, and taking entries out of a text so that nothing else changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from keyturn.plaintext.entries import Entry, Format, InseparableError, UnreadableError, without
from keyturn.plaintext.ini import Ini
from keyturn.plaintext.json_text import Json
from keyturn.plaintext.lines import Pgpass, Token
from keyturn.plaintext.netrc_text import Netrc
from keyturn.plaintext.shell_lines import Shell
from keyturn.plaintext.toml_text import Toml
from keyturn.plaintext.yaml_text import Yaml

FORMATS: dict[str, Format] = {
    "ini": Ini(),
    # As Go's and MySQL's readers have it: a comment may follow a value, which may stand in quotes.
    "ini-comments": Ini(inline_comments=True, quotes=True),
    # npm's: keys are addresses with colons in them.
    "npmrc": Ini(delimiters="=", quotes=True),
    "json": Json(),
    "yaml": Yaml(),
    "toml": Toml(),
    "netrc": Netrc(),
    "pgpass": Pgpass(),
    "token": Token(),
    "shell": Shell(),
    "fish": Shell(is_fish=True),
}

_REFUSED = "it cannot be taken out without changing more"


def take_out(name: str, text: str, gone: Sequence[Entry]) -> str:
    """`text` of the format `name` without the entries `gone`, which `entries` found in it.

    What comes out was read again in two ways, and says the same but for these entries. Raises
    InseparableError if it does not, or if an entry cannot go alone; UnreadableError for what does not parse.
    """
    if not gone:
        return text
    there = FORMATS[name]
    after = without(text, gone)
    going = Counter(map(_identity, gone))
    wanted: list[Entry] = []
    for entry in there.entries(text):
        if going[_identity(entry)]:
            going[_identity(entry)] -= 1
        else:
            wanted.append(entry)
    try:
        left = there.entries(after)
        is_same = there.is_same_without(text, after, gone)
    except UnreadableError:
        raise InseparableError(_REFUSED) from None
    if going.total() or not is_same or list(map(_meaning, left)) != list(map(_meaning, wanted)):
        raise InseparableError(_REFUSED)
    return after


def _identity(entry: Entry) -> tuple[object, ...]:
    return entry.path, entry.line, entry.value.reveal()


def _meaning(entry: Entry) -> tuple[object, ...]:
    return entry.path, entry.value.reveal()

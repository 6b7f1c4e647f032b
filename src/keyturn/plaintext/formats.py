"""The formats by name, and taking entries out of a text so that nothing else changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from keyturn.plaintext import ini_values, json_text, toml_text
from keyturn.plaintext.entries import (
    EMPTY,
    Entry,
    Format,
    InseparableError,
    Path,
    UnreadableError,
    leaves,
    without,
)
from keyturn.plaintext.ini import Ini
from keyturn.plaintext.json_text import Json
from keyturn.plaintext.lines import Pgpass, Whole
from keyturn.plaintext.netrc_text import Netrc
from keyturn.plaintext.shell_lines import Shell
from keyturn.plaintext.toml_text import Toml
from keyturn.plaintext.yaml_text import Yaml

FORMATS: dict[str, Format] = {
    "ini": Ini(),
    "ini-comments": Ini(said=ini_values.commented),
    "ini-interpolated": Ini(said=ini_values.interpolated),
    "ini-go": Ini(said=ini_values.go, goes_on=False, joined=True),
    "ini-mysql": Ini(delimiters="=", said=ini_values.mysql, goes_on=False),
    # npm's: keys are addresses with colons in them.
    "npmrc": Ini(delimiters="=", said=ini_values.node, goes_on=False),
    "lines": Ini(goes_on=False),
    "json": Json(),
    "yaml": Yaml(),
    "toml": Toml(),
    "netrc": Netrc(),
    "pgpass": Pgpass(),
    "text": Whole(),
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


def not_text(name: str, text: str) -> list[Path]:
    """The keys that lead to numbers and the like, in the formats that tell these from text, JSON and TOML.

    Raises UnreadableError.
    """
    readers = {"json": json_text.tree, "toml": toml_text.tree}
    if name not in readers:
        return []
    found = leaves(readers[name](text))
    return [
        path for path, leaf in found if leaf is not None and leaf is not EMPTY and not isinstance(leaf, str)
    ]


def _identity(entry: Entry) -> tuple[object, ...]:
    return entry.path, entry.line, entry.value.reveal()


def _meaning(entry: Entry) -> tuple[object, ...]:
    return entry.path, entry.value.reveal()

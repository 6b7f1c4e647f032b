"""Example secrets, which nobody could take for real ones, and what a real one looks like, from an example.

Every example ends in EXAMPLE, whatever its characters: so a scanner, and a person, knows it for what it is.
"""

from __future__ import annotations

import re
import string
from typing import TYPE_CHECKING

from keyturn.ground.secret import Secret
from keyturn.sdk.schema import Composition

if TYPE_CHECKING:
    from keyturn.sdk.schema import CharacterSet, FieldDefinition

ENDING = "EXAMPLE"

_SETS: dict[CharacterSet, str] = {
    "uppercase": string.ascii_uppercase,
    "lowercase": string.ascii_lowercase,
    "digits": string.digits,
}
# `ghp_`, `sk-ant-`, `dop_v1_`: words in small letters, each with what parts it from the next.
_PREFIX = re.compile(r"(?:[a-z][a-z0-9]{1,7}[_-])(?:[a-z][a-z0-9]{0,5}[_-]){0,2}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# What is left of a value behind a prefix: with less, the “prefix” may be a word of somebody's password.
_LEAST_REST = 16


def example(definition: FieldDefinition) -> str:
    """A value for the field as long as a real one; it ends in EXAMPLE where the length allows it."""
    if definition.example:
        return definition.example
    composition = definition.composition
    if composition is None:
        return f"{_word(definition.label)}-{ENDING}"
    alphabet = "".join(_SETS[each] for each in composition.charset)
    alphabet += composition.specific
    if composition.length is None:
        return composition.prefix + ENDING
    room = max(composition.length - len(composition.prefix), 0)
    ending = ENDING if room >= len(ENDING) else ""
    filler = _filler(alphabet or string.ascii_letters, room - len(ending))
    return f"{composition.prefix}{filler}{ending}"


def infer(value: Secret) -> Composition:
    """Length, prefix and kinds of characters of a value; of the value itself nothing else is kept.

    Only what many platforms write before their keys is taken for a prefix, and only before something long.
    """
    text = value.reveal()
    found = _PREFIX.match(text)
    prefix = found[0] if found and len(text) - found.end() >= _LEAST_REST else ""
    if _UUID.fullmatch(text):
        prefix = ""
    rest = text[len(prefix) :]
    charset = tuple(name for name, characters in _SETS.items() if set(rest) & set(characters))
    others = {c for c in rest if c.isprintable() and not (c.isascii() and c.isalnum())}
    return Composition(len(text), prefix, charset, "".join(sorted(others)))


def _filler(alphabet: str, length: int) -> str:
    """Every character in turn, far from each other: no key looks so."""
    return (alphabet * (length // len(alphabet) + 1))[:length]


def _word(label: str) -> str:
    return "-".join(re.findall(r"[^\W_]+", label.lower())) or "value"

"""What a plugin file's `[[import]]` says, applied to what stands in a file: the credentials in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from keyturn.ground.names import plain_label
from keyturn.ground.secret import Secret
from keyturn.plaintext.entries import Entry
from keyturn.plaintext.reading import without_password
from keyturn.sdk.import_schema import ANY, LAST, VALUE, Importer, Key, Step, Taken, Value
from keyturn.sdk.schema import FieldDefinition

# No credential: a reference to a variable, in files whose tools know such, or without its braces;
# and words that stand for nothing.
_NO_VALUES = {
    # npm replaces ${NAME} anywhere in a value.
    "npmrc": re.compile(r"\$[A-Za-z_][A-Za-z0-9_]*|.*\$\{[^{}]*\}.*|true|false|null", re.DOTALL),
    "variable": re.compile(r"\$\{[^{}]*\}|\$[A-Za-z_][A-Za-z0-9_]*|true|false|null|none|~", re.IGNORECASE),
}
_TWICE = "it stands there twice, with different values"
_ENDS = "they are temporary keys, which end by themselves"

Rest = tuple[str, ...]


@dataclass(frozen=True)
class Selected:
    """A credential, or a part of one, that stands in a file.

    `profile` tells it from others in the file; `fields` are values by label, `secrets` the labels of those
    that must not be shown. `going` are the entries that go out of the file with it. `temporary` says why it
    is of no use in a vault, `stuck` why it cannot be taken out; empty: it is, and can.
    """

    profile: str
    fields: Mapping[str, Secret]
    secrets: tuple[str, ...]
    going: tuple[Entry, ...]
    line: int
    temporary: str = ""
    stuck: str = ""


@dataclass(frozen=True)
class _Group:
    """The entries that `at` leads to: each with the keys from there on; `names` is what `*` stood for."""

    names: tuple[str, ...]
    entries: tuple[tuple[Rest, Entry], ...]


def select(
    importer: Importer,
    definitions: Sequence[FieldDefinition],
    form: str,
    entries: Sequence[Entry],
    *,
    is_any_secret: bool = False,
) -> Iterator[Selected]:
    """What the importer's description finds among the entries of a file of this format: whatever has a value
    for one of its labels, complete or not.

    With `is_any_secret` no condition holds for a secret itself: one of a kind that is not imported lies in
    plaintext all the same.
    """
    conditions = dict(importer.where)
    if is_any_secret:
        for label in _secrets(importer, definitions):
            value = importer.fields[label]
            conditions.pop(value if isinstance(value, str) else "", None)
    entries = _with_value(form, entries)
    lists = _Lists(entries)
    for group in _groups(importer.at, entries, is_one=importer.merge):
        reader = _Reader(group, lists)
        if all(reader.fits(key, patterns) for key, patterns in conditions.items()):
            found = _selected(importer, importer.fields, definitions, reader)
            if found is not None:
                yield found


def of_variables(
    importer: Importer,
    variables: Mapping[str, str],
    definitions: Sequence[FieldDefinition],
    entries: Sequence[Entry],
) -> Selected | None:
    """What a start-up file sets of these variables, by which the labels are given."""
    entries = _with_value("variable", entries)
    keys: dict[str, Value] = {}
    for variable, label in variables.items():
        if label not in keys and any(entry.path == (variable,) for entry in entries):
            keys[label] = (variable,)
    if not keys:
        return None
    group = _Group((), tuple((entry.path, entry) for entry in entries))
    return _selected(importer, keys, definitions, _Reader(group, _Lists(entries)))


def _secrets(importer: Importer, definitions: Sequence[FieldDefinition]) -> list[str]:
    """The labels of the importer that are a secret's."""
    secret = {plain_label(each.label) for each in definitions if each.secret}
    return [label for label in importer.fields if plain_label(label) in secret]


def _with_value(form: str, entries: Sequence[Entry]) -> Sequence[Entry]:
    """The entries whose value is one."""
    if form not in _NO_VALUES:
        return entries
    return [entry for entry in entries if not _NO_VALUES[form].fullmatch(entry.value.reveal())]


def _groups(at: Sequence[Step], entries: Sequence[Entry], *, is_one: bool = False) -> list[_Group]:
    found: dict[Rest, list[tuple[Rest, Entry]]] = {}
    names: dict[Rest, tuple[str, ...]] = {}
    for entry in entries:
        stood = _stood(at, entry.path)
        if stood is not None:
            top = () if is_one else entry.path[: len(at)]
            names[top] = stood
            found.setdefault(top, []).append((entry.path[len(at) :], entry))
    return [_Group(names[top], tuple(inner)) for top, inner in found.items()]


def _stood(at: Sequence[Step], path: Rest) -> tuple[str, ...] | None:
    """What each `*` of `at` stands for in this path; None if that leads elsewhere."""
    if len(path) < len(at):
        return None
    names: list[str] = []
    for step, key in zip(at, path, strict=False):
        for pattern in (step,) if isinstance(step, str) else step:
            stands = stands_for(pattern, key)
            if stands is not None:
                names += [stands] if ANY in pattern else []
                break
        else:
            return None
    return tuple(names)


def stands_for(wanted: str, key: str) -> str | None:
    """What `*` stands for in a key that is the one wanted, without regard to case; None if it is another."""
    before, star, behind = wanted.casefold().partition(ANY)
    plain = key.casefold()
    if not star:
        return "" if plain == before else None
    if len(plain) < len(before + behind) or not plain.startswith(before) or not plain.endswith(behind):
        return None
    return key[len(before) : len(key) - len(behind)]


class _Reader:
    """Values of one group, by the words of an importer."""

    def __init__(self, group: _Group, lists: _Lists) -> None:
        self.group = group
        self._lists = lists

    def fits(self, key: str, patterns: Sequence[str]) -> bool:
        """Whether a value is there that is like one of the patterns; their case counts."""
        text, _ = self._at(key)
        return text is not None and any(_is_like(text, pattern) for pattern in patterns)

    def value(self, value: Value) -> tuple[Secret | None, list[Entry]]:
        """The value that is meant, and the entries that hold it."""
        if not isinstance(value, Taken):
            text, entries = self._at(value)
            return (None if text is None else Secret(text)), entries
        if value.constant:
            return Secret(value.constant), []
        text, entries = self._looked_up(value) if value.in_ else self._at(value.key)
        if text is None or text in value.unless:
            return None, []
        if value.part is not None:
            text = _part(text, value.part)
            if not text or text in value.unless:
                return None, []
        return Secret(f"{value.before}{text}{value.after}"), entries

    def _at(self, key: Key) -> tuple[str | None, list[Entry]]:
        if isinstance(key, str) and key.startswith("@"):
            if key != VALUE:
                number = len(self.group.names) if key == LAST else int(key[1:])
                names = self.group.names[number - 1 : number]
                return (names[0] if names and names[0] else None), []
            key = ()
        return _last(self.group.entries, (key,) if isinstance(key, str) else key)

    def _looked_up(self, value: Taken) -> tuple[str | None, list[Entry]]:
        wanted, _ = self._at(value.with_)
        return self._lists.of(value).get(wanted or "", (None, []))


class _Lists:
    """The other lists of a file that values are looked up in, each gone through once."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = entries
        self._known: dict[int, dict[str, tuple[str | None, list[Entry]]]] = {}

    def of(self, value: Taken) -> dict[str, tuple[str | None, list[Entry]]]:
        """What is to be taken, by what has to match; of several the last."""
        known = self._known.get(id(value))
        if known is None:
            known = self._known[id(value)] = {}
            for group in _groups(value.in_, self._entries):
                reader = _Reader(group, self)
                matched, taken = reader._at(value.match)[0], reader._at(value.take)
                if matched and taken[0] is not None:
                    known[matched] = taken
        return known


def _last(entries: Sequence[tuple[Rest, Entry]], steps: Rest) -> tuple[str | None, list[Entry]]:
    """The last value at these keys, and all the entries there: as written, else without regard to case."""
    there = [entry for rest, entry in entries if rest == steps]
    if not there:
        plain = [step.casefold() for step in steps]
        there = [entry for rest, entry in entries if [key.casefold() for key in rest] == plain]
    return (there[-1].value.reveal() if there else None), there


def _is_like(text: str, pattern: str) -> bool:
    before, star, behind = pattern.partition(ANY)
    if not star:
        return text == pattern
    return len(text) >= len(before + behind) and text.startswith(before) and text.endswith(behind)


def _part(text: str, part: str) -> str:
    """The host, with its port, or the scheme of an address; empty if it has none."""
    try:
        found = urlsplit(text)
        return found.scheme if part == "scheme" else found.netloc.rpartition("@")[2]
    except ValueError:
        return ""


def _selected(
    importer: Importer,
    fields: Mapping[str, Value],
    definitions: Sequence[FieldDefinition],
    reader: _Reader,
) -> Selected | None:
    by_label = {plain_label(each.label): each for each in definitions}
    values: dict[str, Secret] = {}
    secrets: list[str] = []
    going: list[Entry] = []
    stuck = ""
    first = 0
    for label, value in fields.items():
        found, entries = reader.value(value)
        if found is None or not found.reveal():
            continue
        values[label] = found
        definition = by_label.get(plain_label(label))
        is_secret = definition is not None and definition.secret
        if is_secret:
            secrets.append(label)
            first = min([first or entries[-1].line, entries[-1].line]) if entries else first
        if is_secret or label in importer.also_removed:
            going += entries
            stuck = stuck or next((entry.stuck for entry in entries if entry.stuck), "")
            if any(entry.value != entries[-1].value for entry in entries):
                stuck = stuck or _TWICE
    if not values:
        return None
    temporary = next(
        (
            f"temporary: it has the key {key}"
            for key in importer.refuse_with
            if reader.value((key,))[0] is not None
        ),
        "",
    )
    temporary = temporary or _why_temporary(values, by_label)
    ordered = tuple(sorted(going, key=lambda entry: entry.line))
    name, _ = reader.value(importer.hint) if importer.hint else (None, [])
    profile = name.reveal() if name is not None else "/".join(reader.group.names)
    return Selected(
        without_password(profile),
        values,
        tuple(secrets),
        ordered,
        first or (ordered[0].line if ordered else 0),
        temporary or ("its value is not UTF-8" if not _is_text(values) else ""),
        stuck,
    )


def _why_temporary(values: Mapping[str, Secret], by_label: Mapping[str, FieldDefinition]) -> str:
    for label, value in values.items():
        definition = by_label.get(plain_label(label))
        prefixes = definition.temporary_prefixes if definition is not None else ()
        if any(value.reveal().startswith(prefix) for prefix in prefixes):
            return _ENDS
    return ""


def _is_text(values: Mapping[str, Secret]) -> bool:
    try:
        for value in values.values():
            value.reveal().encode()
    except UnicodeEncodeError:
        return False
    return True

"""The text of a provisioned file: the entries of its definition, filled with fields, in its format."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from keyturn.ground.names import plain_label
from keyturn.ground.secret import Secret
from keyturn.sdk import quoting
from keyturn.sdk.provision_schema import INI, Entry, FileDefinition
from keyturn.sdk.quoting import RefusedError

# More than this is no credential.
LARGEST = 1024 * 1024

Scalar = str | bool | int | float
Tree: TypeAlias = "dict[str | int, Tree] | Scalar"


class RefusedFieldError(ValueError):
    """A field's value that the file cannot carry; `label` is the field's."""

    def __init__(self, label: str, reason: str) -> None:
        super().__init__(reason)
        self.label = label


def file_text(definition: FileDefinition, values: Mapping[str, Secret]) -> Secret | None:
    """The file's text with the `values`, which are by plain label; None if it would hold none of them.

    Raises RefusedFieldError for a value that the format cannot carry.
    """
    filled = [(entry, text) for entry in definition.content if (text := _filled(entry, values)) is not None]
    if not any(entry.field and plain_label(entry.field) in values for entry, _ in filled):
        return None
    text = _WRITERS[definition.format](definition, filled)
    if len(text.encode()) > LARGEST:
        label = next(entry.field for entry, _ in filled if entry.field)
        raise RefusedFieldError(label, f"more than a file of {LARGEST} bytes")
    return Secret(text)


def _filled(entry: Entry, values: Mapping[str, Secret]) -> Scalar | None:
    """What an entry's value is; None if it is left out."""
    if entry.value is not None:
        return entry.value
    value = values.get(plain_label(entry.field))
    if value is None:
        return "" if entry.always else None
    text = entry.prefix + value.reveal() + entry.suffix
    return _checked(entry, text, quoting.carried)


def _checked(entry: Entry, text: str, check: Callable[[str], str]) -> str:
    """What `check` makes of a value; what it refuses is refused in the field's name."""
    try:
        return check(text)
    except RefusedError as error:
        raise RefusedFieldError(entry.field or str(entry.key), str(error)) from None


Filled = Sequence[tuple[Entry, Scalar]]


def _ini(definition: FileDefinition, filled: Filled) -> str:
    """Sections in the order in which they come first, each with all that it has."""
    sections: dict[str, list[str]] = {}
    for entry, value in filled:
        text = _checked(entry, str(value), lambda each: quoting.quoted(definition.format, each))
        sections.setdefault(entry.section, []).append(f"{entry.key} = {text}".rstrip() + "\n")
    return "\n".join(f"[{name}]\n{''.join(lines)}" for name, lines in sections.items())


def _lines(definition: FileDefinition, filled: Filled) -> str:
    return "".join(
        f"{entry.key}{definition.separator}"
        f"{_checked(entry, str(value), lambda each: quoting.quoted(definition.format, each))}\n"
        for entry, value in filled
    )


def _netrc(definition: FileDefinition, filled: Filled) -> str:
    words = []
    for entry, value in filled:
        text = _checked(entry, str(value), lambda each: quoting.quoted("netrc", each))
        words.append(f"{'' if entry.key == 'machine' else '  '}{entry.key} {text}\n")
    return "".join(words)


def _text(definition: FileDefinition, filled: Filled) -> str:
    """One field alone stands as it is; between words of the definition it must not be able to mean
    anything."""
    fields = [entry for entry, _ in filled if entry.field]
    words = "".join(str(value) for entry, value in filled if not entry.field)
    is_alone = len(fields) == 1 and not words.strip() and not fields[0].prefix + fields[0].suffix
    return "".join(
        str(value) if is_alone or not entry.field else _checked(entry, str(value), quoting.plain)
        for entry, value in filled
    )


def _json(definition: FileDefinition, filled: Filled) -> str:
    return _flow(_tree(filled), quoting.in_json, ": ") + "\n"


def _yaml(definition: FileDefinition, filled: Filled) -> str:
    """In flow style, which is JSON but for the quoting."""
    return _flow(_tree(filled), quoting.in_yaml, ": ") + "\n"


def _toml(definition: FileDefinition, filled: Filled) -> str:
    """A table's values before the tables in it; lists in one line."""
    lines: list[str] = []
    _write_table(lines, (), _tree(filled))
    return "\n".join(lines).strip() + "\n"


def _write_table(lines: list[str], path: tuple[str, ...], table: dict[str | int, Tree]) -> None:
    tables = {
        str(key): value for key, value in table.items() if isinstance(value, dict) and not _is_list(value)
    }
    values = {str(key): value for key, value in table.items() if str(key) not in tables}
    if path and values:
        lines += ["", f"[{'.'.join(quoting.in_toml(step) for step in path)}]"]
    lines += [
        f"{quoting.in_toml(key)} = {_flow(value, quoting.in_toml, ' = ')}" for key, value in values.items()
    ]
    for key, value in tables.items():
        _write_table(lines, (*path, key), value)


def _flow(tree: Tree, scalar: Callable[[Scalar], str], mark: str) -> str:
    """A tree in one line."""
    if not isinstance(tree, dict):
        return scalar(tree)
    if _is_list(tree):
        return f"[{', '.join(_flow(value, scalar, mark) for _, value in sorted(tree.items()))}]"
    pairs = (f"{scalar(str(key))}{mark}{_flow(value, scalar, mark)}" for key, value in tree.items())
    return f"{{{', '.join(pairs)}}}"


def _is_list(table: dict[str | int, Tree]) -> bool:
    """What numbers lead to; one of them leading, all of them do."""
    return any(isinstance(key, int) for key in table)


def _tree(filled: Filled) -> dict[str | int, Tree]:
    root: dict[str | int, Tree] = {}
    for entry, value in filled:
        *above, last = entry.steps
        table = root
        for step in above:
            inner = table.setdefault(step, {})
            assert isinstance(inner, dict)
            table = inner
        table[last] = value
    return root


_WRITERS: Mapping[str, Callable[[FileDefinition, Filled], str]] = {
    **dict.fromkeys(INI, _ini),
    "npmrc": _lines,
    "lines": _lines,
    "netrc": _netrc,
    "text": _text,
    "json": _json,
    "yaml": _yaml,
    "toml": _toml,
}

"""The page of docs/reference that says what a plugin file may hold, and its cases: read from the types."""

import inspect
import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from keyturn.catalogue.cases import Cases
from keyturn.sdk.schema import Plugin

WORDS = {str: "text", bool: "`true` or `false`", int: "a whole number", float: "a number", type(None): ""}
INTRODUCTION = """
# What a plugin file may hold

One TOML file for each plugin, read strictly: a key or a value that is not of these tables is an error that
names file, key and what was expected. `keyturn plugin validate FILE` says so without an agent. Keys without a
default have to be there. [How to add a plugin](../how-to/add-a-plugin.md) begins with less.
"""
CASES = """
# What its cases may hold

`cases/NAME.toml` beside the plugin's file; `keyturn plugin test FILE` runs them. A plugin without them is not
valid.
"""


class SchemaPageError(Exception):
    """A type that the page has no words for."""


def page(note: str) -> str:
    """The whole page, below the `note` that it is generated."""
    parts = [note, INTRODUCTION]
    for root, title in ((Plugin, ""), (Cases, CASES)):
        parts.append(title)
        for kind, places in tables(root).items():
            parts.append(section(kind, places))
    return "\n".join(part.strip("\n") + "\n" for part in parts if part)


def tables(root: type[msgspec.Struct]) -> dict[type[msgspec.Struct], list[str]]:
    """The structures below `root`, each with the keys that lead to it as a TOML file has them."""
    found: dict[type[msgspec.Struct], list[str]] = {}
    queue: list[tuple[type[msgspec.Struct], str]] = [(root, "")]
    while queue:
        kind, place = queue.pop(0)
        is_new = kind not in found
        found.setdefault(kind, []).append(place)
        if not is_new:
            continue
        above = place.strip("[]")
        for field in msgspec.structs.fields(kind):
            for inner, is_list in structures(field.type):
                path = f"{above}.{field.encode_name}".lstrip(".")
                if inner is not kind:
                    queue.append((inner, f"[[{path}]]" if is_list else f"[{path}]"))
    return found


def structures(kind: Any, is_list: bool = False) -> Iterator[tuple[type[msgspec.Struct], bool]]:
    """The structures in a type, and whether they stand in a list there."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield kind, is_list
    for inner in get_args(kind) if get_origin(kind) is not Literal else ():
        yield from structures(inner, is_list or get_origin(kind) is tuple)


def section(kind: type[msgspec.Struct], places: list[str]) -> str:
    """One table: its keys with what they take, after what its docstring says."""
    text = inspect.cleandoc(kind.__doc__ or "")
    if not text:
        raise SchemaPageError(f"{kind.__name__} has no docstring")
    title = ", ".join(f"`{place}`" for place in dict.fromkeys(places) if place) or "The file"
    lines = ["| key | takes | default |", "|---|---|---|"]
    lines += [
        f"| `{field.encode_name}` | {words(field.type)} | {default(field)} |"
        for field in msgspec.structs.fields(kind)
    ]
    return f"## {title}\n\n{text}\n\n" + "\n".join(lines) + "\n"


def words(kind: Any) -> str:
    """What a key takes."""
    origin, arguments = get_origin(kind), get_args(kind)
    if kind in WORDS:
        return WORDS[kind]
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return "a table"
    if origin is Literal:
        return ", ".join(f"`{str(each).lower() if isinstance(each, bool) else each}`" for each in arguments)
    if origin is Annotated:
        return words(arguments[0])
    if origin is tuple:
        return f"a list of {' or '.join(plural(each) for each in alternatives(arguments[0]))}"
    if origin is dict:
        return (
            f"a table of names, each with {' or '.join(filter(None, map(words, alternatives(arguments[1]))))}"
        )
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(filter(None, map(words, arguments))))
    raise SchemaPageError(f"no words for {kind}")


def alternatives(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)


def plural(kind: Any) -> str:
    return {"text": "texts", "a table": "tables", "a whole number": "numbers"}.get(words(kind), words(kind))


def default(field: msgspec.structs.FieldInfo) -> str:
    """What holds without the key; empty for a key that has to be there."""
    if field.default is msgspec.NODEFAULT:
        return "" if field.default_factory is msgspec.NODEFAULT else "none"
    if isinstance(field.default, bool):
        return f"`{str(field.default).lower()}`"
    return (
        f"`{field.default}`"
        if field.default not in (None, "", (), {}) and not is_table(field.default)
        else "none"
    )


def is_table(value: object) -> bool:
    return isinstance(value, msgspec.Struct)

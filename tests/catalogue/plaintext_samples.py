"""A sample of every file and variable that an importer describes, as the tool's own format has it."""

import json
import re
from pathlib import Path
from typing import Any

import tomlkit
import yaml

from keyturn.catalogue import plaintext
from keyturn.catalogue.plaintext import Tool
from keyturn.sdk.import_schema import ANY, Importer, Key, Taken, Value

TOOLS = {tool.name: tool for tool in plaintext.tools()}
FILES = [
    (tool, number)
    for tool in TOOLS.values()
    for number, importer in enumerate(tool.importers)
    if importer.files
]
VARIABLES = [
    (tool, tuple(variables.items()))
    for tool in TOOLS.values()
    for importer in tool.importers
    for variables in importer.variables()
    if any(tool_field.secret and tool_field.label in variables.values() for tool_field in tool.definitions)
]
# Texts in languages that are none of the formats.
_EXPRESSIONS = {"cachix": '{ authToken = "%s", hostname = "https://cachix.org" }\n'}


def prefixes(importer: Importer) -> dict[str, str]:
    """By keys, how a value has to begin for an importer that takes only such."""
    return {key: patterns[0].partition(ANY)[0] for key, patterns in importer.where.items()}


def values(importer: Importer) -> dict[str, str]:
    """A value for each label whose key is in the file."""
    found: dict[str, str] = {}
    for label, value in importer.fields.items():
        key = _key(value)
        if key is not None:
            begins = prefixes(importer).get(value if isinstance(value, str) else "", "")
            found[label] = begins + re.sub("[^a-z]", "-", label.lower()) + "-EXAMPLE"
    return found


def _key(value: Value) -> tuple[str, ...] | None:
    """The keys that lead to the value; None if it stands at none."""
    key: Key = (value.key or value.take) if isinstance(value, Taken) else value
    if isinstance(key, str) and (key.startswith("@") or not key):
        return () if key == "@value" else None
    return (key,) if isinstance(key, str) else key


def _pairs(importer: Importer) -> tuple[list[str], list[tuple[list[str], str]]]:
    steps = [step if isinstance(step, str) else step[0] for step in importer.at]
    begins = prefixes(importer)
    stars = [number for number, step in enumerate(steps) if ANY in step]
    at = []
    for number, step in enumerate(steps):
        named = (f"@{stars.index(number) + 1}", "@key") if number in stars else ()
        name = next((begins[key] for key in named if key in begins), "") + f"name{number}"
        at.append(step.replace(ANY, name))
    pairs: list[tuple[list[str], str]] = []
    for label, text in values(importer).items():
        value = importer.fields[label]
        keys: tuple[str, ...] = _key(value) or ()
        if isinstance(value, Taken) and value.in_:
            assert isinstance(value.match, str)
            assert isinstance(value.with_, str)
            there = [str(step).replace(ANY, "0") for step in value.in_]
            pairs += [
                ([*there, value.match], "a-name"),
                ([*there, *keys], text),
                ([*at, value.with_], "a-name"),
            ]
        else:
            pairs.append(([*at, *keys], text))
    known = [path for path, _ in pairs]
    for key in (importer.hint, *importer.where):
        beside = _key(key)
        if beside and [*at, *beside] not in known:
            pairs.append(([*at, *beside], begins.get(key if isinstance(key, str) else "", "") + "a-name"))
    return at, pairs


def text(tool: Tool, importer: Importer) -> str:
    """The file with one credential in it."""
    at, pairs = _pairs(importer)
    if importer.format == "regex":
        return _EXPRESSIONS[tool.name] % next(iter(values(importer).values()))
    if importer.format == "text":
        return pairs[0][1] + "\n"
    if importer.format == "pgpass":
        return ":".join(at) + f":{pairs[0][1]}\n"
    if importer.format == "netrc":
        return f"machine {at[0]}\n" + "".join(f"  {path[-1]} {value}\n" for path, value in pairs)
    if importer.format == "npmrc":
        return "".join(f"{path[-1]}={value}\n" for path, value in pairs)
    if importer.format in ("json", "yaml", "toml"):
        return _tree_text(importer, at, pairs)
    header = f"[{at[0]}]\n" if at and at[0] else ""
    return header + "".join(f"{path[-1]} = {value}\n" for path, value in pairs)


def _tree_text(importer: Importer, at: list[str], pairs: list[tuple[list[str], str]]) -> str:
    tree: dict[str, Any] = {}
    for path, value in pairs:
        node = tree
        for step in path[:-1]:
            node = node.setdefault(step, {})
        node[path[-1]] = value
    for field in importer.fields.values():
        if isinstance(field, Taken) and field.in_:
            first = str(field.in_[0])
            tree[first] = list(tree[first].values())
    if importer.hint and isinstance(importer.hint, str) and importer.hint[0] != "@" and len(at) > 1:
        # Where a name stands beside, what `*` stands for is a place in a list.
        parent = tree
        for step in at[:-2]:
            parent = parent[step]
        parent[at[-2]] = list(parent[at[-2]].values())
    if importer.format == "json":
        return json.dumps(tree, indent=2)
    return yaml.safe_dump(tree) if importer.format == "yaml" else tomlkit.dumps(tree)


def place(importer: Importer, home: Path) -> tuple[Path, dict[str, str]]:
    """A path for it, and the variables that it takes for that."""
    below = next((each for each in importer.files if each.startswith("~/")), None)
    if below is not None:
        return home / below[2:], {}
    named = next(each for each in importer.files if each.startswith("$"))
    name, _, rest = named[1:].partition("/")
    return (home / "set" / rest if rest else home / "set"), {name: str(home / "set")}


def made(tool: Tool, number: int, home: Path) -> tuple[Path, dict[str, str], dict[str, str]]:
    """A file of one importer of a tool, in a home; its path, the variables, and the values in it."""
    importer = tool.importers[number]
    path, variables = place(importer, home)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text(tool, importer))
    return path, {"HOME": str(home), **variables}, values(importer)

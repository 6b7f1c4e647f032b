"""A sample of every file and variable in the data file, as the tool's own format has it."""

import json
import re
from pathlib import Path
from typing import Any

import tomlkit
import yaml

from keyturn.catalogue import plaintext
from keyturn.plaintext.definitions import Fields, File, Tool

TOOLS = {tool.name: tool for tool in plaintext.tools()}
FILES = [(tool, number) for tool in TOOLS.values() for number in range(len(tool.files))]
VARIABLES = [(tool, number) for tool in TOOLS.values() for number in range(len(tool.variables))]


def values(fields: Fields) -> dict[str, str]:
    """A value for each label whose key is in the file."""
    keys = {**fields.taken, **fields.beside}
    labels = [label for label, key in keys.items() if not str(key).startswith("@")]
    return {label: f"{re.sub('[^a-z]', '-', label)}-EXAMPLE" for label in labels}


def text(file: File) -> str:
    """The file with one credential in it."""
    keys = {**file.fields.taken, **file.fields.beside}
    at = [step.replace("*", f"name{number}") for number, step in enumerate(file.at)]
    pairs: list[tuple[list[str], str]] = []
    for label, value in values(file.fields).items():
        key = keys[label]
        pairs.append(([*at, *(key if isinstance(key, list) else [key] if key else [])], value))
    if file.named and [*at, file.named] not in [path for path, _ in pairs]:
        pairs.append(([*at, file.named], "a name"))
    return _written(file, at, pairs)


def _written(file: File, at: list[str], pairs: list[tuple[list[str], str]]) -> str:
    if file.format == "token":
        return pairs[0][1] + "\n"
    if file.format == "pgpass":
        return ":".join(at) + f":{pairs[0][1]}\n"
    if file.format == "netrc":
        return f"machine {at[0]}\n" + "".join(f"  {path[-1]} {value}\n" for path, value in pairs)
    if file.format == "npmrc":
        return "".join(f"{path[-1]}={value}\n" for path, value in pairs)
    if file.format.startswith("ini"):
        return f"[{at[0]}]\n" + "".join(f"{path[-1]} = {value}\n" for path, value in pairs)
    tree: dict[str, Any] = {}
    for path, value in pairs:
        node = tree
        for step in path[:-1]:
            node = node.setdefault(step, {})
        node[path[-1]] = value
    if file.named and len(file.at) > 1:
        # Where a name stands beside, what `*` stands for is a place in a list.
        parent = tree
        for step in at[:-2]:
            parent = parent[step]
        parent[at[-2]] = list(parent[at[-2]].values())
    if file.format == "json":
        return json.dumps(tree, indent=2)
    return yaml.safe_dump(tree) if file.format == "yaml" else tomlkit.dumps(tree)


def place(file: File, home: Path) -> tuple[Path, dict[str, str]]:
    """A path for it, and the variables that it takes for that."""
    below = next((each for each in file.places if each.startswith("~/")), None)
    if below is not None:
        return home / below[2:], {}
    name, _, rest = file.places[0][1:].partition("/")
    return (home / "set" / rest if rest else home / "set"), {name: str(home / "set")}


def made(tool: Tool, number: int, home: Path) -> tuple[Path, dict[str, str], dict[str, str]]:
    """The file number so and so of a tool, in a home; its path, the variables, and the values in it."""
    file = tool.files[number]
    path, variables = place(file, home)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text(file))
    return path, {"HOME": str(home), **variables}, values(file.fields)

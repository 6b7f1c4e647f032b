"""The page of docs/reference that says how each plugin was tried: by its real tool, a probe, or its cases.

All of it is in the results of the last `make verify-tools RECORD=1`; nothing is known here.
"""

from __future__ import annotations

from collections.abc import Iterable

from keyturn.catalogue import loader
from scripts.deviations_page import cell
from tests.verify_tools.results import Results, Row, read

INTRODUCTION = """
# With which tools the plugins were tried

- **real tool**: the tool itself, installed from its registry and run through Keyturn, signed in to a real
  server, or to a recording one, which saw the item's credential and no other. With a wrong item it was
  refused; its version and its help ran while everything was locked and asked nobody; locked and without a
  terminal, a command that authenticates ended with 190.
- **probe**: a program in the tool's place, run through Keyturn, got the secrets of the item in its variables,
  its arguments or its files.
- **cases only**: its command lines, importers and provisioner hold as data, in every run of the tests.
"""


class UnknownPluginError(Exception):
    """The results name a plugin that there is not: they are older than the catalogue."""


def page(note: str, results: Results | None = None) -> str:
    """The whole page, below the `note` that it is generated."""
    found = read() if results is None else results
    names = loader.names(loader.BUILT_IN)
    unknown = sorted(({row.plugin for row in found.tools} | set(found.probes)) - set(names))
    if unknown:
        raise UnknownPluginError(f"the results of make verify-tools name no plugins: {', '.join(unknown)}")
    rows = [line for name in names for line in lines(name, found)]
    failed = [row for row in found.tools if row.result != "verified"]
    parts = [note, INTRODUCTION.lstrip(), f"Tried on {found.system}.\n"]
    parts.append(table(("plugin", "tried by", "tool", "version", "from", "on"), rows))
    if failed:
        parts.append("## What could not be tried\n")
        told = [(row.runs, f"`{row.plugin}`", row.packages, row.reason, row.date) for row in failed]
        parts.append(table(("tool", "plugin", "from", "because", "on"), told))
    return "\n".join(parts)


def lines(name: str, found: Results) -> list[tuple[str, ...]]:
    """The rows of one plugin: one for each of its tools that ran, else one that says what else there is."""
    verified = [row for row in found.tools if row.plugin == name and row.result == "verified"]
    if verified:
        return [
            (f"`{name}`", "real tool", f"`{row.runs}`", row.version, origin(row), row.date)
            for row in verified
        ]
    if name in found.probes:
        return [(f"`{name}`", "probe", "", "", "", found.probes[name])]
    return [(f"`{name}`", "cases only", "", "", "", "")]


def origin(row: Row) -> str:
    return f"{row.source}: {row.packages}"


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    made = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    made += ["| " + " | ".join(cell(text) for text in row) + " |" for row in rows]
    return "\n".join(made) + "\n"

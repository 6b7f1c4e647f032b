"""What came of driving the tools: results.json, a row a tool, for the page of verified tools."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec

RESULTS = Path(__file__).resolve().parent / "results.json"

Result = Literal["verified", "failed", "not installed"]


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A tool, what it was installed from, the day, what came of it and why; `version` as it says itself."""

    name: str
    plugin: str
    runs: str
    source: str
    packages: str
    date: str
    result: Result = "not installed"
    reason: str = ""
    version: str = ""

    def with_result(self, result: Result, reason: str = "", version: str = "") -> Row:
        return msgspec.structs.replace(self, result=result, reason=reason, version=version)


class Results(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All rows by the name of the tool, and the plugins whose credential a probe got, by the day."""

    system: str
    tools: tuple[Row, ...] = ()
    probes: dict[str, str] = {}


def read(path: Path = RESULTS) -> Results:
    return msgspec.json.decode(path.read_bytes(), type=Results)


def write(path: Path, results: Results) -> None:
    text = msgspec.json.format(msgspec.json.encode(results, order="deterministic"), indent=1)
    path.write_bytes(text + b"\n")


def system() -> str:
    """What it ran on, as a reader of the page wants to know it."""
    try:
        release = platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        release = platform.platform(terse=True)
    return f"{release}, {platform.machine()}, Python {platform.python_version()}"


def merge(path: Path, rows: Iterable[Row] = (), probes: dict[str, str] | None = None) -> None:
    """Put the rows in place of older ones of the same tools."""
    old = read(path) if path.exists() else Results(system())
    tools = {row.name: row for row in (*old.tools, *rows)}
    ordered = tuple(tools[name] for name in sorted(tools))
    write(path, Results(system(), ordered, dict(sorted((probes or old.probes).items()))))

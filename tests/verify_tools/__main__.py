"""python -m tests.verify_tools [--record FILE] [--jobs N] [NAME…]: install tools, drive each by Keyturn.

Prints a table, one row a tool, and why what failed did. Writes nothing but the tools, below .tools/verify;
with `--record` also what came of it, for the page of verified tools (rows of other tools stay).
Ends with 1 if a tool that could be installed did not do what it should, or if none could.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from keyturn.catalogue import loader
from tests.verify_tools import installing, probing, table
from tests.verify_tools.databases import AbsentError
from tests.verify_tools.driving import Driver, WrongError
from tests.verify_tools.recorder import Recorder
from tests.verify_tools.results import Row, merge

SHOWN = 110


def verify(name: str) -> Row:
    """Install the tool and drive it; whatever happens is in the row."""
    tool = table.load(name)
    packages = " ".join(tool.packages or table.load(tool.share).packages)
    row = Row(name, tool.plugin, tool.runs, tool.source, packages, datetime.now(UTC).date().isoformat())
    try:
        program = installing.program(name, tool)
    except installing.RefusedError as error:
        return row.with_result("not installed", str(error))
    with tempfile.TemporaryDirectory(prefix="kt-ca-") as directory, Recorder(Path(directory)) as recorder:
        try:
            with Driver(tool, program, recorder) as driver:
                return row.with_result("verified", version=driver.check())
        except AbsentError as error:
            return row.with_result("not installed", f"no {error} on this machine")
        except (WrongError, AssertionError, OSError) as error:
            return row.with_result("failed", " ".join(str(error).split()))
        except Exception as error:  # noqa: BLE001 - the other tools are still to be run
            return row.with_result("failed", f"{type(error).__name__}: {' '.join(str(error).split())}")


def probe(verified: set[str]) -> dict[str, str]:
    """Probe the plugins of which no tool was run; the day, by their names."""
    names = [name for name in loader.names(loader.BUILT_IN) if name not in verified]
    good, bad = probing.run(names)
    for name, reason in bad.items():
        print(f"{'no probe':14} {name:18} {reason}")
    print(f"{len(good)} of {len(names)} other plugins by a probe")
    return dict.fromkeys(good, datetime.now(UTC).date().isoformat())


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.verify_tools")
    parser.add_argument("--record", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("names", nargs="*")
    asked = parser.parse_args(words)
    names = asked.names or table.names()
    unknown = sorted(set(names) - set(table.names()))
    if unknown:
        print(
            f"keyturn: no such tool: {', '.join(unknown)}; there are {', '.join(table.names())}",
            file=sys.stderr,
        )
        return 2
    rows = []
    with ThreadPoolExecutor(asked.jobs) as pool:
        for row in pool.map(verify, names):
            rows.append(row)
            print(
                f"{row.result:14} {row.name:18} {row.version:14} {row.plugin:14} {row.packages}", flush=True
            )
            if row.reason:
                print(f"{'':14} {row.reason}", flush=True)
    counts = {
        result: sum(row.result == result for row in rows)
        for result in ("verified", "failed", "not installed")
    }
    print(", ".join(f"{count} {result}" for result, count in counts.items()))
    probes = {} if asked.names else probe({row.plugin for row in rows if row.result == "verified"})
    if asked.record:
        merge(asked.record, rows, probes)
    return 1 if counts["failed"] or not counts["verified"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

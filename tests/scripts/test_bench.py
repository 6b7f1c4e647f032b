"""The bench measures on the real program, and says so when a budget is missed."""

import dataclasses
import json
import subprocess
import sys

from scripts.budgets import Report, as_json, as_table, budgets
from tests.aws_server.client import ROOT

FIGURES = {
    "bare true, ms": 1.0,
    "true through the launcher, ms": 14.0,
    "interpreter -IS -c pass, ms": 10.0,
    "agent's answer, ms": 0.5,
    "keyturn --help, ms": 70.0,
    "interpreter -c pass, ms": 14.0,
    "unlock, ms": 1100.0,
    "key derivation, ms": 1000.0,
    "agent, resident, MB": 70.0,
    "agent, proportional, MB": 40.0,
}


def test_budgets_are_kept_and_missed() -> None:
    kept = budgets(FIGURES)
    assert len(kept) == 5
    assert all(each.is_kept for each in kept)
    assert "MISSED" not in as_table(Report(kept, FIGURES, []))
    for name in ("true through the launcher, ms", "agent's answer, ms", "keyturn --help, ms", "unlock, ms"):
        missed = budgets({**FIGURES, name: FIGURES[name] * 3})
        assert [each.is_kept for each in missed].count(False) == 1, name
        assert as_table(Report(missed, FIGURES, [])).count("MISSED") == 1
        assert (
            json.loads(as_json(Report(missed, FIGURES, [])))["budgets"][
                missed.index(next(each for each in missed if not each.is_kept))
            ]["kept"]
            is False
        )


def test_without_shared_memory_the_larger_figure_counts() -> None:
    figures = {name: value for name, value in FIGURES.items() if "proportional" not in name}
    memory = next(each for each in budgets(figures) if each.name == "the agent at rest")
    assert (memory.value, memory.is_kept) == (70.0, False)
    assert dataclasses.replace(memory, value=60.0).is_kept


def test_a_run_ends_with_figures() -> None:
    command = [sys.executable, "-m", "scripts.bench", "--json", "--rounds", "2"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["version"] == 1
    assert len(report["budgets"]) >= 5
    assert all(value >= 0 for value in report["figures"].values())

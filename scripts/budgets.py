"""The budgets, and how a run of scripts/bench.py is shown beside them."""

import json
from dataclasses import asdict, dataclass

REST_SECONDS = 5.0


@dataclass(frozen=True)
class Budget:
    """A measured value beside its limit (DESIGN: “Budgets”)."""

    name: str
    value: float
    limit: float
    unit: str

    @property
    def is_kept(self) -> bool:
        return self.value <= self.limit


@dataclass(frozen=True)
class Report:
    budgets: list[Budget]
    figures: dict[str, float]
    notes: list[str]


def budgets(figures: dict[str, float]) -> list[Budget]:
    added = figures["true through the launcher, ms"] - figures["bare true, ms"]
    memory = figures.get("agent, proportional, MB", figures["agent, resident, MB"])
    found = [
        Budget(
            "the launcher adds",
            added / figures["interpreter -IS -c pass, ms"],
            1.5,
            "× interpreter -IS -c pass",
        ),
        Budget("the agent answers in", figures["agent's answer, ms"], 1.0, "ms at the median"),
        Budget(
            "keyturn --help",
            figures["keyturn --help, ms"] / figures["interpreter -c pass, ms"],
            8.0,
            "× -c pass",
        ),
        Budget(
            "an unlock takes",
            figures["unlock, ms"] / figures["key derivation, ms"],
            1.2,
            "× its key derivation",
        ),
        Budget("the agent at rest", memory, 60.0, "MB"),
    ]
    for size in ("500 profiles", "10000 items"):
        grown = figures.get(f"agent's answer, ms ({size})")
        if grown is not None:
            growth = grown / figures["agent's answer, ms"]
            found.append(Budget(f"with {size}", growth, 1.25, "× the answer"))
    parallel = figures.get("64 wrapped at once, ms")
    if parallel is not None:
        found.append(
            Budget("64 at once", parallel / figures["64 interpreters at once, ms"], 2.0, "× interpreters")
        )
    rest = f"agent's wake-ups in {REST_SECONDS:.0f} s"
    return [*found, Budget(rest, figures[rest], 0, "")] if rest in figures else found


def as_table(report: Report) -> str:
    lines = [f"{'budget':28} {'measured':>9} {'at most':>8}"]
    for each in report.budgets:
        verdict = "kept" if each.is_kept else "MISSED"
        lines.append(f"{each.name:28} {each.value:9.2f} {each.limit:8.1f}  {verdict:6} {each.unit}".rstrip())
    lines += ["", *(f"{name:34} {value:9.2f}" for name, value in report.figures.items()), "", *report.notes]
    return "\n".join(lines)


def as_json(report: Report) -> str:
    rows = [{**asdict(each), "kept": each.is_kept} for each in report.budgets]
    content = {"version": 1, "budgets": rows, "figures": report.figures, "notes": report.notes}
    return json.dumps(content, indent=2, ensure_ascii=False)

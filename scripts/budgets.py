"""The budgets, and how a run of scripts/bench.py is shown beside them."""

import json
from dataclasses import asdict, dataclass

REST_SECONDS = 5.0
PARALLEL = 64
# What the agents know more than the plain one does, as it stands in the figures' names.
PROFILES, ITEMS, MANY_DEFAULTS = "500 profiles", "10000 items", "1000 directory defaults"
# Calls of `keyturn` itself that a person waits for.
CALLS = ("--help", "plugin list", "plugin inspect aws")
SHORT = "keyturn status --short"

OTHER_VAULTS = ("keepassxc", "pass", "secret-service", "1password")
OWN_VAULT = "true through the launcher (a vault of Keyturn's)"

LIST, GET, EDIT = "item list", "item get Measured", "item edit Measured user=ada"
ITEM_CALLS = (LIST, GET, EDIT)


@dataclass(frozen=True)
class Budget:
    """A measured value beside its limit."""

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
    """Raises KeyError if a figure is missing that every run has."""
    bare, launched = figures["bare true, ms"], figures["true through the launcher, ms"]
    answer = figures["agent's answer, ms"]
    memory = figures.get("agent, proportional, MB", figures["agent, resident, MB"])
    at_once = figures[f"{PARALLEL} wrapped at once, ms"], figures[f"{PARALLEL} interpreters at once, ms"]
    found = [
        Budget(
            "the launcher adds",
            (launched - bare) / figures["interpreter -IS -c pass, ms"],
            1.5,
            "× interpreter -IS -c pass",
        ),
        Budget(
            "a shim takes", figures["true through its shim, ms"] / launched, 1.15, "× what the launcher takes"
        ),
        Budget(
            "a prompt's segment takes",
            figures["a prompt's segment, ms"] / launched,
            2.0,
            "× what the launcher takes",
        ),
        Budget(SHORT, figures[f"{SHORT}, ms"] / launched, 2.0, "× what the launcher takes"),
        Budget("the agent answers in", answer, 1.0, "ms at the median"),
        *(
            Budget(f"with {size}", figures[f"agent's answer, ms ({size})"] / answer, 1.25, "× the answer")
            for size in (PROFILES, ITEMS, MANY_DEFAULTS)
        ),
        Budget(f"{PARALLEL} at once", at_once[0] / at_once[1], 2.0, "× interpreters"),
        *(
            Budget(
                f"keyturn {words}",
                figures[f"keyturn {words}, ms"] / figures["interpreter -c pass, ms"],
                8.0,
                "× -c pass",
            )
            for words in CALLS
        ),
        Budget(
            "an unlock takes",
            figures["unlock, ms"] / figures["key derivation, ms"],
            1.2,
            "× its key derivation",
        ),
        *(
            Budget(
                f"warm in {name}",
                figures[f"true through the launcher ({name}), ms"] / figures[f"{OWN_VAULT}, ms"],
                1.15,
                "× a vault of Keyturn's",
            )
            for name in OTHER_VAULTS
        ),
        Budget("the whole catalogue", figures["whole catalogue, ms"], 60.0, "ms, loaded and checked"),
        Budget("the agent at rest", memory, 60.0, "MB"),
        Budget(
            "aws in a role",
            figures["aws in a role, wrapped, ms"] / figures["aws in a role, bare, ms"],
            1.0,
            "× bare aws, which calls STS",
        ),
    ]
    found += [
        Budget(f"item list ({ITEMS})", figures[f"keyturn {LIST} ({ITEMS}), ms"], 300.0, "ms"),
        Budget(f"item edit ({ITEMS})", figures[f"keyturn {EDIT} ({ITEMS}), ms"], 300.0, "ms, with its fsync"),
        Budget(
            f"item get ({ITEMS})",
            figures[f"keyturn {GET} ({ITEMS}), ms"] / figures[f"keyturn {GET}, ms"],
            1.25,
            "× with few items",
        ),
    ]
    rest = f"agent's wake-ups in {REST_SECONDS:.0f} s"
    return [*found, Budget(rest, figures[rest], 0, "")] if rest in figures else found


def as_table(report: Report) -> str:
    lines = [f"{'budget':28} {'measured':>9} {'at most':>8}"]
    for each in report.budgets:
        verdict = "kept" if each.is_kept else "MISSED"
        lines.append(f"{each.name:28} {each.value:9.2f} {each.limit:8.2f}  {verdict:6} {each.unit}".rstrip())
    width = max(map(len, report.figures))
    lines += ["", *(f"{name:{width}} {value:9.2f}" for name, value in report.figures.items())]
    return "\n".join([*lines, "", *report.notes])


def as_json(report: Report) -> str:
    rows = [{**asdict(each), "kept": each.is_kept} for each in report.budgets]
    content = {"version": 1, "budgets": rows, "figures": report.figures, "notes": report.notes}
    return json.dumps(content, indent=2, ensure_ascii=False)

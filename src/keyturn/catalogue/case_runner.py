"""Running a plugin's cases: what comes of each is compared with what it says."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from keyturn.catalogue.cases import Cases, RuleCase
from keyturn.sdk.schema import Plugin


@dataclass(frozen=True)
class Failure:
    """A case that did not come out, or one that is wanting. `place` names it: `rule[0].bare[2]`."""

    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


def run_cases(plugin: Plugin, cases: Cases) -> list[Failure]:
    """Every case of the plugin, run; what failed, in the order of the file. Empty: all is well."""
    failures: list[Failure] = []
    for number, rule in enumerate(cases.rules):
        failures += _run_rule(plugin, rule, f"rule[{number}]")
    return failures


def _run_rule(plugin: Plugin, case: RuleCase, place: str) -> list[Failure]:
    executable = plugin.executable(case.executable)
    if executable is None:
        return [Failure(f"{place}.executable", f"the plugin has no executable {case.executable}")]
    failures = []
    for key, lines, wanted in (("needs", case.needs, True), ("bare", case.bare, False)):
        for number, line in enumerate(lines):
            arguments = [word.encode() for word in shlex.split(line)]
            if executable.needs_authentication(arguments) is not wanted:
                told = "does not authenticate" if wanted else "authenticates"
                failures.append(Failure(f"{place}.{key}[{number}]", f"“{case.executable} {line}” {told}"))
    return failures

"""`keyturn plugin test`: the cases of a plugin, run."""

from __future__ import annotations

import click

from keyturn.catalogue import case_runner, cases
from keyturn.cli import output, plugin_files
from keyturn.ground.errors import KeyturnError


class CaseError(KeyturnError):
    """Cases of a plugin do not come out."""

    code = "case"


@click.command("test")
@click.argument("word", metavar="FILE")
def command(word: str) -> None:
    """Run the cases of a plugin: command lines, items and found files, each with what has to come of it.

    FILE is a path or the name of a plugin; its cases are in `cases/` beside it, in a file of the same name.
    Nothing is asked, started or written, and no vault is needed.
    """
    path = plugin_files.find(word)
    plugin = plugin_files.checked(path)
    found = plugin_files.cases_of(path)
    failures = case_runner.run_cases(plugin, found)
    for failure in failures:
        output.note(str(failure))
    if failures:
        many = (
            "one case does not come out" if len(failures) == 1 else f"{len(failures)} cases do not come out"
        )
        raise CaseError(f"{many}", f"they are in {cases.path_beside(path)}")
    output.note(f"{plugin.name}: {told(found)} come out as they should")


def told(found: cases.Cases) -> str:
    """How many cases there are: a command line is one, and so is an item, or a place that is searched."""
    lines = sum(len(rule.needs) + len(rule.bare) for rule in found.rules)
    return f"{lines + len(found.provisions) + len(found.imports)} cases"

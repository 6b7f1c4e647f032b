"""`keyturn doctor`: how things stand, and what is amiss, with the command that mends it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import msgspec

from keyturn import __version__
from keyturn.cli import doctor_agent, doctor_files, doctor_shells, doctor_system, output
from keyturn.cli.context import current
from keyturn.cli.doctor_findings import PROBLEM, Finding, Patient, note, problem
from keyturn.cli.ending import guarded, leave
from keyturn.cli.options import output_format
from keyturn.ground import files, paths
from keyturn.ground.errors import ConfigurationError, KeyturnError, Status
from keyturn.processes import private

CHECKS = (*doctor_files.CHECKS, *doctor_shells.CHECKS, *doctor_system.CHECKS)


@click.command()
@output_format
@click.option("--root", default="/", hidden=True, help="look for files of the system below this directory")
def doctor(form: str, root: str) -> None:
    """Look whether everything is in order: files, shells, shims, the agent, the system.

    Nothing is changed, nobody is asked, and no agent is started. The exit status is 0 if nothing is wrong;
    notes alone do not count as wrong.
    """
    patient = Patient(current(), Path(root))

    def examine() -> None:
        report, findings = _look(patient)
        findings.sort(key=lambda each: each.severity != PROBLEM)
        if form == "json":
            output.as_json("doctor", {**report, "findings": msgspec.to_builtins(findings)})
        else:
            for line in [*_report_lines(report), *_finding_lines(findings)]:
                output.line(output.clean(line))
        if any(each.severity == PROBLEM for each in findings):
            raise SystemExit(Status.FAILED)

    # What is found in plaintext passes through: in a child that nobody can read.
    leave(private.run_privately(lambda: guarded(examine)))


def _look(patient: Patient) -> tuple[dict[str, Any], list[Finding]]:
    try:
        _ = patient.directories
    except ConfigurationError as error:
        why = "keyturn does not know where its files are, and nothing works"
        return {"version": __version__}, [problem("no-directories", error.message, why, error.hints[0])]
    findings = []
    for check in CHECKS:
        try:
            findings += check(patient)
        except (KeyturnError, OSError) as error:
            findings.append(_unchecked(check.__name__, error))
    agent, more = doctor_agent.look(patient)
    findings += more
    commands: list[doctor_agent.CommandRow] = []
    if not more:
        try:
            commands = doctor_agent.commands(patient)
            findings += doctor_agent.without_item(commands)
        except KeyturnError as error:
            if not any(each.name.endswith("-damaged") for each in findings):
                findings.append(_unchecked("commands", error))
    wrappers, rows = doctor_shells.wrappers(patient), doctor_shells.shim_rows(patient)
    report = {
        "version": __version__,
        "paths": [
            {"directory": kind, "path": str(path), "because": why} for kind, path, why in _places(patient)
        ],
        "agent": msgspec.to_builtins(agent),
        "wrappers": msgspec.to_builtins(wrappers),
        "shells": msgspec.to_builtins(doctor_shells.rows(patient)),
        "shims": msgspec.to_builtins(rows),
        "commands": msgspec.to_builtins(commands),
    }
    return report, findings


def _unchecked(name: str, error: KeyturnError | OSError) -> Finding:
    text = error.message if isinstance(error, KeyturnError) else files.reason(error)
    return note(
        "not-checked",
        f"{name.replace('_', ' ')} could not be looked at: {text}",
        "what is wrong there is not known",
        "mend that, and call doctor again",
    )


def _places(patient: Patient) -> list[tuple[str, Path, str]]:
    directories, why = patient.directories, paths.reasons(patient.world.environment, patient.world.uid)
    found = (directories.config, directories.data, directories.state, directories.runtime)
    return [(kind, path, why[kind]) for kind, path in zip(paths.KINDS, found, strict=True)]


def _report_lines(report: dict[str, Any]) -> list[str]:
    lines = [f"keyturn {report['version']}"]
    for each in report.get("paths", []):
        lines.append(f"{each['directory']:14} {each['path']}  ({each['because']})")
    if "agent" not in report:
        return lines
    agent, wrappers = report["agent"], report["wrappers"]
    detail = f", version {agent['version']}, process {agent['pid']}" if agent["pid"] else ""
    unlocked = f"; unlocked: {', '.join(agent['unlocked'])}" if agent["unlocked"] else ""
    lines.append(f"{'agent':14} {agent['state']}{detail}{unlocked}")
    names = ", ".join(wrappers["defined"]) or "none"
    lines.append(f"{'wrappers':14} {names}" + (f" ({wrappers['here']} here)" if wrappers["defined"] else ""))
    for each in report["shells"]:
        kinds = (("wrappers", "reads"), ("shims", "shims"))
        read = [f"{what} by {', '.join(each[key])}" for what, key in kinds if each[key]]
        reads = "; ".join(read) or "reads nothing of keyturn's"
        lines.append(f"{each['shell']:14} {reads}")
    for each in report["shims"]:
        order = "first on PATH" if each["first"] else "not first on PATH"
        lines.append(f"{'shim':14} {each['executable']}, {order}")
    for each in report["commands"]:
        who = (
            f"as “{each['item']}” of account “{each['account']}”, {each['why']}"
            if each["item"]
            else each["why"]
        )
        lines.append(f"{each['executable']:14} {each['runs'] or 'not on PATH'} {who}")
    return lines


def _finding_lines(findings: list[Finding]) -> list[str]:
    lines = []
    for each in findings:
        lines += [
            "",
            f"{each.severity}: {each.what}  [{each.name}]",
            f"  why:  {each.why}",
            f"  mend: {each.mend}",
        ]
    wrong = sum(each.severity == PROBLEM for each in findings)
    notes = len(findings) - wrong
    said = f"{wrong} {'problem' if wrong == 1 else 'problems'}" if wrong else "nothing is wrong"
    return [*lines, "", f"{said}, {notes} {'note' if notes == 1 else 'notes'}" if notes else said]

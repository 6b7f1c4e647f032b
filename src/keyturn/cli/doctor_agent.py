"""The agent as it runs, and what the commands that are set up would do here. Nobody is asked."""

from __future__ import annotations

import msgspec

from keyturn import __version__
from keyturn.agent import messages, requests, results
from keyturn.cli.doctor_findings import Finding, Patient, note, problem
from keyturn.cli.inspecting import Inspection
from keyturn.ground.errors import ConfigurationError, KeyturnError
from keyturn.shells import path_search

SECONDS = 1.0


class AgentRow(msgspec.Struct, frozen=True):
    """`state` is running, `not running`, or why it is of no use. `unlocked` are titles of accounts."""

    state: str
    version: str = ""
    pid: int = 0
    unlocked: list[str] = []


class CommandRow(msgspec.Struct, frozen=True):
    """What an executable is here: the program, and the item whose credentials it would get. Empty: none."""

    executable: str
    runs: str
    item: str
    account: str
    why: str


def look(patient: Patient) -> tuple[AgentRow, list[Finding]]:
    """The agent's state, and what is amiss with it. It is neither started nor renewed."""
    agent = patient.context.agent
    try:
        if not agent.connect(start=False):
            return AgentRow("not running"), []
        hello = agent.call(requests.Hello(), seconds=SECONDS)
        version, pid = str(hello["version"]), int(hello["pid"])
        if version != __version__:
            return AgentRow("another version", version, pid), [_version(version)]
        found = messages.convert(agent.call(requests.GetStatus(), seconds=SECONDS), results.Status)
        return AgentRow("running", version, pid, [each.title for each in found.accounts if each.unlocked]), []
    except ConfigurationError:
        # Of settings or directories; their own checks tell of them.
        return AgentRow("not usable"), []
    except KeyturnError as error:
        if "version" in error.message:
            return AgentRow("another version"), [_version("")]
        return AgentRow("no answer"), [
            problem(
                "agent-silent",
                f"the agent does not answer: {error.message}",
                "every wrapped command waits for it, and then fails",
                "keyturn agent stop; what it says is in " + str(patient.directories.agent_log),
            )
        ]
    finally:
        agent.close()


def _version(version: str) -> Finding:
    called = f"is {version}" if version else "speaks another protocol"
    return problem(
        "agent-of-another-version",
        f"the agent that runs {called}; this is {__version__}",
        "it decides by its own rules until it ends",
        "keyturn agent stop (it forgets its keys; the next command starts the new one)",
    )


def commands(patient: Patient) -> list[CommandRow]:
    """What each command that is set up would do, typed here."""
    inspection = Inspection(patient.world, elsewhere=False)
    found = []
    for name in inspection.names(everything=False):
        seen = inspection.of(name, patient.context)
        used = next((each for each in seen.defaults if each.used), None)
        path = path_search.find(name, patient.search, patient.directories.shims)
        if used is None:
            found.append(CommandRow(name, path, "", "", "no default applies here"))
        else:
            near = {"session": "the default of this terminal session", "global": "the global default"}
            where = f"in {used.directory} and below" if used.directory else near[used.scope]
            title, account = used.item.title or used.item.id, used.account.title or used.account.id
            found.append(CommandRow(name, path, title, account, where))
    return found


def without_item(rows: list[CommandRow]) -> list[Finding]:
    return [
        note(
            "no-default-here",
            f"{each.executable} is set up, and no item is its default here",
            "it asks which one to use, or fails in a script",
            f"keyturn plugin init {each.executable}",
        )
        for each in rows
        if not each.item
    ]

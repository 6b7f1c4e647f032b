"""What the plugins do whose tool is not run: a probe in the tool's place says what it really got.

The probe is called by the tool's name, through Keyturn, by the first command line of the plugin's cases that
needs authentication, with the item of its first case. It prints its variables, its arguments, and the files
that they name; each secret of the item has to be there.
"""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import dataclass

from keyturn.catalogue import cases, loader
from keyturn.sdk.examples import example
from keyturn.sdk.schema import Plugin
from tests.programs.user import User
from tests.verify_tools.driving import item

PROBE = f"""#!{sys.executable} -IS
import json, os, sys
words = [*os.environ.values(), *sys.argv[1:]]
got = list(words)
for word in words:
    for part in (word, word.rpartition("=")[2]):
        if "/keyturn" in part:
            below = [os.path.join(top, name) for top, _, names in os.walk(part) for name in names]
            got += [open(name).read() for name in [part, *below] if os.path.isfile(name)]
print(json.dumps(got))
"""


@dataclass(frozen=True)
class Probe:
    """One plugin's: the command, its words, and the item's fields."""

    plugin: Plugin
    runs: str
    words: tuple[str, ...]
    fields: dict[str, str]

    @property
    def secrets(self) -> list[str]:
        """The texts that have to arrive."""
        found = []
        for label, text in self.fields.items():
            field = self.plugin.credential.field(label)
            if field is not None and field.secret:
                found.append(text)
        return found


def of(name: str) -> Probe | None:
    """The probe of a plugin, by its cases; None where they have no item that comes to a command."""
    plugin = loader.load(name)
    known = cases.load_cases(cases.path_beside(loader.BUILT_IN / f"{name}.toml"))
    for case in known.provisions:
        runs = case.executable or plugin.executables[0].runs
        lines = [rule.needs[0] for rule in known.rules if rule.executable == runs]
        if case.refuses or case.environment or not lines or not case.fields:
            continue
        words = case.arguments or tuple(shlex.split(lines[0]))
        return Probe(plugin, runs, words, case.fields)
    first = next((rule for rule in known.rules if rule.needs), None)
    if known.provisions or first is None:
        return None
    # A hook gives it, so that no case does.
    fields = {field.label: example(field) for field in plugin.credential.fields if not field.optional}
    return Probe(plugin, first.executable, tuple(shlex.split(first.needs[0])), fields)


def run(names: list[str]) -> tuple[list[str], dict[str, str]]:
    """Probe the plugins with these names: who got the secrets of the item, and why others did not."""
    probes = {name: probe for name in names if (probe := of(name)) is not None and probe.secrets}
    good, bad = [], {name: "no case has an item for it" for name in names if name not in probes}
    with User() as user:
        links = user.home / "tools"
        links.mkdir()
        for probe in probes.values():
            (links / probe.runs).write_text(PROBE)
            (links / probe.runs).chmod(0o755)
        user.path.insert(0, str(links))
        user.account(*(item(name, name, probe.fields) for name, probe in probes.items()))
        words = ("executables.trusted_directories", json.dumps([str(links)]))
        user.keyturn("settings", "set", *words).succeeds()
        for name, probe in probes.items():
            reason = refusal(user, name, probe)
            if reason:
                bad[name] = reason
            else:
                good.append(name)
    return good, bad


def refusal(user: User, name: str, probe: Probe) -> str:
    """Why the probe did not get what it should; empty if it did."""
    init = ("plugin", "init", probe.runs, "--item", name, "--also", "", "--no-input", "--no-shell-rc")
    done = user.keyturn(*init, "--password-file", user.password_file())
    if done.status != 0:
        return f"plugin init: {done.errors.strip()}"
    command = shlex.join(["keyturn", "plugin", "run", "--", probe.runs, *probe.words])
    done = user.sh(f"keyturn signin --password-file {user.password_file()} >/dev/null 2>&1 && exec {command}")
    if done.status != 0:
        return f"ended with {done.status}: {done.errors.strip()}"
    got = json.loads(done.output)
    absent = [
        label for label, text in probe.fields.items() if text in probe.secrets and not arrived(text, got)
    ]
    return f"{', '.join(absent)} did not arrive" if absent else ""


def arrived(text: str, got: list[str]) -> bool:
    """As it is, or quoted for the format of a file."""
    return any(text in each or json.dumps(text)[1:-1] in each for each in got)

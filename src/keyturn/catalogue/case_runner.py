"""Running a plugin's cases: what comes of each is compared with what it says.

No agent takes part, no program is run, and no file of the person is read: what is to be found lies below a
directory that is made for it. A plugin's cases have to look at all of it, so what they leave out is a failure
as well.
"""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from keyturn.catalogue import importing, keyring
from keyturn.catalogue.cases import Cases, ImportCase, ProvisionCase, RuleCase
from keyturn.catalogue.hooks import HOOKS
from keyturn.ground import files
from keyturn.ground.errors import KeyturnError
from keyturn.ground.secret import Secret
from keyturn.sdk.provisioners import provision_fields
from keyturn.sdk.run import Provisioned
from keyturn.sdk.schema import Plugin

# Where provisioned files would be; nothing is written there.
_PRIVATE = "/private"
# Characters that some format, shell or reader takes for something else than themselves.
_HOSTILE = "\"'#%\n\\"


@dataclass(frozen=True)
class Failure:
    """A case that did not come out, or one that is wanting. `place` names it: `rule[0].bare[2]`."""

    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


def run_cases(plugin: Plugin, cases: Cases) -> list[Failure]:
    """Every case of the plugin, run; what failed, and what no case looks at. Empty: all is well."""
    failures: list[Failure] = []
    for number, rule in enumerate(cases.rules):
        failures += _run_rule(plugin, rule, f"rule[{number}]")
    for number, provision in enumerate(cases.provisions):
        failures += _run_provision(plugin, provision, f"provision[{number}]")
    used: set[int] = set()
    for number, found in enumerate(cases.imports):
        failures += _run_import(plugin, found, f"import[{number}]", used)
    return [*failures, *_wanting(plugin, cases, used)]


def _wanting(plugin: Plugin, cases: Cases, used: set[int]) -> Iterator[Failure]:
    """What of the plugin no case looks at."""
    ruled = {case.executable for case in cases.rules}
    for executable in plugin.executables:
        if executable.runs not in ruled:
            yield Failure("rule", f"no case says when {executable.runs} needs authentication")
    # What the AWS hook gives needs an agent, and profiles; its own tests look at that.
    if plugin.uses or plugin.provision.hook == "aws":
        return
    if not any(_is_hostile(case.fields) for case in cases.provisions):
        yield Failure("provision", "no case has a field with a quote, #, %, line break, - or ü in it")
    provided = {case.executable or plugin.executables[0].runs for case in cases.provisions}
    for executable in plugin.executables:
        if executable.provision is not None and executable.runs not in provided:
            yield Failure(
                "provision", f"no case says what {executable.runs} gets, which has a way of its own"
            )
    described = {place for place, importer in enumerate(plugin.importers) if importer.hook is None}
    for place in sorted(described - used):
        yield Failure("import", f"no case finds anything by the plugin's import[{place}]")
    finds = [found.fields for case in cases.imports for found in case.finds]
    if described and not any(map(_is_hostile, finds)):
        yield Failure("import", "no case finds a value with a quote, #, %, line break, - or ü in it")


def _is_hostile(values: Mapping[str, str]) -> bool:
    return any(
        value.startswith("-") or not value.isascii() or set(value) & set(_HOSTILE)
        for value in values.values()
    )


def _run_rule(plugin: Plugin, case: RuleCase, place: str) -> Iterator[Failure]:
    executable = plugin.executable(case.executable)
    if executable is None:
        yield Failure(f"{place}.executable", f"the plugin has no executable {case.executable}")
        return
    for key, lines, wanted in (("needs", case.needs, True), ("bare", case.bare, False)):
        for number, line in enumerate(lines):
            arguments = [word.encode() for word in shlex.split(line)]
            if executable.needs_authentication(arguments) is not wanted:
                told = "does not authenticate" if wanted else "authenticates"
                yield Failure(f"{place}.{key}[{number}]", f"“{case.executable} {line}” {told}")


def _run_provision(plugin: Plugin, case: ProvisionCase, place: str) -> Iterator[Failure]:
    unknown = [label for label in case.fields if plugin.credential.field(label) is None]
    if unknown:
        yield Failure(f"{place}.fields", f"the credential has no field “{unknown[0]}”")
        return
    try:
        done = provision_fields(
            plugin,
            case.executable or plugin.executables[0].runs,
            {label: Secret(value) for label, value in case.fields.items()},
            tuple(argument.encode() for argument in case.arguments),
            {name.encode(): value.encode() for name, value in case.environment.items()},
            _PRIVATE,
            HOOKS,
        )
    except KeyturnError as error:
        yield from _compare_refusal(plugin, case, " ".join((error.message, *error.hints)), place)
        return
    if case.refuses:
        yield Failure(f"{place}.refuses", f"{case.name}: it is not refused")
        return
    yield from _compare_provision(plugin, case, done, place)


def _compare_refusal(plugin: Plugin, case: ProvisionCase, text: str, place: str) -> Iterator[Failure]:
    if not case.refuses or case.refuses not in text:
        yield Failure(f"{place}.refuses", f"{case.name}: it is refused: {text}")
    for label, value in case.fields.items():
        definition = plugin.credential.field(label)
        if definition is not None and definition.secret and len(value) > 3 and value in text:
            yield Failure(f"{place}.refuses", f"{case.name}: the refusal repeats the field “{label}”")


def _compare_provision(
    plugin: Plugin, case: ProvisionCase, done: Provisioned, place: str
) -> Iterator[Failure]:
    directory = f"{_PRIVATE}/{plugin.name}"
    paths = {f"{{{name}}}": f"{directory}/{name}" for name in case.files} | {"{}": directory}

    def filled(text: str) -> str:
        for placeholder, path in paths.items():
            text = text.replace(placeholder, path) if case.files else text
        return text

    wanted = {name: filled(value).encode() for name, value in case.sets.items()}
    for name in sorted({*wanted, *done.assign}):
        if wanted.get(name) != done.assign.get(name):
            yield Failure(f"{place}.sets", f"{case.name}: {_difference(name, wanted, done.assign)}")
    if set(case.removes) != set(done.remove):
        names = ", ".join(sorted({*case.removes} ^ {*done.remove}))
        yield Failure(f"{place}.removes", f"{case.name}: it is otherwise with {names}")
    becomes = case.arguments if case.becomes is None else tuple(map(filled, case.becomes))
    if tuple(argument.encode() for argument in becomes) != done.arguments:
        shown = shlex.join(argument.decode("utf-8", "replace") for argument in done.arguments)
        yield Failure(f"{place}.becomes", f"{case.name}: the arguments become {shown or 'none'}")
    written = {each.path.removeprefix(f"{directory}/"): each.content.reveal() for each in done.files}
    for name in sorted({*case.files, *written}):
        if case.files.get(name) != written.get(name):
            yield Failure(f"{place}.files", f"{case.name}: {_difference(name, case.files, written)}")


def _difference(name: str, wanted: Mapping[str, object], got: Mapping[str, object]) -> str:
    """What is otherwise than wanted. The values are those of a case: examples, no secrets."""
    if name not in got:
        return f"no {name}"
    if name not in wanted:
        return f"{name} besides, {got[name]!r}"
    return f"{name} is {got[name]!r}"


def _run_import(plugin: Plugin, case: ImportCase, place: str, used: set[int]) -> Iterator[Failure]:
    """Compare, and add to `used` the places of the plugin's importers that found something."""
    with tempfile.TemporaryDirectory(prefix="keyturn-cases-") as directory:
        root = Path(directory, "root")
        home = Path(directory, "home")
        try:
            _lay_out(case.files, home, root)
        except OSError as error:
            yield Failure(f"{place}.files", f"{case.name}: they cannot be laid out: {files.reason(error)}")
            return
        environment = {
            name: f"{home}/{value[2:]}" if value.startswith("~/") else value
            for name, value in case.environment.items()
        }
        environment["HOME"] = str(home)
        kept = tuple(keyring.Kept(each.service, each.username, Secret(each.secret)) for each in case.keyring)
        opened = keyring.Opened(kept)
        found = importing.find(plugin, environment, case.system, str(root)) + keyring.find(plugin, opened)
        for number, importer in enumerate(plugin.importers):
            if number not in used and importer.hook is None:
                alone = msgspec.structs.replace(plugin, importers=(importer,))
                lies_about = importing.find(alone, environment, case.system, str(root))
                if (lies_about + keyring.find(alone, opened)).candidates:
                    used.add(number)
    wanted = [(dict(each.fields), each.hint) for each in case.finds]
    got = [
        ({label: value.reveal() for label, value in each.fields.items()}, each.name_hint)
        for each in found.candidates
    ]
    if wanted != got:
        yield Failure(f"{place}.finds", f"{case.name}: it finds {got or 'nothing'}")
    reasons = [each.reason for each in found.rejected]
    if len(reasons) != len(case.rejects) or not all(
        part in reason for part, reason in zip(case.rejects, reasons, strict=True)
    ):
        yield Failure(f"{place}.rejects", f"{case.name}: it rejects {reasons or 'nothing'}")


def _lay_out(content: Mapping[str, str], home: Path, root: Path) -> None:
    """Raises OSError for names that no file system takes, or a file that is a directory as well."""
    for path, text in content.items():
        there = home / path[2:] if path.startswith("~/") else root / path[1:]
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_bytes(text.encode())

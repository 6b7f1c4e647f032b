"""`keyturn plugin new`: a plugin of one's own, from a few answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from keyturn.catalogue import case_runner, cases, loader
from keyturn.catalogue.drafting import BARE, Draft, DraftField, variable_for
from keyturn.catalogue.own import SUFFIX
from keyturn.cli import output, sourcing
from keyturn.cli.context import Context, current, read_password
from keyturn.cli.ending import guarded, leave
from keyturn.cli.plugin_test import told
from keyturn.ground import files
from keyturn.ground.errors import ConfigurationError, ConflictError, UsageError
from keyturn.ground.names import is_plugin_name, plain_label, printable
from keyturn.ground.secret import Secret
from keyturn.sdk import examples
from keyturn.sdk.schema import Composition


@click.command("new")
@click.argument("name", default="")
@click.option("--runs", metavar="COMMAND", help="the command that it wraps [default: NAME]")
@click.option("--platform", metavar="TEXT", help="what the command talks to [default: NAME]")
@click.option("--title", metavar="TEXT", help="what the credential is called there [default: API Token]")
@click.option(
    "--field",
    "fields",
    metavar="LABEL=VARIABLE",
    multiple=True,
    help="a field of the credential, and the variable in which the command looks for it; one flag a field",
)
@click.option("--plain", metavar="LABEL", multiple=True, help="this field is no secret (a host, a user name)")
@click.option(
    "--example-file",
    "example_files",
    metavar="LABEL=PATH",
    multiple=True,
    help="the first line of PATH is such a value; its length, prefix and kinds of characters are kept",
)
@click.option(
    "--bare",
    metavar="WORDS",
    multiple=True,
    help="the beginning of command lines that need no credential, besides --help, --version and the like",
)
@click.option("--homepage", metavar="URL", default="", help="the platform's own page")
@click.option("--docs-url", metavar="URL", default="", help="the page about the credential")
@click.option("--management-url", metavar="URL", default="", help="the page where it is made and taken back")
@click.option("--take-over", is_flag=True, help="wrap the command though a built-in plugin does")
@click.option("--force", is_flag=True, help="replace your plugin of this name")
@click.option("--dry-run", is_flag=True, help="print the file and write nothing")
@click.option("--no-input", is_flag=True, help="ask nothing; what would be asked is an error")
def command(no_input: bool, **flags: Any) -> None:
    """Make a plugin of your own for a command that takes its credential from variables.

    It asks a few questions, each of which has a flag, and writes the plugin's file and its cases into your
    configuration directory. It can be set up at once: keyturn plugin init COMMAND
    """
    context = current()
    context.no_input = no_input
    # An example is pasted here that may be a real secret.
    from keyturn.processes import private

    leave(private.run_privately(lambda: guarded(lambda: New(context, Flags(**flags)).run())))


@dataclass(frozen=True)
class Flags:
    """What the flags answer; empty or None: to be asked, or as it usually is."""

    name: str
    runs: str | None
    platform: str | None
    title: str | None
    fields: tuple[str, ...]
    plain: tuple[str, ...]
    example_files: tuple[str, ...]
    bare: tuple[str, ...]
    homepage: str
    docs_url: str
    management_url: str
    take_over: bool
    force: bool
    dry_run: bool


class New:
    """One run: the questions, then the files."""

    def __init__(self, context: Context, flags: Flags) -> None:
        """Raises UsageError for flags that cannot be meant, and for an example that cannot be read."""
        self._context, self._flags = context, flags
        self._given = [_pair(each, "--field", "'api token=MY_API_TOKEN'") for each in flags.fields]
        self._plain = {plain_label(label) for label in flags.plain}
        paths = [_pair(each, "--example-file", "token=./token.txt") for each in flags.example_files]
        self._looks = {plain_label(label): _looks(read_password(path)) for label, path in paths}
        labels = {plain_label(label) for label, _ in self._given}
        if unknown := sorted((self._plain | set(self._looks)) - labels):
            raise UsageError(f"no --field is called {printable(unknown[0])}", "labels are those of --field")

    def run(self) -> None:
        """Ask, check, write, and run the cases."""
        name = self._answered(
            self._flags.name, "the name of the plugin", "", "name it: keyturn plugin new mytool"
        )
        if not is_plugin_name(name):
            raise UsageError("a plugin's name is 1 to 32 of a-z, 0-9 and -", "such as mytool")
        path = loader.own().directory / f"{name}{SUFFIX}"
        if path.exists() and not self._flags.force and not self._flags.dry_run:
            raise ConflictError(f"there is a plugin of yours called {name}", "replace it: --force")
        draft = self._draft(name)
        text = draft.plugin_text()
        # As it would be among the others, before anything is written.
        try:
            plugin = loader.own().check(path, text.encode())
        except ConfigurationError as error:
            raise ConfigurationError(error.message, "nothing was written; give other answers") from None
        found = cases.parse_cases(draft.cases_text().encode(), "the cases")
        failures = case_runner.run_cases(plugin, found)
        if self._flags.dry_run:
            output.line(text.rstrip("\n"))
            return
        self._write(path, text, draft.cases_text())
        output.note(f"wrote {sourcing.shown(self._context, path)}, and cases for it in cases/ beside it")
        for failure in failures:
            output.note(f"a case does not come out: {failure}")
        if not failures:
            output.note(f"{told(found)} come out as they should")
        output.note(f"now set it up: keyturn plugin init {draft.runs}")

    def _draft(self, name: str) -> Draft:
        runs = self._answered(self._flags.runs, "the command that it wraps", name)
        owner = loader.listed().get(runs)
        is_taken = owner is not None and not owner.own
        if is_taken and not self._flags.take_over:
            assert owner is not None
            hint = "take it over: --take-over; or give it rules of yours: docs/how-to/add-a-plugin.md"
            self._context.require_input(f"your agreement to take {runs} over from the built-in plugin", hint)
            question = f"the built-in plugin {owner.plugin} wraps {printable(runs)}; take it over?"
            if not self._context.terminal.confirm(question, default=False):
                raise ConflictError(f"{printable(runs)} stays with the built-in plugin {owner.plugin}", hint)
        platform = self._answered(self._flags.platform, "what it talks to", name.capitalize())
        title = self._answered(self._flags.title, "what the credential is called there", "API Token")
        fields = self._fields(name)
        return Draft(
            name,
            runs,
            platform,
            title,
            fields,
            self._bare_lines(),
            homepage=self._flags.homepage,
            docs_url=self._flags.docs_url,
            management_url=self._flags.management_url,
            is_taking_over=is_taken,
        )

    def _fields(self, name: str) -> list[DraftField]:
        if self._given or not self._context.may_ask:
            if not self._given:
                self._context.require_input(
                    "a field of the credential", "give it: --field token=MYTOOL_TOKEN"
                )
            return [
                DraftField(
                    label,
                    variable,
                    plain_label(label) not in self._plain,
                    self._looks.get(plain_label(label)),
                )
                for label, variable in self._given
            ]
        terminal = self._context.terminal
        found: list[DraftField] = []
        while not found or terminal.confirm("has the credential another field?", default=False):
            label = terminal.text("the label of a field", "" if found else "token")
            variable = terminal.text(
                f"the variable in which the command looks for its {printable(label)}",
                variable_for(name, label),
            )
            is_secret = terminal.confirm(f"is the {printable(label)} a secret?", default=True)
            looks = self._pasted(label) if is_secret else None
            found.append(DraftField(label, variable, is_secret, looks))
        return found

    def _pasted(self, label: str) -> Composition | None:
        """What an example looks like that the person pastes; the example itself goes no further."""
        terminal = self._context.terminal
        value = terminal.secret(
            f"paste an example of the {printable(label)}; only what it looks like is kept (Enter alone: none)"
        )
        looks = _looks(value)
        if looks is None:
            return None
        output.note(f"{printable(label)}: {_described(looks)}")
        if looks.prefix and not terminal.confirm(
            f"do all of them begin with “{looks.prefix}”?", default=True
        ):
            looks = Composition(looks.length, "", looks.charset, looks.specific)
        return looks

    def _bare_lines(self) -> list[str]:
        """The beginnings of command lines that need no credential."""
        if self._flags.bare or not self._context.may_ask:
            return list(dict.fromkeys([*BARE, *self._flags.bare]))
        answer = self._context.terminal.text("what needs no credential, parted by commas", ", ".join(BARE))
        return list(dict.fromkeys(entry.strip() for entry in answer.split(",") if entry.strip()))

    def _answered(self, given: str | None, what: str, default: str, hint: str = "") -> str:
        """A flag's value, else the person's answer, else the default."""
        if given:
            return given
        if not self._context.may_ask:
            if not default:
                self._context.require_input(what, hint)
            return default
        return self._context.terminal.text(what, default)

    def _write(self, path: Path, text: str, cases_text: str) -> None:
        uid, beside = self._context.world.uid, cases.path_beside(path)
        files.private_directory(self._context.world.directories.config, uid, mend=True)
        for directory in (path.parent, beside.parent):
            files.private_directory(directory, uid, mend=True)
        # The cases first: a plugin is not to be without.
        files.write_atomically(beside, cases_text.encode())
        files.write_atomically(path, text.encode())


def _pair(text: str, option: str, example: str) -> tuple[str, str]:
    label, equals, value = text.partition("=")
    if not equals or not label.strip() or not value.strip():
        raise UsageError(f"{option} takes a label, = and a value", f"such as {option} {example}")
    return label.strip(), value.strip()


def _looks(value: Secret) -> Composition | None:
    stripped = Secret(value.reveal().strip())
    return examples.infer(stripped) if stripped else None


def _described(looks: Composition) -> str:
    kinds = [*looks.charset, *([f"{looks.specific}"] if looks.specific else [])]
    begins = f", begins with “{looks.prefix}”" if looks.prefix else ""
    return f"{looks.length} characters{begins}: {', '.join(kinds)}"

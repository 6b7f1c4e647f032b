"""Which credential `plugin init` sets up: one that lies in plaintext, or an item that is in the vault."""

from __future__ import annotations

from functools import cached_property

from keyturn.agent import hooks, messages, requests, results
from keyturn.agent.results import ItemView
from keyturn.cli.choosing import choose
from keyturn.cli.context import Context
from keyturn.cli.output import note
from keyturn.ground.errors import AmbiguousError, MissingError
from keyturn.ground.names import printable
from keyturn.items import find_field
from keyturn.sdk import importers
from keyturn.sdk.importers import Candidate, Findings
from keyturn.sdk.schema import Plugin


class Selector:
    """Finds credentials of one plugin, and asks which one is meant."""

    def __init__(self, context: Context, plugin: Plugin, executable: str, directory: str) -> None:
        """`directory` is the working directory, where a relative path of the AWS configuration starts."""
        self._context = context
        self._plugin = plugin
        self._executable = executable
        self._directory = directory

    @cached_property
    def _findings(self) -> Findings:
        return hooks.find_candidates(self._plugin, self._context.world.environment, self._directory)

    def from_environment(self) -> Candidate:
        """What the environment holds. Raises MissingError."""
        found = [each for each in self._findings.candidates if each.place is None]
        return self._only(found, "the environment holds no complete credential")

    def from_profile(self, name: str) -> Candidate:
        """What the credentials file holds for a profile. Raises MissingError."""
        found = [each for each in self._findings.candidates if each.place and each.place.profile == name]
        return self._only(found, f"no credential to import in profile “{printable(name)}”")

    def _only(self, found: list[Candidate], problem: str) -> Candidate:
        if found:
            return found[0]
        seen = [f"found: {self.place(each.source)}" for each in self._findings.candidates]
        seen += [f"not offered: {self.place(each.source)}: {each.reason}" for each in self._findings.rejected]
        raise MissingError(
            problem, *(seen or ["it looks into the environment and into the tool's own files"])
        )

    def asked(self, *, has_items: bool) -> Candidate | None:
        """The candidate that the person picks; None for an item, which is offered if there may be one."""
        self._context.require_input(
            "the credential to use", "name it: --import-profile NAME, --import-env or --item TITLE"
        )
        if not self._findings.candidates and not has_items:
            self._only([], f"nothing to import for {self._executable} was found on this machine")
        for rejected in self._findings.rejected:
            note(f"not offered: {self.place(rejected.source)}: {rejected.reason}")
        lines: list[tuple[str, Candidate | None]] = [
            (self._line(each), each) for each in self._findings.candidates
        ]
        if has_items:
            lines.append(("use an item that is in the vault", None))
        return choose(self._context.terminal, f"which credential is {self._executable} to use?", lines)

    def _line(self, candidate: Candidate) -> str:
        """Source and what is no secret: enough to tell two candidates apart."""
        open_labels = {field.label for field in self._plugin.credential.fields if not field.secret}
        shown = importers.shown(candidate, self._plugin.credential)
        values = ", ".join(text for label, text in shown if label in open_labels)
        return f"import {self.place(candidate.source)} ({values})"

    def place(self, phrase: str) -> str:
        """A phrase with a path in it, with the home directory as a person writes it."""
        home = self._context.world.home.rstrip("/")
        return printable(phrase.replace(f"{home}/", "~/") if home else phrase, 300)

    def same_item(self, candidate: Candidate) -> ItemView | None:
        """The item that holds the very same already."""
        for row in self._items():
            view = self._get(row.id)
            try:
                fields = {label: find_field(view.item, label) for label in candidate.fields}
            except AmbiguousError:
                continue
            if all(
                field is not None and field.value == candidate.fields[label]
                for label, field in fields.items()
            ):
                return view
        return None

    def existing(self, name: str | None) -> ItemView:
        """The item called `name`, or the one that the person picks. Raises MissingError for a field."""
        if name is None:
            rows = self._items()
            if not rows:
                raise MissingError(
                    f"no item in the vault is a credential for {self._executable}",
                    f"create one: keyturn item create --tag {self._plugin.tag} --title TITLE "
                    + " ".join(
                        repr(field.label) for field in self._plugin.credential.fields if not field.optional
                    ),
                )
            lines = [(f"{printable(row.title)} (vault {printable(row.vault_title)})", row.id) for row in rows]
            name = choose(self._context.terminal, f"which item is {self._executable} to use?", lines)
        view = self._get(name)
        for definition in self._plugin.credential.fields:
            field = find_field(view.item, definition.label)
            if not definition.optional and (field is None or not field.value):
                raise MissingError(
                    f"item “{printable(view.item.title)}” has no field “{definition.label}”",
                    f"add it: keyturn item edit {view.item.id} '{definition.label}'",
                )
        return view

    def vault(self) -> str:
        """The vault to import into, asked for where there are several; empty for the only one."""
        request = requests.ListVaults(account=self._context.account, may_ask=self._context.may_ask)
        rows = messages.convert(self._context.call(request), list[results.VaultRow])
        if len(rows) == 1 or not self._context.may_ask:
            return ""
        lines = [(printable(row.title), row.id) for row in rows]
        return choose(self._context.terminal, "into which vault?", lines)

    def _items(self) -> list[results.ItemRow]:
        """The items of this plugin's credential type."""
        request = requests.ListItems(account=self._context.account, may_ask=self._context.may_ask)
        rows = messages.convert(self._context.call(request), list[results.ItemRow])
        return [row for row in rows if self._plugin.tag in row.tags]

    def _get(self, name: str) -> ItemView:
        request = requests.GetItem(account=self._context.account, may_ask=self._context.may_ask, item=name)
        return messages.convert(self._context.call(request), ItemView)

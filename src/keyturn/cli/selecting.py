"""Which credential `plugin init` sets up: one in plaintext, a typed one, or an item in the vault."""

from __future__ import annotations

import os
import shlex
from enum import Enum, auto
from functools import cached_property

from keyturn.agent import hooks, messages, requests, results
from keyturn.agent.results import FoundItem, ItemView
from keyturn.catalogue import loader
from keyturn.cli import filing, keyring_reading
from keyturn.cli.choosing import choose
from keyturn.cli.context import Context
from keyturn.cli.field_check import typed_value
from keyturn.cli.output import note
from keyturn.cli.plaintext_finding import absolute
from keyturn.ground.errors import AmbiguousError, MissingError, UsageError
from keyturn.ground.names import printable
from keyturn.items import Item, find_field
from keyturn.sdk import importers
from keyturn.sdk.importers import Candidate, Findings
from keyturn.sdk.schema import Plugin


class Elsewhere(Enum):
    """Where a credential comes from that was not found in plaintext."""

    VAULT = auto()
    TYPED = auto()


class Selector:
    """Finds credentials of one plugin, and asks which one is meant."""

    def __init__(
        self, context: Context, plugin: Plugin, executable: str, directory: str, *, related: str = ""
    ) -> None:
        """`directory` is the working directory, where a relative path of the AWS configuration starts.

        `related` is the command whose own credential this is; empty: `executable`.
        """
        self._context = context
        self._plugin = plugin
        self._executable = executable
        self._directory = directory
        self._related = related or executable

    @cached_property
    def _findings(self) -> Findings:
        return hooks.find_candidates(self._plugin, self._context.world.environment, self._directory)

    @cached_property
    def _kept(self) -> Findings:
        return keyring_reading.find(self._plugin, self._context.world)

    def from_keyring(self) -> Candidate:
        """What the tool keeps in the login keyring. Raises MissingError, UsageError if that is several."""
        found = self._kept.candidates
        if len(found) > 1:
            raise UsageError(
                f"the login keyring holds {len(found)} credentials for {self._executable}",
                f"choose one in a terminal: keyturn plugin init {self._executable}",
                *(f"found: {each.source}" for each in found),
            )
        if found:
            return found[0]
        reasons = [f"not offered: {each.source}: {each.reason}" for each in self._kept.rejected]
        raise MissingError(
            f"the login keyring holds no credential for {self._executable}",
            *(reasons or ["see what else there is: keyturn plugin init --help"]),
        )

    def from_environment(self) -> Candidate:
        """What the environment holds. Raises MissingError."""
        found = [each for each in self._findings.candidates if each.place is None]
        return self._only(found, "the environment holds no complete credential")

    def from_files(self, path: str | None, name: str | None) -> Candidate:
        """What the tool's files hold: in the one at `path`, under a name, or both; None: any.

        Raises MissingError, UsageError if that is more than one.
        """
        real = None if path is None else os.path.realpath(absolute(self._context, path))
        found = [
            each
            for each in self._findings.candidates
            if each.place is not None
            and name in (None, each.place.profile)
            and (real is None or os.path.realpath(each.place.path) == real)
        ]
        if path is not None and len(found) > 1:
            names = [each.place.profile for each in found if each.place is not None]
            raise UsageError(
                f"{printable(path, 300)} holds {len(found)} credentials",
                f"name the one that is meant: --import-profile {shlex.quote(printable(names[0]))}",
                *(f"found: {self.place(each.source)}" for each in found),
            )
        where = [] if name is None else [f"in profile “{printable(name)}”"]
        where += [] if path is None else [f"in {printable(path, 300)}"]
        return self._only(found, f"no credential to import {' '.join(where)}")

    def _only(self, found: list[Candidate], problem: str) -> Candidate:
        if found:
            return found[0]
        seen = [f"found: {self.place(each.source)}" for each in self._findings.candidates]
        seen += [f"not offered: {self.place(each.source)}: {each.reason}" for each in self._findings.rejected]
        raise MissingError(
            problem, *(seen or ["it looks into the environment and into the tool's own files"])
        )

    def asked(self, *, has_items: bool) -> Candidate | Elsewhere:
        """The candidate that the person picks, or where else it is; the vault is offered if there is one."""
        self._context.require_input(
            "the credential to use",
            "name it: --import-profile NAME, --import-file PATH, --import-env, --import-keyring or"
            " --item TITLE",
        )
        found = self._findings + self._kept
        for rejected in found.rejected:
            note(f"not offered: {self.place(rejected.source)}: {rejected.reason}")
        lines: list[tuple[str, Candidate | Elsewhere]] = [
            (self._line(each), each) for each in found.candidates
        ]
        if has_items:
            lines.append(("search in Keyturn: an item that is in the vault", Elsewhere.VAULT))
        if not lines:
            note(f"nothing to import for {self._executable} was found on this machine; type it in")
            return Elsewhere.TYPED
        lines.append(("import: type it in", Elsewhere.TYPED))
        return choose(self._context.terminal, f"which credential is {self._executable} to use?", lines)

    def _line(self, candidate: Candidate) -> str:
        """Source and masked values: enough to tell two candidates apart."""
        values = ", ".join(text for _, text in importers.shown(candidate, self._plugin.credential))
        return f"import {self.place(candidate.source)} ({values})"

    def place(self, phrase: str) -> str:
        """A phrase with a path in it, with the home directory as a person writes it."""
        home = self._context.world.home.rstrip("/")
        return printable(phrase.replace(f"{home}/", "~/") if home else phrase, 300)

    def typed(self) -> Candidate:
        """A credential typed in, field by field. Raises UsageError for one that is not to be kept."""
        credential = self._plugin.credential
        note(f"{self._plugin.platform}, {credential.title}; {credential.management_url}".rstrip("; "))
        fields = {
            definition.label: value
            for definition in credential.fields
            if definition.asked
            if (value := typed_value(self._context.terminal, definition.label, definition))
        }
        refused = importers.why_refused(credential, fields)
        if refused is not None:
            raise UsageError(
                f"this credential is not taken: {refused}", "take a long-lived one; it stays in the vault"
            )
        return Candidate("typed in", "", fields)

    def same_item(self, candidate: Candidate) -> ItemView | None:
        """The item that holds the very same already."""
        request = requests.ListItems(account=self._context.account, may_ask=self._context.may_ask)
        for row in messages.convert(self._context.call(request), list[results.ItemRow]):
            if self._plugin.tag not in row.tags:
                continue
            view = self.item(row.id)
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

    def searched(self) -> ItemView:
        """The item that the person picks: of the related ones or of all. Raises MissingError."""
        request = requests.FindItems(
            account=self._context.account, may_ask=self._context.may_ask, executable=self._related
        )
        found = messages.convert(self._context.call(request), list[FoundItem])
        if not found:
            raise MissingError(
                "there is no item in the account",
                f"create one: keyturn item create --tag {self._plugin.tag} --title TITLE "
                + " ".join(
                    repr(field.label) for field in self._plugin.credential.fields if not field.optional
                ),
            )
        question = f"which item is {self._executable} to use?"
        related: list[tuple[str, FoundItem | None]] = [
            (self._item_line(each), each) for each in found if each.related
        ]
        chosen = None
        if related:
            others = len(found) - len(related)
            if others:
                related.append((f"expand the search: all {len(found)} items of the account", None))
            chosen = choose(self._context.terminal, question, related, filterable=True)
        if chosen is None:
            every = [(self._item_line(each), each) for each in found]
            chosen = choose(self._context.terminal, question, every, filterable=True)
        return self.item(chosen.id, chosen.account)

    def _item_line(self, row: FoundItem) -> str:
        where = f"vault {printable(row.vault_title)}, account {printable(self._accounts[row.account])}"
        return f"{printable(row.title)} ({where})"

    @cached_property
    def _accounts(self) -> dict[str, str]:
        rows = messages.convert(self._context.agent.call(requests.ListAccounts()), list[results.AccountRow])
        return {row.id: row.title for row in rows}

    def vault(self) -> str:
        """The vault to import into, asked for where there are several; empty for the only one."""
        return filing.chosen_vault(self._context)

    def item(self, name: str, account: str = "") -> ItemView:
        """An item by id or title. Raises MissingError."""
        request = requests.GetItem(account=account, may_ask=self._context.may_ask, item=name)
        return messages.convert(self._context.call(request), ItemView)


def credential_of(item: Item, plugin: Plugin, executable: str) -> Plugin:
    """The plugin whose credential the item holds for `executable`: by its tag another one's than `plugin`'s,
    the executable's own, where it takes any; else `plugin`."""
    found = plugin.executable(executable)
    if found is None or not found.any_credential or plugin.tag in item.tags:
        return plugin
    others = [loader.load(name) for name in loader.credentials()]
    return next((each for each in others if each.tag in item.tags), plugin)

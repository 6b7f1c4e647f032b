"""One credential for `plugin init`: imported from where it lies, typed in, or an item in the vault."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from keyturn.cli import profiles, traces
from keyturn.cli.account import DEFAULT_VAULT
from keyturn.cli.context import Context
from keyturn.cli.field_check import FieldCheck
from keyturn.cli.output import note
from keyturn.cli.selecting import Elsewhere, Selector
from keyturn.cli.setup_plan import Choices, Chosen, KnownItem, NewItem
from keyturn.cli.setup_work import phrase, what
from keyturn.ground.errors import MissingError
from keyturn.ground.names import printable
from keyturn.sdk.importers import Candidate
from keyturn.sdk.schema import Plugin


class CredentialQuestion:
    """Which credential of `plugin` an executable is to use."""

    def __init__(
        self,
        context: Context,
        choices: Choices,
        plugin: Plugin,
        executable: str,
        directory: str,
        fields: Mapping[str, str],
    ) -> None:
        """`plugin` is the executable's own, or another one whose credential it takes besides. `fields` are
        labels of the credential to labels of an item. Raises UsageError for one that there is not."""
        self._context = context
        self._choices = choices
        self._plugin = plugin
        is_own = plugin.executable(executable) is not None
        words = executable if is_own else f"{executable} --credential {plugin.name}"
        self._check = FieldCheck(context, plugin, words, fields)
        related = executable if is_own else plugin.executables[0].runs
        self._selector = Selector(context, plugin, executable, directory, related=related)

    def answer(self, *, has_account: bool) -> Chosen:
        """The credential by flag, else by choice; nothing is changed yet. Raises MissingError."""
        candidate = self._candidate(has_items=has_account)
        if candidate is not None:
            return self._imported(candidate, is_first=not has_account)
        if not has_account:
            raise MissingError(
                "there is no account yet, so there is no item",
                "import a credential: keyturn plugin init --help",
            )
        named = self._choices.item
        view = self._selector.searched() if named is None else self._selector.item(named)
        return Chosen(self._plugin, KnownItem(view, tuple(self._check.changes(view.item))), None)

    def removal(self, chosen: Chosen, names: list[str]) -> Chosen:
        """`chosen`, with the answer whether its keys are to be taken out of the file that they came from.

        `names` are the commands that get the item.
        """
        place = chosen.candidate.place if chosen.candidate is not None else None
        if place is None:
            return chosen
        remove = self._choices.remove_plaintext
        if remove is None and self._context.may_ask:
            search = self._context.world.environment.get("PATH", "")
            for text in traces.of_file(self._plugin, search, names):
                note(text)
            question = (
                f"afterwards, take {what(self._plugin, place)} out of {self._selector.place(phrase(place))}?"
            )
            remove = self._context.terminal.confirm(question, default=True)
        return replace(chosen, remove_plaintext=bool(remove))

    def _candidate(self, *, has_items: bool) -> Candidate | None:
        """What is to be imported, by flag or by choice; None for an item that is in the vault."""
        if self._choices.item is not None:
            return None
        if self._choices.import_env:
            return self._selector.from_environment()
        if self._choices.import_keyring:
            return self._selector.from_keyring()
        if self._choices.names_file:
            return self._selector.from_files(self._choices.import_file, self._choices.import_profile)
        found = self._selector.asked(has_items=has_items)
        if found is Elsewhere.VAULT:
            return None
        return self._selector.typed() if found is Elsewhere.TYPED else found

    def _imported(self, candidate: Candidate, *, is_first: bool) -> Chosen:
        """The candidate's item: the one that has the same already, else a new one."""
        there = None if is_first else self._selector.same_item(candidate)
        if there is not None:
            note(f"the vault has it already, as “{printable(there.item.title)}”")
            return Chosen(self._plugin, KnownItem(there), candidate)
        title, vault = self._title(candidate), self._choices.vault
        if not vault:
            vault = DEFAULT_VAULT if is_first else self._selector.vault()
        return Chosen(self._plugin, NewItem(title, vault), candidate)

    def _title(self, candidate: Candidate) -> str:
        if self._choices.title:
            return self._choices.title
        hint = "" if candidate.name_hint in ("", profiles.DEFAULT) else f" {candidate.name_hint}"
        title = f"{self._plugin.item_title}{hint}"
        return self._context.terminal.text("title of the new item", title) if self._context.may_ask else title

"""`keyturn plugin init`: from keys in plaintext to a command that asks once.

First every question, then every change: Ctrl-C at any question leaves vault, defaults, plugins.sh and the
credentials file as they were. A first account is the exception where its password was the last question.
"""

from __future__ import annotations

import os

from keyturn.agent import messages, requests, results
from keyturn.agent.results import ItemView
from keyturn.catalogue import loader
from keyturn.cli import choosing, sourcing, traces
from keyturn.cli.account import DEFAULT_TITLE, DEFAULT_VAULT
from keyturn.cli.context import Context
from keyturn.cli.field_check import FieldCheck
from keyturn.cli.output import note
from keyturn.cli.selecting import Elsewhere, Selector
from keyturn.cli.setup_plan import (
    DEFAULT_PROFILE,
    Choices,
    FirstAccount,
    KnownItem,
    NewItem,
    Plan,
    Wrapped,
)
from keyturn.cli.setup_scope import ScopeQuestion
from keyturn.cli.setup_work import Work, installed, phrase
from keyturn.ground.errors import MissingError, UsageError
from keyturn.ground.names import printable
from keyturn.ground.settings import Preset
from keyturn.sdk.importers import Candidate
from keyturn.sdk.schema import Plugin

PRESETS = (
    ("balanced: once for each terminal, and again after 10 minutes without use", Preset.BALANCED),
    ("strict: for each item and each program", Preset.STRICT),
    ("login-session: once for all terminals, until the account locks", Preset.LOGIN_SESSION),
)


class Setup:
    """One run of `plugin init`: the questions. `executable` is empty where the person is to pick one."""

    def __init__(self, context: Context, executable: str, choices: Choices) -> None:
        self._context = context
        self._choices = choices
        given = [choices.import_profile is not None, choices.import_env, choices.item is not None]
        if sum(given) > 1:
            raise UsageError(
                "one credential at a time", "give one of --import-profile, --import-env and --item"
            )
        self._scope = ScopeQuestion(context, choices)
        self._executable = executable or self._picked()
        self._plugin = _plugin(self._executable)
        self._check = FieldCheck(context, self._plugin, self._executable, choices.fields)
        self._selector = Selector(context, self._plugin, self._executable, _working_directory())
        self._others = {each.runs: plugin for plugin, each in loader.wrapping(self._plugin.tag)}
        for name in choices.also or ():
            if name not in self._others:
                known = ", ".join(each for each in self._others if each != self._executable) or "none"
                raise UsageError(
                    f"{printable(name)} does not take the credential of {self._executable}",
                    f"these do: {known}",
                )

    def run(self) -> None:
        """Ask, and then do what was decided, or with --dry-run say it."""
        work = Work(self._context, self._plan(), is_quiet_removal=self._choices.remove_plaintext is None)
        if self._choices.dry_run:
            work.describe()
        else:
            work.carry_out()

    def _plan(self) -> Plan:
        rows = messages.convert(self._context.agent.call(requests.ListAccounts()), list[results.AccountRow])
        candidate = self._candidate(has_items=bool(rows))
        item: NewItem | KnownItem
        if candidate is None:
            if not rows:
                raise MissingError(
                    "there is no account yet, so there is no item",
                    "import a credential: keyturn plugin init --help",
                )
            item = self._known(
                self._selector.searched()
                if self._choices.item is None
                else self._selector.item(self._choices.item)
            )
        else:
            item = self._imported(candidate, is_first=not rows)
        # From here on the order of the lines is the order of the questions.
        scope, place = self._scope.answer(self._executable)
        names = [self._executable, *self._also()]
        wrapped = tuple(
            Wrapped(self._others[name], name, self._scope.former(name, scope, place)) for name in names
        )
        remove = self._is_to_be_removed(candidate, names)
        line = sourcing.offer(self._context, self._choices.shell_rc)
        first = None if rows else self._first_account()
        return Plan(wrapped, item, candidate, first, scope, place, remove, line)

    def _picked(self) -> str:
        """The command that the person picks, of all that there are."""
        from keyturn.cli import listing

        self._context.require_input("the command to set up", "name it: keyturn plugin init aws")
        rows = sorted(listing.rows(self._context.world), key=lambda row: (not row.installed, row.executable))
        lines = []
        for row in rows:
            told = [
                row.platform,
                *(["installed"] if row.installed else []),
                *(["set up"] if row.configured else []),
            ]
            lines.append((f"{row.executable} ({', '.join(told)})", row.executable))
        return choosing.choose(
            self._context.terminal, "which command is to be set up?", lines, filterable=True
        )

    def _candidate(self, *, has_items: bool) -> Candidate | None:
        """The credential to import, by flag or by choice; None for an item that is in the vault."""
        if self._choices.item is not None:
            return None
        if self._choices.import_env:
            return self._selector.from_environment()
        if self._choices.import_profile is not None:
            return self._selector.from_profile(self._choices.import_profile)
        found = self._selector.asked(has_items=has_items)
        if found is Elsewhere.VAULT:
            return None
        return self._selector.typed() if found is Elsewhere.TYPED else found

    def _known(self, view: ItemView) -> KnownItem:
        return KnownItem(view, tuple(self._check.changes(view.item)))

    def _imported(self, candidate: Candidate, *, is_first: bool) -> NewItem | KnownItem:
        """The candidate's item: the one that has the same already, else a new one."""
        there = None if is_first else self._selector.same_item(candidate)
        if there is not None:
            note(f"the vault has it already, as “{printable(there.item.title)}”")
            return KnownItem(there)
        title = self._title(candidate)
        if is_first:
            return NewItem(title, self._choices.vault or DEFAULT_VAULT)
        return NewItem(title, self._choices.vault or self._selector.vault())

    def _title(self, candidate: Candidate) -> str:
        if self._choices.title:
            return self._choices.title
        hint = "" if candidate.name_hint in ("", DEFAULT_PROFILE) else f" {candidate.name_hint}"
        title = f"{self._plugin.owner.upper()}{hint}"
        return self._context.terminal.text("title of the new item", title) if self._context.may_ask else title

    def _also(self) -> list[str]:
        """The other commands that are to get the same item in the same scope."""
        if self._choices.also is not None:
            return [name for name in dict.fromkeys(self._choices.also) if name != self._executable]
        if not self._context.may_ask:
            return []
        names = [each for each in self._others if each != self._executable and installed(self._context, each)]
        if not names:
            return []
        lines = [(f"{name} ({self._others[name].platform})", name) for name in names]
        return choosing.choose_several(self._context.terminal, "which others are to use it too?", lines)

    def _is_to_be_removed(self, candidate: Candidate | None, names: list[str]) -> bool:
        if candidate is None or candidate.place is None:
            return False
        if self._choices.remove_plaintext is None and self._context.may_ask:
            search = self._context.world.environment.get("PATH", "")
            for text in traces.of_file(self._plugin, search, names):
                note(text)
            where = self._selector.place(phrase(candidate.place))
            question = f"afterwards, take the keys out of {where}?"
            return self._context.terminal.confirm(question, default=True)
        return bool(self._choices.remove_plaintext)

    def _first_account(self) -> FirstAccount:
        """The first account; with it, how often the person wants to be asked."""
        preset = self._choices.preset
        if preset is None and self._context.may_ask:
            preset = choosing.choose(self._context.terminal, "how often is Keyturn to ask?", PRESETS)
        recovery = self._choices.recovery
        if recovery is None:
            recovery = self._context.may_ask and self._context.terminal.confirm(
                "also make a recovery code, to open the account if the password is lost?", default=True
            )
        vault = self._choices.vault or DEFAULT_VAULT
        return FirstAccount(self._context.account or DEFAULT_TITLE, vault, preset, recovery)


def _plugin(executable: str) -> Plugin:
    found = loader.find_by_executable(executable)
    if found is None:
        raise UsageError(f"no plugin wraps {printable(executable)}", f"plugins: {', '.join(loader.names())}")
    return found


def _working_directory() -> str:
    try:
        return os.getcwd()
    except FileNotFoundError:
        # Deleted under us; a relative path then leads nowhere, which is what it would do for aws.
        return "/"

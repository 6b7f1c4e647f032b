"""`keyturn plugin init`: from keys in plaintext to a command that asks once.

First every question, then every change: Ctrl-C at any question leaves vault, defaults, plugins.sh and the
credentials file as they were. A first account is the exception where its password was the last question.
Nothing is taken out of a file before the item was read back from the vault's own file.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass

from keyturn.agent import hooks, messages, requests, results
from keyturn.agent.requests import FieldChange
from keyturn.agent.results import ItemView
from keyturn.catalogue import loader
from keyturn.cli import traces
from keyturn.cli.account import DEFAULT_TITLE, DEFAULT_VAULT, create_account
from keyturn.cli.context import Context
from keyturn.cli.output import line, note
from keyturn.cli.selecting import Selector
from keyturn.ground import files
from keyturn.ground.errors import KeyturnError, MissingError, UsageError
from keyturn.ground.names import printable
from keyturn.items import TYPE_WORDS, ItemReference
from keyturn.sdk import importers
from keyturn.sdk.importers import Candidate
from keyturn.sdk.schema import Plugin
from keyturn.shells import launcher, plugins_sh

DEFAULT_PROFILE = "default"


@dataclass(frozen=True)
class Choices:
    """What the flags answer; None or empty: to be asked."""

    import_profile: str | None
    import_env: bool
    item: str | None
    vault: str
    title: str
    remove_plaintext: bool | None
    recovery: bool | None


class Setup:
    """One run of `plugin init`."""

    def __init__(self, context: Context, executable: str, choices: Choices) -> None:
        self._context = context
        self._executable = executable
        self._choices = choices
        self._plugin = _plugin(executable)
        self._selector = Selector(context, self._plugin, executable, _working_directory())

    def run(self) -> None:
        given = [
            self._choices.import_profile is not None,
            self._choices.import_env,
            self._choices.item is not None,
        ]
        if sum(given) > 1:
            raise UsageError(
                "one credential at a time", "give one of --import-profile, --import-env and --item"
            )
        rows = messages.convert(self._context.agent.call(requests.ListAccounts()), list[results.AccountRow])
        candidate = self._candidate(has_items=bool(rows))
        if candidate is None:
            if not rows:
                raise MissingError(
                    "there is no account yet, so there is no item",
                    "import a credential: keyturn plugin init --help",
                )
            self._finish(self._selector.existing(self._choices.item), None, remove=False)
        else:
            view, remove = self._import(candidate, is_first=not rows)
            self._finish(view, candidate, remove=remove)

    def _candidate(self, *, has_items: bool) -> Candidate | None:
        """The credential to import, by flag or by choice; None for an item that is in the vault."""
        if self._choices.item is not None:
            return None
        if self._choices.import_env:
            return self._selector.from_environment()
        if self._choices.import_profile is not None:
            return self._selector.from_profile(self._choices.import_profile)
        return self._selector.asked(has_items=has_items)

    def _import(self, candidate: Candidate, *, is_first: bool) -> tuple[ItemView, bool]:
        """The candidate's item, and whether its plaintext is to go: first all questions, then the work."""
        there = None if is_first else self._selector.same_item(candidate)
        title, vault = "", self._choices.vault
        if there is None:
            title = self._title(candidate)
            vault = vault or ("" if is_first else self._selector.vault())
        remove = self._is_to_be_removed(candidate)
        if is_first:
            self._create_account()
        if there is not None:
            note(f"the vault has it already, as “{printable(there.item.title)}”")
        return there or self._create_item(candidate, title, vault), remove

    def _title(self, candidate: Candidate) -> str:
        if self._choices.title:
            return self._choices.title
        hint = "" if candidate.name_hint in ("", DEFAULT_PROFILE) else f" {candidate.name_hint}"
        title = f"{self._executable.upper()}{hint}"
        return self._context.terminal.text("title of the new item", title) if self._context.may_ask else title

    def _is_to_be_removed(self, candidate: Candidate) -> bool:
        if candidate.place is None:
            return False
        if self._choices.remove_plaintext is None and self._context.may_ask:
            self._warn_of_readers()
            question = f"afterwards, take the keys out of {self._place(candidate)}?"
            return self._context.terminal.confirm(question, default=True)
        return bool(self._choices.remove_plaintext)

    def _place(self, candidate: Candidate) -> str:
        assert candidate.place is not None
        return self._selector.place(f"profile “{candidate.place.profile}” in {candidate.place.path}")

    def _create_account(self) -> None:
        recovery = self._choices.recovery
        if recovery is None:
            recovery = self._context.may_ask and self._context.terminal.confirm(
                "also make a recovery code, to open the account if the password is lost?", default=True
            )
        title = self._context.account or DEFAULT_TITLE
        create_account(self._context, title, None, self._choices.vault or DEFAULT_VAULT, recovery=recovery)

    def _create_item(self, candidate: Candidate, title: str, vault: str) -> ItemView:
        words = {kind: word for word, kind in TYPE_WORDS.items()}
        fields = [
            FieldChange(label=field.label, type=words[field.type], value=field.value)
            for field in importers.item_fields(candidate, self._plugin.credential)
        ]
        request = requests.CreateItem(
            account=self._context.account,
            may_ask=self._context.may_ask,
            title=title,
            fields=fields,
            vault=vault,
            tags=[self._plugin.tag],
        )
        return messages.convert(self._context.call(request), ItemView)

    def _finish(self, view: ItemView, candidate: Candidate | None, *, remove: bool) -> None:
        """All but the item itself: default, launcher, plugins.sh, and what becomes of the plaintext."""
        path = shutil.which(self._executable, path=self._context.world.environment.get("PATH"))
        real = os.path.realpath(path) if path is not None else ""
        reference = ItemReference(view.account, view.vault, view.item.id, view.item.title)
        self._set_default(reference, candidate, real)
        self._write_shell_files()
        note(f"item “{printable(view.item.title)}” is in vault “{printable(view.vault_title)}”")
        note(f"{self._executable} uses it everywhere (the global default)")
        if real:
            note(f"{self._executable} is {printable(real, 300)}")
        else:
            note(f"note: {self._executable} is not installed, or not on PATH")
        if candidate is not None:
            self._clear(candidate, reference, remove=remove)
        note("source this in your shell's start-up file, and in this shell:")
        line(plugins_sh.source_line(self._context.world.directories.plugins_sh))

    def _set_default(self, reference: ItemReference, candidate: Candidate | None, path: str) -> None:
        profile = candidate.place.profile if candidate is not None and candidate.place is not None else ""
        request = requests.SetDefault(
            account=reference.account,
            may_ask=self._context.may_ask,
            executable=self._executable,
            plugin=self._plugin.name,
            reference=reference,
            bind="" if profile == DEFAULT_PROFILE else profile,
            trust=path,
        )
        self._context.call(request)

    def _write_shell_files(self) -> None:
        directories, interpreter = self._context.world.directories, self._context.interpreter
        files.private_directory(directories.config, self._context.world.uid, mend=True)
        launcher.renew(directories, interpreter, create=True)
        command = launcher.command(directories, interpreter)
        plugins_sh.update(directories.plugins_sh, [self._executable], command)

    def _clear(self, candidate: Candidate, reference: ItemReference, *, remove: bool) -> None:
        """What becomes of the place that the credential was imported from."""
        if candidate.place is None:
            for text in traces.of_variables(candidate.variables, self._context.world.home):
                note(text)
            return
        where = self._place(candidate)
        if not remove:
            note(f"the keys are still in plaintext: {where}")
            return
        request = requests.CheckItem(
            account=reference.account,
            may_ask=self._context.may_ask,
            reference=reference,
            fields=dict(candidate.fields),
        )
        if self._context.call(request) is not True:
            raise KeyturnError(
                "the item read back from the vault is not what was imported; the file was left alone"
            )
        hooks.remove_plaintext(self._plugin, candidate.place, candidate.fields, self._context.world.uid)
        note(f"removed the keys from {where}")
        if self._choices.remove_plaintext is not None:
            self._warn_of_readers()

    def _warn_of_readers(self) -> None:
        others = traces.installed_readers(self._plugin, self._context.world.environment.get("PATH", ""))
        if others:
            note(f"note: these read that file too and do without its keys then: {', '.join(others)}")


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

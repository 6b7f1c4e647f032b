"""What `plugin init` does when every question is answered, or says that it would do.

Nothing is taken out of a file before the item was read back from the vault's own file.
"""

from __future__ import annotations

import os
import shutil

from keyturn.agent import hooks, messages, requests, results
from keyturn.agent.requests import FieldChange
from keyturn.agent.results import ItemView
from keyturn.cli import setup_scope, sourcing, surroundings, traces
from keyturn.cli.account import create_account
from keyturn.cli.context import Context
from keyturn.cli.output import note
from keyturn.cli.setup_plan import KnownItem, Plan, Wrapped
from keyturn.ground import files
from keyturn.ground.errors import KeyturnError
from keyturn.ground.names import printable
from keyturn.items import TYPE_WORDS, ItemReference
from keyturn.sdk import importers
from keyturn.sdk.importers import FilePlace
from keyturn.shells import launcher, plugins_sh


class Work:
    """The changes of one plan."""

    def __init__(self, context: Context, plan: Plan, *, is_quiet_removal: bool) -> None:
        """`is_quiet_removal`: who else reads the file was said before."""
        self._context = context
        self._plan = plan
        self._is_quiet_removal = is_quiet_removal

    def describe(self) -> None:
        """Say what would be done; do nothing."""
        plan = self._plan
        if plan.first_account is not None:
            note(f"would make the account “{printable(plan.first_account.title)}”")
            if plan.first_account.preset is not None:
                note(f"would set approval.preset to {plan.first_account.preset}")
            if plan.first_account.recovery:
                note("would make a recovery code")
        if isinstance(plan.item, KnownItem):
            title = printable(plan.item.view.item.title)
            for change in plan.item.changes:
                note(f"would {_told(change)} of item “{title}”")
        else:
            title = printable(plan.item.title)
            vault = f" in vault “{printable(plan.item.vault)}”" if plan.item.vault else ""
            labels = ", ".join(plan.candidate.fields) if plan.candidate is not None else ""
            note(f"would make the item “{title}”{vault} with {labels}")
        for wrapped in plan.wrapped:
            note(f"{wrapped.executable} would use “{title}” {self._where(wrapped)}")
        if plan.profile:
            note(f"would bind it to profile “{printable(plan.profile)}”")
        path = sourcing.shown(self._context, self._context.world.directories.plugins_sh)
        note(f"would wrap {', '.join(plan.executables)} in {path}")
        if plan.remove_plaintext and plan.candidate is not None and plan.candidate.place is not None:
            note(f"would take the keys out of {self._shown(plan.candidate.place)}")
        for file in plan.sourcing.files:
            note(f"would add “{plan.sourcing.line}” to {sourcing.shown(self._context, file)}")
        note("nothing was changed (--dry-run)")

    def carry_out(self) -> None:
        """Do it, in an order in which whatever fails leaves what was done before it usable."""
        plan = self._plan
        if plan.first_account is not None:
            first = plan.first_account
            create_account(
                self._context, first.title, None, first.vault, recovery=first.recovery, preset=first.preset
            )
        view = self._item()
        reference = ItemReference(view.account, view.vault, view.item.id, view.item.title)
        paths = {each.executable: installed(self._context, each.executable) for each in plan.wrapped}
        for wrapped in plan.wrapped:
            self._set_default(wrapped, reference, paths[wrapped.executable], view.vault_title)
        self._write_shell_files()
        account = self._account(view.account)
        note(f"item “{printable(view.item.title)}” is in vault “{printable(view.vault_title)}”{account}")
        for wrapped in plan.wrapped:
            note(f"{wrapped.executable} uses it {self._where(wrapped)}")
        self._tell_of_nearer()
        for name, path in paths.items():
            if path:
                note(f"{name} is {printable(path, 300)}")
            else:
                note(f"note: {name} is not installed, or not on PATH")
        self._clear(reference)
        sourcing.carry_out(self._context, plan.sourcing)

    def _item(self) -> ItemView:
        """The item, made or mended where that is to be done."""
        plan = self._plan
        if isinstance(plan.item, KnownItem):
            view = plan.item.view
            if not plan.item.changes:
                return view
            edit = requests.EditItem(
                account=view.account,
                may_ask=self._context.may_ask,
                item=view.item.id,
                fields=list(plan.item.changes),
            )
            return messages.convert(self._context.call(edit), ItemView)
        assert plan.candidate is not None
        kinds = {kind: word for word, kind in TYPE_WORDS.items()}
        fields = [
            FieldChange(label=field.label, type=kinds[field.type], value=field.value)
            for field in importers.item_fields(plan.candidate, plan.plugin.credential)
        ]
        request = requests.CreateItem(
            account=self._context.account,
            may_ask=self._context.may_ask,
            title=plan.item.title,
            fields=fields,
            vault=plan.item.vault,
            tags=[plan.plugin.tag],
        )
        return messages.convert(self._context.call(request), ItemView)

    def _account(self, account: str) -> str:
        """Which account it is, for the end of a sentence; empty where there is only one."""
        rows = messages.convert(self._context.agent.call(requests.ListAccounts()), list[results.AccountRow])
        titles = [row.title for row in rows if row.id == account]
        return f" of account “{printable(titles[0])}”" if len(rows) > 1 and titles else ""

    def _set_default(self, wrapped: Wrapped, reference: ItemReference, path: str, vault_title: str) -> None:
        request = requests.SetDefault(
            account=reference.account,
            may_ask=self._context.may_ask,
            executable=wrapped.executable,
            plugin=wrapped.plugin.name,
            reference=reference,
            bind=self._plan.profile,
            owner=wrapped.plugin.owner,
            trust=path,
            scope=self._plan.scope,
            place=self._plan.place,
            vault_title=vault_title,
        )
        self._context.call(request)

    def _write_shell_files(self) -> None:
        directories, interpreter = self._context.world.directories, self._context.interpreter
        files.private_directory(directories.config, self._context.world.uid, mend=True)
        launcher.renew(directories, interpreter, create=True)
        command = launcher.command(directories, interpreter)
        plugins_sh.update(directories.plugins_sh, self._plan.executables, command)

    def _tell_of_nearer(self) -> None:
        """Say so where another default beats the one that was just set."""
        around = surroundings.look(self._context.world)
        for wrapped in self._plan.wrapped:
            found = around.layers(wrapped.executable)
            here = [
                each for each in found if (each.scope, each.place) == (self._plan.scope, self._plan.place)
            ]
            if here and found[0] != here[0]:
                source = found[0].source(surroundings.home(self._context.world))
                note(f"note: here {wrapped.executable} uses “{printable(found[0].item.title)}”, {source}")

    def _clear(self, reference: ItemReference) -> None:
        """What becomes of the place that the credential was imported from."""
        candidate = self._plan.candidate
        if candidate is None:
            return
        if candidate.place is None:
            if candidate.variables:
                world, shell = self._context.world, self._plan.sourcing.shell.name
                for text in traces.of_variables(candidate.variables, world.home, world.environment, shell):
                    note(text)
            return
        where = self._shown(candidate.place)
        if not self._plan.remove_plaintext:
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
        hooks.remove_plaintext(self._plan.plugin, candidate.place, candidate.fields, self._context.world.uid)
        note(f"removed the keys from {where}")
        if not self._is_quiet_removal:
            search = self._context.world.environment.get("PATH", "")
            for text in traces.of_file(self._plan.plugin, search, self._plan.executables):
                note(text)

    def _where(self, wrapped: Wrapped) -> str:
        home = surroundings.home(self._context.world)
        where = setup_scope.words(self._plan.scope, self._plan.place, home)
        return f"{where}, in place of “{wrapped.former}”" if wrapped.former else where

    def _shown(self, place: FilePlace) -> str:
        home = self._context.world.home.rstrip("/")
        text = phrase(place)
        return printable(text.replace(f"{home}/", "~/") if home else text, 300)


def installed(context: Context, executable: str) -> str:
    """The real path of the command on PATH, our own shims left out; empty if it is not there."""
    parts = context.world.environment.get("PATH", "").split(":")
    shims = str(context.world.directories.data / "shims")
    path = shutil.which(executable, path=":".join(part for part in parts if part.rstrip("/") != shims))
    return os.path.realpath(path) if path is not None else ""


def phrase(place: FilePlace) -> str:
    """A place in a file, for the middle of a sentence."""
    return f"profile “{place.profile}” in {place.path}"


def _told(change: FieldChange) -> str:
    label = printable(change.label)
    if change.former:
        return f"rename the field “{printable(change.former)}” to “{label}”"
    return f"add the field “{label}”"

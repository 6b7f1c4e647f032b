"""What `plugin init` does when every question is answered, or says that it would do.

Nothing is taken out of a file before the item was read back from the vault's own file.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from keyturn.agent import hooks, messages, requests, results
from keyturn.agent.requests import FieldChange
from keyturn.agent.results import ItemView
from keyturn.cli import aws_asking, filing, setup_scope, sourcing, surroundings, traces
from keyturn.cli.account import create_account
from keyturn.cli.context import Context
from keyturn.cli.output import note
from keyturn.cli.plaintext_restoring import keep_copy
from keyturn.cli.setup_plan import Chosen, KnownItem, Plan, Use
from keyturn.ground import files
from keyturn.ground.names import printable
from keyturn.items import TYPE_WORDS, ItemReference
from keyturn.scopes import defaults
from keyturn.scopes.defaults import Defaults, DefaultsFile
from keyturn.sdk import importers
from keyturn.sdk.importers import FilePlace
from keyturn.sdk.schema import Plugin
from keyturn.shells import launcher, path_search, plugins_sh

_KEYS = "the keys"


class Work:
    """The changes of one plan."""

    def __init__(self, context: Context, plan: Plan, *, is_quiet_removal: bool, verify: bool) -> None:
        """`is_quiet_removal`: who else reads the file was said before; `verify`: AWS is asked before that."""
        self._verify = verify
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
        for chosen in plan.chosen:
            self._describe(chosen)
        path = sourcing.shown(self._context, self._context.world.directories.plugins_sh)
        note(f"would wrap {', '.join(plan.executables)} in {path}")
        for chosen in plan.chosen:
            if (
                chosen.remove_plaintext
                and chosen.candidate is not None
                and chosen.candidate.place is not None
            ):
                place = chosen.candidate.place
                note(f"would take {what(chosen.plugin, place)} out of {self._shown(place)}")
        for file in plan.sourcing.files:
            note(f"would add “{plan.sourcing.line}” to {sourcing.shown(self._context, file)}")
        note("nothing was changed (--dry-run)")

    def _describe(self, chosen: Chosen) -> None:
        title = printable(chosen.title)
        if isinstance(chosen.item, KnownItem):
            for change in chosen.item.changes:
                note(f"would {_told(change)} of item “{title}”")
        else:
            vault = f" in vault “{printable(chosen.item.vault)}”" if chosen.item.vault else ""
            labels = ", ".join(chosen.candidate.fields) if chosen.candidate is not None else ""
            note(f"would make the item “{title}”{vault} with {labels}")
        for use in chosen.uses:
            note(f"{use.wrapped.executable} would use “{title}” {self._where(use)}")
        if chosen.profile:
            note(f"would bind it to profile “{printable(chosen.profile)}”")

    def carry_out(self) -> None:
        """Do it, in an order in which whatever fails leaves what was done before it usable."""
        plan = self._plan
        if plan.first_account is not None:
            first = plan.first_account
            create_account(
                self._context, first.title, None, first.vault, recovery=first.recovery, preset=first.preset
            )
        paths = {each.executable: installed(self._context, each.executable) for each in plan.wrapped}
        done: list[tuple[Chosen, ItemView]] = []
        for chosen in plan.chosen:
            view = self._item(chosen)
            self._record(chosen, view, paths)
            done.append((chosen, view))
        write_shell_files(self._context, plan.executables)
        for chosen, view in done:
            self._tell(chosen, view)
        self._tell_of_nearer()
        for name, path in paths.items():
            if path:
                note(f"{name} is {printable(path, 300)}")
            else:
                note(f"note: {name} is not installed, or not on PATH")
        for chosen, view in done:
            self._clear(chosen, _reference(view))
        sourcing.carry_out(self._context, plan.sourcing)

    def _item(self, chosen: Chosen) -> ItemView:
        """The item, made or mended where that is to be done."""
        if isinstance(chosen.item, KnownItem):
            view = chosen.item.view
            if not chosen.item.changes:
                return view
            edit = requests.EditItem(
                account=view.account,
                may_ask=self._context.may_ask,
                item=view.item.id,
                fields=list(chosen.item.changes),
            )
            return messages.convert(self._context.call(edit), ItemView)
        assert chosen.candidate is not None
        kinds = {kind: word for word, kind in TYPE_WORDS.items()}
        fields = [
            FieldChange(label=field.label, type=kinds[field.type], value=field.value)
            for field in importers.item_fields(chosen.candidate, chosen.plugin.credential)
        ]
        request = requests.CreateItem(
            account=self._context.account,
            may_ask=self._context.may_ask,
            title=chosen.item.title,
            fields=fields,
            vault=chosen.item.vault,
            tags=[chosen.plugin.tag],
        )
        return messages.convert(self._context.call(request), ItemView)

    def _account(self, account: str) -> str:
        """Which account it is, for the end of a sentence; empty where there is only one."""
        rows = messages.convert(self._context.agent.call(requests.ListAccounts()), list[results.AccountRow])
        titles = [row.title for row in rows if row.id == account]
        return f" of account “{printable(titles[0])}”" if len(rows) > 1 and titles else ""

    def _record(self, chosen: Chosen, view: ItemView, paths: Mapping[str, str]) -> None:
        """Make the item the defaults that it is to be, and bind it. `paths` of executables are trusted."""
        for use in chosen.uses:
            assert self._plan.where.scope is not None
            request = requests.SetDefault(
                account=view.account,
                may_ask=self._context.may_ask,
                executable=use.key,
                plugin=use.wrapped.plugin.name,
                reference=_reference(view),
                bind=chosen.profile,
                owner=chosen.plugin.owner,
                trust=paths[use.wrapped.executable],
                scope=self._plan.where.scope,
                place=self._plan.where.place,
                vault_title=view.vault_title,
            )
            self._context.call(request)
        if self._plan.where.scope is None:
            # No default of any scope, so nothing that the agent would have to tell sessions apart for.
            DefaultsFile(self._context.world.directories.defaults).change(
                lambda known: self._with_binding(known, chosen, view, paths)
            )

    def _with_binding(
        self, known: Defaults, chosen: Chosen, view: ItemView, paths: Mapping[str, str]
    ) -> Defaults:
        known = defaults.with_binding(known, chosen.plugin.owner, chosen.profile, _reference(view))
        known = defaults.with_vault_title(known, view.vault, view.vault_title)
        for wrapped in self._plan.wrapped:
            if paths[wrapped.executable]:
                known = defaults.with_trusted(known, wrapped.plugin.name, paths[wrapped.executable])
        return known

    def _tell(self, chosen: Chosen, view: ItemView) -> None:
        account = self._account(view.account)
        note(f"item “{printable(view.item.title)}” is in vault “{printable(view.vault_title)}”{account}")
        for use in chosen.uses:
            note(f"{use.wrapped.executable} uses it {self._where(use)}")
        if chosen.profile:
            who = self._plan.wrapped[0].executable
            note(
                f"bound to profile “{printable(chosen.profile)}”: {who} uses it where it is told that profile"
            )
        if not chosen.uses:
            note("it is nobody's default: --scope makes it one besides")

    def _tell_of_nearer(self) -> None:
        """Say so where another default beats the one that was just set."""
        around, where = surroundings.look(self._context.world), self._plan.where
        for use in (use for chosen in self._plan.chosen for use in chosen.uses):
            found = around.layers(use.key)
            here = [each for each in found if (each.scope, each.place) == (where.scope, where.place)]
            if here and found[0] != here[0]:
                source = found[0].source(surroundings.home(self._context.world))
                title = printable(found[0].item.title)
                note(f"note: here {use.wrapped.executable} uses “{title}”, {source}")

    def _clear(self, chosen: Chosen, reference: ItemReference) -> None:
        """What becomes of the place that the credential was imported from."""
        candidate = chosen.candidate
        if candidate is None:
            return
        if candidate.place is None:
            if candidate.variables:
                world, shell = self._context.world, self._plan.sourcing.shell.name
                for text in traces.of_variables(candidate.variables, world.home, world.environment, shell):
                    note(text)
            return
        where, gone = self._shown(candidate.place), what(chosen.plugin, candidate.place)
        if not chosen.remove_plaintext:
            note(f"{gone} {'are' if gone == _KEYS else 'is'} still in plaintext: {where}")
            return
        filing.check(self._context, reference, candidate.fields)
        if self._verify and chosen.plugin.owner == aws_asking.PLUGIN:
            aws_asking.check_before_removal(self._context, reference, where)
        path = candidate.place.path

        def keep(before: bytes, rest: bytes, status: os.stat_result) -> None:
            tools = [chosen.plugin.name]
            keep_copy(self._context, reference.account, path, status, before, rest, tools)

        uid = self._context.world.uid
        hooks.remove_plaintext(chosen.plugin, candidate.place, candidate.fields, uid, keep)
        note(f"removed {gone} from {where}")
        them = "them" if gone == _KEYS else "it"
        note(f"to put {them} back: keyturn plaintext restore {sourcing.shown(self._context, path)}")
        if not self._is_quiet_removal:
            search = self._context.world.environment.get("PATH", "")
            for text in traces.of_file(chosen.plugin, search, self._plan.executables):
                note(text)

    def _where(self, use: Use) -> str:
        assert self._plan.where.scope is not None
        home = surroundings.home(self._context.world)
        where = setup_scope.words(self._plan.where.scope, self._plan.where.place, home)
        return f"{where}, in place of “{use.former}”" if use.former else where

    def _shown(self, place: FilePlace) -> str:
        home = self._context.world.home.rstrip("/")
        text = phrase(place)
        return printable(text.replace(f"{home}/", "~/") if home else text, 300)


def write_shell_files(context: Context, executables: Sequence[str]) -> None:
    """Have plugins.sh wrap `executables` besides those that it wraps, and make what it runs."""
    directories, interpreter = context.world.directories, context.interpreter
    files.private_directory(directories.config, context.world.uid, mend=True)
    launcher.renew(directories, interpreter, create=True)
    command = launcher.command(directories, interpreter)
    plugins_sh.update(directories.plugins_sh, list(executables), command)


def installed(context: Context, executable: str) -> str:
    """The real path of the command on PATH, our own shims left out; empty if it is not there."""
    search = context.world.environment.get("PATH", "")
    path = path_search.find(executable, search, context.world.directories.shims)
    return os.path.realpath(path) if path else ""


def _reference(view: ItemView) -> ItemReference:
    return ItemReference(view.account, view.vault, view.item.id, view.item.title)


def phrase(place: FilePlace) -> str:
    """A place in a file, for the middle of a sentence."""
    return f"{place.word} “{place.profile}” in {place.path}" if place.word else str(place.path)


def what(plugin: Plugin, place: FilePlace) -> str:
    """What lies at a place, for the middle of a sentence."""
    if plugin.owner == aws_asking.PLUGIN:
        return _KEYS
    return f"the credential “{printable(place.profile, 60)}”" if place.profile else "the credential"


def _told(change: FieldChange) -> str:
    label = printable(change.label)
    if change.former:
        return f"rename the field “{printable(change.former)}” to “{label}”"
    return f"add the field “{label}”"

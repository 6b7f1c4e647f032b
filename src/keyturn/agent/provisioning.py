"""From an invocation and a selection to the last step of its plugin: items are opened as it asks for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from keyturn.agent import executables
from keyturn.agent.audit import Audit
from keyturn.agent.executables import Examined
from keyturn.agent.hooks import Hooks
from keyturn.agent.permission import Asker, Permission, Permissions
from keyturn.agent.questions import Purpose
from keyturn.agent.registry import Entry
from keyturn.agent.uses import Use
from keyturn.catalogue import loader
from keyturn.ground.errors import KeyturnError, MissingError, SessionEndedError, UnreachableError
from keyturn.ground.names import printable
from keyturn.ground.settings import Preset, Settings
from keyturn.items import ALWAYS_ASK, Item
from keyturn.scopes.defaults import DefaultsFile
from keyturn.sdk.relation import missing_field_error, missing_fields
from keyturn.sdk.run import Invocation, NeedItem, NeedWork, Provisioned, Selection
from keyturn.sdk.schema import Plugin

T = TypeVar("T")

# Configuration files and executables may lie on a network file system that does not answer.
DISK_SECONDS = 5.0


@dataclass(frozen=True)
class Decided:
    """The last step, and for what the item that was opened last was used; None if there was none."""

    step: NeedWork | Provisioned
    purpose: Purpose | None


class Provisioning:
    """Asks for permissions, opens items, and writes both into the audit log."""

    def __init__(
        self, permissions: Permissions, defaults_file: DefaultsFile, hooks: Hooks, audit: Audit
    ) -> None:
        self._permissions = permissions
        self._defaults = defaults_file
        self._hooks = hooks
        self._audit = audit

    async def decide(
        self,
        asker: Asker,
        plugin: Plugin,
        invocation: Invocation,
        selection: Selection,
        settings: Settings,
        *,
        account: str = "",
        is_run: bool = True,
    ) -> Decided:
        """Everything but the work. Without `is_run` nothing is given to the executable: the plan is wanted.

        `account` is the one that the caller names, for what is in no item.

        Raises KeyturnError, in the audit log where it is about an item.
        """
        provision, known = self._hooks.provision_all(plugin, selection.others), self._defaults.read()
        trusted = frozenset(known.trusted.get(plugin.name, ()))
        opened: dict[str, Item] = {}

        def decide() -> tuple[NeedItem | NeedWork | Provisioned, Examined | None]:
            """Touches configuration files and, if there is something to give, the executable."""
            step = provision(invocation, selection, opened)
            is_of_account = isinstance(step, NeedWork) and bool(step.account) and not opened
            is_given = is_run and not invocation.asked_by
            if not is_given or not (isinstance(step, NeedItem) or is_of_account):
                return step, None
            path, directory = invocation.path, invocation.directory
            directories = settings.executables.trusted_directories
            return step, executables.examine(plugin.name, path, directory, trusted, directories)

        step, examined = await off_the_loop(decide)
        purpose = None
        while isinstance(step, NeedItem):
            if step.item.value.item in opened:
                raise RuntimeError(f"plugin {plugin.name} asks for the same item twice")

            def open_and_decide(
                permission: Permission, needed: NeedItem = step
            ) -> tuple[NeedItem | NeedWork | Provisioned, Examined | None]:
                item = _item(permission, invocation.executable, needed)
                for whose, words in _credentials(plugin, selection, needed, invocation.executable):
                    for definition in missing_fields(item, whose):
                        raise missing_field_error(item, definition, words)
                opened[needed.item.value.item] = item
                return decide()

            entry, purpose = self._purpose(plugin, invocation, step, examined, settings)
            how = ""
            try:
                permission = await self._permissions.obtain(asker, entry, purpose, settings)
                try:
                    await permission.unlocked.fetch(step.item.value.item)
                except SessionEndedError:
                    # Opened anew, with its person's help, before the command hears of it.
                    self._permissions.accounts.drop(entry.id)
                    permission = await self._permissions.obtain(asker, entry, purpose, settings)
                    await permission.unlocked.fetch(step.item.value.item)
                how = permission.how
                following = await off_the_loop(partial(open_and_decide, permission))
                if ALWAYS_ASK in opened[step.item.value.item].tags:
                    await self._permissions.obtain_anew(asker, entry, purpose)
            except KeyturnError as error:
                self._audit.write(asker.caller, purpose, error, how)
                raise
            self._audit.write(asker.caller, purpose, None, how)
            step, examined = following
        if purpose is None and is_run and isinstance(step, NeedWork) and step.account:
            entry = self._permissions.choose(account, asker.caller)
            purpose = self._of_account(plugin, invocation, entry, step.account, examined, settings)
            how = ""
            try:
                how = (await self._permissions.obtain(asker, entry, purpose, settings)).how
            except KeyturnError as error:
                self._audit.write(asker.caller, purpose, error, how)
                raise
            self._audit.write(asker.caller, purpose, None, how)
        return Decided(step, purpose)

    def _of_account(
        self,
        plugin: Plugin,
        invocation: Invocation,
        entry: Entry,
        what: str,
        examined: Examined | None,
        settings: Settings,
    ) -> Purpose:
        """For the use of something of an account that is no item."""
        called = f"{what} of account “{printable(entry.title)}”"
        command = invocation.asked_by or invocation.executable
        lines = [f"{command} wants to use {called} ({plugin.platform})"]
        if invocation.directory:
            lines.append(f"in {printable(invocation.directory)}")
        return _with_program(plugin, lines, Use(entry.id, what), what, invocation, examined, settings)

    def _purpose(
        self,
        plugin: Plugin,
        invocation: Invocation,
        step: NeedItem,
        examined: Examined | None,
        settings: Settings,
    ) -> tuple[Entry, Purpose]:
        item = step.item.value
        title = printable(item.title)
        entry = self._permissions.entry(item.account, title)
        command = invocation.asked_by or invocation.executable
        is_use = examined is not None or invocation.asked_by
        wants = "wants to use" if is_use else "is to be explained, which reads"
        lines = [f"{command} {wants} “{title}” ({plugin.platform}, {step.item.source})"]
        if invocation.directory:
            lines.append(f"in {printable(invocation.directory)}")
        if not is_use:
            use = Use(entry.id, item.item, None, invocation.directory)
            return entry, Purpose(tuple(lines), use, f"keyturn {plugin.name} explain", step.item.source)
        use, source = Use(entry.id, item.item), step.item.source
        return entry, _with_program(plugin, lines, use, source, invocation, examined, settings)


def _with_program(
    plugin: Plugin,
    lines: list[str],
    use: Use,
    source: str,
    invocation: Invocation,
    examined: Examined | None,
    settings: Settings,
) -> Purpose:
    """The purpose of a use through the executable that was looked at; its path is named where it matters."""
    command = invocation.asked_by or invocation.executable
    if examined is None:
        use = replace(use, directory=invocation.directory, handed_on=plugin.owner)
        return Purpose(tuple(lines), use, command, source)
    path = printable(examined.program.path, 300)
    if examined.doubt:
        lines.append(f"program: {path} – {examined.doubt}")
    elif settings.approval.preset is Preset.STRICT:
        lines.append(f"program: {path}")
    through = replace(use, program=examined.program, directory=invocation.directory, doubt=examined.doubt)
    return Purpose(tuple(lines), through, command, source)


def _credentials(
    plugin: Plugin, selection: Selection, needed: NeedItem, executable: str
) -> list[tuple[Plugin, str]]:
    """The plugins whose credentials the item has to hold, each with what `plugin init` calls it."""
    item = needed.item.value.item
    others = [name for name, chosen in selection.others.items() if chosen.value.item == item]
    found = [(loader.load(name), f"{executable} --credential {name}") for name in others]
    own = selection.selected
    is_own = not found or (own is not None and own.value.item == item)
    return [*([(plugin, executable)] if is_own else []), *found]


def _item(permission: Permission, executable: str, step: NeedItem) -> Item:
    """Open the item. AgeAccount is safe for several threads; what is in memory is not read again."""
    title = printable(step.item.value.title)
    try:
        return permission.unlocked.backend.get(step.item.value.item)[0]
    except MissingError as error:
        raise MissingError(
            f"the item “{title}” ({step.item.source}) is not in the account any more",
            *error.hints,
            f"choose another: keyturn plugin init {executable}",
        ) from None


async def off_the_loop(work: Callable[[], T]) -> T:
    """Do what touches the disk. Raises UnreachableError for a disk that does not answer."""
    try:
        async with asyncio.timeout(DISK_SECONDS):
            return await asyncio.to_thread(work)
    except TimeoutError:
        raise UnreachableError(
            "a configuration file or the executable cannot be read: the disk does not answer"
        ) from None

"""One wrapped command: Invocation → Selection → Permission → fields → Provisioned."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar

from keyturn.agent import executables, overrides
from keyturn.agent.audit import Audit
from keyturn.agent.callers import Caller
from keyturn.agent.executables import Examined
from keyturn.agent.hooks import Hooks
from keyturn.agent.permission import Asker, Permission, Permissions
from keyturn.agent.questions import Purpose
from keyturn.agent.registry import Entry
from keyturn.agent.uses import Use
from keyturn.catalogue import loader
from keyturn.ground.errors import KeyturnError, MissingError, UnreachableError, UsageError
from keyturn.ground.names import printable
from keyturn.ground.resolution import Resolution
from keyturn.ground.settings import Preset, Settings
from keyturn.ground.wire import Go, RunRequest
from keyturn.items import ALWAYS_ASK, Item, ItemReference
from keyturn.processes import identity
from keyturn.scopes import defaults, layers
from keyturn.scopes.defaults import DefaultsFile
from keyturn.scopes.sessions import SessionDefaults
from keyturn.sdk.relation import missing_field_error, missing_fields
from keyturn.sdk.run import Invocation, NeedItem, Provisioned, Selection
from keyturn.sdk.schema import Plugin

T = TypeVar("T")

# Configuration files and executables may lie on a network file system that does not answer.
DISK_SECONDS = 5.0


class Runner:
    """Answers launchers."""

    def __init__(
        self,
        permissions: Permissions,
        defaults_file: DefaultsFile,
        sessions: SessionDefaults,
        hooks: Hooks,
        audit: Audit,
    ) -> None:
        self._permissions = permissions
        self._audit = audit
        self._defaults = defaults_file
        self._sessions = sessions
        self._hooks = hooks

    async def run(self, asker: Asker, request: RunRequest, settings: Settings) -> Go:
        """What the command gets. Raises KeyturnError, with the launcher's exit status, if it may not run."""
        executable = os.path.basename(request.name).decode("utf-8", "replace")
        plugin = loader.find_by_executable(executable)
        if plugin is None:
            raise UsageError(f"no plugin wraps {printable(executable)}", "call the command itself")
        if not needs_authentication(plugin, executable, request.arguments):
            return Go([], [], [], request.arguments)
        directory = identity.directory(asker.caller.pid) or ""
        invocation = Invocation(
            executable=executable,
            # `./bin/aws` is the caller's, not one of the agent's own directory.
            path=os.path.join(os.fsencode(directory), request.path),
            arguments=tuple(request.arguments),
            environment=_kept(plugin, request.environment),
            directory=directory,
        )
        item, account = overrides.wanted(request.environment)
        override = None
        if item:
            override = await overrides.named(
                self._permissions, self._audit, asker, executable, item, account, settings
            )
        selection = self._selection(asker.caller, plugin, invocation, override)
        provisioned = await self._provision(asker, plugin, invocation, selection, settings)
        if not asker.caller.is_alive():
            raise UnreachableError("the caller is gone")
        return _answer(provisioned, [overrides.ITEM.encode()] if override is not None else [])

    def _selection(
        self,
        caller: Caller,
        plugin: Plugin,
        invocation: Invocation,
        override: Resolution[ItemReference] | None,
    ) -> Selection:
        """The item that the scopes give; one that is named for this call beats them, and bound names too."""
        if override is not None:
            return Selection(override)
        known = self._defaults.read()
        terminal = caller.terminal
        if terminal is None and self._sessions.may_hold_any():
            # Looks at each ancestor.
            terminal = identity.nearest_terminal_session(caller.process)
        session, place = self._sessions.read(terminal), identity.place(caller.pid)
        return Selection(
            layers.selected(known, session, invocation.executable, place), defaults.bound(known, plugin.owner)
        )

    async def _provision(
        self,
        asker: Asker,
        plugin: Plugin,
        invocation: Invocation,
        selection: Selection,
        settings: Settings,
    ) -> Provisioned:
        provision, known = self._hooks.provision(plugin), self._defaults.read()
        trusted = frozenset(known.trusted.get(plugin.name, ()))
        opened: dict[str, Item] = {}

        def decide() -> tuple[NeedItem | Provisioned, Examined | None]:
            """Touches configuration files and, if there is something to give, the executable."""
            step = provision(invocation, selection, opened)
            if isinstance(step, Provisioned):
                return step, None
            path, directory = invocation.path, invocation.directory
            directories = settings.executables.trusted_directories
            return step, executables.examine(plugin.name, path, directory, trusted, directories)

        step, examined = await _off_the_loop(decide)
        while isinstance(step, NeedItem):
            assert examined is not None
            if step.item.value.item in opened:
                raise RuntimeError(f"plugin {plugin.name} asks for the same item twice")

            def open_and_decide(
                permission: Permission, needed: NeedItem = step
            ) -> tuple[NeedItem | Provisioned, Examined | None]:
                item = _item(permission, plugin, needed)
                for definition in missing_fields(item, plugin):
                    raise missing_field_error(item, definition, invocation.executable)
                opened[needed.item.value.item] = item
                return decide()

            entry, purpose = self._purpose(plugin, invocation, step, examined, settings)
            how = ""
            try:
                permission = await self._permissions.obtain(asker, entry, purpose, settings)
                how = permission.how
                following = await _off_the_loop(partial(open_and_decide, permission))
                if ALWAYS_ASK in opened[step.item.value.item].tags:
                    await self._permissions.obtain_anew(asker, entry, purpose)
            except KeyturnError as error:
                self._audit.write(asker.caller, purpose, error, how)
                raise
            self._audit.write(asker.caller, purpose, None, how)
            step, examined = following
        return step

    def _purpose(
        self,
        plugin: Plugin,
        invocation: Invocation,
        step: NeedItem,
        examined: Examined,
        settings: Settings,
    ) -> tuple[Entry, Purpose]:
        item = step.item.value
        title = printable(item.title)
        entry = self._permissions.entry(item.account, title)
        lines = [
            f"{invocation.executable} wants to use “{title}” ({plugin.platform}, {step.item.source})",
        ]
        if invocation.directory:
            lines.append(f"in {printable(invocation.directory)}")
        path = printable(examined.program.path, 300)
        if examined.doubt:
            lines.append(f"program: {path} – {examined.doubt}")
        elif settings.approval.preset is Preset.STRICT:
            lines.append(f"program: {path}")
        use = Use(entry.id, item.item, examined.program, invocation.directory, examined.doubt)
        return entry, Purpose(tuple(lines), use, invocation.executable, step.item.source)


def needs_authentication(plugin: Plugin, executable: str, arguments: list[bytes]) -> bool:
    """Whether a call needs credentials, by the plugin's rules; one that no rule speaks of does."""
    rules = plugin.executable(executable)
    return rules is None or rules.needs_authentication(arguments)


def _item(permission: Permission, plugin: Plugin, step: NeedItem) -> Item:
    """Open the item. AgeAccount is safe for several threads; what is in memory is not read again."""
    title = printable(step.item.value.title)
    try:
        return permission.unlocked.backend.get(step.item.value.item)[0]
    except MissingError:
        raise MissingError(
            f"the item “{title}” ({step.item.source}) is not in the account any more",
            f"choose another: keyturn plugin init {plugin.name}",
        ) from None


async def _off_the_loop(work: Callable[[], T]) -> T:
    try:
        async with asyncio.timeout(DISK_SECONDS):
            return await asyncio.to_thread(work)
    except TimeoutError:
        raise UnreachableError(
            "a configuration file or the executable cannot be read: the disk does not answer"
        ) from None


def _kept(plugin: Plugin, environment: list[bytes]) -> Mapping[bytes, bytes]:
    """The variables that the plugin declares; everything else of the caller's environment is dropped here."""
    pairs = (entry.partition(b"=") for entry in environment)
    return {name: value for name, _, value in pairs if plugin.reads_variable(name)}


def _answer(provisioned: Provisioned, more_to_remove: list[bytes]) -> Go:
    return Go(
        notes=[f"keyturn: {note}".encode("utf-8", "replace") for note in provisioned.notes],
        remove=[*(name.encode() for name in provisioned.remove), *more_to_remove],
        assign=[(name.encode(), value) for name, value in provisioned.assign.items()],
        arguments=list(provisioned.arguments),
    )

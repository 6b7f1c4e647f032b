"""One wrapped command: Invocation → Selection → Permission → fields → Provisioned."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from keyturn.agent import overrides
from keyturn.agent.audit import Audit
from keyturn.agent.callers import Caller
from keyturn.agent.permission import Asker, Permissions
from keyturn.agent.provisioned_files import ProvisionedFiles
from keyturn.agent.provisioning import Decided, Provisioning, off_the_loop
from keyturn.agent.questions import Purpose
from keyturn.agent.told import Told
from keyturn.agent.uses import Use
from keyturn.agent.working import CallersSide, Tellers
from keyturn.catalogue import loader, unlisted
from keyturn.ground.errors import NoDefaultError, UnreachableError, UsageError
from keyturn.ground.names import printable
from keyturn.ground.settings import Settings
from keyturn.ground.wire import Go, RunRequest
from keyturn.processes import identity
from keyturn.scopes import defaults, layers
from keyturn.scopes.defaults import DefaultsFile
from keyturn.scopes.sessions import SessionDefaults
from keyturn.sdk import environments
from keyturn.sdk.provisioners import complete
from keyturn.sdk.run import Invocation, NeedWork, Provisioned, Selection
from keyturn.sdk.schema import Plugin


@dataclass(frozen=True)
class Explanation:
    """What a call would do, a line each, and what else its person should know."""

    lines: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Provided:
    """What a command gets, and lines for its person."""

    provisioned: Provisioned
    notes: tuple[str, ...]


class Runner:
    """Answers launchers, and explains what it would answer."""

    def __init__(
        self,
        permissions: Permissions,
        defaults_file: DefaultsFile,
        sessions: SessionDefaults,
        provisioning: Provisioning,
        files: ProvisionedFiles,
        audit: Audit,
        told: Told,
    ) -> None:
        self._permissions = permissions
        self._audit = audit
        self._defaults = defaults_file
        self._sessions = sessions
        self._provisioning = provisioning
        self._files = files
        self._told = told
        self._tellers = Tellers()

    async def run(self, asker: Asker, request: RunRequest, settings: Settings) -> Go:
        """What the command gets. Raises KeyturnError, with the launcher's exit status, if it may not run."""
        plugin, invocation, named = _invocation(asker.caller, request)
        # For this call alone: what the command starts in turn has plugins of its own.
        hidden = [unlisted.VARIABLE] if named else []
        if not needs_authentication(plugin, invocation.executable, request.arguments):
            return Go([], [name.encode() for name in hidden], [], request.arguments, [])
        invocation = replace(invocation, private=self._files.reserve(asker.caller))
        selection, is_override = await self._selection(asker, plugin, invocation, request, settings)
        hidden += [overrides.ITEM] * is_override
        _, account = overrides.wanted(request.environment)
        try:
            decided = await self._provisioning.decide(
                asker, plugin, invocation, selection, settings, account=account
            )
        except NoDefaultError as error:
            raise _of_plugin(error, plugin, named) from None
        done = await self._carry_out(asker, decided, invocation)
        provisioned = done.provisioned
        held = await self._files.provide(asker.caller, invocation, provisioned.files, settings)
        return Go(
            notes=[f"keyturn: {note}".encode("utf-8", "replace") for note in done.notes],
            remove=[name.encode() for name in (*provisioned.remove, *hidden)],
            assign=[(name.encode(), value) for name, value in provisioned.assign.items()],
            arguments=list(complete(provisioned, plugin, invocation.executable).arguments),
            held=[os.fsencode(path) for path in held],
        )

    async def provide(
        self, asker: Asker, request: RunRequest, settings: Settings, verb: str, surroundings: str
    ) -> Provided:
        """What the command in `request` would get, for a command of Keyturn's own, `verb`, to hand on.

        `surroundings` tells its caller's environment from others'. Raises as `run` does.
        """
        plugin, invocation, _ = _invocation(asker.caller, request, verb, [surroundings.encode()])
        selection, _ = await self._selection(asker, plugin, invocation, request, settings)
        _, account = overrides.wanted(request.environment)
        decided = await self._provisioning.decide(
            asker, plugin, invocation, selection, settings, account=account
        )
        return await self._carry_out(asker, decided, invocation)

    async def _carry_out(self, asker: Asker, decided: Decided, invocation: Invocation) -> Provided:
        """Do what is left to do, and gather what the caller's person is to hear."""
        provisioned = decided.step
        if isinstance(provisioned, NeedWork):
            command = invocation.asked_by or invocation.executable
            purpose = decided.purpose or Purpose((), Use(""), command)
            side = CallersSide(asker, self._permissions, self._tellers, purpose)
            provisioned = await provisioned.do(side)
        notes = list(provisioned.notes)
        if provisioned.news:
            notes += await off_the_loop(partial(self._told.new, provisioned.news))
        if not asker.caller.is_alive():
            raise UnreachableError("the caller is gone")
        return Provided(provisioned, tuple(notes))

    async def explain(self, asker: Asker, request: RunRequest, settings: Settings) -> Explanation:
        """What `run` would do and why, without doing it. Raises as `run` does."""
        plugin, invocation, named = _invocation(asker.caller, request)
        rule = "" if named else loader.why(invocation.executable, request.arguments)
        if not needs_authentication(plugin, invocation.executable, request.arguments):
            words = f"{invocation.executable} needs no credentials for this: it runs as it is"
            return Explanation((f"{words} ({rule})" if rule else words,))
        selection, _ = await self._selection(asker, plugin, invocation, request, settings)
        decided = await self._provisioning.decide(
            asker, plugin, invocation, selection, settings, is_run=False
        )
        ruled = (f"it needs credentials: {rule}",) if rule else ()
        if isinstance(decided.step, NeedWork):
            return Explanation((*ruled, *decided.step.plan), decided.step.notes)
        notes = (*decided.step.notes, *decided.step.news.values())
        return Explanation((*ruled, *decided.step.reasons), notes)

    async def _selection(
        self, asker: Asker, plugin: Plugin, invocation: Invocation, request: RunRequest, settings: Settings
    ) -> tuple[Selection, bool]:
        """The item that the scopes give; one that is named for this call beats them, and bound names too.

        The second value says whether one is.
        """
        item, account = overrides.wanted(request.environment)
        if item:
            named = await overrides.named(
                self._permissions, self._audit, asker, invocation.executable, item, account, settings
            )
            return Selection(named), True
        known, caller = self._defaults.read(), asker.caller
        terminal = caller.terminal
        if terminal is None and self._sessions.may_hold_any():
            # Looks at each ancestor.
            terminal = identity.nearest_terminal_session(caller.process)
        session, place = self._sessions.read(terminal), identity.place(caller.pid)
        bound = defaults.bound(known, plugin.owner)
        executable = plugin.executable(invocation.executable)
        if executable is None or not executable.any_credential:
            names = _names(plugin, invocation.executable)
            each = (layers.selected(known, session, name, place) for name in names)
            return Selection(next(filter(None, each), None), bound), False
        found = layers.selected_all(known, session, invocation.executable, place)
        return Selection(found.pop("", None), bound, found), False


def _names(plugin: Plugin, executable: str) -> list[str]:
    """The commands whose defaults a call takes: its own, or for a program that the plugin does not wrap all
    that it does, in the order of its file."""
    if loader.load(plugin.name).executable(executable) is not None:
        return [executable]
    return [each.runs for each in plugin.executables]


def _of_plugin(error: NoDefaultError, plugin: Plugin, named: str) -> NoDefaultError:
    """The error with a hint that helps: a program that no plugin knows is not set up, but its plugin is."""
    if not named:
        return error
    return NoDefaultError(error.message, f"choose one: keyturn plugin init {plugin.executables[0].runs}")


def _invocation(
    caller: Caller, request: RunRequest, asked_by: str = "", environment: list[bytes] | None = None
) -> tuple[Plugin, Invocation, str]:
    """The call with its plugin, and the name of that if the caller has named it.

    `environment` tells the caller's from others', if it is not the request's. Raises UsageError if no plugin
    wraps it, or none is called so.
    """
    program = os.path.basename(request.name).decode("utf-8", "replace")
    named = overrides.plugin(request.environment)
    plugin, executable = unlisted.find(program, named)
    if plugin is None:
        raise UsageError(
            f"no plugin wraps {printable(executable)}",
            "call the command itself, or with a plugin's credential: keyturn plugin run --plugin NAME",
        )
    directory = identity.directory(caller.pid) or ""
    call = Invocation(
        executable=executable,
        # `./bin/aws` is the caller's, not one of the agent's own directory.
        path=os.path.join(os.fsencode(directory), request.path),
        arguments=tuple(request.arguments),
        environment=_kept(plugin, request.environment),
        directory=directory,
        surroundings=_surroundings(caller, environment or request.environment, directory),
        asked_by=asked_by,
    )
    return plugin, call, named


def _surroundings(caller: Caller, environment: list[bytes], directory: str) -> str:
    """What tells the caller's environment, directory and session from others', and nothing of them."""
    session = caller.terminal or (caller.process.session if caller.process is not None else caller.pid)
    told = repr((session, directory, environments.digest(environment)))
    return hashlib.sha256(told.encode("utf-8", "surrogateescape")).hexdigest()


def needs_authentication(plugin: Plugin, executable: str, arguments: list[bytes]) -> bool:
    """Whether a call needs credentials, by the plugin's rules; one that no rule speaks of does."""
    rules = plugin.executable(executable)
    return rules is None or rules.needs_authentication(arguments)


def _kept(plugin: Plugin, environment: list[bytes]) -> Mapping[bytes, bytes]:
    """The variables that the plugin declares; everything else of the caller's environment is dropped here."""
    pairs = (entry.partition(b"=") for entry in environment)
    return {name: value for name, _, value in pairs if plugin.reads_variable(name)}

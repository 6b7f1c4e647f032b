"""Where the item that `plugin init` chooses is to be the default, and which one was until now."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from keyturn.cli import choosing, surroundings
from keyturn.cli.context import Context
from keyturn.cli.setup_plan import Choices, Where
from keyturn.ground.errors import KeyturnError, UsageError
from keyturn.ground.names import printable
from keyturn.scopes import layers, places
from keyturn.scopes.defaults import Defaults, DefaultsFile
from keyturn.scopes.layers import Scope
from keyturn.scopes.sessions import SessionDefaults

PROFILE = "for an AWS profile only"


class ScopeQuestion:
    """The scope, or a profile, by flags, else by choice; without both it is the global one."""

    def __init__(self, context: Context, choices: Choices) -> None:
        """Raises UsageError for flags that cannot be meant here."""
        self._context = context
        self._choices = choices
        self._given = _given(choices)

    @cached_property
    def _known(self) -> Defaults:
        return DefaultsFile(self._context.world.directories.defaults).read()

    def answer(self, executable: str, keys: Sequence[str], profiles: Sequence[str]) -> Where:
        """Where the items are used that are to stand under `keys`; `profiles` are offered too."""
        if self._given is not None:
            return self._given
        everywhere = Where(Scope.GLOBAL)
        if not self._context.may_ask:
            return everywhere
        offered = [("as the global default everywhere", everywhere)]
        try:
            place = places.written(places.resolved("."))
            shown = layers.shown(place, surroundings.home(self._context.world))
            offered.append(
                (f"automatically in {printable(shown, 200)} and below", Where(Scope.DIRECTORY, place))
            )
        except UsageError:
            # The working directory was deleted: nothing could be below it.
            pass
        if surroundings.terminal_session() is not None:
            offered.append(("for this terminal session only", Where(Scope.SESSION)))
        lines = [(self._line(text, where, keys), where) for text, where in offered]
        if profiles:
            one = f"for the AWS profile “{printable(profiles[0])}” only" if len(profiles) == 1 else PROFILE
            lines.append((one, Where(None, profile=profiles[0])))
        if len(lines) == 1:
            return everywhere
        chosen = choosing.choose(self._context.terminal, f"where is {executable} to use it?", lines)
        if chosen.scope is None and len(profiles) > 1:
            named = [(printable(name), Where(None, profile=name)) for name in profiles]
            return choosing.choose(self._context.terminal, "for which profile?", named, filterable=True)
        return chosen

    def _line(self, text: str, where: Where, keys: Sequence[str]) -> str:
        formers = [self.former(key, where.scope, where.place) for key in keys if where.scope is not None]
        titles = " and ".join(f"“{former}”" for former in formers if former)
        return f"{text} (in place of {titles})" if titles else text

    def former(self, key: str, scope: Scope, place: str) -> str:
        """The title of the default that this scope has now under `key`; empty for none."""
        if scope is Scope.GLOBAL:
            found = self._known.everywhere.get(key)
        elif scope is Scope.DIRECTORY:
            found = self._known.directories.get(place, {}).get(key)
        else:
            sessions = SessionDefaults(self._context.world.directories.sessions, self._context.world.uid)
            try:
                found = sessions.read(surroundings.terminal_session()).get(key)
            except KeyturnError:
                # The agent says what is the matter if it is this scope that is chosen.
                found = None
        return printable(found.title) if found is not None else ""


def words(scope: Scope, place: str, home: str) -> str:
    """Where an item is used, for the end of a sentence."""
    if scope is Scope.SESSION:
        return "in this terminal session"
    if scope is Scope.DIRECTORY:
        return f"in {printable(layers.shown(place, home), 300)} and below"
    return "everywhere (the global default)"


def _given(choices: Choices) -> Where | None:
    """What the flags ask for; None if they ask for nothing. Raises UsageError."""
    profile = choices.profile or ""
    if choices.scope is None and choices.directory is None:
        return None if choices.profile is None else Where(None, profile=profile)
    scope = Scope(choices.scope or Scope.DIRECTORY)
    if scope is Scope.DIRECTORY:
        return Where(scope, places.written(places.resolved(choices.directory or ".")), profile)
    if choices.directory is not None:
        raise UsageError(f"--directory does not go with --scope {scope}", "give one of the two")
    if scope is Scope.SESSION and surroundings.terminal_session() is None:
        raise UsageError(
            "there is no terminal session here that a default could be for",
            "in a terminal it is for that one; else choose --scope directory or --scope global",
        )
    return Where(scope, profile=profile)

"""Where the item that `plugin init` chooses is to be the default, and which one was until now."""

from __future__ import annotations

from functools import cached_property

from keyturn.cli import choosing, surroundings
from keyturn.cli.context import Context
from keyturn.cli.setup_plan import Choices
from keyturn.ground.errors import KeyturnError, UsageError
from keyturn.ground.names import printable
from keyturn.scopes import layers, places
from keyturn.scopes.defaults import Defaults, DefaultsFile
from keyturn.scopes.layers import Scope
from keyturn.scopes.sessions import SessionDefaults


class ScopeQuestion:
    """The scope by flags, else by choice; without both it is the global one."""

    def __init__(self, context: Context, choices: Choices) -> None:
        """Raises UsageError for flags that cannot be meant here."""
        self._context = context
        self._choices = choices
        self._given = _given(choices)

    @cached_property
    def _known(self) -> Defaults:
        return DefaultsFile(self._context.world.directories.defaults).read()

    def answer(self, executable: str) -> tuple[Scope, str]:
        """The scope, and for a directory's the place."""
        if self._given is not None:
            return self._given
        everywhere: tuple[Scope, str] = (Scope.GLOBAL, "")
        if not self._context.may_ask:
            return everywhere
        offered: list[tuple[str, tuple[Scope, str]]] = [("as the global default everywhere", everywhere)]
        try:
            place = places.written(places.resolved("."))
            shown = layers.shown(place, surroundings.home(self._context.world))
            offered.append((f"automatically in {printable(shown, 200)} and below", (Scope.DIRECTORY, place)))
        except UsageError:
            # The working directory was deleted: nothing could be below it.
            pass
        if surroundings.terminal_session() is not None:
            offered.append(("for this terminal session only", (Scope.SESSION, "")))
        if len(offered) == 1:
            return everywhere
        lines = []
        for text, (scope, place) in offered:
            former = self.former(executable, scope, place)
            lines.append((f"{text} (in place of “{former}”)" if former else text, (scope, place)))
        return choosing.choose(self._context.terminal, f"where is {executable} to use it?", lines)

    def former(self, executable: str, scope: Scope, place: str) -> str:
        """The title of the default that this scope has now; empty for none."""
        if scope is Scope.GLOBAL:
            found = self._known.everywhere.get(executable)
        elif scope is Scope.DIRECTORY:
            found = self._known.directories.get(place, {}).get(executable)
        else:
            sessions = SessionDefaults(self._context.world.directories.sessions, self._context.world.uid)
            try:
                found = sessions.read(surroundings.terminal_session()).get(executable)
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


def _given(choices: Choices) -> tuple[Scope, str] | None:
    """The scope that the flags ask for; None if they ask for none. Raises UsageError."""
    if choices.scope is None and choices.directory is None:
        return None
    scope = Scope(choices.scope or Scope.DIRECTORY)
    if scope is Scope.DIRECTORY:
        return scope, places.written(places.resolved(choices.directory or "."))
    if choices.directory is not None:
        raise UsageError(f"--directory does not go with --scope {scope}", "give one of the two")
    if scope is Scope.SESSION and surroundings.terminal_session() is None:
        raise UsageError(
            "there is no terminal session here that a default could be for",
            "in a terminal it is for that one; else choose --scope directory or --scope global",
        )
    return scope, ""

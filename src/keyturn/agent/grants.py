"""Grants: time-boxed permission for programs without a terminal, given by a person at one."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from keyturn.agent.uses import Program, Use
from keyturn.ground.clock import Clock
from keyturn.ground.paths import is_below
from keyturn.processes import identity
from keyturn.processes.facts import Process

# What `signin --password-file` gives to the calling script.
SCRIPT_SECONDS = 3600.0


@dataclass
class Grant:
    """Who comes under it may use one account until `ends` (boot-time seconds).

    `plugin` and `below` (a directory and all in it) narrow what; `root` (pid, start) narrows who, to a
    process and its descendants. Without a root it is for every process of the user that has no terminal.
    """

    id: str
    account: str
    ends: float
    plugin: str = ""
    below: str = ""
    root: tuple[int, int] | None = None
    programs: set[Program] = field(default_factory=set)

    def covers(self, use: Use, family: list[Process], *, has_terminal: bool) -> bool:
        """Whether it is for this use by the first of `family`, whose ancestors the others are."""
        if use.account != self.account or self.plugin not in ("", use.plugin):
            return False
        if self.below and not (use.directory and is_below(use.directory, self.below)):
            return False
        if self.root is not None:
            return any((each.pid, each.start) == self.root for each in family)
        return bool(family) and not has_terminal


class Grants:
    """All grants of one keeper."""

    def __init__(self, clock: Clock, read: Callable[[int], Process | None] = identity.read) -> None:
        self._clock = clock
        self._read = read
        self._grants: list[Grant] = []
        self._numbers = itertools.count(1)

    def give(
        self,
        account: str,
        seconds: float,
        *,
        plugin: str = "",
        below: str = "",
        root: tuple[int, int] | None = None,
    ) -> Grant:
        """A new grant, in the place of one for just the same."""
        grant = Grant(str(next(self._numbers)), account, self._clock.boot() + seconds, plugin, below, root)
        same = (account, plugin, below, root)
        self._keep(
            each for each in self._grants if (each.account, each.plugin, each.below, each.root) != same
        )
        self._grants.append(grant)
        return grant

    def find(self, use: Use, family: list[Process], *, has_terminal: bool) -> Grant | None:
        """A grant that holds now for this use by the first of `family`."""
        now = self._clock.boot()
        for grant in self._grants:
            if grant.ends > now and grant.covers(use, family, has_terminal=has_terminal):
                return grant
        return None

    def listed(self) -> list[tuple[Grant, float]]:
        """The grants that hold now, with the seconds left."""
        now = self._clock.boot()
        self._keep(grant for grant in self._grants if grant.ends > now and self._is_there(grant))
        return [(grant, grant.ends - now) for grant in self._grants]

    def revoke(self, number: str) -> bool:
        """End one. False if there is none of this number."""
        before = len(self._grants)
        self._keep(grant for grant in self._grants if grant.id != number)
        return len(self._grants) < before

    def end_all(self) -> None:
        self._grants.clear()

    def end_account(self, account: str) -> None:
        self._keep(grant for grant in self._grants if grant.account != account)

    def _keep(self, grants: Iterable[Grant]) -> None:
        self._grants = list(grants)

    def _is_there(self, grant: Grant) -> bool:
        if grant.root is None:
            return True
        root = self._read(grant.root[0])
        return root is not None and root.start == grant.root[1]

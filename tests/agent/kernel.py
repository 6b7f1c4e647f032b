"""A made-up process table: who descends from whom, in which session and terminal; pids are given again."""

from __future__ import annotations

from dataclasses import dataclass, field

from keyturn.agent.callers import Caller
from keyturn.processes import identity
from keyturn.processes.facts import Process

UID, OTHER_UID = 1000, 1001
AGENT = 500
PIDS = range(1000, 1018)  # few, so that they come round again
TERMINALS = range(1, 7)


@dataclass(eq=False)
class Made:
    """One process; two with the same pid are two objects. `parent` None: init."""

    pid: int
    start: int
    parent: Made | None
    session: int
    leader: Made | None = None
    terminal: int = 0
    uid: int = UID
    nested: bool = False
    is_alive: bool = True

    def facts(self) -> Process:
        return Process(
            pid=self.pid,
            start=self.start,
            parent=self.parent.pid if self.parent is not None else 1,
            group=self.pid,
            session=self.session,
            terminal=self.terminal,
            foreground_group=self.pid,
            uid=self.uid,
            is_stopped=False,
            nested=self.nested,
        )

    def above(self) -> list[Made]:
        """The process, its parent, and so on."""
        found: list[Made] = []
        current: Made | None = self
        while current is not None:
            found.append(current)
            current = current.parent
        return found


@dataclass
class Kernel:
    """All processes. `read` is what /proc would say."""

    made: list[Made] = field(default_factory=list)
    ticks: int = 0

    def __post_init__(self) -> None:
        self.agent = Made(AGENT, 1, None, AGENT)
        self.made.append(self.agent)

    @property
    def living(self) -> list[Made]:
        return [each for each in self.made if each.is_alive]

    def read(self, pid: int) -> Process | None:
        return next((each.facts() for each in self.living if each.pid == pid), None)

    def caller(self, process: Made) -> Caller:
        """As the agent sees a process that connects."""
        facts = process.facts()
        return Caller(process.pid, facts, identity.terminal_session(facts, self.read), None)

    def _new(self, parent: Made | None, session: int, **more: object) -> Made | None:
        taken = {each.pid for each in self.living} | {each.session for each in self.living}
        free = [pid for pid in PIDS if pid not in taken]
        if not free:
            return None
        self.ticks += 1
        pid = free[self.ticks % len(free)]
        made = Made(pid, self.ticks, parent, session or pid, **more)  # type: ignore[arg-type]
        if not session:
            made.leader = made
        self.made.append(made)
        return made

    def open_terminal(self, parent: Made | None = None) -> Made | None:
        """A shell that leads a session of its own on a terminal of its own."""
        taken = {each.terminal for each in self.living}
        free = [number for number in TERMINALS if number not in taken]
        return self._new(parent, 0, terminal=free[0]) if free else None

    def fork(self, parent: Made, *, setsid: bool = False, uid: int | None = None) -> Made | None:
        same = {"terminal": parent.terminal, "leader": parent.leader} if not setsid else {}
        uid = parent.uid if uid is None else uid
        return self._new(parent, 0 if setsid else parent.session, uid=uid, nested=parent.nested, **same)

    def end(self, process: Made) -> None:
        """Its children become init's; a session that loses its leader loses its terminal."""
        process.is_alive = False
        for each in self.living:
            if each.parent is process:
                each.parent = None
            if each.leader is process and process.terminal:
                each.terminal = 0

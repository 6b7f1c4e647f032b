"""Callers and terminals that a test makes up and moves."""

from dataclasses import dataclass, field

from keyturn.agent.callers import Caller
from keyturn.agent.permission import Permissions
from keyturn.agent.questions import Matter
from keyturn.processes.facts import Process
from keyturn.processes.identity import TerminalSession

BOOT = "boot"


def terminal(number: int, leader_start: int = 1) -> TerminalSession:
    return TerminalSession(uid=1000, session=number, terminal=number, leader_start=leader_start, boot=BOOT)


def process(pid: int, session: int = 0, *, parent: int = 1, start: int = 1) -> Process:
    return Process(
        pid=pid,
        start=start,
        parent=parent,
        group=pid,
        session=session,
        terminal=session,
        foreground_group=pid,
        uid=1000,
        is_stopped=False,
        nested=False,
    )


@dataclass
class State:
    """What a test changes of a made-up caller."""

    foreground: bool = True
    stopped: bool = False
    alive: bool = True


@dataclass(frozen=True)
class MadeUp(Caller):
    """A caller that answers from its `state` and not from the kernel."""

    state: State = field(default_factory=State)

    @property
    def is_foreground(self) -> bool:
        return self.terminal is not None and self.state.foreground and self.state.alive

    @property
    def is_stopped(self) -> bool:
        return self.state.stopped

    def is_alive(self) -> bool:
        return self.state.alive


def caller(pid: int, at: TerminalSession | None = None) -> MadeUp:
    return MadeUp(pid, process(pid, at.session if at else 0), at, None)


class Undisturbed:
    """Implements `Asker` for a caller whom nobody may ask or tell anything; a test says otherwise."""

    may_ask = True
    may_execute = True

    def __init__(self, of: Caller) -> None:
        self.caller = of

    async def waiting(self) -> None:
        """Nothing to be seen."""

    async def has_window(self) -> bool:
        return False

    async def tell(self, line: str) -> None:
        raise AssertionError(line)

    async def elected(
        self, permissions: Permissions, matter: Matter, ticket: str, *, asks_nobody: bool = False
    ) -> None:
        raise AssertionError(matter)

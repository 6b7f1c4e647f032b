"""Who is asked: one question at a time for one matter, put to one of those who wait.

A matter is what has to be settled: unlock this account, let this terminal session use it, or type the
code of this device. All
callers that need the same thing wait on one round. One of them, in its terminal's foreground, is
elected to talk to the person; the others just wait. A talker that dies, stops or goes silent loses
the election and the next one is asked. Nothing here knows what a password is.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from keyturn.agent.callers import Caller
from keyturn.agent.uses import Use
from keyturn.ground.errors import CancelledByPersonError, DeniedError, KeyturnError, LockedError
from keyturn.ground.names import new_id, printable
from keyturn.processes.identity import TerminalSession
from keyturn.sdk.codes import CodeQuestion
from keyturn.sdk.printed import ProcessQuestion
from keyturn.sdk.sign_in import SignInQuestion

# How often a talker is looked at while it talks: only while a question is open.
LOOK_SECONDS = 0.5
# From `talk` to the CLI's report: a cold interpreter start on a busy machine.
REPORT_SECONDS = 20.0
# A sign-in is a page in a browser, with a password and a second factor perhaps; codes for it last as long.
SIGN_IN_SECONDS = 900.0
# Longer than any program may take: the one who runs it ends it in time.
PROCESS_SECONDS = 630.0


@dataclass(frozen=True)
class Matter:
    """What has to be settled. Two callers with equal matters wait for one answer."""

    kind: Literal["unlock", "approve", "code", "sign-in", "process"]
    account: str
    terminal: TerminalSession | None = None
    # What tells it from other approvals at this terminal: an item, a program; a process, for one use only.
    # For a code: its device; for a sign-in: what it is to; for a program: what its output is kept under.
    detail: str = ""


@dataclass(frozen=True)
class Purpose:
    """For what one caller needs it: the lines that its person is shown, and the use they agree to.

    `command` is what they called, and `source` says what chose the item. `code` is the code that is needed,
    `sign_in` the sign-in, `process` the program to run, if it is about one.
    """

    lines: tuple[str, ...]
    use: Use
    command: str = ""
    source: str = ""
    code: CodeQuestion | None = None
    sign_in: SignInQuestion | None = None
    process: ProcessQuestion | None = None

    @property
    def asks_nobody(self) -> bool:
        """Whether a command of the caller's answers it, so that no terminal is needed."""
        return self.process is not None or (self.code is not None and bool(self.code.process))


@dataclass
class Waiter:
    """One who needs a matter settled. `may_ask`: a question could be put through it; `has_window`: also
    where it is not in a terminal's foreground."""

    caller: Caller
    purpose: Purpose
    may_ask: bool
    has_window: bool
    outcome: asyncio.Future[str | None]

    @property
    def is_eligible(self) -> bool:
        if not self.may_ask:
            return False
        return self.has_window or self.caller.is_foreground or self.purpose.asks_nobody


@dataclass
class Talker:
    """The elected one. `reported` once it has connected again as the CLI and holds the conversation.

    `caller` has no pidfd: that belongs to a connection, and a launcher's ends before the CLI comes.
    """

    ticket: str
    caller: Caller
    purpose: Purpose
    elected: float
    reported: bool = False
    conversation: asyncio.Task[object] | None = None


class Round:
    """One matter that is being settled."""

    def __init__(self, matter: Matter) -> None:
        self.matter = matter
        self.waiters: list[Waiter] = []
        self.talker: Talker | None = None
        self.watch: asyncio.Task[None] | None = None


class Questions:
    """All open rounds of one keeper."""

    def __init__(self, answer_seconds: Callable[[], float]) -> None:
        self._rounds: dict[Matter, Round] = {}
        self._verdicts: dict[str, KeyturnError] = {}
        self._answer_seconds = answer_seconds

    @property
    def is_open(self) -> bool:
        return bool(self._rounds)

    def is_settling(self, matter: Matter) -> bool:
        """Whether somebody is being asked about it, or what they answered is being carried out."""
        return matter in self._rounds

    async def wait(
        self, matter: Matter, caller: Caller, purpose: Purpose, *, may_ask: bool, has_window: bool = False
    ) -> str | None:
        """Wait until the matter is settled (None) or until this caller is elected (a ticket).

        Raises LockedError if there is nobody to ask, CancelledByPersonError or DeniedError for what the
        person of this terminal answered.
        """
        round_ = self._rounds.get(matter)
        if round_ is None:
            round_ = self._rounds[matter] = Round(matter)
        waiter = Waiter(caller, purpose, may_ask, has_window, asyncio.get_running_loop().create_future())
        round_.waiters.append(waiter)
        try:
            if round_.talker is None:
                self._elect(round_)
            return await waiter.outcome
        finally:
            if waiter in round_.waiters:
                round_.waiters.remove(waiter)
            self._tidy(round_)

    def _elect(self, round_: Round) -> None:
        """Choose who talks; if nobody can, everybody who waits is told so."""
        self._dismiss(round_)
        # Where somebody sits at a terminal, no window is opened.
        for waiter in sorted(round_.waiters, key=lambda each: each.has_window):
            if waiter.outcome.done() or not waiter.is_eligible:
                continue
            now = asyncio.get_running_loop().time()
            round_.talker = Talker(new_id(), replace(waiter.caller, pidfd=None), waiter.purpose, now)
            round_.watch = asyncio.create_task(self._watch(round_, round_.talker))
            round_.waiters.remove(waiter)
            waiter.outcome.set_result(round_.talker.ticket)
            return
        for waiter in round_.waiters:
            _fail(waiter, nobody_to_ask(round_.matter))
        self._tidy(round_)

    def _dismiss(self, round_: Round) -> None:
        talker, round_.talker = round_.talker, None
        if round_.watch is not None and round_.watch is not asyncio.current_task():
            round_.watch.cancel()
        round_.watch = None
        if talker is not None and talker.conversation is not None:
            # The conversation's connection is closed, which ends the prompt on that terminal.
            talker.conversation.cancel()

    async def _watch(self, round_: Round, talker: Talker) -> None:
        """End a talker's turn when it dies, stops while others wait, or lets the time pass."""
        loop = asyncio.get_running_loop()
        while round_.talker is talker:
            await asyncio.sleep(LOOK_SECONDS)
            age = loop.time() - talker.elected
            is_late = age > (self._longest(round_.matter) if talker.reported else REPORT_SECONDS)
            is_gone = not talker.caller.is_alive()
            if talker.reported and is_late and not is_gone:
                self.fail(round_.matter, talker.ticket, DeniedError("nobody answered in time"))
            elif is_late or is_gone or (round_.waiters and talker.caller.is_stopped):
                self._elect(round_)

    def _longest(self, matter: Matter) -> float:
        """How long a person may take who has been asked."""
        own = {"sign-in": SIGN_IN_SECONDS, "process": PROCESS_SECONDS}
        return own.get(matter.kind) or self._answer_seconds()

    def report(self, ticket: str, caller: Caller) -> tuple[Matter, Purpose] | None:
        """The elected talker has come: what to ask, and for what. None if its turn is over or it is another.

        The task that calls this holds the conversation: it is cancelled if the talker loses its turn.
        """
        for round_ in self._rounds.values():
            talker = round_.talker
            if talker is None or talker.ticket != ticket:
                continue
            if not _is_same_process(talker.caller, caller):
                return None
            talker.caller, talker.reported = replace(caller, pidfd=None), True
            talker.elected = asyncio.get_running_loop().time()
            talker.conversation = asyncio.current_task()
            return round_.matter, talker.purpose
        return None

    def settle(self, matter: Matter) -> None:
        """The matter is settled: everybody who waited for it looks again."""
        round_ = self._rounds.pop(matter, None)
        if round_ is None:
            return
        if round_.talker is not None and round_.talker.conversation is asyncio.current_task():
            round_.talker.conversation = None
        self._dismiss(round_)
        for waiter in round_.waiters:
            if not waiter.outcome.done():
                waiter.outcome.set_result(None)

    def fail(self, matter: Matter, ticket: str, error: KeyturnError) -> None:
        """The person said no: everybody of that terminal hears it, and another terminal's waiter is asked."""
        round_ = self._rounds.get(matter)
        if round_ is None or round_.talker is None or round_.talker.ticket != ticket:
            return
        terminal = round_.talker.caller.terminal
        if round_.talker.conversation is asyncio.current_task():
            round_.talker.conversation = None
        else:
            self._verdicts[ticket] = error
        for waiter in round_.waiters:
            if waiter.caller.terminal == terminal:
                _fail(waiter, error)
        round_.waiters = [waiter for waiter in round_.waiters if waiter.caller.terminal != terminal]
        self._elect(round_)

    def verdict(self, ticket: str) -> KeyturnError | None:
        """Why a conversation that was cut off has failed; None if its turn was merely lost."""
        return self._verdicts.pop(ticket, None)

    def drop(self, matter: Matter, ticket: str) -> None:
        """The talker's connection ended without an answer: the next one is asked."""
        round_ = self._rounds.get(matter)
        if round_ is not None and round_.talker is not None and round_.talker.ticket == ticket:
            round_.talker.conversation = None
            self._elect(round_)

    def _tidy(self, round_: Round) -> None:
        if not round_.waiters and round_.talker is None and self._rounds.get(round_.matter) is round_:
            del self._rounds[round_.matter]


def _is_same_process(one: Caller, other: Caller) -> bool:
    """By pid and start time, which an `execve` keeps; everything else may have changed since."""
    if one.process is None or other.process is None:
        return False
    return (one.pid, one.process.start) == (other.pid, other.process.start)


def _fail(waiter: Waiter, error: KeyturnError) -> None:
    with contextlib.suppress(asyncio.InvalidStateError):
        waiter.outcome.set_exception(type(error)(error.message, *error.hints))


def nobody_to_ask(matter: Matter, use: Use | None = None) -> LockedError:
    """What a caller hears whom nobody could approve; of a doubtful program, that it is that."""
    if use is not None and use.doubt and use.program is not None:
        # A grant may hold, and would not help.
        return LockedError(
            f"{printable(use.program.path, 300)}: {use.doubt}, and there is no terminal to ask on",
            "trust its directory: keyturn settings set executables.trusted_directories '[\"DIRECTORY\"]'",
            f"or the program that is found there: keyturn plugin init {use.plugin}",
        )
    if matter.kind == "code":
        return LockedError(
            f"a one-time code of {printable(matter.detail)} is needed and there is no terminal to ask on",
            "keep its secret in the item (“one-time password”)",
            "or name a command that prints it in the profile: mfa_process",
        )
    if matter.kind == "sign-in":
        return LockedError(
            "nobody is signed in (single sign-on), and there is no terminal to ask on",
            "sign in from a terminal: keyturn aws sso login",
        )
    if matter.kind == "process":
        return LockedError(
            "a credential_process has to be run, and nobody who waits for it can run it",
            "run the command again",
        )
    if matter.kind == "unlock":
        return LockedError(
            "the account is locked and there is no terminal to ask on",
            "unlock it from a terminal: keyturn signin",
            "in a script: keyturn signin --password-file PATH",
        )
    return LockedError(
        "this needs an approval and there is no terminal to ask on",
        "from a terminal, for a while: keyturn grant --for 30m",
        "in a script: keyturn signin --password-file PATH",
    )


def cancelled() -> CancelledByPersonError:
    return CancelledByPersonError("cancelled")

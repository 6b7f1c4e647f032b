"""PAM as an authenticator: the stack of the machine's own logins, as text on the person's terminal.

For one's own user it works without root (unix_chkpwd is setgid). Modules block and are foreign code, so the
upper half here sends a helper the task, and `work` does it there.

A yes counts only if a person had a part in it. A module that asks nothing (pam_permit, pam_rootok for root,
an account without a password) is no authentication; one that shows a line and then waits (a fingerprint
reader, a security key) is.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from keyturn.auth import pam_library, prompts
from keyturn.auth.pam_library import Code, Style
from keyturn.auth.protocol import Asking
from keyturn.ground.clock import Clock, SystemClock
from keyturn.ground.errors import DeniedError, UnreachableError, UnusableError
from keyturn.ground.names import printable
from keyturn.ground.prompter import Prompter

# The service that is used if there is one of this name. No other is guessed (docs/adr/0008-…).
SERVICE = "keyturn"
DIRECTORIES = (Path("/etc/pam.d"), Path("/usr/lib/pam.d"))
FILE = DIRECTORIES[0] / SERVICE
# They let root in without a question (pam_rootok), and are about changing who one is.
REFUSED = ("su", "su-l", "runuser", "runuser-l")
ATTEMPTS = 3
# What is quicker than this after its first line, and asked nothing, had no finger to wait for.
HUMAN_SECONDS = 0.3

NOT_SET_UP = "it is not set up (keyturn system-auth install --pam)"

# `Helpers.work` of the agent: the name of a room, its task, who is asked.
Helper = Callable[[str, bytes, Asking], Awaitable[bytes]]


class Task(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    service: str
    user: str


class Allowed(msgspec.Struct, tag="allowed", frozen=True, forbid_unknown_fields=True):
    """PAM said yes, and a person was there."""


class Denied(msgspec.Struct, tag="denied", frozen=True, forbid_unknown_fields=True):
    message: str
    hints: tuple[str, ...] = ()


class Unusable(msgspec.Struct, tag="unusable", frozen=True, forbid_unknown_fields=True):
    message: str


Outcome = Allowed | Denied | Unusable

_outcomes: msgspec.msgpack.Decoder[Outcome] = msgspec.msgpack.Decoder(Outcome)


class Pam:
    """Asks PAM for the user of this process. `service` as set, or empty; `seconds` for all of it."""

    name = "pam"

    def __init__(self, helper: Helper, service: str, seconds: float) -> None:
        self._helper = helper
        self._service = service
        self._seconds = seconds

    async def unavailable(self) -> str:
        if sys.platform != "linux":
            return "PAM is used on Linux only"
        if not _user():
            return "this user has no name"
        return _fault(self._service)

    async def approve(self, asking: Asking) -> None:
        task = msgspec.msgpack.encode(Task(self._service or SERVICE, _user()))
        try:
            async with asyncio.timeout(self._seconds):
                outcome = _outcomes.decode(await self._helper("pam", task, asking))
        except TimeoutError:
            raise DeniedError("nobody answered in time") from None
        except (UnreachableError, msgspec.DecodeError):
            raise UnusableError("PAM's helper failed") from None
        if isinstance(outcome, Denied):
            raise DeniedError(outcome.message, *outcome.hints)
        if isinstance(outcome, Unusable):
            raise UnusableError(outcome.message)


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return ""


def _fault(service: str) -> str:
    """Why `service` cannot be asked; empty if it can.

    The file is looked for because for a service without one libpam takes `other`, which may let anybody in.
    """
    if service in REFUSED:
        return f"the service “{service}” asks root nothing; choose another (authentication.pam_service)"
    if any((directory / (service or SERVICE)).is_file() for directory in DIRECTORIES):
        return ""
    return (
        f"there is no service “{printable(service)}” (authentication.pam_service)" if service else NOT_SET_UP
    )


class _Person:
    """Carries PAM's messages to the person, and notices whether there was one."""

    def __init__(self, prompter: Prompter, clock: Clock, user: str) -> None:
        self.warning = ""
        self.was_asked = False
        self._prompter = prompter
        self._clock = clock
        self._user = user
        self._has_answered = False
        self._shown: float | None = None

    def converse(self, style: Style, text: str) -> str | None:
        if style in (Style.ERROR, Style.INFO):
            if self._shown is None:
                self._shown = self._clock.boot()
            self._prompter.show(text)
            return None
        warning, self.warning = self.warning, ""
        prompt = prompts.named(text, self._user)
        if style is Style.ECHO_OFF:
            answer = self._prompter.secret(prompt, warning).reveal()
        else:
            answer = self._prompter.text(prompt, warning)
        self.was_asked = True
        self._has_answered = self._has_answered or bool(answer)
        return answer

    def was_there(self) -> bool:
        waited = self._shown is not None and self._clock.boot() - self._shown >= HUMAN_SECONDS
        return self._has_answered or waited


def work(task: bytes, prompter: Prompter) -> bytes:
    """The helper's entry: one authentication, three tries at most."""
    wanted = msgspec.msgpack.decode(task, type=Task)
    return msgspec.msgpack.encode(perform(wanted, prompter, SystemClock()))


def perform(task: Task, prompter: Prompter, clock: Clock) -> Outcome:
    """Ask PAM; blocks. What `prompter` raises is raised."""
    person = _Person(prompter, clock, task.user)
    try:
        with pam_library.transaction(task.service, task.user, person.converse) as transaction:
            code = _authenticate(transaction, person)
            if code == Code.SUCCESS and not person.was_there():
                return Unusable(f"the PAM service “{task.service}” says yes without asking anybody")
            if code == Code.SUCCESS:
                return _judged_account(transaction.check_account(), task.user)
    except OSError:
        return Unusable("PAM cannot be used: libpam is missing or refuses")
    return _judged(code, task.service, person)


def _authenticate(transaction: pam_library.Transaction, person: _Person) -> int:
    code = int(Code.AUTH_ERR)
    for attempt in range(1, ATTEMPTS + 1):
        person.was_asked = False
        code = transaction.authenticate()
        if code != Code.AUTH_ERR or not person.was_asked:
            break
        person.warning = f"not accepted ({attempt} of {ATTEMPTS})"
    return code


def _judged(code: int, service: str, person: _Person) -> Outcome:
    """What a code of pam_authenticate other than success means."""
    if code == Code.MAXTRIES or (code == Code.AUTH_ERR and person.was_asked):
        return Denied("the system's authentication was not passed")
    if code in (Code.AUTH_ERR, Code.PERM_DENIED, Code.USER_UNKNOWN, Code.ACCT_EXPIRED):
        return Denied(f"refused by the PAM service “{service}”", ("the system's log says why",))
    return Unusable(f"the PAM service “{service}” does not work here (status {code})")


def _judged_account(code: int, user: str) -> Outcome:
    """What a code of pam_acct_mgmt means."""
    if code == Code.SUCCESS:
        return Allowed()
    if code == Code.ACCT_EXPIRED:
        return Denied(f"the login of {user} has expired")
    if code == Code.NEW_AUTHTOK_REQD:
        return Denied(f"the login password of {user} has expired", ("change it: passwd",))
    return Denied(f"the login of {user} may not be used now")

"""STS as it is, in one process and at one's own time: no server could serve thousands of sequences.

The rules of codes are those of the local AWS (tests/aws_server/account.py); the others are written anew, and
test_executor_server.py runs the same plans against that server.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any, TypeVar

from keyturn.aws.calls import AssumeRole, Call, GetSessionToken, Keys, Mfa, Network, Sts
from keyturn.aws.origins import Step
from keyturn.aws.plan import Plan
from keyturn.aws.sts import Answer, Refused, Trouble, Unanswered
from keyturn.ground.secret import Secret
from keyturn.sdk.codes import CodeQuestion, TypedCodes
from keyturn.sdk.printed import ProcessQuestion
from keyturn.sdk.sign_in import SignInQuestion
from tests.aws_server.account import MfaError, Role, World
from tests.aws_server.codes import code_of

T = TypeVar("T")

HOUR = 3600
START = 1_800_000_000.0


class MovedClock:
    """A clock for the product that tests move. `wrong_by` is how far the wall clock is off."""

    def __init__(self) -> None:
        self.time = START
        self.wrong_by = 0.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.time + self.wrong_by, UTC)

    def boot(self) -> float:
        return self.time - START + 1000.0

    def awake(self) -> float:
        return self.boot()

    async def sleep(self, seconds: float) -> None:
        """Time passes at once."""
        self.time += seconds
        await asyncio.sleep(0)


class ServersClock:
    """The same time for the server, which is never wrong."""

    def __init__(self, clock: MovedClock) -> None:
        self._clock = clock

    def now(self) -> float:
        return self._clock.time


@dataclass
class Asked:
    """A call that came in: what it was, whether it carried a code, and why it was refused."""

    action: str
    region: str
    role: str
    has_code: bool
    refused: str = ""


@dataclass
class StrictSts:
    """Users by key id with their secrets; `ask` is what an executor calls. `failing` are troubles to come:
    (the trouble, whether the call has been worked on before)."""

    clock: MovedClock
    users: dict[str, str] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    failing: deque[tuple[Trouble, bool]] = field(default_factory=deque)
    tells_date: bool = True

    def __post_init__(self) -> None:
        self.world = World()
        self.world.clock = ServersClock(self.clock)  # type: ignore[assignment]
        self._numbers = count(1)

    def add_user(self, name: str) -> Keys:
        keys = Keys(f"AKIA{name.upper()}", Secret(f"secret-of-{name}"))
        self.users[keys.key_id] = keys.secret.reveal()
        return keys

    def add_device(self, user: Keys, name: str) -> Mfa:
        device = self.world.add_device(f"arn:aws:iam::123456789012:mfa/{name}", user.key_id, "")
        return Mfa(device.serial, Secret(device.secret))

    def add_role(self, name: str, needs_mfa: bool = False, longest: int = HOUR, external_id: str = "") -> str:
        arn = f"arn:aws:iam::123456789012:role/{name}"
        self.world.roles[arn] = Role(arn, ("*",), needs_mfa, external_id, longest)
        return arn

    def ask(self, call: Call, keys: Keys, network: Network, code: Secret | None) -> Answer:
        """As sts.ask."""
        role = call.role if isinstance(call, AssumeRole) else ""
        action = "AssumeRole" if role else "GetSessionToken"
        note = Asked(action, call.sts.region, role, code is not None)
        self.asked.append(note)
        trouble, is_done = self.failing.popleft() if self.failing else (None, True)
        if trouble is not None and not is_done:
            raise Unanswered(trouble, "sts.example.com")
        try:
            answer = self._answer(call, keys, code)
        except Refused as refusal:
            note.refused = f"{refusal.code}: {refusal.message}"
            raise
        if trouble is not None:
            raise Unanswered(trouble, "sts.example.com")
        return answer

    def _answer(self, call: Call, keys: Keys, code: Secret | None) -> Answer:
        now, is_role = self.clock.time, isinstance(call, AssumeRole)
        session = self.world.issued.get(keys.key_id)
        if session is None:
            if self.users.get(keys.key_id) is None:
                self._refuse("InvalidClientTokenId", "The security token included in the request is invalid.")
            if self.users[keys.key_id] != keys.secret.reveal():
                self._refuse("SignatureDoesNotMatch", "The request signature we calculated does not match")
        elif keys.token is None or keys.token.reveal() != session.token:
            self._refuse("InvalidClientTokenId", "The security token included in the request is invalid.")
        elif session.expires <= now:
            self._refuse("ExpiredToken", "The security token included in the request is expired")
        if session is not None and not is_role:
            self._refuse("AccessDenied", "Cannot call GetSessionToken with session credentials")
        has_mfa = session is not None and session.has_mfa
        if call.mfa is not None and code is not None:
            try:
                self.world.check_code(keys.key_id, call.mfa.serial, code.reveal())
            except MfaError as error:
                self._refuse("AccessDenied", str(error))
            has_mfa = True
        role = self.world.roles.get(call.role) if isinstance(call, AssumeRole) else None
        if isinstance(call, AssumeRole):
            if (
                role is None
                or (role.needs_mfa and not has_mfa)
                or role.external_id not in ("", call.external_id)
            ):
                self._refuse("AccessDenied", f"not authorized to perform: sts:AssumeRole on {call.role}")
            elif session is not None and call.duration > HOUR:
                self._refuse(
                    "ValidationError", "exceeds the 1 hour session limit for roles assumed by role chaining"
                )
            elif call.duration > role.max_seconds:
                self._refuse("ValidationError", "exceeds the MaxSessionDuration set for this role.")
        made = self.world.issue(
            key_id=f"ASIA{next(self._numbers)}",
            kind="role" if is_role else "session",
            account="123456789012",
            partition="aws",
            arn=role.arn if role is not None else keys.key_id,
            user_id="",
            name="",
            role="",
            expires=now + call.duration,
            has_mfa=has_mfa and not is_role,
            from_global=False,
        )
        expires = datetime.fromtimestamp(made.expires, UTC)
        return Answer(Keys(made.key_id, Secret(made.secret), Secret(made.token), expires), self._date())

    def _refuse(self, code: str, message: str) -> None:
        raise Refused(code, message, self._date())

    def _date(self) -> datetime | None:
        return datetime.fromtimestamp(int(self.clock.time), UTC) if self.tells_date else None

    def count(self, action: str) -> int:
        return sum(each.action == action for each in self.asked)

    @property
    def refusals(self) -> list[str]:
        return [each.refused for each in self.asked if each.refused]


class Inline(ThreadPoolExecutor):
    """Does everything at once, so that no time passes in between: a loop's own executor, or another's."""

    def submit(self, fn: Callable[..., T], /, *arguments: Any, **named: Any) -> Future[T]:
        done: Future[T] = Future()
        try:
            done.set_result(fn(*arguments, **named))
        except BaseException as error:  # noqa: BLE001  # whoever waits gets it
            done.set_exception(error)
        return done


class Caller:
    """A worker whose person has no device: to be asked for a code is an error."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    account = ""

    async def code(self, question: CodeQuestion) -> None:
        raise AssertionError("nobody should be asked")

    async def sign_in(self, question: SignInQuestion) -> None:
        raise AssertionError("nobody should be asked")

    async def output(self, question: ProcessQuestion) -> None:
        raise AssertionError("nothing should be run")

    async def follow(self, work: asyncio.Future[T], line: Callable[[], str]) -> T:
        while not (await asyncio.wait((work,), timeout=0.02))[0]:
            self.lines.append(line())
        return work.result()


class Person(Caller):
    """Somebody who reads each device's codes off its display, never the same one twice."""

    def __init__(self, clock: MovedClock, typed: TypedCodes, devices: dict[str, Mfa]) -> None:
        super().__init__()
        self._clock = clock
        self._typed = typed
        self._devices = devices
        self._last: dict[str, int] = {}
        self._answered = 0
        self._talking = asyncio.Lock()
        self.questions: list[CodeQuestion] = []

    async def code(self, question: CodeQuestion) -> None:
        seen = self._answered
        async with self._talking:
            # Who was not elected looks again when the elected one has answered.
            if self._answered != seen:
                return
            self.questions.append(question)
            device = self._devices[question.device]
            await asyncio.sleep(0)
            while int(self._clock.time // 30) <= self._last.get(device.serial, -1):
                await self._clock.sleep(1.0)
            step = self._last[device.serial] = int(self._clock.time // 30)
            self._typed.offer(device.serial, shown(device, step))
            self._answered += 1


def shown(device: Mfa, step: int) -> Secret:
    """The code of a device in one step."""
    assert device.secret is not None
    return Secret(code_of(device.secret.reveal(), step))


def plan(keys: Keys, *calls: Step, source: str = "item “AWS”") -> Plan:
    """A plan with these calls."""
    return Plan(keys, None, (), calls=calls, source=source)


def session(mfa: Mfa, duration: int = 12 * HOUR, sts: Sts | None = None) -> GetSessionToken:
    return GetSessionToken(mfa, duration, sts or Sts("eu-central-1"))


def role(arn: str, duration: int = HOUR, sts: Sts | None = None, mfa: Mfa | None = None) -> AssumeRole:
    return AssumeRole(arn.rpartition("/")[2], arn, duration, sts or Sts("eu-central-1"), "ada", mfa=mfa)


def hidden(mfa: Mfa) -> Mfa:
    """The device as it is when no vault holds its secret."""
    return Mfa(mfa.serial)

"""A caller with AWS files and items, for the tests of this room."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar, cast

from keyturn.aws import hook, profiles
from keyturn.aws.calls import (
    NO_KEYS,
    AssumeRole,
    AssumeRoleWithWebIdentity,
    GetSessionToken,
    Keys,
    Mfa,
    Network,
)
from keyturn.aws.config import ConfigurationCache
from keyturn.aws.executor import Executor
from keyturn.aws.origins import INSTANCE, Origin, Process, Provider
from keyturn.aws.plan import Plan, Question, plan
from keyturn.catalogue import loader
from keyturn.ground.resolution import Resolution
from keyturn.ground.secret import Secret
from keyturn.ground.settings import Aws
from keyturn.items import FieldType, Item, ItemReference, new_field, new_item
from keyturn.sdk.codes import CodeQuestion
from keyturn.sdk.printed import ProcessQuestion
from keyturn.sdk.run import Invocation, NeedItem, NeedWork, Provisioned, Selection, Worker
from keyturn.sdk.sign_in import SignInQuestion

T = TypeVar("T")

PLUGIN = loader.load("aws")
TYPES = {"secret access key": FieldType.CONCEALED, "one-time password": FieldType.OTP}

A, B = (f"arn:aws:iam::111122223333:mfa/{name}" for name in "ab")
_WORDS = {A: "A", B: "B"}


OWN = "aws_access_key_id = AKIAOWN\naws_secret_access_key = own\n"
SELECTED = "aws_access_key_id = AKIASELECTED\naws_secret_access_key = old\n"
BOUND = "aws_access_key_id = AKIABOUND\naws_secret_access_key = old\n"


def role_arn(name: str) -> str:
    return f"arn:aws:iam::111122223333:role/{name}"


def item(name: str, **others: str) -> Item:
    """An item whose keys are made of its name; `others` are fields, `_` for a space in their labels."""
    values = {"access key id": f"AKIA{name.upper()}", "secret access key": f"secret-{name}"}
    values |= {
        label.replace("_", " ").replace("one time", "one-time"): text for label, text in others.items()
    }
    fields = [
        new_field(label, TYPES.get(label, FieldType.TEXT), Secret(text))
        for label, text in values.items()
        if text
    ]
    return new_item(name, fields, "2026-01-01T00:00:00Z")


def reference(chosen: Item, source: str) -> Resolution[ItemReference]:
    return Resolution(ItemReference("a" * 26, "b" * 26, chosen.id, chosen.title), source)


class Nobody:
    """A caller's side on which nobody is: it is never asked in these tests."""

    account = ""

    async def code(self, question: CodeQuestion) -> None:
        raise AssertionError(f"asked for a code of {question.device}")

    async def sign_in(self, question: SignInQuestion) -> None:
        raise AssertionError(f"asked to sign in to {question.title}")

    async def output(self, question: ProcessQuestion) -> None:
        raise AssertionError(f"asked to run {question.words}")

    async def follow(self, work: asyncio.Future[T], line: Callable[[], str]) -> T:
        raise AssertionError("made to wait")


class Recorder(Executor):
    """In the place of STS: gives keys, or the error that it is told, and remembers what it was asked."""

    def __init__(self, error: Exception | None = None) -> None:
        # Nothing of the real one is used, so nothing of it is made.
        self.asked: list[tuple[Plan, Network]] = []
        self.error = error
        self.asks_again = False

    async def keys(self, plan: Plan, network: Network, worker: Worker, *, asks_again: bool = False) -> Keys:
        self.asked.append((plan, network))
        self.asks_again = asks_again
        if self.error is not None:
            raise self.error
        expires = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
        return Keys("ASIATEMPORARY", Secret("temporary"), Secret("token"), expires)


@dataclass
class Caller:
    """Calls the hook as the agent does: again with each item that it asks for."""

    home: Path
    selected: Item | None = None
    bound: dict[str, Item] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    cache: ConfigurationCache = field(default_factory=ConfigurationCache)
    asked: list[str] = field(default_factory=list)
    settings: Aws = field(default_factory=Aws)
    executor: Recorder = field(default_factory=Recorder)
    asked_by: str = ""

    def write(self, config: str | None = None, credentials: str | None = None) -> None:
        directory = self.home / ".aws"
        directory.mkdir(exist_ok=True)
        for name, text in (("config", config), ("credentials", credentials)):
            if text is not None:
                (directory / name).write_text(text)

    def selection(self) -> Selection:
        selected = None if self.selected is None else reference(self.selected, "the global default")
        return Selection(
            selected, {name: reference(each, f"bound to {name}") for name, each in self.bound.items()}
        )

    def variables(self) -> dict[str, str]:
        environment = {"HOME": str(self.home), **self.environment}
        return {name: value for name, value in environment.items() if PLUGIN.reads_variable(name.encode())}

    def invocation(self, line: str, path: bytes = b"/usr/bin/aws") -> Invocation:
        return Invocation(
            "aws",
            path,
            tuple(line.encode().split()),
            {name.encode(): value.encode() for name, value in self.variables().items()},
            str(self.home),
            asked_by=self.asked_by,
        )

    def step(self, line: str = "s3 ls") -> NeedWork | Provisioned:
        """What the hook says when it has every item that it asks for."""
        provision = hook.provision(PLUGIN, self.cache, self.executor, lambda: self.settings)
        invocation, selection = self.invocation(line), self.selection()

        def decide(opened: Mapping[str, Item]) -> NeedItem | NeedWork | Provisioned:
            return provision(invocation, selection, opened)

        return cast("NeedWork | Provisioned", self._with_items(decide))

    def run(self, line: str = "s3 ls") -> Provisioned:
        step = self.step(line)
        return asyncio.run(_do(step)) if isinstance(step, NeedWork) else step

    def plan(self, line: str = "s3 ls") -> Plan:
        question = self.question(line)
        return self._with_items(lambda opened: plan(question(opened)))

    def question(self, line: str = "s3 ls") -> Callable[[Mapping[str, Item]], Question]:
        profile = profiles.choose(self.invocation(line), PLUGIN.executables[0]).profile
        configuration = self.cache.load(self.variables(), str(self.home))
        return lambda opened: Question(
            profile,
            configuration,
            self.selection(),
            opened,
            self.variables(),
            self.settings,
            directory=str(self.home),
        )

    def _with_items(self, decide: Callable[[Mapping[str, Item]], NeedItem | T]) -> T:
        known = {each.id: each for each in (self.selected, *self.bound.values()) if each is not None}
        opened: dict[str, Item] = {}
        for _ in range(5):
            step = decide(opened)
            if not isinstance(step, NeedItem):
                return step
            assert step.item.value.item not in opened
            self.asked.append(step.item.value.title)
            opened[step.item.value.item] = known[step.item.value.item]
        raise AssertionError("it asks for ever")

    def child(self, done: Provisioned) -> dict[str, str]:
        """The environment of the command."""
        after = {**self.environment, "HOME": str(self.home)}
        for name in done.remove:
            after.pop(name, None)
        return after | {name: value.decode() for name, value in done.assign.items()}


def expanded(text: str) -> str:
    """A table's files: `@OWN`, `@SELECTED` for keys, `@A`, `@B` for serials, `@p` for the ARN of role p."""
    for word, meaning in (("@OWN", OWN), ("@SELECTED", SELECTED), ("@BOUND", BOUND), ("@A", A), ("@B", B)):
        text = text.replace(word, meaning)
    return re.sub(r"@([a-z]\w*)", lambda found: role_arn(found[1]), text)


async def _do(work: NeedWork) -> Provisioned:
    return await work.do(Nobody())


def of_sts(planned: Plan) -> list[GetSessionToken | AssumeRole]:
    """The calls of a plan that begins with keys."""
    found = [call for call in planned.calls if isinstance(call, GetSessionToken | AssumeRole)]
    assert len(found) == len(planned.calls)
    return found


def key_id(assigned: Mapping[str, bytes]) -> str:
    return assigned["AWS_ACCESS_KEY_ID"].decode()


def shown(planned: Plan) -> str:
    """A plan in the notation of the tables: `bound: token A code; q 1h; p 12h`, whose keys and the calls."""
    whose = planned.keys.key_id.removeprefix("AKIA").removeprefix("ASIA").lower()
    calls = []
    for position, call in enumerate(planned.calls):
        if not isinstance(call, GetSessionToken | AssumeRole):
            assert position == 0
            assert planned.keys == NO_KEYS
            whose = _origin(call)
            continue
        mfa = _device(call.mfa)
        if isinstance(call, GetSessionToken):
            calls.append(f"token{mfa}")
        else:
            calls.append(f"{call.profile} {_span(call.duration)}{mfa}")
            assert call.role == role_arn(call.profile)
    return whose + (": " + "; ".join(calls) if calls else "")


def _origin(step: AssumeRoleWithWebIdentity | Origin) -> str:
    if isinstance(step, AssumeRoleWithWebIdentity):
        return f"web {step.profile} {_span(step.duration)}"
    if isinstance(step, Provider):
        return f"{'instance' if step.source == INSTANCE else 'container'} {step.profile}"
    return f"{'process' if isinstance(step, Process) else 'sso'} {step.profile}"


def _device(mfa: Mfa | None) -> str:
    if mfa is None:
        return ""
    how = "code" if mfa.secret is not None else "process" if mfa.process else "typed"
    return f" {_WORDS.get(mfa.serial, mfa.serial)} {how}"


def _span(seconds: int) -> str:
    return f"{seconds // 3600}h" if seconds % 3600 == 0 else f"{seconds // 60}min"

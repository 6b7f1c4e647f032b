"""One step of a plan with what it starts from, and the call for it that is under way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from keyturn.aws import refusals
from keyturn.aws.calls import AssumeRole, GetSessionToken, Keys, Mfa
from keyturn.aws.origins import Process, Provider, SsoRole, Step
from keyturn.aws.plan import Plan


@dataclass(frozen=True)
class Hop:
    """`name` is what its result is cached under; `account` is whose sign-ins are used."""

    call: Step
    keys: Keys
    name: str
    source_name: str
    source: str
    account: str = ""

    @property
    def mfa(self) -> Mfa | None:
        """The device whose code goes with this call; None if none does."""
        return self.call.mfa if isinstance(self.call, GetSessionToken | AssumeRole) else None

    @property
    def typed_for(self) -> Mfa | None:
        """The device whose code somebody has to type for this call; None if nobody has to."""
        return self.mfa if self.mfa is not None and self.mfa.secret is None else None


@dataclass(eq=False)
class Flight:
    """A call under way, and what to tell those who wait for it."""

    line: Callable[[], str]
    task: asyncio.Task[Keys] = field(init=False)

    def say(self, line: Callable[[], str]) -> None:
        self.line = line

    def tell(self) -> str:
        return self.line()


def hop(plan: Plan, names: Sequence[str], index: int, keys: Keys, account: str) -> Hop:
    """The step of a plan at `index`, with the keys of the one before."""
    before = names[index - 1] if index else ""
    asking = plan.calls[index - 1] if index else None
    source = plan.source or "these keys"
    if isinstance(asking, AssumeRole):
        source = refusals.role(asking)
    elif isinstance(asking, Process | Provider | SsoRole):
        source = refusals.source(asking)
    return Hop(plan.calls[index], keys, names[index], before, source, account)

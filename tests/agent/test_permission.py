"""From a wish to a permission, with made-up callers and accounts and a real loop."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from keyturn.agent.approvals import Approvals, How
from keyturn.agent.permission import Permission, Permissions
from keyturn.agent.questions import Matter, Purpose, Questions
from keyturn.agent.registry import Entry
from keyturn.agent.uses import Use
from keyturn.ground.clock import SystemClock
from keyturn.ground.settings import Settings
from keyturn.sdk.codes import TypedCodes
from tests.agent.people import Undisturbed, caller, terminal

ENTRY = Entry("a" * 26, "Test", "/nowhere")
UNLOCK = Matter("unlock", ENTRY.id)
PURPOSE = Purpose(("aws wants to use “AWS”",), Use(ENTRY.id))
TERMINAL = terminal(1)


class Elected(Exception):  # noqa: N818  # as the keeper's own
    pass


class Launcher(Undisturbed):
    """As a launcher does: who is elected goes away to come back as the CLI."""

    async def elected(
        self, permissions: Permissions, matter: Matter, ticket: str, *, asks_nobody: bool = False
    ) -> None:
        raise Elected(matter)


class Accounts:
    """Stands in for the accounts: locked or open."""

    is_open = False

    def unlocked(self, account: str) -> object | None:
        return self if self.is_open else None


def test_who_comes_while_an_answer_is_carried_out_is_not_asked_again() -> None:
    """A password opens the account a moment before its yes is written down; that moment was long enough for
    one of five hundred commands to put a second question."""

    async def script() -> None:
        accounts, clock, settings = Accounts(), SystemClock(), Settings()
        questions = Questions(lambda: 60)
        permissions = Permissions(
            cast(Any, accounts),
            Approvals(clock),
            questions,
            cast(Any, None),
            clock,
            lambda: None,
            TypedCodes(clock),
        )

        def obtain(pid: int) -> asyncio.Task[Permission]:
            asker = Launcher(caller(pid, TERMINAL))
            return asyncio.create_task(permissions.obtain(asker, ENTRY, PURPOSE, settings))

        with pytest.raises(Elected) as elected:
            await obtain(10)
        assert elected.value.args == (UNLOCK,)
        accounts.is_open = True
        late = obtain(11)
        for _ in range(5):
            await asyncio.sleep(0)
        assert not late.done(), "it was elected for a question of its own"
        permissions.agreed(UNLOCK, PURPOSE, caller(10, TERMINAL), settings)
        assert (await late).how is How.APPROVED
        assert not questions.is_open

    asyncio.run(asyncio.wait_for(script(), 10))

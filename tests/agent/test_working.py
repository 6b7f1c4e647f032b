"""What a caller's person hears of work that takes time."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from keyturn.agent import working
from keyturn.agent.questions import Purpose
from keyturn.agent.uses import Use
from keyturn.agent.working import CallersSide, Tellers
from keyturn.ground.errors import DeniedError
from keyturn.processes.identity import TerminalSession
from tests.agent.people import caller, terminal

HERE, THERE = terminal(1), terminal(2)
SILENT = 0.02


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working, "SILENT_SECONDS", SILENT)


class Listener:
    """A caller that writes down what it is told."""

    def __init__(self, at: TerminalSession | None, tellers: Tellers) -> None:
        self.caller = caller(1, at)
        self.heard: list[str] = []
        self.side = CallersSide(cast(Any, self), cast(Any, None), tellers, Purpose((), Use("account")))

    async def waiting(self) -> None:
        if "wait" not in self.heard:
            self.heard.append("wait")

    async def tell(self, line: str) -> None:
        self.heard.append(line)


async def work(seconds: float, result: str = "done") -> str:
    await asyncio.sleep(seconds)
    if result == "fails":
        raise DeniedError("no")
    return result


def follow(seconds: float, *listeners: Listener, line: Callable[[], str] = lambda: "assuming") -> list[str]:
    async def script() -> list[str]:
        task = asyncio.create_task(work(seconds))
        return await asyncio.gather(*(each.side.follow(task, line) for each in listeners))

    return asyncio.run(script())


def test_what_is_done_soon_is_not_spoken_of() -> None:
    listener = Listener(HERE, Tellers())
    assert follow(0, listener) == ["done"]
    assert listener.heard == []


def test_a_line_is_told_once_and_again_when_it_changes() -> None:
    listener, lines = Listener(HERE, Tellers()), ["a", "a", "a", "b"]
    follow(SILENT * 6, listener, line=lambda: lines.pop(0) if len(lines) > 1 else lines[0])
    assert listener.heard == ["wait", "a", "b"]


def test_of_many_on_one_terminal_one_is_told() -> None:
    tellers = Tellers()
    listeners = [Listener(HERE, tellers) for _ in range(5)] + [Listener(THERE, tellers)]
    assert follow(SILENT * 3, *listeners) == ["done"] * 6
    heard = [each.heard for each in listeners]
    assert sorted(heard[:5]) == [["wait"]] * 4 + [["wait", "assuming"]]
    assert heard[5] == ["wait", "assuming"]
    # And the next piece of work is told of again.
    following = Listener(HERE, tellers)
    follow(SILENT * 3, following)
    assert following.heard == ["wait", "assuming"]


def test_without_a_terminal_there_is_silence() -> None:
    listener = Listener(None, Tellers())
    follow(SILENT * 3, listener)
    assert listener.heard == ["wait"]


def test_the_work_goes_on_when_one_goes_away_and_its_error_is_everybodys() -> None:
    async def script() -> None:
        tellers = Tellers()
        first, second = Listener(HERE, tellers), Listener(HERE, tellers)
        task = asyncio.create_task(work(SILENT * 4, "fails"))
        gone = asyncio.create_task(first.side.follow(task, lambda: "assuming"))
        stays = asyncio.create_task(second.side.follow(task, lambda: "assuming"))
        await asyncio.sleep(SILENT * 2)
        gone.cancel()
        with pytest.raises(DeniedError):
            await stays
        assert "assuming" in second.heard, "the terminal has a teller again"

    asyncio.run(script())

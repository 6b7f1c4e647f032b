"""Asking in a window: real pinentry programs on a virtual X server, the password typed by xdotool."""

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from keyturn.agent import pinentry
from keyturn.agent.pinentry import PinentryAsking
from keyturn.auth.protocol import Asking, OtherWayError
from keyturn.ground.errors import CancelledByPersonError, DeniedError
from keyturn.processes import desktop
from tests.agent.display import Display
from tests.agent.people import process
from tests.parts import needs

PROGRAMS = ("pinentry-gtk-2", "pinentry-qt")
# Of the keyboard's own letters: xdotool types others by changing the keyboard, which can come too late.
PASSWORD = "correct % HORSE EXAMPLE"
LINES = ("aws s3 ls in ~/work", "item <b>“100 %”</b>")


@pytest.fixture(scope="module")
def display() -> Iterator[Display]:
    with Display() as found:
        yield found


@pytest.fixture(params=PROGRAMS)
def program(request: pytest.FixtureRequest) -> str:
    return needs(request.param)


Make = Callable[..., PinentryAsking]


@pytest.fixture
def made(display: Display, program: str, home: Path) -> Iterator[Make]:
    """Makes an Asking for the display. At the end, no window and no process may be left."""
    running: set[asyncio.subprocess.Process] = set()
    caller = {b"DISPLAY": display.name.encode(), b"HOME": os.fsencode(home), b"LANG": b"C.UTF-8"}

    def make(seconds: float = 20) -> PinentryAsking:
        return PinentryAsking(program, desktop.variables(caller), LINES, process(10), seconds, running)

    yield make
    assert not running
    display.wait_for_none()


def run(
    asking: PinentryAsking, work: Callable[[Asking], Awaitable[object]], hands: Callable[[], None]
) -> object:
    """Do `work` while a person's `hands` do theirs."""

    async def do() -> object:
        return await work(asking)

    async def talk() -> object:
        try:
            return await asking.run(do())
        finally:
            assert not asking._running, "a program was left"

    person = threading.Thread(target=hands)
    person.start()
    try:
        return asyncio.run(asyncio.wait_for(talk(), 20))
    finally:
        person.join()


def test_what_is_typed_is_the_answer(display: Display, made: Make) -> None:
    def hands() -> None:
        display.wait_for_window()
        display.type(PASSWORD)

    answer = run(made(), lambda asking: asking.secret("password: ", "wrong (1 of 3)"), hands)
    assert answer.reveal() == PASSWORD  # type: ignore[attr-defined]


def test_escape_cancels(display: Display, made: Make) -> None:
    def hands() -> None:
        display.wait_for_window()
        display.press("Escape")

    with pytest.raises(CancelledByPersonError):
        run(made(), lambda asking: asking.secret("password: "), hands)


def test_nobody_comes(made: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program keeps the time by itself; that it is killed otherwise is tested with one that does not."""
    monkeypatch.setattr(pinentry, "GRACE_SECONDS", 100)
    with pytest.raises(DeniedError, match="nobody answered in time"):
        run(made(seconds=1), lambda asking: asking.secret("password: "), lambda: None)


def test_a_caller_that_hangs_up_takes_the_window_along(display: Display, made: Make) -> None:
    async def script() -> None:
        asking = made()
        task = asyncio.create_task(asking.run(asking.secret("password: ")))
        await asyncio.to_thread(display.wait_for_window)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.to_thread(display.wait_for_none)

    asyncio.run(script())


async def _touch(asking: Asking) -> None:
    await asking.show("touch the key")
    await asyncio.sleep(60)


def test_cancel_at_a_notice_ends_the_work(display: Display, made: Make) -> None:
    def hands() -> None:
        display.wait_for_window()
        display.press("Return")

    with pytest.raises(CancelledByPersonError):
        run(made(), _touch, hands)


def test_the_other_way_at_a_notice(display: Display, made: Make) -> None:
    def hands() -> None:
        display.wait_for_window()
        display.press("alt+u")

    with pytest.raises(OtherWayError):
        run(made(), lambda asking: asking.unless_other_way(_touch(asking)), hands)


def test_cancel_beside_the_other_way_cancels_all(display: Display, made: Make) -> None:
    def hands() -> None:
        display.wait_for_window()
        display.press("Escape")

    with pytest.raises(CancelledByPersonError):
        run(made(), lambda asking: asking.unless_other_way(_touch(asking)), hands)


def test_an_empty_answer_is_the_other_way_where_there_is_one(display: Display, made: Make) -> None:
    def hands() -> None:
        display.wait_for_window()
        display.press("Return")

    with pytest.raises(OtherWayError):
        run(made(), lambda asking: asking.unless_other_way(asking.secret("password: ")), hands)


def test_one_window_at_a_time(display: Display, made: Make) -> None:
    """A notice makes way for the next one and for a question; a work that is done leaves none."""

    async def work(asking: Asking) -> str:
        shown = [""]
        for notice in ("first", "second"):
            await asking.show(notice)
            shown.append(await asyncio.to_thread(display.wait_for_window, shown[-1]))
            assert display.windows() == shown[-1:]
        typing = asyncio.create_task(asyncio.to_thread(answer, shown[-1]))
        text = await asking.text("name: ")
        await typing
        await asking.show("third")
        await asyncio.to_thread(display.wait_for_window)
        return text

    def answer(before: str) -> None:
        question = display.wait_for_window(before)
        assert display.windows() == [question]
        display.type("ada")

    assert run(made(), work, lambda: None) == "ada"

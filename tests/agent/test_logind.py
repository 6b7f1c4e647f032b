"""Signals of logind's on a real bus: who is listened to, what is done, and what does no harm."""

import asyncio
import os
import subprocess
import sys

import pytest
from jeepney import message_bus

from keyturn.agent import logind
from keyturn.agent.logind import Callbacks, Logind
from tests.agent.following import MINE, NEW, OTHER, THEIRS, UID, Heard, follow, until
from tests.agent.login import PATH, LogindStandIn, SystemBus, send_to_all

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="logind is Linux's")


def test_sleep(bus: SystemBus, login: LogindStandIn) -> None:
    async def script(followed: Logind, heard: Heard) -> None:
        login.emit("PrepareForSleep", "b", True)
        assert await heard.up_to("sleep") == ["sleep"]

    follow(bus, script)


def test_sleep_waits_until_all_is_forgotten(bus: SystemBus, login: LogindStandIn) -> None:
    async def run() -> None:
        begun, done = asyncio.Event(), asyncio.Event()

        async def forget() -> None:
            begun.set()
            await done.wait()

        followed = Logind(UID, Callbacks(on_sleep=forget), str(bus.socket), os.getuid())
        followed.start()
        await followed.following.wait()
        assert login.is_delayed
        login.is_preparing = True
        login.emit("PrepareForSleep", "b", True)
        await begun.wait()
        assert login.is_delayed, "the machine slept with the keys in memory"
        done.set()
        await until(lambda: not login.is_delayed)
        # Awake again: the next sleep waits as well.
        login.is_preparing = False
        login.emit("PrepareForSleep", "b", False)
        await until(lambda: login.is_delayed)
        await followed.close()
        assert not login.is_delayed

    asyncio.run(asyncio.wait_for(run(), 20))


def test_the_end_of_the_process_lets_the_machine_sleep(bus: SystemBus, login: LogindStandIn) -> None:
    """To lock is to end: nothing has to be called for it."""
    program = (
        "import asyncio, os, sys\n"
        "from keyturn.agent.logind import Callbacks, Logind\n"
        "async def forget(): os._exit(0)\n"
        "async def run():\n"
        f"    followed = Logind({UID}, Callbacks(on_sleep=forget), {str(bus.socket)!r}, os.getuid())\n"
        "    followed.start()\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(run())\n"
    )
    with subprocess.Popen([sys.executable, "-c", program]) as keeper:
        asyncio.run(until(lambda: login.is_delayed))
        login.emit("PrepareForSleep", "b", True)
        assert keeper.wait(timeout=10) == 0
    asyncio.run(until(lambda: not login.is_delayed))


def test_a_callback_that_hangs_or_fails_does_not_stop_the_rest(
    bus: SystemBus, login: LogindStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logind, "CALLBACK_SECONDS", 0.2)

    async def run() -> None:
        heard = Heard()

        async def fail() -> None:
            raise RuntimeError

        callbacks = Callbacks(lambda: asyncio.sleep(60), fail, heard.callback("logout"))
        followed = Logind(UID, callbacks, str(bus.socket), os.getuid())
        followed.start()
        await followed.following.wait()
        login.lock(MINE)
        login.emit("PrepareForSleep", "b", True)
        await until(lambda: not login.is_delayed)
        login.emit("UserRemoved", "uo", UID, f"{PATH}/user/_{UID}")
        assert await heard.up_to("logout") == ["logout"]
        await followed.close()

    asyncio.run(asyncio.wait_for(run(), 20))


def test_the_screen_locks(bus: SystemBus, login: LogindStandIn) -> None:
    async def script(followed: Logind, heard: Heard) -> None:
        login.lock(MINE)
        assert await heard.up_to("screen") == ["screen"]
        login.hint(MINE, is_locked=True)
        assert await heard.up_to("screen") == ["screen"]
        login.hint(MINE, is_locked=False)
        login.lock(THEIRS)
        login.hint(THEIRS, is_locked=True)
        login.emit("PrepareForSleep", "b", True)
        assert await heard.up_to("sleep") == ["sleep"]

    follow(bus, script)


def test_a_session_that_appears_later_is_followed_too(bus: SystemBus, login: LogindStandIn) -> None:
    async def script(followed: Logind, heard: Heard) -> None:
        login.begin_session(NEW, OTHER)
        login.lock(NEW)
        login.emit("PrepareForSleep", "b", True)
        assert await heard.up_to("sleep") == ["sleep"]
        login.end_session(NEW)
        login.begin_session(NEW, UID)
        login.lock(NEW)
        assert await heard.up_to("screen") == ["screen"]

    follow(bus, script)


def test_logout_is_the_end_of_the_last_session(bus: SystemBus, login: LogindStandIn) -> None:
    async def script(followed: Logind, heard: Heard) -> None:
        login.begin_session(NEW, UID)
        login.end_session(MINE)
        login.end_session(THEIRS)
        login.lock(NEW)
        assert await heard.up_to("screen") == ["screen"], "there is still a session"
        login.end_session(NEW)
        assert await heard.up_to("logout") == ["logout"]

    follow(bus, script)


@pytest.mark.parametrize(
    ("member", "signature", "body"),
    [("UserRemoved", "uo", (UID, f"{PATH}/user/_1000")), ("PrepareForShutdown", "b", (True,))],
)
def test_other_ends_are_a_logout(
    bus: SystemBus, login: LogindStandIn, member: str, signature: str, body: tuple[object, ...]
) -> None:
    async def script(followed: Logind, heard: Heard) -> None:
        login.emit("UserRemoved", "uo", OTHER, f"{PATH}/user/_1001")
        login.emit("PrepareForShutdown", "b", False)
        login.lock(MINE)
        assert await heard.up_to("screen") == ["screen"]
        login.emit(member, signature, *body)
        assert await heard.up_to("logout") == ["logout"]

    follow(bus, script)


def test_a_user_without_sessions_is_not_logged_out_by_others(bus: SystemBus, login: LogindStandIn) -> None:
    """Who came by `su`, or lingers: somebody else's logout is not theirs."""
    del login.sessions[MINE]

    async def script(followed: Logind, heard: Heard) -> None:
        login.end_session(THEIRS)
        login.emit("PrepareForSleep", "b", True)
        assert await heard.up_to("sleep") == ["sleep"]

    follow(bus, script)


def test_a_stranger_is_not_believed(bus: SystemBus, login: LogindStandIn) -> None:
    """The bus lets anybody send a signal of any name; who it is from, it says itself."""

    async def script(followed: Logind, heard: Heard) -> None:
        with bus.connect() as observer:
            names = observer.send_and_get_reply(message_bus.ListNames(), timeout=5).body[0]
        for name in names:
            if name.startswith(":"):
                body = (("PrepareForSleep", "b", (True,)), ("UserRemoved", "uo", (UID, PATH)))
                for member, signature, values in body:
                    await asyncio.to_thread(send_to_all, bus, member, signature, values, name)
        login.lock(MINE)
        assert await heard.up_to("screen") == ["screen"]

    follow(bus, script)

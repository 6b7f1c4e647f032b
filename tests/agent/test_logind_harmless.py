"""What must do no harm while logind is followed: odd signals, no logind, no bus, and what is none."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from keyturn.agent.logind import SYSTEM_BUS, Callbacks, Logind
from tests.agent.following import MINE, UID, Heard, follow, until
from tests.agent.login import LogindStandIn, SystemBus

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="logind is Linux's")


@pytest.mark.parametrize(
    ("member", "signature", "body"),
    [
        ("PrepareForSleep", "", ()),
        ("PrepareForSleep", "s", ("true",)),
        ("PrepareForSleep", "bb", (True, True)),
        ("SessionNew", "s", ("c3",)),
        ("SessionNew", "so", ("c3", "/nowhere")),
        ("SessionRemoved", "so", ("c3", "/nowhere")),
        ("UserRemoved", "s", ("1000",)),
        ("Unheard", "b", (True,)),
    ],
)
def test_signals_of_another_shape_do_no_harm(
    bus: SystemBus, login: LogindStandIn, member: str, signature: str, body: tuple[object, ...]
) -> None:
    async def script(followed: Logind, heard: Heard) -> None:
        login.emit(member, signature, *body)
        login.lock(MINE)
        assert await heard.up_to("screen") == ["screen"]

    follow(bus, script)


def test_logind_may_come_later_and_come_again(bus: SystemBus) -> None:
    async def script(followed: Logind, heard: Heard) -> None:
        for _ in range(2):
            login = LogindStandIn(bus, {MINE: UID})
            await until(lambda: followed.delays_sleep)
            login.lock(MINE)
            assert await heard.up_to("screen") == ["screen"]
            await asyncio.to_thread(login.close)

    follow(bus, script)


def test_without_logind_nothing_happens(bus: SystemBus) -> None:
    async def script(followed: Logind, heard: Heard) -> None:
        await asyncio.sleep(0.1)
        assert not followed.delays_sleep

    follow(bus, script)


def test_a_bus_that_ends_does_no_harm_and_a_new_one_is_found(bus: SystemBus, login: LogindStandIn) -> None:
    async def run() -> None:
        heard = Heard()
        followed = Logind(UID, heard.callbacks, str(bus.socket), os.getuid())
        followed.start()
        await followed.following.wait()
        bus.stop()
        await until(lambda: not followed.following.is_set())
        assert not followed.delays_sleep
        bus.socket.unlink(missing_ok=True)
        await asyncio.to_thread(bus.start)
        again = await asyncio.to_thread(LogindStandIn, bus, {MINE: UID})
        followed.start()
        await followed.following.wait()
        again.lock(MINE)
        assert await heard.up_to("screen") == ["screen"]
        await followed.close()
        await asyncio.to_thread(again.close)

    asyncio.run(asyncio.wait_for(run(), 20))


def listening_at(path: Path, *replies: bytes) -> socket.socket:
    """A socket that takes a connection, answers what comes by these, and then no more."""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    listening.listen()

    def serve() -> None:
        connection, _ = listening.accept()
        # The other side may hang up at any moment.
        with connection, contextlib.suppress(OSError):
            for reply in (*replies, b""):
                connection.recv(4096)
                connection.sendall(reply)
            while connection.recv(4096):
                pass

    threading.Thread(target=serve, daemon=True).start()
    return listening


@pytest.mark.parametrize(
    "replies",
    [
        (),
        (b"REJECTED\r\n",),
        (b"OK x\r\n",),
        (b"x" * 100_000,),
        (b"OK x\r\n", b"AGREE_UNIX_FD\r\n"),
        (b"OK x\r\n", b"AGREE_UNIX_FD\r\n", b"l" * 100),
        (b"OK x\r\n", b"AGREE_UNIX_FD\r\n", b"\xff" * 100_000),
    ],
    ids=range(7),
)
def test_what_is_no_bus_does_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replies: tuple[bytes, ...]
) -> None:
    from keyturn.processes import bus as bus_module

    monkeypatch.setattr(bus_module, "OPEN_SECONDS", 0.3)
    monkeypatch.setattr(bus_module, "CALL_SECONDS", 0.3)

    async def run() -> None:
        heard = Heard()
        followed = Logind(UID, heard.callbacks, str(tmp_path / "bus"), os.getuid())
        followed.start()
        assert followed._task is not None
        await followed._task
        assert heard.words == []

    with listening_at(tmp_path / "bus", *replies):
        asyncio.run(asyncio.wait_for(run(), 5))


@pytest.mark.needs("root")
def test_another_users_bus_is_not_believed(bus: SystemBus, login: LogindStandIn) -> None:
    os.chown(bus.socket, 12345, 12345)

    async def run() -> None:
        followed = Logind(UID, Callbacks(), str(bus.socket), os.getuid())
        followed.start()
        assert followed._task is not None
        await asyncio.wait_for(followed._task, 5)

    asyncio.run(run())
    assert not login.is_delayed


def test_without_a_bus_nothing_is_loaded(tmp_path: Path) -> None:
    program = (
        "import asyncio, sys\n"
        "from keyturn.agent.logind import Callbacks, Logind\n"
        "async def run():\n"
        f"    followed = Logind(0, Callbacks(), {str(tmp_path / 'none')!r})\n"
        "    followed.start()\n"
        "    await followed._task\n"
        "asyncio.run(run())\n"
        "assert 'jeepney' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=20)


def test_the_bus_is_at_its_fixed_place(monkeypatch: pytest.MonkeyPatch, bus: SystemBus) -> None:
    """A variable of the caller's that started the agent could name a bus of its own."""
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={bus.socket}")
    assert Logind(UID, Callbacks())._path == SYSTEM_BUS == "/run/dbus/system_bus_socket"

"""The real systemd-logind on a bus of the test's own: that it says what the stand-in says.

It needs a service manager for its sessions, and gets a stand-in that says yes to every unit. Where systemd
runs the machine, these tests keep away. Sleep is left to the stand-in: logind asks the kernel what it can.
"""

import asyncio
import contextlib
import fcntl
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from jeepney import (
    DBusAddress,
    HeaderFields,
    Message,
    MessageType,
    message_bus,
    new_error,
    new_method_return,
    new_signal,
)

from keyturn.agent.logind import Logind
from tests.agent.following import Heard, until
from tests.agent.login import MANAGER, NAME, PATH, SECONDS, SESSION, SystemBus, call
from tests.parts import absent

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="logind is Linux's"),
    pytest.mark.needs("root"),
]

PROGRAM = Path("/lib/systemd/systemd-logind")
SYSTEMD = "org.freedesktop.systemd1"
UID = 0  # whose shared memory logind does not clear away at logout
STATE = Path("/run/systemd")


class Units:
    """Stands in for systemd as far as logind asks it: every job is done at once, and what ends is gone."""

    def __init__(self, bus: SystemBus) -> None:
        self._connection = bus.connect()
        self._connection.send_and_get_reply(message_bus.RequestName(SYSTEMD, 4), timeout=SECONDS)
        self._is_over = False
        self._jobs = 0
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        self._is_over = True
        self._thread.join()
        self._connection.close()

    def _serve(self) -> None:
        while not self._is_over:
            with contextlib.suppress(TimeoutError):
                message = self._connection.receive(timeout=0.05)
                if message.header.message_type is MessageType.method_call:
                    self._answer(message)

    def _answer(self, call: Message) -> None:
        member, path = call.header.fields[HeaderFields.member], call.header.fields[HeaderFields.path]
        manager = DBusAddress("/org/freedesktop/systemd1", interface=f"{SYSTEMD}.Manager")
        if member == "Subscribe":
            self._connection.send(new_method_return(call))
        elif member in ("StartUnit", "StopUnit", "StartTransientUnit"):
            self._jobs += 1
            job = f"/org/freedesktop/systemd1/job/{self._jobs}"
            self._connection.send(new_method_return(call, "o", (job,)))
            done = (self._jobs, job, call.body[0], "done")
            self._connection.send(new_signal(manager, "JobRemoved", "uoss", done))
        elif member == "Abandon":
            unit = path.rpartition("/")[2].replace("_2d", "-").replace("_2e", ".")
            self._connection.send(new_method_return(call))
            self._connection.send(new_signal(manager, "UnitRemoved", "so", (unit, path)))
        else:
            self._connection.send(new_error(call, f"{SYSTEMD}.NoSuchUnit", "s", ("none",)))


@pytest.fixture
def bus() -> Iterator[SystemBus]:
    """A bus with the real logind on it, the only one: its files below /run are the machine's."""
    if Path("/run/systemd/system").exists():
        absent("a machine that systemd does not run")
    if not PROGRAM.exists():
        absent("systemd-logind")
    with open(Path(tempfile.gettempdir()) / "keyturn-logind.lock", "w") as one, SystemBus() as found:
        fcntl.flock(one, fcntl.LOCK_EX)
        units = Units(found)
        there_before = _state_files()
        variables = {"DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={found.socket}", "SYSTEMD_LOG_TARGET": "null"}
        with subprocess.Popen([PROGRAM], env=variables) as daemon:
            try:
                _wait_for(found, daemon)
                yield found
            finally:
                daemon.terminate()
                daemon.wait(SECONDS)
                units.close()
                for left in _state_files() - there_before:
                    left.unlink()


def _state_files() -> set[Path]:
    return {path for part in ("sessions", "users", "inhibit") for path in (STATE / part).glob("*")}


def _wait_for(bus: SystemBus, daemon: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + SECONDS
    with bus.connect() as connection:
        while not connection.send_and_get_reply(message_bus.NameHasOwner(NAME), timeout=SECONDS).body[0]:
            assert daemon.poll() is None, "logind does not run here"
            assert time.monotonic() < until, "logind did not come"
            time.sleep(0.02)


class LoginSession:
    """A session as pam_systemd would make it. It ends when its leader and its pipe do."""

    def __init__(self, bus: SystemBus) -> None:
        self._connection = bus.connect(descriptors=True)
        self._leader = subprocess.Popen(["sleep", "60"])
        made = self._ask(
            *(PATH, f"{MANAGER}.CreateSession", "uusssssussbssa(sv)", UID, self._leader.pid),
            *("login", "tty", "user", "", "", 0, "", "", False, "", "", []),
        )
        self.path, self._pipe = str(made[1]), made[3]

    def _ask(self, path: str, method: str, *body: object) -> tuple[object, ...]:
        return call(self._connection, NAME, path, method, *body)

    def lock(self) -> None:
        self._ask(self.path, f"{SESSION}.Lock")

    def hint(self, *, is_locked: bool) -> None:
        self._ask(self.path, f"{SESSION}.SetLockedHint", "b", is_locked)

    def inhibitors(self) -> list[tuple[object, ...]]:
        return self._ask(PATH, f"{MANAGER}.ListInhibitors")[0]  # type: ignore[return-value]

    def sessions(self) -> list[object]:
        return self._ask(PATH, f"{MANAGER}.ListSessions")[0]  # type: ignore[return-value]

    def end(self) -> None:
        if self._leader.poll() is None:
            self._leader.kill()
            self._leader.wait()
            self._pipe.close()  # type: ignore[attr-defined]

    def close(self) -> None:
        self.end()
        self._connection.close()


def test_a_login_from_its_beginning_to_its_end(bus: SystemBus) -> None:
    async def run() -> None:
        heard = Heard()
        with contextlib.closing(LoginSession(bus)) as first:
            followed = Logind(UID, heard.callbacks, str(bus.socket), os.getuid())
            followed.start()
            await followed.following.wait()
            assert [row[:4] for row in first.inhibitors()] == [
                ("sleep", "Keyturn", "forget the keys before sleep", "delay")
            ]
            first.lock()
            assert await heard.up_to("screen") == ["screen"]
            with contextlib.closing(LoginSession(bus)) as second:
                second.hint(is_locked=True)
                assert await heard.up_to("screen") == ["screen"]
                second.hint(is_locked=False)
                first.end()
                await until(lambda: len(second.sessions()) == 1)
                assert heard.words == []
                second.end()
                assert await heard.up_to("logout") == ["logout"]
            await followed.close()
            await until(lambda: first.inhibitors() == [])

    asyncio.run(asyncio.wait_for(run(), 30))

"""A system bus of the test's own, and on it a stand-in for logind with just what is asked of logind.

The bus is the real dbus-daemon. The stand-in speaks for org.freedesktop.login1 as systemd 252 does; that the
real one does the same is what test_logind_real.py is for.
"""

import os
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from jeepney import (
    DBusAddress,
    HeaderFields,
    Message,
    MessageType,
    message_bus,
    new_error,
    new_method_call,
    new_method_return,
    new_signal,
)
from jeepney.io.blocking import DBusConnection, open_dbus_connection

from tests.parts import needs

NAME, PATH = "org.freedesktop.login1", "/org/freedesktop/login1"
MANAGER, SESSION = f"{NAME}.Manager", f"{NAME}.Session"
SECONDS = 10

# Everybody may own names and send, so that an impostor is stopped by what is tested and not by a rule here.
CONFIGURATION = """<busconfig>
<type>system</type>
<listen>unix:path={socket}</listen>
<auth>EXTERNAL</auth>
<policy context="default">
<allow send_destination="*" eavesdrop="true"/><allow receive_sender="*"/><allow own="*"/><allow user="*"/>
</policy>
</busconfig>
"""


class SystemBus:
    """`with SystemBus() as bus:`; `bus.socket` is where it listens."""

    def __init__(self) -> None:
        self._program = needs("dbus-daemon")
        self._directory = tempfile.TemporaryDirectory(prefix="kt-bus-")
        self.socket = Path(self._directory.name) / "socket"
        self._configuration = Path(self._directory.name) / "bus.conf"
        self._configuration.write_text(CONFIGURATION.format(socket=self.socket))
        self._daemon: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._daemon = subprocess.Popen(
            [self._program, f"--config-file={self._configuration}", "--nofork", "--nopidfile"],
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + SECONDS
        with socket.socket(socket.AF_UNIX) as probe:
            while probe.connect_ex(str(self.socket)):
                assert time.monotonic() < until, "the bus did not start"
                time.sleep(0.01)

    def stop(self) -> None:
        if self._daemon is not None:
            self._daemon.kill()
            self._daemon.wait()
            self._daemon = None

    def connect(self, *, descriptors: bool = False) -> DBusConnection:
        return open_dbus_connection(f"unix:path={self.socket}", enable_fds=descriptors)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._directory.cleanup()


class Connecting(Protocol):
    """A system bus, of whatever test."""

    def connect(self, *, descriptors: bool = False) -> DBusConnection: ...


class LogindStandIn:
    """Owns org.freedesktop.login1 and answers in a thread. `sessions` are {path: uid}."""

    def __init__(self, bus: Connecting, sessions: dict[str, int]) -> None:
        self.sessions = sessions
        self.is_preparing = False
        self._delay = -1
        # The serving thread exchanges the pipe's end while a test looks at it.
        self._looking = threading.Lock()
        self._connection = bus.connect(descriptors=True)
        answer = self._connection.send_and_get_reply(message_bus.RequestName(NAME, 4), timeout=SECONDS)
        assert answer.body == (1,), "the name is taken"
        self._sending = threading.Lock()
        self._is_over = False
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        self._is_over = True
        self._thread.join()
        self._connection.close()
        if self._delay >= 0:
            os.close(self._delay)

    def _serve(self) -> None:
        while not self._is_over:
            try:
                message = self._connection.receive(timeout=0.05)
            except TimeoutError:
                continue
            except (OSError, EOFError):
                return
            if message.header.message_type is MessageType.method_call:
                self._answer(message)

    def _answer(self, call: Message) -> None:
        member, path = call.header.fields[HeaderFields.member], call.header.fields[HeaderFields.path]
        if member == "ListSessions":
            rows = [(path[-3:], uid, "name", "", path) for path, uid in self.sessions.items()]
            self._send(new_method_return(call, "a(susso)", (rows,)))
        elif member == "Inhibit" and not self.is_preparing:
            assert call.body[0] == "sleep"
            assert call.body[3] == "delay"
            reading, writing = os.pipe()
            with self._looking:
                if self._delay >= 0:
                    os.close(self._delay)
                self._delay = reading
            with open(writing, "wb") as end:
                self._send(new_method_return(call, "h", (end,)))
        elif member == "Get" and call.body == (SESSION, "User") and path in self.sessions:
            uid = self.sessions[path]
            self._send(new_method_return(call, "v", (("(uo)", (uid, f"{PATH}/user/_{uid}")),)))
        else:
            self._send(new_error(call, "org.freedesktop.DBus.Error.Failed", "s", ("no",)))

    def _send(self, message: Message) -> None:
        with self._sending:
            self._connection.send(message)

    def emit(
        self, member: str, signature: str, *body: Any, path: str = PATH, interface: str = MANAGER
    ) -> None:
        self._send(new_signal(DBusAddress(path, interface=interface), member, signature or None, body))

    def lock(self, path: str) -> None:
        self.emit("Lock", "", path=path, interface=SESSION)

    def hint(self, path: str, *, is_locked: bool) -> None:
        """A desktop says that its screen is locked, or is not any more."""
        self.emit(
            *("PropertiesChanged", "sa{sv}as", SESSION, {"LockedHint": ("b", is_locked)}, []),
            path=path,
            interface="org.freedesktop.DBus.Properties",
        )

    def begin_session(self, path: str, uid: int) -> None:
        self.sessions[path] = uid
        self.emit("SessionNew", "so", path[-3:], path)

    def end_session(self, path: str) -> None:
        del self.sessions[path]
        self.emit("SessionRemoved", "so", path[-3:], path)

    @property
    def is_delayed(self) -> bool:
        """Whether somebody holds the delay lock: its other end is open."""
        with self._looking:
            if self._delay < 0:
                return False
            os.set_blocking(self._delay, False)
            try:
                return os.read(self._delay, 1) != b""
            except BlockingIOError:
                return True


def send_to_all(
    bus: SystemBus, member: str, signature: str, body: tuple[Any, ...], also_to: str = ""
) -> None:
    """A signal of a stranger's, to whom it may concern and to one connection."""
    signal = new_signal(DBusAddress(PATH, interface=MANAGER), member, signature, body)
    with bus.connect() as stranger:
        stranger.send(signal)
        if also_to:
            signal.header.fields[HeaderFields.destination] = also_to
            stranger.send(signal)
        # The bus has taken both when it has answered.
        stranger.send_and_get_reply(message_bus.GetId(), timeout=SECONDS)


def call(connection: DBusConnection, destination: str, path: str, method: str, *body: Any) -> tuple[Any, ...]:
    """Call `interface.member` with a signature in front of the values; what it returned."""
    interface, _, member = method.rpartition(".")
    address = DBusAddress(path, bus_name=destination, interface=interface)
    signature, values = (body[0], body[1:]) if body else (None, ())
    reply = connection.send_and_get_reply(
        new_method_call(address, member, signature, values), timeout=SECONDS
    )
    assert reply.header.message_type is MessageType.method_return, f"{member}: {reply.body}"
    return tuple(reply.body)

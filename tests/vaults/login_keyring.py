"""A session bus of the tests' own with a real gnome-keyring-daemon on it, its login keyring unlocked."""

import os
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import secretstorage
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import open_dbus_connection
from secretstorage.exceptions import SecretStorageException

from tests.parts import needs

SECONDS = 60.0


class LoginKeyring:
    """`with LoginKeyring(directory) as keyring:`; the bus listens at `directory`/bus."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.bus = f"unix:path={directory}/bus"
        self._running: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        try:
            self._begin()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _begin(self) -> None:
        daemon, keyring = needs("dbus-daemon"), needs("gnome-keyring-daemon")
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.directory),
            "XDG_RUNTIME_DIR": str(self.directory),
            "XDG_DATA_HOME": str(self.directory / "data"),
            "DBUS_SESSION_BUS_ADDRESS": self.bus,
        }
        self._start([daemon, "--session", "--nofork", "--nopidfile", f"--address={self.bus}"], environment)
        self._wait(lambda: (self.directory / "bus").exists())
        # Debian's has a file capability, with which containers refuse to run it; a copy has none.
        keyring = shutil.copy(keyring, str(self.directory / "gnome-keyring-daemon"))
        # Not a word to the service before it is there: the bus would start another one, which nobody unlocks.
        command = [keyring, "--foreground", "--unlock", "--components=secrets"]
        process = self._start(command, environment)
        assert process.stdin is not None
        process.stdin.write(b"of the login EXAMPLE")
        process.stdin.close()
        process.stdin = None
        self._wait(self._is_there)
        self._wait(self._is_unlocked)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in reversed(self._running):
            process.terminate()
            process.communicate()

    def _start(self, command: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
        nowhere = subprocess.DEVNULL
        self._running.append(
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=nowhere, stderr=nowhere, env=environment)
        )
        return self._running[-1]

    def _wait(self, is_so: Any) -> None:
        deadline = time.monotonic() + SECONDS
        while not is_so():
            assert time.monotonic() < deadline, "the keyring did not start"
            time.sleep(0.05)

    def _is_there(self) -> bool:
        try:
            connection = open_dbus_connection(self.bus)
        except OSError:
            return False
        try:
            reply = connection.send_and_get_reply(message_bus.NameHasOwner("org.freedesktop.secrets"))
            return bool(reply.body[0])
        finally:
            connection.close()

    def _is_unlocked(self) -> bool:
        try:
            return bool(self.collection(lambda found: not found.is_locked()))
        except SecretStorageException:
            return False

    def collection(self, work: Any) -> Any:
        """What `work` says of the default collection."""
        connection = open_dbus_connection(self.bus)
        try:
            return work(secretstorage.get_collection_by_alias(connection, "default"))
        finally:
            connection.close()

    def lock(self) -> None:
        self.collection(lambda found: found.lock())

    def entries(self) -> list[dict[str, str]]:
        """The attributes of what is in it."""
        found: list[dict[str, str]] = self.collection(
            lambda collection: [item.get_attributes() for item in collection.get_all_items()]
        )
        return found

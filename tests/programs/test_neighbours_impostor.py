"""A server of another user where the agent should be: the CLI and the launcher tell it nothing."""

import os
import socket
import subprocess
import threading
import warnings
from pathlib import Path

import pytest

from keyturn.ground import paths, wire
from tests.programs.planted import wait_for
from tests.programs.user import BIN, User
from tests.vaults.templates import PASSWORD

STRANGER = 65534
SEVERAL = (
    ("item", "list"),
    ("signin", "--password-file", "password"),
    ("status",),
    ("plugin", "run", "--", "aws", "s3", "ls"),
)


class Impostor:
    """Listens at a path as the user `uid`; `heard` is all that anybody said to it."""

    def __init__(self, path: Path, uid: int) -> None:
        self.heard = b""
        self.callers = 0
        self._stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._stream.bind(str(path))
        path.chmod(0o600)
        # The kernel records who listens, not who binds.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            os.setuid(uid)
            self._stream.listen(16)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                stream, _ = self._stream.accept()
            except OSError:
                return
            self.callers += 1
            with stream:
                stream.settimeout(1)
                try:
                    while part := stream.recv(65536):
                        self.heard += part
                except OSError:
                    pass

    def close(self) -> None:
        self._stream.shutdown(socket.SHUT_RDWR)
        self._stream.close()


@pytest.fixture
def place(user: User) -> Path:
    """Where the socket of this user's agent belongs; the agent has been ended."""
    user.account()
    user.password_file()
    probe = user.home / "bin/aws"
    probe.parent.mkdir()
    probe.write_text("#!/bin/sh\necho ran\n")
    probe.chmod(0o755)
    user.path.insert(0, str(probe.parent))
    user.keyturn("agent", "stop").succeeds()
    return paths.resolve(user.environment, os.getuid()).socket


@pytest.mark.needs("root")
def test_a_server_of_another_user_is_told_nothing(user: User, place: Path) -> None:
    """In a directory that looks right, even so: ours, closed, and the socket closed too."""
    impostor = Impostor(place, STRANGER)
    try:
        for words in SEVERAL:
            done = user.keyturn(*words)
            assert done.status == 198, done.errors
            assert "the agent's socket belongs to another user" in done.errors
        wait_for(lambda: impostor.callers >= len(SEVERAL), "they came")
    finally:
        impostor.close()
        place.unlink()
    assert impostor.heard == b"", "and said nothing"


def test_a_server_of_the_same_user_would_be_asked(user: User, place: Path) -> None:
    """The impostor hears what is said: of this user's programs nobody can tell (a published limit)."""
    impostor = Impostor(place, os.getuid())
    processes = [
        subprocess.Popen(
            [str(BIN / "keyturn"), *words],
            env=user.environment,
            cwd=user.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        for words in SEVERAL
    ]
    try:
        # One connection at a time is served, each until the other end has enough.
        wait_for(lambda: b"hello" in impostor.heard, "a command says something", 60)
        wait_for(lambda: bytes([wire.VERSION]) + wire.RUN in impostor.heard, "so does a launcher", 60)
    finally:
        for process in processes:
            process.kill()
            process.wait()
        impostor.close()
        place.unlink()
    assert PASSWORD.encode() not in impostor.heard, "a password follows an answer only"

"""Real database servers on the loopback, for as long as a `with` lasts; each holds the users it is given."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

SECONDS_TO_START = 60.0
POSTGRESQL = "/usr/lib/postgresql"


class AbsentError(Exception):
    """The server's program is not on this machine; its name."""


class Database(Protocol):
    """A server in a directory of its own: how it is made, started, and given a user."""

    def prepare(self, directory: Path) -> None: ...
    def command(self, directory: Path, port: int) -> list[str]: ...
    def user(self) -> str | None: ...
    def add(self, directory: Path, port: int, name: str, password: str) -> None: ...


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def need(*names: str) -> str:
    for name in names:
        path = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
        if path is not None:
            return path
    raise AbsentError(names[0])


def call(command: list[str], text: str = "", user: str | None = None) -> None:
    done = subprocess.run(
        command, input=text, text=True, capture_output=True, timeout=SECONDS_TO_START, user=user, cwd="/"
    )
    if done.returncode != 0:
        raise OSError(f"{command[0]} ended with {done.returncode}: {done.stdout}{done.stderr}")


class PostgreSql:
    """Passwords by scram-sha-256 over TCP; over its socket its own user may do all."""

    def user(self) -> str | None:
        return "postgres" if os.geteuid() == 0 else None

    @staticmethod
    def program(name: str) -> str:
        for directory in sorted(Path(POSTGRESQL).glob("*/bin"), reverse=True):
            if (directory / name).exists():
                return str(directory / name)
        return need(name)

    def prepare(self, directory: Path) -> None:
        words = ["--auth-host=scram-sha-256", "--auth-local=trust", "--username=owner", "--no-sync"]
        initdb = self.program("initdb")
        call(
            [initdb, *words, "--encoding=UTF8", "--locale=C.UTF-8", f"--pgdata={directory}/data"],
            user=self.user(),
        )

    def command(self, directory: Path, port: int) -> list[str]:
        settings = ["-c", "fsync=off", "-c", "listen_addresses=127.0.0.1", "-k", str(directory)]
        return [self.program("postgres"), "-D", f"{directory}/data", "-p", str(port), *settings]

    def add(self, directory: Path, port: int, name: str, password: str) -> None:
        doubled, quoted = name.replace('"', '""'), password.replace("'", "''")
        psql = [
            need("psql"),
            "-X",
            "-q",
            "-h",
            str(directory),
            "-p",
            str(port),
            "-U",
            "owner",
            "-d",
            "postgres",
        ]
        call(
            [*psql, "-v", "ON_ERROR_STOP=1"], f"create role \"{doubled}\" login superuser password '{quoted}'"
        )


class MariaDb:
    """Its root comes in by the socket; the users by TCP, from everywhere."""

    def user(self) -> str | None:
        return None

    def prepare(self, directory: Path) -> None:
        words = ["--no-defaults", f"--datadir={directory}/data", "--auth-root-authentication-method=normal"]
        own = ["--user=root"] if os.geteuid() == 0 else []
        call([need("mariadb-install-db"), *words, *own, "--skip-test-db"])

    def command(self, directory: Path, port: int) -> list[str]:
        words = ["--no-defaults", f"--datadir={directory}/data", f"--socket={directory}/s", f"--port={port}"]
        own = ["--user=root"] if os.geteuid() == 0 else []
        return [need("mariadbd"), *words, *own, "--bind-address=127.0.0.1", f"--pid-file={directory}/pid"]

    def add(self, directory: Path, port: int, name: str, password: str) -> None:
        user, quoted = (text.replace("\\", "\\\\").replace("'", "\\'") for text in (name, password))
        sql = f"create user '{user}'@'%' identified by '{quoted}'; grant all on *.* to '{user}'@'%';"
        words = ["--no-defaults", f"--socket={directory}/s", "--user=root", "--default-character-set=utf8mb4"]
        call([need("mariadb"), *words], sql)


class Redis:
    """Its own users, and none without a password. A password is given as its hash: that can be any text."""

    def user(self) -> str | None:
        return None

    def prepare(self, directory: Path) -> None:
        need("redis-cli")

    def command(self, directory: Path, port: int) -> list[str]:
        words = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
        return [need("redis-server"), *words, "--dir", str(directory), "--unixsocket", f"{directory}/s"]

    def add(self, directory: Path, port: int, name: str, password: str) -> None:
        digest = hashlib.sha256(password.encode()).hexdigest()
        redis = [need("redis-cli"), "-e", "-s", f"{directory}/s"]
        call([*redis, "ACL", "SETUSER", name, "reset", "on", f"#{digest}", "~*", "&*", "+@all"])


KINDS: dict[str, type[Database]] = {"postgresql": PostgreSql, "mariadb": MariaDb, "redis": Redis}


class Running:
    """`with Running("redis", users) as server:`; its port, on 127.0.0.1. Raises AbsentError."""

    def __init__(self, kind: str, users: Iterable[tuple[str, str]]) -> None:
        self.kind = KINDS[kind]()
        self.users = list(users)
        self.port = unused_port()

    def __enter__(self) -> Self:
        # Short, for a socket's path has a limit; and open to the server's own user.
        self.directory = Path(tempfile.mkdtemp(prefix="kd-"))
        user = self.kind.user()
        if user is not None:
            shutil.chown(self.directory, user)
        try:
            self.kind.prepare(self.directory)
        except BaseException:
            shutil.rmtree(self.directory)
            raise
        with (self.directory / "log").open("wb") as log:
            self.process = subprocess.Popen(
                self.kind.command(self.directory, self.port),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=user,
                cwd="/",
            )
        try:
            self.wait()
            for name, password in self.users:
                self.kind.add(self.directory, self.port, name, password)
            self.close_to_strangers()
        except BaseException:
            self.end()
            raise
        return self

    def wait(self) -> None:
        deadline = time.monotonic() + SECONDS_TO_START
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    said = (self.directory / "log").read_text(errors="replace")
                    raise OSError(f"{self.process.args!r} does not answer: {said[-2000:]}") from None
                time.sleep(0.05)
            else:
                return

    def close_to_strangers(self) -> None:
        """Redis lets everybody in until it is told otherwise, which it is by its socket, the last."""
        if isinstance(self.kind, Redis):
            call([need("redis-cli"), "-e", "-s", f"{self.directory}/s", "ACL", "SETUSER", "default", "off"])

    def end(self) -> None:
        self.process.send_signal(signal.SIGINT if isinstance(self.kind, PostgreSql) else signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

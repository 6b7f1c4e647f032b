"""A machine for one run of tests: a real system bus, polkitd, PAM and an ordinary user, in a mount namespace.

There /etc, /run/dbus and what else is changed are copies of this machine's own or empty: nothing of it is
touched, and several of these can run side by side. All is gone with the last process in it. Needs root.
"""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from keyturn.auth import polkit_policy
from tests.aws_server.client import ROOT
from tests.parts import absent, needs
from tests.programs.user import User

POLKITD = ("/usr/lib/polkit-1/polkitd", "/usr/libexec/polkitd")
FPRINTD = ("/usr/libexec/fprintd", "/usr/lib/fprintd")
SECONDS = 20
USER, PASSWORD = "ktordinary", "lögin EXAMPLE password"

# As Debian's common-auth, but without the two seconds after a wrong password.
UNIX = "auth required pam_unix.so nodelay\naccount required pam_unix.so\n"
COPIED = ("/etc", "/usr/share/dbus-1", "/usr/share/polkit-1")
EMPTY = ("/run/dbus",)


def beginning(at: str) -> str:
    """The script that makes the name space; its own files are below `at`."""
    lines = [f"mount -t tmpfs -o mode=755 keyturn-test {shlex.quote(at)}"]
    for place in filter(os.path.isdir, COPIED):
        copy = shlex.quote(f"{at}/copies{place}")
        lines += [f"mkdir -p {copy}", f"cp -a {place}/. {copy}", f"mount --bind {copy} {place}"]
    lines += [
        line for place in EMPTY for line in (f"mkdir -p {place}", f"mount -t tmpfs keyturn-test {place}")
    ]
    return "\n".join(["set -e", *lines, *opening(at), "echo ready", "exec sleep infinity"])


def opening(at: str) -> list[str]:
    """Commands that let others reach the interpreter and this tree, if a home that is closed is in the way.

    Over that home comes an empty one, in which there is nothing but these two.
    """
    needed = {place: f"{at}/open/{number}" for number, place in enumerate((sys.base_prefix, str(ROOT)))}
    closed = {place: _closed_parent(place) for place in needed}
    lines = []
    for place, kept in needed.items():
        lines += [f"mkdir -p {shlex.quote(kept)}", f"mount --bind {shlex.quote(place)} {shlex.quote(kept)}"]
    for parent in sorted({each for each in closed.values() if each}):
        lines.append(f"mount -t tmpfs -o mode=755 keyturn-test {shlex.quote(parent)}")
    for place, kept in needed.items():
        if closed[place]:
            lines += [
                f"mkdir -p {shlex.quote(place)}",
                f"mount --bind {shlex.quote(kept)} {shlex.quote(place)}",
            ]
    return lines


def _closed_parent(place: str) -> str:
    closed = [each for each in Path(place).parents if not each.stat().st_mode & 0o001]
    return str(closed[-1]) if closed else ""


def program(places: Sequence[str], part: str) -> str:
    """The first of `places` that is there, or the end of this test."""
    found = [place for place in places if os.path.exists(place)]
    return found[0] if found else absent(part)


def as_root() -> dict[str, str]:
    """This process's variables, and root's programs on PATH, which an ordinary user's lacks."""
    return {**os.environ, "PATH": f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"}


class Machine:
    """`with Machine() as machine:`; nothing runs in it but what is started."""

    def __init__(self, password: str = PASSWORD) -> None:
        self._password = password
        for part in ("root", "unshare", "nsenter", "setpriv", "useradd", "chpasswd"):
            needs(part)
        self._directory = tempfile.mkdtemp(prefix="kt-machine-")
        self._running: list[subprocess.Popen[bytes]] = []
        self._polkit: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        os.chmod(self._directory, 0o755)
        self._root = subprocess.Popen(
            ["unshare", "--mount", "/bin/sh", "-c", beginning(self._directory)],
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._root.stdout is not None
        if self._root.stdout.readline() != b"ready\n":
            self.__exit__(None, None, None)
            absent("the right to mount")
        self.add_user(USER, self._password)
        self.home = self.directory("home")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for each in [*reversed(self._running), self._root]:
            _end(each)
        if self._root.stdout is not None:
            self._root.stdout.close()
        shutil.rmtree(self._directory)

    def enter(self, directory: Path = ROOT) -> tuple[str, ...]:
        """The words before a command that make it run here, as root, in a directory."""
        return ("nsenter", f"--mount=/proc/{self._root.pid}/ns/mnt", f"--wdns={directory}")

    def ordinary(self, user: str = USER, directory: Path = ROOT) -> tuple[str, ...]:
        """The words before a command that make it run here, as an ordinary user without privileges."""
        switch = ("setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--inh-caps=-all")
        return (*self.enter(directory), *switch)

    def adopt(self, user: User) -> None:
        """Let what a test's user runs be run here by the ordinary user, whose home it gets."""
        uid = int(self.run("id", "-u", USER))
        for place in (user.home, *user.home.rglob("*")):
            os.chown(place, uid, uid, follow_symlinks=False)
        user.prefix = self.ordinary(directory=user.home)

    def holds(self, pid: str) -> bool:
        """Whether a process runs here."""
        return os.readlink(f"/proc/{pid}/ns/mnt") == os.readlink(f"/proc/{self._root.pid}/ns/mnt")

    def path(self, inside: str) -> Path:
        """A path in here, for the test outside."""
        return Path(f"/proc/{self._root.pid}/root{inside}")

    @property
    def bus(self) -> Path:
        return self.path("/run/dbus/system_bus_socket")

    def directory(self, name: str) -> Path:
        """A new directory of the user's, under one path for inside and outside."""
        made = Path(tempfile.mkdtemp(prefix=f"kt-{name}-", dir=self.path(self._directory)))
        inside = Path(self._directory) / made.name
        self.run("chown", f"{USER}:", str(inside))
        return inside

    def run(self, *command: str, stdin: str = "") -> str:
        """Run a command as root, which has to succeed; what it printed."""
        done = subprocess.run(
            [*self.enter(), *command],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
            env=as_root(),
        )
        assert done.returncode == 0, f"{command[0]}: {done.stderr}"
        return done.stdout

    def start(self, *command: str, variables: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start a service as root."""
        process = subprocess.Popen(
            [*self.enter(), *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**as_root(), **(variables or {})},
            start_new_session=True,
        )
        self._running.append(process)
        return process

    def stop(self, process: subprocess.Popen[bytes]) -> None:
        self._running.remove(process)
        _end(process)

    def add_user(self, user: str, password: str) -> None:
        """A user without a home; with an empty password, one who cannot log in by password."""
        self.run("useradd", "--no-create-home", "--home-dir", "/nonexistent", "--user-group", user)
        if password:
            self.run("chpasswd", stdin=f"{user}:{password}\n")

    def write(self, inside: str, content: str) -> None:
        self.path(inside).write_text(content)
        self.path(inside).chmod(0o644)

    def start_bus(self) -> subprocess.Popen[bytes]:
        process = self.start(needs("dbus-daemon"), "--system", "--nofork", "--nopidfile")
        wait_until(self.bus.exists)
        return process

    def start_polkit(self, policy: str) -> subprocess.Popen[bytes]:
        """polkitd with this policy file of ours; the one that ran before ends. PAM asks at once again."""
        polkitd = program(POLKITD, "polkitd")
        if self._polkit is not None:
            self.stop(self._polkit)
        if policy:
            self.write(str(polkit_policy.FILE), policy)
        else:
            self.path(str(polkit_policy.FILE)).unlink(missing_ok=True)
        self.write("/etc/pam.d/polkit-1", UNIX)
        self._polkit = self.start(polkitd, "--no-debug")
        wait_until(lambda: self.owns("org.freedesktop.PolicyKit1"))
        return self._polkit

    def owns(self, name: str) -> bool:
        """Whether somebody on the bus has this name."""
        from jeepney import DBusAddress, new_method_call
        from jeepney.io.blocking import open_dbus_connection

        bus = DBusAddress(
            "/org/freedesktop/DBus", bus_name="org.freedesktop.DBus", interface="org.freedesktop.DBus"
        )
        with open_dbus_connection(f"unix:path={self.bus}") as connection:
            reply = connection.send_and_get_reply(new_method_call(bus, "NameHasOwner", "s", (name,)))
        return bool(reply.body[0])

    @contextmanager
    def person(self, user: Any = USER, **scene: Any) -> Iterator["Person"]:
        """A program of the user that goes through a scene (tests/auth/person.py)."""
        variables = scene.pop("variables", {})
        process = subprocess.Popen(
            [*self.ordinary(user), sys.executable, "-m", "tests.auth.person", json.dumps(scene)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **variables},
            start_new_session=True,
        )
        try:
            yield Person(process)
        finally:
            _end(process)
            for stream in (process.stdin, process.stdout):
                assert stream is not None
                stream.close()

    def play(self, user: Any = USER, **scene: Any) -> "Ending":
        """The same, to its end."""
        with self.person(user, **scene) as person:
            return person.ending()


class Ending:
    """How a scene ended: `outcome` is approved, cancelled or an error's code; `log` what the person saw."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.outcome: str = told["outcome"]
        self.message: str = told["message"]
        self.hints: tuple[str, ...] = tuple(told["hints"])
        self.log: list[list[str]] = told["log"]

    @property
    def questions(self) -> list[list[str]]:
        return [each for each in self.log if each[0] in ("secret", "text")]

    @property
    def shown(self) -> list[str]:
        return [line for kind, *lines in self.log if kind == "show" for line in lines]

    def __repr__(self) -> str:
        return f"{self.outcome}: {self.message} {self.log}"


class Person:
    """A scene that is going on."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.pid = process.pid
        self._process = process

    def event(self) -> list[str]:
        """The next thing that the person sees."""
        told = self._read()
        assert isinstance(told, list), told
        return told

    def wait_for(self, kind: str, text: str) -> None:
        while (event := self.event())[0] != kind or text not in " ".join(event):
            pass

    def cancel(self) -> None:
        """As Ctrl-C, or the end of the connection, would."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"cancel\n")
        self._process.stdin.flush()

    def ending(self) -> Ending:
        """How it ends; what came before is in the log."""
        while isinstance(told := self._read(), list):
            pass
        return Ending(told)

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the person's program died"
        return json.loads(line)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and what it started, and wait for it."""
    try:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(5)
    except (ProcessLookupError, PermissionError):
        pass
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait_until(is_true: Any) -> None:
    deadline = time.monotonic() + SECONDS
    while not is_true():
        assert time.monotonic() < deadline, "it did not become true in time"
        time.sleep(0.02)

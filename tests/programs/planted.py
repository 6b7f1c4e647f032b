"""A user with secrets of this run alone planted, and every place where they must not turn up."""

import base64
import contextlib
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import click

from keyturn.cli.main import keyturn
from keyturn.ground import paths
from tests.parts import needs
from tests.programs import memory
from tests.programs.user import BIN, Result, User

AGENT = Path(__file__).with_name("observed_agent.py")
TRACE = ("strace", "-f", "-v", "-qq", "-s", "100000", "-e", "trace=execve,execveat", "-A", "-o")
WRAPPED = '#!/bin/sh\n[ "$2" != stay ] || exec tail -f "$0" --pid="$PPID"\necho ran\n'
# Where programs put files that nobody asked for.
SHARED = (Path(tempfile.gettempdir()), Path("/dev/shm"), Path("/var/tmp"))
LARGEST_FILE = 32 * 1024 * 1024


def commands() -> set[str]:
    """Every command that there is: taken from the program, so that a new one is not forgotten."""

    def walk(group: click.Group, words: tuple[str, ...]) -> Iterator[str]:
        context = click.Context(group)
        if words and group.invoke_without_command:
            yield " ".join(words)
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            if isinstance(command, click.Group):
                yield from walk(command, (*words, name))
            else:
                yield " ".join((*words, name))

    return set(walk(keyturn, ()))


class Planted:
    """`with Planted() as planted:` a locked account; `secrets` are what must not be found, by name."""

    def __init__(self, user: User | None = None) -> None:
        self.user = user or User()
        self.place = Path(tempfile.mkdtemp(prefix="kt-trace-"))
        self.trace = self.place / "commands"
        self.helpers = self.place / "helpers"
        self._before = {path for shared in SHARED for path in entries(shared)}
        self.said: list[tuple[tuple[str, ...], Result]] = []
        self.secrets = {
            **{name: f"p-{secrets.token_hex(16)}" for name in ("password", "new", "second", "wrong")},
            "passphrase": f"p-{secrets.token_hex(16)}",
            **{name: secrets.token_hex(20) for name in ("value", "aws", "environment")},
            "seed": base64.b32encode(secrets.token_bytes(20)).decode(),
        }
        self.files: set[Path] = set()
        for name in ("password", "new", "second", "wrong", "passphrase", "value"):
            self.file(name, self.secrets[name])

    def __enter__(self) -> Self:
        self.aws_file()
        made = self.user.account(password=self.secrets["password"], recovery=True)
        assert made.recovery_code is not None
        self.secrets["code"] = made.recovery_code.reveal()
        self.file("code", self.secrets["code"])
        executable = self.user.home / "bin/aws"
        executable.parent.mkdir()
        executable.write_text(WRAPPED)
        executable.chmod(0o755)
        self.user.path.insert(0, str(executable.parent))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.user.__exit__(kind, error, trace)
        finally:
            shutil.rmtree(self.place)

    def file(self, name: str, content: str) -> str:
        """A file with a secret, for --password-file and the like: one of those that may be found."""
        path = self.user.home / name
        path.write_text(content)
        self.files.add(path)
        return name

    def aws_file(self) -> None:
        """The AWS key in plaintext, where AWS's own tools keep it."""
        self.files.add(self.user.home / ".aws/credentials")
        self.user.aws_files(
            "[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n"
            f"aws_secret_access_key = {self.secrets['aws']}\n"
        )

    def observe(self) -> None:
        """Start the agent with traced helpers, a log of every level and a clock that can be moved."""
        interpreter = self.place / "interpreter"
        tracing = " ".join([needs("strace"), *TRACE[1:], str(self.helpers)])
        interpreter.write_text(f'#!/bin/sh\nexec {tracing} {sys.executable} "$@"\n')
        interpreter.chmod(0o755)
        self.user.keyturn("agent", "stop").succeeds()
        found = paths.resolve(self.user.environment, os.getuid())
        places = [str(path) for path in (found.config, found.data, found.state, found.runtime)]
        command = [sys.executable, "-I", str(AGENT), str(self.place), *places]
        done = subprocess.run(
            [*self.user.prefix, *command], env=self.user.environment, capture_output=True, check=False
        )
        assert done.stdout == b"ready\n", (done.stdout, done.stderr.decode())

    def sleep(self, seconds: float) -> None:
        """Move the observed agent's clock on."""
        (self.place / "shift").write_text(str(seconds))

    def run(
        self,
        *words: str | bytes,
        status: int | None = 0,
        stdin: str = "",
        variables: Mapping[str, str] | None = None,
        **more: Any,
    ) -> Result:
        """Run `keyturn` and look on: what it says is kept, what it starts is traced."""
        command = [*self.tracing, str(BIN / "keyturn"), *words]
        done = self.user.run(*command, stdin=stdin, variables=variables, **more)
        assert status is None or done.status == status, (words, done.status, done.errors)
        self.said.append((tuple(map(os.fsdecode, words)), done))
        return done

    @property
    def tracing(self) -> tuple[str, ...]:
        """The words before a command that trace what it starts."""
        return (needs("strace"), *TRACE[1:], str(self.trace))

    @property
    def covered(self) -> set[str]:
        """The commands that were run."""
        known = commands()
        prefixes = (" ".join(words[:length]) for words, _ in self.said for length in (4, 3, 2, 1))
        return {each for each in prefixes if each in known}

    def agents(self) -> list[int]:
        return memory.pids_with(str(self.user.runtime))

    def assert_unseen(self, allowed: frozenset[str] = frozenset()) -> None:
        """No secret in what was said, started or written; `allowed` are names of secrets not to look for."""
        wanted = {name: secret for name, secret in self.secrets.items() if name not in allowed}
        for words, done in self.said:
            everything = done.output + done.errors
            for name, secret in wanted.items():
                assert secret not in everything, f"{name} in what {words} says"
            assert "Traceback" not in everything, (words, everything)
        for name, line in self.started(wanted):
            raise AssertionError(f"{name} in the words or the environment of {line[:200]}")
        found = {(path, name) for path in self.written() for name in secrets_in(path, wanted)}
        assert not {(path, name) for path, name in found if path not in self.files}, found

    def started(self, wanted: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        """What was started with a secret in its words or environment; the wrapped command aside."""
        for trace in (self.trace, self.helpers):
            lines = trace.read_text().splitlines() if trace.exists() else []
            wrapped = {line.split()[0] for line in lines if f'("{self.user.home}/bin/aws"' in line}
            for line in lines:
                for name, secret in wanted.items():
                    if secret in line and line.split()[0] not in wrapped:
                        yield name, line

    def written(self) -> Iterator[Path]:
        """Every file of the home, and every file that turned up where programs leave theirs."""
        yield from files_below(self.user.home)
        for shared in SHARED:
            for path in entries(shared) - self._before - {self.place, self.user.home}:
                yield from files_below(path)


def entries(directory: Path) -> set[Path]:
    with contextlib.suppress(OSError):
        return set(directory.iterdir())
    return set()


def files_below(top: Path) -> Iterator[Path]:
    if top.is_file() and not top.is_symlink():
        yield top
    for directory, _, names in os.walk(top):
        for name in names:
            path = Path(directory, name)
            # Others' files come and go.
            with contextlib.suppress(OSError):
                if path.is_file() and path.stat().st_size < LARGEST_FILE:
                    yield path


def secrets_in(path: Path, wanted: Mapping[str, str]) -> set[str]:
    """The names of the secrets that stand in a file, as they are or in base64."""
    try:
        content = path.read_bytes()
    except OSError:
        return set()
    return {
        name
        for name, secret in wanted.items()
        if any(form in content for form in (*memory.forms(secret), base64.b64encode(secret.encode())[:24]))
    }


def wait_for(condition: Any, what: str, seconds: float = 20) -> Any:
    """Wait until `condition()` is true, and return what it gave."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not in time: {what}"
        time.sleep(0.02)
    return found


def recovery_code(text: str) -> str:
    """The recovery code that was shown in `text`."""
    return str(re.findall(r"AGE-SECRET-KEY-1[A-Z0-9]+", text)[0])

"""One user with a throw-away home: runs `keyturn` as a program and opens terminals."""

import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pexpect
import pyte

from keyturn.items import Item
from tests.aws_server.client import AWS, ROOT
from tests.programs import memory
from tests.vaults.templates import PASSWORD, Made, make_account

BIN = ROOT / ".venv/bin"
SECONDS = 30
PROMPT = "ready> "


class User:
    """`with User() as user:`; at the end the agent is stopped and the home removed.

    The home lies directly in the temporary directory: a socket's path has a limit.
    """

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="kt-"))
        self.runtime = self.home / "run"
        self.runtime.mkdir(mode=0o700)
        self.path = [str(BIN), str(AWS.parent), "/usr/bin", "/bin"]
        self.variables: dict[str, str] = {}
        self.prefix: tuple[str, ...] = ()
        self._terminals: list[Terminal] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for terminal in self._terminals:
            terminal.close()
        try:
            self.keyturn("agent", "stop")
        finally:
            shutil.rmtree(self.home)

    def drop_privileges(self) -> None:
        """Run everything without root's capabilities: then a process of the same uid is just a neighbour."""
        self.prefix = memory.unprivileged()

    @property
    def config(self) -> Path:
        return self.home / ".config/keyturn"

    @property
    def data(self) -> Path:
        return self.home / ".local/share/keyturn"

    @property
    def state(self) -> Path:
        return self.home / ".local/state/keyturn"

    @property
    def environment(self) -> dict[str, str]:
        """All that this user's programs get: nothing of the caller's."""
        return {
            "HOME": str(self.home),
            "XDG_RUNTIME_DIR": str(self.runtime),
            "PATH": ":".join(self.path),
            "LANG": "C.UTF-8",
            "TERM": "xterm",
            **self.variables,
        }

    def run(
        self,
        *command: str | bytes,
        stdin: str | bytes = b"",
        variables: Mapping[str, str] | None = None,
        directory: Path | None = None,
        seconds: float = SECONDS,
    ) -> "Result":
        """Run a program without a terminal, to its end."""
        done = subprocess.run(
            [*self.prefix, *command],
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            env={**self.environment, **(variables or {})},
            cwd=directory or self.home,
            capture_output=True,
            timeout=seconds,
            start_new_session=True,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def keyturn(self, *arguments: str, **more: Any) -> "Result":
        """Run `keyturn` without a terminal."""
        return self.run(str(BIN / "keyturn"), *arguments, **more)

    def sh(self, script: str, **more: Any) -> "Result":
        """Run a script by `sh -c`, without a terminal: one process tree, so a signin in it counts."""
        return self.run("/bin/sh", "-c", script, **more)

    def terminal(
        self, shell: Sequence[str] = ("bash", "--norc", "--noprofile"), columns: int = 100
    ) -> "Terminal":
        """A new terminal with an interactive shell in it."""
        found = Terminal([*self.prefix, *shell], self.environment, self.home, columns)
        self._terminals.append(found)
        return found

    def account(
        self, *items: Item, title: str = "Test", password: str = PASSWORD, recovery: bool = False
    ) -> Made:
        """An account that was made quickly (a weak work factor) and is listed, locked."""
        directory = self.home / "accounts" / title
        made = make_account(
            directory, self.state, password=password, items=items, title=title, recovery=recovery
        )
        self.keyturn("account", "add", str(directory), "--title", title).succeeds()
        return made

    def launcher(self, executable: str) -> list[str]:
        """The words that the wrapper in plugins.sh runs, the executable's name the last of them."""
        text = (self.config / "plugins.sh").read_text()
        [words] = re.findall(rf"^        ('.*{re.escape(executable)}) \$argv$", text, re.MULTILINE)
        return shlex.split(words)

    def wraps(self) -> list[str]:
        """What plugins.sh says that it wraps."""
        return re.findall(r"^# wraps (\S+)$", (self.config / "plugins.sh").read_text(), re.MULTILINE)

    def password_file(self, password: str = PASSWORD) -> str:
        path = self.home / "password"
        path.write_text(password + "\n")
        return str(path)

    def aws_files(self, credentials: str, config: str = "") -> None:
        """Write `~/.aws/credentials` and `~/.aws/config`."""
        directory = self.home / ".aws"
        directory.mkdir(exist_ok=True)
        (directory / "credentials").write_text(credentials)
        if config:
            (directory / "config").write_text(config)


class Result:
    """What a program that has ended left."""

    def __init__(self, status: int, output: bytes, errors: bytes) -> None:
        self.status = status
        self.output = output.decode("utf-8", "surrogateescape")
        self.errors = errors.decode("utf-8", "surrogateescape")

    def succeeds(self) -> "Result":
        assert self.status == 0, f"status {self.status}: {self.errors}"
        return self

    def fails(self, status: int, line: str) -> "Result":
        """It ended with this status, an empty output, one line that holds `line` and at least one hint."""
        first, *hints = self.errors.splitlines() or [""]
        assert self.status == status, f"status {self.status}: {self.errors}"
        assert first.startswith("keyturn: "), self.errors
        assert line in first, self.errors
        assert hints, f"no hint: {self.errors}"
        assert all(hint.startswith("  hint: ") for hint in hints), self.errors
        assert not self.output, self.output
        return self


class Terminal:
    """An interactive shell on a pseudo-terminal, and what a person would see of it."""

    def __init__(
        self, shell: Sequence[str], environment: dict[str, str], directory: Path, columns: int
    ) -> None:
        inputrc = directory / ".inputrc"
        inputrc.write_text("set enable-bracketed-paste off\n")
        variables = {**environment, "PS1": PROMPT, "INPUTRC": str(inputrc)}
        self.child = pexpect.spawn(
            shell[0],
            list(shell[1:]),
            env=variables,
            cwd=str(directory),
            dimensions=(50, columns),
            timeout=SECONDS,
            encoding="utf-8",
        )
        self._screen = pyte.Screen(columns, 50)
        self._stream = pyte.Stream(self._screen)
        self.expect(re.escape(PROMPT))

    def expect(self, pattern: str, seconds: float = SECONDS) -> str:
        """Wait until the pattern is printed; what was printed before it."""
        self.child.expect(pattern, timeout=seconds)
        before, after = str(self.child.before), str(self.child.after)
        self._stream.feed(before + after)
        return before

    def type(self, line: str) -> None:
        """Type a line and Enter."""
        self.child.sendline(line)

    def press(self, letter: str) -> None:
        """Press Ctrl and a letter."""
        self.child.sendcontrol(letter)

    def ready(self, seconds: float = SECONDS) -> str:
        """Wait for the shell's prompt; what was printed before it."""
        return self.expect(re.escape(PROMPT), seconds)

    def run(self, command: str, seconds: float = SECONDS) -> tuple[str, int]:
        """Type a command that asks nothing; what it printed, and its status."""
        self.type(command)
        self.expect(r"\r\n")
        printed = self.ready(seconds)
        return printed.replace("\r\n", "\n"), self.status()

    def status(self) -> int:
        """The exit status of the command that ran last."""
        self.type("echo status=$?")
        self.expect(r"status=(\d+)\r\n")
        status = int(re.findall(r"status=(\d+)", str(self.child.after))[0])
        self.ready()
        return status

    def answer(self, question: str, answer: str) -> None:
        """Wait for a question, in its own words, and type the answer to it."""
        self.expect(re.escape(question))
        self.type(answer)

    def screen(self) -> list[str]:
        """The lines that a person sees now, without empty ones."""
        return [line.rstrip() for line in self._screen.display if line.strip()]

    def close(self) -> None:
        self.child.close(force=True)

"""A watcher of the same user that opens every memory it can and keeps it, reads no secret out of it.

`execve` makes a process readable again, and what was opened stays open. So it is tried from the first moment
of each process: agent, helpers, commands that ask, the next keeper. With either half of the protection taken
away (in a copy of the program) the same watcher finds what it looks for.
"""

import contextlib
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.aws_server.client import ROOT
from tests.programs import memory
from tests.programs.planted import Planted, recovery_code, wait_for
from tests.programs.user import User

pytestmark = [pytest.mark.needs("root"), pytest.mark.needs("setpriv")]

WATCHER = Path(__file__).with_name("watcher.py")
QUESTION = "password of account “Test”: "
CODE = "press Enter when you have it: "

# What is taken away from keyturn/processes/private.py, each by itself.
SABOTAGE = {
    "reading is not forbidden": (
        "libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)",
        "libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)",
    ),
    "forbidden, and then not forked": (
        "    forbid_reading()\n    for stream in",
        "    forbid_reading()\n    return work()\n    for stream in",
    ),
}


class Watched:
    """What a watcher has got hold of so far."""

    def __init__(self, place: Path) -> None:
        self._file = place / "found"
        self._kept: list[str] | None = None

    def keep(self) -> None:
        self._kept = self.lines

    @property
    def lines(self) -> list[str]:
        if self._kept is not None:
            return self._kept
        return self._file.read_text().splitlines() if self._file.exists() else []

    @property
    def opened(self) -> list[str]:
        return [line for line in self.lines if line.startswith("opened ")]

    @property
    def read(self) -> list[str]:
        return [line for line in self.lines if line.startswith("read ")]


@contextlib.contextmanager
def watching(secrets: list[str]) -> Iterator[Watched]:
    place = Path(tempfile.mkdtemp(prefix="kt-watch-"))
    watched = Watched(place)
    command = [*memory.unprivileged(), sys.executable, "-I", str(WATCHER), str(place), *secrets]
    watcher = subprocess.Popen(command)
    try:
        wait_for((place / "watching").exists, "the watcher watches")
        yield watched
    finally:
        (place / "stop").touch()
        watcher.wait(30)
        watched.keep()
        shutil.rmtree(place)


@contextlib.contextmanager
def a_value_in_hand(user: User) -> Iterator[None]:
    """A command that has read one secret value and waits for another on its standard input."""
    words = "exec keyturn item create --title t key=@value other=- --password-file password"
    process = subprocess.Popen(
        [*user.prefix, "/bin/sh", "-c", words], stdin=subprocess.PIPE, env=user.environment, cwd=user.home
    )
    try:
        yield
    finally:
        process.communicate(b"x")
    assert process.returncode == 0


@pytest.fixture
def planted() -> Iterator[Planted]:
    with Planted() as found:
        found.user.drop_privileges()
        found.user.keyturn("agent", "stop").succeeds()
        yield found


def a_day(planted: Planted, rounds: int) -> None:
    """Start, unlock, ask, lock and start again, by everything that ever holds a secret."""
    user, secrets = planted.user, planted.secrets
    for number in range(rounds):
        user.keyturn(
            "item", "create", "--title", f"t{number}", "key=@value", "--password-file", "password"
        ).succeeds()
        init = ("plugin", "init", "aws", "--import-profile", "default", "--no-input")
        user.keyturn(*init, "--password-file", "password").succeeds()
        user.keyturn("signin", "--password-file", "wrong")
        user.keyturn("lock").succeeds()
        terminal = user.terminal()
        terminal.type("keyturn signin")
        terminal.expect(QUESTION)
        terminal.type(secrets["password"])
        terminal.ready()
        terminal.run(f"keyturn item get t{number} --field key >/dev/null")
        terminal.type("keyturn account slot add recovery --title other")
        assert recovery_code(terminal.expect(CODE))
        terminal.type("")
        terminal.ready()
        terminal.run("keyturn account slot remove other")
        with a_value_in_hand(user):
            time.sleep(1)
        user.keyturn("lock").succeeds()
        # The launcher, elected to talk.
        terminal.type("keyturn plugin run -- aws s3 ls")
        terminal.answer(QUESTION, secrets["password"])
        terminal.ready()
        user.keyturn("signin", "--password-file", "code").succeeds()
        user.keyturn("agent", "stop").succeeds()
        terminal.close()


@pytest.mark.parametrize("rounds", [1, pytest.param(20, marks=[pytest.mark.soak, pytest.mark.timeout(1200)])])
def test_a_watcher_reads_no_secret(planted: Planted, rounds: int) -> None:
    # The key of the wrapped command is its environment's, which its user may read (a published limit).
    secrets = [secret for name, secret in planted.secrets.items() if name not in ("aws", "environment")]
    with watching(secrets) as watched:
        a_day(planted, rounds)
    assert not watched.read, watched.read
    opened = "\n".join(watched.opened)
    assert len(watched.opened) > 10 * rounds
    # Opened before they could forbid it: that is what the fork is for.
    for name in ("keyturn.agent.helper", "keyturn signin", "keyturn.agent.supervisor"):
        assert name in opened, f"{name} was not even seen: {opened}"


@pytest.mark.parametrize("what", list(SABOTAGE))
def test_the_watcher_finds_what_is_not_protected(planted: Planted, what: str, tmp_path: Path) -> None:
    user = planted.user
    user.path.insert(0, str(copy_of_the_program(tmp_path, *SABOTAGE[what])))
    user.sh("keyturn account list").succeeds()
    with watching([planted.secrets["value"]]) as watched, a_value_in_hand(user):
        wait_for(lambda: watched.read, f"the value is read; opened: {watched.opened}", 40)


def copy_of_the_program(place: Path, old: str, new: str) -> Path:
    """A directory for PATH with a `keyturn` that runs a changed copy of the program, helpers included."""
    shutil.copytree(ROOT / "src", place / "src")
    private = place / "src/keyturn/processes/private.py"
    text = private.read_text()
    assert old in text
    private.write_text(text.replace(old, new))
    venv.create(place / "env", symlinks=True)
    (packages,) = (place / "env").glob("lib/python*/site-packages")
    (ours,) = (ROOT / ".venv").glob("lib/python*/site-packages")
    (packages / "copy.pth").write_text(f"{place / 'src'}\n{ours}\n")
    program = place / "env/bin/keyturn"
    program.write_text(f"#!{place}/env/bin/python\nfrom keyturn.cli.main import main\nmain()\n")
    program.chmod(0o755)
    return program.parent

"""The demo shows what it says, fails if it cannot, and leaves nothing behind, however it ends."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts import demo
from tests.aws_server import client
from tests.aws_server.client import LocalAws

ROOT = client.ROOT


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The temporary directory of the demo alone; short, for the sockets below it."""
    directory = Path("/tmp") / f"ktd-{os.getpid()}-{tmp_path.name[-12:]}"
    directory.mkdir(mode=0o700)
    monkeypatch.setenv("TMPDIR", str(directory))
    yield directory
    shutil.rmtree(directory)


def start() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "scripts.demo"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def check_nothing_left(temporary: Path, home: Path) -> None:
    listed = subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, text=True, check=True).stdout
    assert [line for line in listed.splitlines() if str(temporary) in line] == []
    assert [str(path) for path in home.rglob("*")] == []
    assert os.listdir(temporary) == []


@pytest.mark.needs("ps")
def test_the_demo_succeeds_without_a_terminal(temporary: Path, home: Path) -> None:
    process = start()
    output, _ = process.communicate(timeout=100)
    assert process.returncode == 0, output
    for words in (
        "Unable to locate credentials",
        "password of account “personal”: (typed)",
        "arn:aws:iam::123456789012:user/ada",
        "SignatureDoesNotMatch",
        "the authenticated command took",
    ):
        assert words in output
    check_nothing_left(temporary, home)


@pytest.mark.needs("ps")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("line", ["the same once more", "4. "])
def test_an_interrupted_demo_cleans_up(
    temporary: Path, home: Path, number: signal.Signals, line: str
) -> None:
    process = start()
    assert process.stdout is not None
    deadline = time.monotonic() + 60
    while line not in process.stdout.readline():
        assert time.monotonic() < deadline
    # As Ctrl-C does it: to all processes of the terminal's foreground group; and again, while it cleans up.
    for _ in range(2):
        os.killpg(process.pid, number)
        time.sleep(0.1)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == (130 if number == signal.SIGINT else 128 + number), output
    check_nothing_left(temporary, home)


class Unchecking(LocalAws):
    """A local AWS that lets everybody in."""

    def __init__(self, *names: str) -> None:
        super().__init__(*names)
        script = Path(self._command[1])
        text = script.read_text().replace(
            "INITIAL_NO_AUTH_ACTION_COUNT = 0", "INITIAL_NO_AUTH_ACTION_COUNT = 10**9"
        )
        assert text != script.read_text()
        self._command[1:2] = ["-c", text]


@pytest.mark.soak
def test_the_demo_fails_on_an_aws_that_checks_nothing(
    temporary: Path, home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "LocalAws", Unchecking)
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    before = {number: signal.getsignal(number) for number in demo.SIGNALS}
    try:
        assert demo.main() == 1
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert "signatures are not checked" in capfd.readouterr().out
    check_nothing_left(temporary, home)

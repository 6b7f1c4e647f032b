"""How a wrapped command begins and ends, for its caller: status, signals, pipes, what cannot be executed."""

import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.programs.probe import Wrapped
from tests.programs.user import SECONDS, User

STATUSES = [0, 1, 2, 3, 64, 99, 100, 125, 126, 127, 128, 129, 130, 137, 143, *range(190, 199), 254, 255]
DEADLY = [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM, signal.SIGINT, signal.SIGPIPE, signal.SIGABRT]


@pytest.fixture(scope="module")
def wrapped() -> Iterator[Wrapped]:
    with User() as user:
        yield Wrapped(user)


def both(wrapped: Wrapped, line: str, shell: str = "sh", entrances: int = 2) -> list[str]:
    """What a shell prints for `line`, which calls `aws`: bare, by the launcher, and by `plugin run`."""
    printed = []
    for words in (["aws"], wrapped.launcher, wrapped.plugin_run)[: entrances + 1]:
        done = wrapped.user.run(shell, "-c", line.replace("aws", shlex.join(words)))
        assert not done.errors, done.errors
        printed.append(done.output)
    return printed


def test_every_status_is_the_commands_own(wrapped: Wrapped) -> None:
    line = "for n in {}; do aws exit $n; printf '%s ' $?; done".format(" ".join(map(str, STATUSES)))
    bare, by_launcher = both(wrapped, line, entrances=1)
    assert bare.split() == [str(status) for status in STATUSES]
    assert by_launcher == bare


@pytest.mark.parametrize("number", DEADLY, ids=[number.name for number in DEADLY])
def test_the_parent_sees_which_signal_ended_it(wrapped: Wrapped, number: signal.Signals) -> None:
    done = [
        wrapped.user.run(*words, "die", str(int(number)))
        for words in (["aws"], wrapped.launcher, wrapped.plugin_run)
    ]
    assert [each.status for each in done] == [-number] * 3
    assert [each.errors for each in done] == [""] * 3


@pytest.mark.parametrize(
    "line",
    [
        "aws pour | head -1",
        "set -o pipefail; aws pour | head -1; echo $?",
        "printf 'value\\n' | aws copy",
        "printf 'one\\ntwo\\n' | (read -r a; echo got $a; aws copy)",
        "printf 'one\\ntwo\\n' | while read -r a; do aws exit 0; echo $a; done",
        "x=$(aws copy </etc/passwd); echo ${#x}",
        "aws copy </dev/null; echo $?",
        "aws pour >/dev/full; echo $?",
        "aws exit 3 & wait $!; echo $?",
        "aws rest >/dev/null & sleep 0.3; kill $!; wait $!; echo $?",
        "aws rest >/dev/null & p=$!; sleep 0.3; kill -STOP $p; kill -CONT $p; kill $p; wait $p; echo $?",
        "TIMEFORMAT=timed; { time aws exit 4; } 2>&1; echo $?",
        "timeout 0.4 aws rest >/dev/null; echo $?",
        "(exec aws exit 5); echo $?",
        "! aws exit 0; echo $?",
        "aws exit 0 && echo yes || echo no; aws exit 1 && echo yes || echo no",
        "trap 'echo trapped' EXIT; aws exit 6",
    ],
)
def test_a_shell_sees_no_difference(wrapped: Wrapped, line: str) -> None:
    bare, *others = both(wrapped, line, shell="bash")
    assert others == [bare, bare]


def test_a_launcher_that_waits_dies_by_the_signal_it_gets(wrapped: Wrapped) -> None:
    """As the command would, and without a word: there is nothing to put back."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        with stopped_agent(wrapped.user):
            process = subprocess.Popen(
                [*wrapped.launcher, "s3"],
                env=wrapped.user.environment,
                stdin=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
            wait_for_socket(process.pid)
            process.send_signal(number)
            _, errors = process.communicate(timeout=SECONDS)
        assert (process.returncode, errors) == (-number, b"")


def wait_for_socket(pid: int) -> None:
    """Until the process has a socket: before that, a signal would meet the interpreter's own start."""
    deadline = time.monotonic() + SECONDS
    while not any(target(entry).startswith("socket:") for entry in Path(f"/proc/{pid}/fd").iterdir()):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def target(entry: Path) -> str:
    try:
        return os.readlink(entry)
    except FileNotFoundError:
        return ""


class stopped_agent:  # noqa: N801  # reads as what it is: `with stopped_agent(user):`
    """The agent's processes are stopped while the block runs."""

    def __init__(self, user: User) -> None:
        marker = os.fsencode(user.runtime / "keyturn")
        self.pids = [
            int(entry.name)
            for entry in Path("/proc").iterdir()
            if entry.name.isdigit()
            and b"keyturn.agent.supervisor" in (words := cmdline(entry))
            and marker in words
        ]
        assert len(self.pids) == 2, "supervisor and keeper"

    def __enter__(self) -> None:
        for pid in self.pids:
            os.kill(pid, signal.SIGSTOP)

    def __exit__(self, *error: object) -> None:
        for pid in self.pids:
            os.kill(pid, signal.SIGCONT)


def cmdline(entry: Path) -> bytes:
    try:
        return (entry / "cmdline").read_bytes()
    except OSError:
        return b""


@pytest.mark.parametrize(
    ("content", "mode", "status"),
    [
        (b"#!/bin/sh\nexit 7\n", 0o755, 7),
        (b"exit 8\n", 0o755, 8),
        (b"", 0o755, 0),
        (b"#!/none/interpreter\n", 0o755, 127),
        (b"#!/bin/sh\nexit 7\n", 0o644, 126),
    ],
    ids=[
        "a script",
        "a script without #!",
        "an empty file",
        "an interpreter that is missing",
        "not executable",
    ],
)
def test_scripts_and_what_cannot_be_executed(
    wrapped: Wrapped, content: bytes, mode: int, status: int
) -> None:
    directory = wrapped.user.home / "probe" / "scripts"
    directory.mkdir(exist_ok=True)
    (directory / "aws").unlink(missing_ok=True)
    (directory / "aws").write_bytes(content)
    (directory / "aws").chmod(mode)
    # Nowhere else: the machine may have an aws of its own.
    variables = {"PATH": str(directory)}
    bare = wrapped.user.run("/bin/bash", "-c", "aws s3", variables=variables)
    by_launcher = wrapped.user.run(*wrapped.launcher, "s3", variables=variables)
    assert (bare.status, by_launcher.status) == (status, status)
    # A shell says it in a line of its own; ours begins as all of ours do.
    assert by_launcher.errors.startswith("keyturn: ") == bool(bare.errors) == (status in (126, 127))
    assert len(by_launcher.errors.splitlines()) <= 1


@pytest.mark.parametrize("what", ["nothing", "a directory", "a dangling link"])
def test_a_command_that_is_not_there(wrapped: Wrapped, what: str) -> None:
    directory = wrapped.user.home / what.replace(" ", "-")
    directory.mkdir()
    if what == "a directory":
        (directory / "aws").mkdir()
    if what == "a dangling link":
        (directory / "aws").symlink_to("/none")
    variables = {"PATH": str(directory)}
    bare = wrapped.user.run("/bin/sh", "-c", "aws s3", variables=variables)
    by_launcher = wrapped.user.run(*wrapped.launcher, "s3", variables=variables)
    assert by_launcher.status == 127
    assert bare.status in (126, 127)
    assert by_launcher.errors == "keyturn: aws: command not found\n"


@pytest.mark.parametrize("stderr", ["2>/dev/full", "2>&-", "2>&1 | true"])
def test_a_note_that_cannot_be_written_stops_nothing(wrapped: Wrapped, stderr: str) -> None:
    def news(number: int) -> None:
        """Other keys in plaintext, which are spoken of once."""
        key = f"AKIA{number}{''.join(filter(str.isalnum, stderr))}EXAMPLE"
        wrapped.user.aws_files(
            f"[default]\naws_access_key_id = {key}\naws_secret_access_key = otherEXAMPLE\n"
        )

    try:
        wrapped.probe.reports()
        calls = shlex.join([*wrapped.launcher, "s3"])
        news(1)
        assert "has other keys" in wrapped.user.sh(calls).succeeds().errors
        news(2)
        assert not wrapped.user.sh(f"{calls} {stderr}").succeeds().errors
        assert len(wrapped.probe.reports()) == 2
    finally:
        shutil.rmtree(wrapped.user.home / ".aws")

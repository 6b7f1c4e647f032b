"""What a prompt shows: quickly, in silence, and never by starting the agent."""

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from keyturn.ground import prompt, wire
from keyturn.ground.errors import Status
from keyturn.ground.paths import Directories
from keyturn.shells import segment
from tests.programs.memory import pids_of
from tests.programs.test_plugin_uninstall import tree
from tests.programs.user import BIN, User
from tests.vaults.templates import PASSWORD


@pytest.fixture
def words(user: User) -> list[str]:
    """The command that `keyturn` gives for a prompt."""
    (line,) = user.keyturn("status", "--command").succeeds().output.splitlines()
    return shlex.split(line)


def test_it_shows_what_status_short_does_for_this_terminal(user: User, words: list[str]) -> None:
    user.account()
    user.keyturn("lock").succeeds()
    terminal = user.terminal()
    both = f"keyturn status --short; {shlex.join(words)}; echo end"
    assert terminal.run(both)[0] == "end\n"
    terminal.type("keyturn signin")
    terminal.answer("password of account “Test”: ", PASSWORD)
    terminal.ready()
    lines = terminal.run(both)[0].splitlines()
    assert len(lines) == 3
    assert {line[:6] for line in lines[:2]} <= {"Test 9", "Test 1"}
    assert lines[0].removesuffix("m")[5:].isdigit()
    other = user.terminal()
    assert other.run(both)[0] == "unlocked\nunlocked\nend\n"


def test_in_a_prompt_of_bash_it_stands_before_each_command(user: User, words: list[str]) -> None:
    user.account()
    user.keyturn("lock").succeeds()
    terminal = user.terminal()
    terminal.type(f"PS1='[$({shlex.join(words)})] ready> '")
    terminal.expect(r"\[\] ready> ")
    terminal.type("keyturn signin")
    terminal.answer("password of account “Test”: ", PASSWORD)
    terminal.expect(r"\[Test (9|10)m\] ready> ")


def test_without_an_agent_it_says_nothing_and_starts_none(user: User, words: list[str]) -> None:
    done = user.run(*words)
    assert (done.status, done.output, done.errors) == (0, "", "")
    assert not list(user.runtime.rglob("*.sock"))


def signed_in(user: User) -> None:
    user.account()
    user.keyturn("signin", "--password-file", user.password_file()).succeeds()


@pytest.mark.parametrize("how", ["no directory", "open", "link"])
def test_a_runtime_directory_that_is_not_ours_alone_is_not_used(
    user: User, words: list[str], how: str
) -> None:
    signed_in(user)
    place = user.runtime / "keyturn"
    assert user.run(*words).output == "unlocked\n"
    aside = user.runtime / "aside"
    if how == "open":
        place.chmod(0o755)
    else:
        place.rename(aside)
        if how == "link":
            place.symlink_to(aside)
    done = user.run(*words)
    assert (done.status, done.output, done.errors) == (0, "", "")
    if how == "open":
        place.chmod(0o700)
    else:
        place.unlink(missing_ok=True)
        aside.rename(place)


def test_an_agent_that_does_not_answer_holds_nothing_up(user: User, words: list[str]) -> None:
    user.keyturn("agent", "start").succeeds()
    pids = pids_of(user.home)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        done = user.run(*words, seconds=10)
        assert (done.status, done.output, done.errors) == (0, "", "")
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def test_a_stale_one_is_renewed_and_uninstalling_takes_it(user: User, words: list[str]) -> None:
    path = user.data / "segment"
    text = path.read_bytes()
    path.write_bytes(b"old")
    user.keyturn("status").succeeds()
    assert path.read_bytes() == text
    user.keyturn("plugin", "uninstall", "--all", "--yes").succeeds()
    assert not [name for name in tree(user) if "segment" in name]


@pytest.mark.parametrize("answer", [b"", b"P", b"P1\0", b"\xff\xff\xff\xff", b"G1\0x\0", b"P1\0fine\0"])
def test_whatever_answers_it_prints_one_line_or_nothing(home: Path, answer: bytes) -> None:
    import socket
    import threading

    directories = Directories(*(home / name for name in ("config", "data", "state", "run")))
    directories.runtime.mkdir(mode=0o700)
    segment.renew(directories, {}, create=True)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(directories.socket))
        listening.listen()

        def serve() -> None:
            stream, _ = listening.accept()
            stream.recv(100)
            stream.sendall(wire.frame(answer) if answer[:1] != b"\xff" else answer)
            stream.close()

        thread = threading.Thread(target=serve)
        thread.start()
        words = [sys.executable, "-ISXutf8", str(segment.path(directories))]
        done = subprocess.run(words, capture_output=True, check=False, timeout=10)
        thread.join()
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == (b"fine\n" if b"fine" in answer else b"")


class TestStatusShort:
    """The command itself runs that program, after the first time."""

    def test_it_is_the_program_after_the_first_time(self, user: User) -> None:
        signed_in(user)
        program = user.data / "segment"
        assert not program.exists()
        assert user.keyturn("status", "--short").succeeds().output == "unlocked\n"
        text = program.read_text()
        program.write_text(text.replace("shown +", "b'quickly ' + shown +"))
        assert user.keyturn("status", "--short").succeeds().output == "quickly unlocked\n"

    @pytest.mark.parametrize("name", prompt.CHOOSING)
    def test_a_program_of_other_directories_is_not_run(self, user: User, name: str, tmp_path: Path) -> None:
        signed_in(user)
        user.keyturn("status", "--short").succeeds()
        program = user.data / "segment"
        marked = program.read_bytes()
        user.variables[name] = str(tmp_path)
        if name == "HOME":
            user.variables["XDG_DATA_HOME"] = str(user.data.parent)
        assert prompt.mark(user.environment) not in marked
        program.write_bytes(marked.replace(b"import posix", b"import posix\nprint('not ours', flush=True)"))
        done = user.keyturn("status", "--short")
        assert "not ours" not in done.output + done.errors

    def test_nothing_is_written_where_nothing_is_set_up(self, user: User) -> None:
        assert user.keyturn("status", "--short").succeeds().output == ""
        assert not user.data.exists()

    @pytest.mark.parametrize("home", [None, "", "relative"])
    def test_without_a_home_it_says_so(self, user: User, home: str | None) -> None:
        environment = {"PATH": "/usr/bin:/bin", **({} if home is None else {"HOME": home})}
        words = [str(BIN / "keyturn"), "status", "--short"]
        done = subprocess.run(
            words, env=environment, cwd=user.home, capture_output=True, text=True, check=False
        )
        assert done.returncode == Status.CONFIGURATION
        said = "not an absolute path" if home == "relative" else "not set"
        assert done.stderr.startswith(f"keyturn: HOME is {said}")

    def test_it_imports_next_to_nothing(self, user: User) -> None:
        """What it costs is Python's own start; `make bench` measures it."""
        signed_in(user)
        user.keyturn("status", "--short").succeeds()
        words = [sys.executable, "-X", "importtime", "-m", "keyturn", "status", "--short"]
        done = user.run(*words)
        assert done.output == "unlocked\n"
        imported = set(re.findall(r"\| +(keyturn[\w.]*)$", done.errors, re.MULTILINE))
        assert imported == {"keyturn", "keyturn.ground", "keyturn.ground.prompt"}

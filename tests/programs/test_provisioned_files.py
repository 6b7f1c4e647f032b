"""Commands that get their credential in a file: they find it, and whatever is killed, nothing is left."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from keyturn.agent import private_directories
from keyturn.ground import paths
from keyturn.ground.errors import Status
from keyturn.ground.secret import Secret
from keyturn.items import FieldType, new_field, new_item
from tests.parts import needs
from tests.programs.test_agent import agents, wait_for
from tests.programs.user import BIN, User
from tests.vaults.templates import MOMENT

PASSWORD = "pa'ss\"word #1\\ EXAMPLE"
RUN = (str(BIN / "keyturn"), "plugin", "run", "--")
PLUGIN = """
name = "filer"
platform = "Filer"

[credential]
name = "login"
title = "Login"

[[credential.field]]
label = "user"

[[credential.field]]
label = "password"
secret = true

[[provision.file]]
name = "my.cnf"
format = "ini-mysql"
content = [
  { section = "client", key = "user", field = "user" },
  { section = "client", key = "password", field = "password" },
]
path_variable = "FILER_FILE"
arguments = ["--defaults-file={path}"]

[provision]

EXECUTABLES
"""
EXECUTABLE = """
[[executable]]
runs = "RUNS"
name = "Filer"
needs_auth = { not = { no_arguments = true } }
"""
ONCE = """
[[executable.provision.file]]
name = "once"
format = "text"
content = [{ field = "password" }]
path_variable = "FILER_FILE"
pipe = true
"""
# Each is called as `NAME --defaults-file=… WORD`, or as `NAME WORD`.
TOOL = r"""#!/bin/sh
case "$*" in
*show) cat "$FILER_FILE"; printf 'words %s\n' "$*"; env ;;
*twice) cat "$FILER_FILE"; cat "$FILER_FILE" ;;
*hold) echo "$FILER_FILE"; read end; cat "$FILER_FILE" ;;
*leave) echo "$FILER_FILE"; (exec </dev/null >/dev/null 2>&1; exec sleep 60) & echo $! ;;
*open) ls -l /proc/$$/fd ;;
esac
"""


@pytest.fixture(scope="module")
def filer() -> Iterator[User]:
    """A user with a plugin of their own for `filer`, `treer` (a tree), `oncer` (a pipe), a real tool."""
    real = Path(needs("my_print_defaults"))
    with User() as user:
        commands = {
            "filer": EXECUTABLE,
            "treer": EXECUTABLE + 'file_lifetime = "tree"\n',
            "oncer": EXECUTABLE + ONCE,
            real.name: EXECUTABLE,
        }
        executables = "".join(text.replace("RUNS", name) for name, text in commands.items())
        plugins = user.config / "plugins"
        plugins.mkdir(parents=True, mode=0o700)
        (plugins / "filer.toml").write_text(
            PLUGIN.replace("[provision]\n", "").replace("EXECUTABLES", executables)
        )
        (plugins / "filer.toml").chmod(0o600)
        tools = user.home / "tools"
        tools.mkdir()
        for name in ("filer", "treer", "oncer"):
            (tools / name).write_text(TOOL)
            (tools / name).chmod(0o755)
        user.path.insert(0, str(tools))
        fields = [
            new_field("user", FieldType.TEXT, Secret("ada")),
            new_field("password", FieldType.CONCEALED, Secret(PASSWORD)),
        ]
        user.account(new_item("Filer", fields, MOMENT, ["keyturn/filer/login"]))
        trusted = f'["{tools}", "{real.parent}"]'
        user.keyturn("settings", "set", "executables.trusted_directories", trusted).succeeds()
        for name in commands:
            words = ("--item", "Filer", "--no-input", "--password-file", user.password_file())
            user.keyturn("plugin", "init", name, *words).succeeds()
        yield user


@pytest.fixture(autouse=True)
def signed_in(filer: User) -> None:
    filer.keyturn("signin", "--password-file", filer.password_file()).succeeds()


def left(user: User) -> list[Path]:
    """What there is of private directories."""
    return private_directories.found(paths.resolve(user.environment, os.getuid()), os.getuid())


def nothing_is_left(user: User) -> bool:
    return left(user) == []


class Running:
    """A command that has begun and goes on until it is told to end."""

    def __init__(self, user: User, name: str) -> None:
        words = [*RUN, name, "hold"]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(words, env=user.environment, stdin=pipe, stdout=pipe, cwd=user.home)
        self.path = Path(self.line())

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().decode().rstrip("\n")

    def end(self) -> str:
        """Let it end; what it read from its file at the end."""
        output, _ = self.process.communicate(b"end\n", timeout=30)
        assert self.process.returncode == 0
        return output.decode()


def test_a_command_finds_its_file_and_nobody_else_its_secret(filer: User) -> None:
    done = filer.run(*RUN, "filer", "show").succeeds()
    assert '[client]\nuser = ada\npassword = "pa\'ss\\"word #1\\\\ EXAMPLE"\n' in done.output
    words = re.search(r"^words --defaults-file=(\S+/filer/my\.cnf) show$", done.output, re.MULTILINE)
    assert words is not None
    assert done.output.count("EXAMPLE") == 1, "in the file alone"
    assert f"\nFILER_FILE={words[1]}\n" in done.output
    wait_for(lambda: nothing_is_left(filer))


def test_a_real_reader_reads_the_value(filer: User) -> None:
    """MariaDB's: it takes --defaults-file as its first word alone (defect L16)."""
    done = filer.run(*RUN, "my_print_defaults", "client").succeeds()
    assert done.output == f"--user=ada\n--password={PASSWORD}\n"


@pytest.mark.parametrize("name", ["filer", "treer"])
def test_a_command_that_is_killed_leaves_nothing(filer: User, name: str) -> None:
    running = Running(filer, name)
    assert running.path.read_text().startswith("[client]")
    running.process.kill()
    running.process.communicate()
    wait_for(lambda: nothing_is_left(filer))


def test_what_a_command_leaves_behind_keeps_its_file(filer: User) -> None:
    done = filer.run(*RUN, "treer", "leave").succeeds()
    path, child = done.output.split()
    time.sleep(0.3)
    assert Path(path).exists()
    os.kill(int(child), signal.SIGKILL)
    wait_for(lambda: nothing_is_left(filer))
    done = filer.run(*RUN, "filer", "leave").succeeds()
    wait_for(lambda: nothing_is_left(filer))
    os.kill(int(done.output.split()[1]), signal.SIGKILL)


def lock(user: User) -> None:
    user.keyturn("lock").succeeds()


def kill_keeper(user: User) -> None:
    _, keeper = agents(user)
    os.kill(keeper, signal.SIGKILL)
    wait_for(lambda: len(agents(user)) == 2 and keeper not in agents(user))


def kill_agent(user: User) -> None:
    """Both of its processes; the next command starts another one."""
    supervisor, _ = agents(user)
    os.kill(supervisor, signal.SIGKILL)
    wait_for(lambda: not agents(user))
    user.keyturn("agent", "start").succeeds()


@pytest.mark.parametrize("happens", [lock, kill_keeper, kill_agent])
@pytest.mark.parametrize("name", ["filer", "treer"])
def test_a_running_command_keeps_its_file_until_it_ends(
    filer: User, name: str, happens: Callable[[User], None]
) -> None:
    running = Running(filer, name)
    happens(filer)
    filer.keyturn("status").succeeds()
    assert running.path.exists()
    assert running.end().startswith("[client]")
    wait_for(lambda: nothing_is_left(filer))


def test_what_ended_while_no_agent_was_there_is_swept_at_the_start(filer: User) -> None:
    running = [Running(filer, "filer"), Running(filer, "treer")]
    supervisor, _ = agents(filer)
    os.kill(supervisor, signal.SIGKILL)
    wait_for(lambda: not agents(filer))
    for each in running:
        each.process.kill()
        each.process.communicate()
    assert len(left(filer)) == 2
    filer.keyturn("agent", "start").succeeds()
    assert nothing_is_left(filer)


def test_an_agent_that_is_stopped_takes_everything_along(filer: User) -> None:
    """Nobody would be there to see the command end."""
    running = Running(filer, "filer")
    filer.keyturn("agent", "stop").succeeds()
    wait_for(lambda: nothing_is_left(filer))
    running.process.kill()
    running.process.communicate()


def test_a_pipe_is_read_once(filer: User) -> None:
    done = filer.run(*RUN, "oncer", "twice")
    assert done.output == PASSWORD
    assert "No such file" in done.errors
    wait_for(lambda: nothing_is_left(filer))


def test_a_pipe_that_was_not_read_before_lock_is_not_there_after(filer: User) -> None:
    running = Running(filer, "oncer")
    assert running.path.is_fifo()
    lock(filer)
    wait_for(lambda: not running.path.exists())
    running.process.communicate(b"end\n", timeout=30)
    assert running.process.returncode != 0
    wait_for(lambda: nothing_is_left(filer))


def test_no_descriptor_more_than_bare_but_for_a_tree(filer: User) -> None:
    def held(name: str, before: str = "", redirection: str = "") -> list[str]:
        script = f"{before} exec {' '.join(RUN)} {name} open {redirection}"
        listed = filer.run("bash", "-c", script).succeeds().output
        return re.findall(r" (\d+) -> .*/\.alive$", listed, re.MULTILINE)

    assert held("filer") == []
    assert held("treer") == ["99"]
    assert held("treer", redirection="99</dev/null") == ["98"]
    assert held("treer", "ulimit -n 24;") == ["23"]
    # No script's standard input becomes a pipe of ours.
    assert held("treer", redirection="<&-") == ["99"]


@pytest.mark.needs("root")
def test_where_it_would_not_see_the_file_it_does_not_run(filer: User) -> None:
    done = filer.run(needs("unshare"), "--mount", *RUN, "filer", "show")
    done.fails(
        Status.CONFIGURATION, "filer gets its credential in a file, which it would not see where it runs"
    )


def test_many_at_once_leave_nothing(filer: User) -> None:
    words = [*RUN, "filer", "show"]
    running = [
        subprocess.Popen(words, env=filer.environment, stdout=subprocess.PIPE, cwd=filer.home)
        for _ in range(12)
    ]
    outputs = [each.communicate(timeout=60)[0] for each in running]
    assert all(b"user = ada" in output for output in outputs)
    assert len({re.findall(rb"FILER_FILE=(.*)", output)[0] for output in outputs}) == len(outputs)
    wait_for(lambda: nothing_is_left(filer))


def test_no_file_of_the_users_holds_the_secret(filer: User) -> None:
    found = [path for path in filer.home.rglob("*") if path.is_file() and b"word #1" in path.read_bytes()]
    assert found == []

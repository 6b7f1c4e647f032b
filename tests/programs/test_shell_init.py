"""`keyturn shell-init`: the wrappers on stdout, for start-up files that are kept in a repository."""

import os
from pathlib import Path

import pytest

from keyturn.ground import paths
from keyturn.shells import launcher, plugins_sh
from keyturn.shells.launcher import Interpreter
from tests.parts import needs
from tests.programs.memory import pids_with
from tests.programs.user import BIN, User

EVALUATE = {
    "bash": ('eval "$(keyturn shell-init bash)"', ("--norc", "-eu")),
    "zsh": ('eval "$(keyturn shell-init zsh)"', ("-f", "-eu")),
    "fish": ("keyturn shell-init fish | source", ("--no-config",)),
}


@pytest.fixture
def wrapped(user: User) -> User:
    """A user whose plugins.sh wraps `aws`, which is a script that says so."""
    directories = paths.resolve(user.environment, os.getuid())
    directories.config.mkdir(mode=0o700, parents=True)
    interpreter = Interpreter(Interpreter.current().bare, str(BIN / "python"))
    plugins_sh.update(directories.plugins_sh, ["aws"], launcher.command(directories, interpreter))
    tool = user.home / "bin/aws"
    tool.parent.mkdir()
    tool.write_text('#!/bin/sh\necho "the real aws $*"\n')
    tool.chmod(0o755)
    user.path.insert(0, str(tool.parent))
    return user


@pytest.mark.parametrize("shell", EVALUATE)
def test_a_shell_that_evaluates_it(wrapped: User, shell: str) -> None:
    """It does what plugins.sh does, and makes the launcher where a new machine has none."""
    line, flags = EVALUATE[shell]
    look = "keyturn plugin inspect aws | grep wrapper"
    script = f"{line}\n{line}\naws --version 'a b'\n{look}\n"
    done = wrapped.run(needs(shell), *flags, "-c", script).succeeds()
    assert done.errors == ""
    assert done.output.splitlines() == ["the real aws --version a b", "wrapper: sourced in this shell"]
    assert (wrapped.data / "launcher").exists()
    assert not pids_with(str(wrapped.runtime)), "no agent was started"


@pytest.mark.parametrize("shell", plugins_sh.SHELLS)
def test_where_nothing_is_set_up(user: User, shell: str) -> None:
    """A start-up file that is shared between machines says nothing on one without Keyturn's set-up."""
    done = user.keyturn("shell-init", shell).succeeds()
    assert done.errors == ""
    assert "aws" not in done.output
    assert not user.config.exists()
    assert not user.data.exists()
    if shell in EVALUATE:
        ran = user.run(needs(shell), "-c", EVALUATE[shell][0]).succeeds()
        assert (ran.output, ran.errors) == ("", "")


@pytest.mark.parametrize("shell", plugins_sh.SHELLS)
def test_every_shell_gets_each_wrapper(wrapped: User, shell: str) -> None:
    printed = wrapped.keyturn("shell-init", shell).succeeds().output
    interpreter = Interpreter.current().bare
    assert str(wrapped.data / "launcher") in printed
    assert interpreter in printed
    assert plugins_sh.HASH_VARIABLE in printed
    assert plugins_sh.current_hash(wrapped.config / "plugins.sh") in printed


def test_another_shell_is_named(user: User) -> None:
    user.keyturn("shell-init", "tcsh").fails(2, "'tcsh' is not one of 'bash', 'zsh', 'fish', 'pwsh', 'nu'")


def test_without_a_shell_variable(wrapped: User) -> None:
    """Story 64: an empty SHELL is nothing to speak of."""
    wrapped.keyturn("shell-init", "bash", variables={"SHELL": ""}).succeeds()
    script = f". {wrapped.config}/plugins.sh; eval aws --version"
    done = wrapped.sh(script, variables={"SHELL": ""}).succeeds()
    assert (done.output, done.errors) == ("the real aws --version\n", "")


def test_a_shell_in_a_shell_keeps_its_path(wrapped: User) -> None:
    """Story 89: nothing of a person's environment is made anew, so an activated environment stays."""
    wrapped.keyturn("shell-init", "bash").succeeds()
    (wrapped.home / "venv").mkdir()
    rc = wrapped.home / ".bashrc"
    rc.write_text(f". {wrapped.config}/plugins.sh\n")
    script = 'PATH=~/venv:$PATH VIRTUAL_ENV=~/venv bash -ic "aws --version; echo \\$PATH \\$VIRTUAL_ENV"'
    done = wrapped.sh(script)
    home = Path(wrapped.home)
    assert done.output.splitlines() == [
        "the real aws --version",
        f"{home}/venv:{':'.join(wrapped.path)} {home}/venv",
    ]


@pytest.mark.parametrize("shell", EVALUATE)
def test_a_login_shell_and_one_that_is_none(wrapped: User, shell: str) -> None:
    wrapped.keyturn("shell-init", shell).succeeds()
    # Debian's /etc/profile sets PATH anew.
    line = f"export PATH={':'.join(wrapped.path)}\n. {wrapped.config}/plugins.sh\n"
    files = {"bash": (".bash_profile", ".bashrc"), "zsh": (".zshrc",), "fish": (".config/fish/config.fish",)}
    for name in files[shell]:
        path = wrapped.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(line)
    for flags in (("-l", "-i"), ("-i",)):
        done = wrapped.run(needs(shell), *flags, "-c", "aws --version; aws --version | cat")
        assert done.output.splitlines() == ["the real aws --version"] * 2
        assert "keyturn" not in done.errors

"""Shims: whatever starts `aws` by its name gets credentials, or one line that says what to do."""

import json
import shutil
import sys

import pytest

from keyturn.ground.errors import Status
from tests.parts import needs
from tests.programs.shimmed import KEY, SAID, shims
from tests.programs.user import Result, User
from tests.vaults.templates import PASSWORD

# A hang ends here. What is to fail does so in a fraction of a second.
SECONDS = 20.0


def makefile(user: User) -> list[str]:
    (user.home / "Makefile").write_text("who:\n\t@aws s3 ls\nsilent:\n\t@aws s3 ls | cat\n")
    return [needs("make"), "who", "silent"]


def npm_script(user: User) -> list[str]:
    (user.home / "package.json").write_text(json.dumps({"scripts": {"who": "aws s3 ls"}}))
    return [needs("npm"), "run", "--silent", "--offline", "who"]


def git_credential(user: User) -> list[str]:
    helper = "credential.helper=!aws codecommit credential-helper $@"
    fill = "printf 'protocol=https\\nhost=git-codecommit.example\\n\\n' | git -c \"$0\" credential fill"
    needs("git")
    return ["/bin/sh", "-c", fill, helper]


def python(user: User) -> list[str]:
    call = (
        "import subprocess; print(subprocess.run(['aws', 's3', 'ls'], capture_output=True, text=True).stdout)"
    )
    return [sys.executable, "-c", call]


def xargs(user: User) -> list[str]:
    return ["/bin/sh", "-c", "seq 32 | xargs -n1 -P16 aws"]


def empty_environment(user: User) -> list[str]:
    return ["/usr/bin/env", "-i", f"PATH={':'.join(user.path)}", "aws", "s3", "ls"]


def find(user: User) -> list[str]:
    return ["/usr/bin/find", ".", "-maxdepth", "0", "-exec", "aws", "s3", "ls", ";"]


CALLERS = {
    "a Makefile": (makefile, 2),
    "an npm script": (npm_script, 1),
    "git's credential helper": (git_credential, 1),
    "Python's subprocess": (python, 1),
    "xargs, sixteen at once": (xargs, 32),
    "an empty environment": (empty_environment, 1),
    "find": (find, 1),
}


@pytest.mark.parametrize("name", CALLERS)
def test_who_starts_it_by_its_name_gets_credentials(signed_in: User, name: str) -> None:
    caller, times = CALLERS[name]
    done = signed_in.run(*caller(signed_in)).succeeds()
    assert done.output.count(KEY) == times, done.output
    assert not done.errors


@pytest.mark.parametrize("name", CALLERS)
def test_where_nobody_may_it_says_what_to_do(locked_out: User, name: str) -> None:
    caller, times = CALLERS[name]
    done = locked_out.run(*caller(locked_out), variables={"GIT_TERMINAL_PROMPT": "0"}, seconds=SECONDS)
    assert KEY not in done.output
    if name != "Python's subprocess":
        lines = done.errors.splitlines()
        # make ends at the first that fails.
        assert lines.count("keyturn: the account is locked and there is no terminal to ask on") in (1, times)
        assert any(line.startswith("  hint: ") and "keyturn signin" in line for line in lines), done.errors


def alone(user: User, variables: dict[str, str], command: str = "aws s3 ls") -> Result:
    """Run by a program that nobody's terminal or sign-in is above of, as cron and systemd start theirs.

    Its status and what it says come by files, for it is nobody's child any more.
    """
    for name in ("out", "err", "status"):
        (user.home / name).unlink(missing_ok=True)
    wrapped = f"{command} >out 2>err; echo $? >status.new; /bin/mv status.new status"
    words = [f"{name}={value}" for name, value in variables.items()]
    waiting = "i=0; while ! [ -e status ] && [ $i -lt 400 ]; do sleep 0.05; i=$((i + 1)); done"
    user.run(
        "/bin/sh",
        "-c",
        f'setsid -f env -i "$@" /bin/sh -c "$0"; {waiting}',
        f"cd {user.home} && {{ {wrapped}; }}",
        *words,
        seconds=SECONDS + 10,
    ).succeeds()
    status = int((user.home / "status").read_text())
    return Result(status, (user.home / "out").read_bytes(), (user.home / "err").read_bytes())


def unattended(user: User, name: str) -> dict[str, str]:
    """The environments in which schedulers start programs: crontab(5), systemd.exec(5), and none at all."""
    search = f"{shims(user)}:{user.home}/tools:/usr/bin:/bin"
    return {
        "cron": {
            "HOME": str(user.home),
            "LOGNAME": "root",
            "SHELL": "/bin/sh",
            "PATH": search,
        },
        "systemd-run": {
            "HOME": str(user.home),
            "USER": "root",
            "INVOCATION_ID": "0" * 32,
            "XDG_RUNTIME_DIR": str(user.runtime),
            "PATH": search,
            "SYSTEMD_EXEC_PID": "1",
        },
        "no HOME and no XDG_RUNTIME_DIR": {"PATH": search},
        "another HOME": {"HOME": "/nonexistent", "PATH": search, "XDG_RUNTIME_DIR": "/nonexistent"},
    }[name]


UNATTENDED = ("cron", "systemd-run", "no HOME and no XDG_RUNTIME_DIR", "another HOME")


def test_what_a_scheduler_starts_is_let_in_by_a_grant_alone(locked_out: User) -> None:
    terminal = locked_out.terminal()
    terminal.type("keyturn signin")
    terminal.answer("password of account “Test”: ", PASSWORD)
    terminal.ready()
    for name in UNATTENDED:
        done = alone(locked_out, unattended(locked_out, name))
        done.fails(Status.LOCKED, "there is no terminal to ask on")
        assert "keyturn grant" in done.errors, name
    assert terminal.run("keyturn grant --for 5m --plugin aws")[1] == 0
    for name in UNATTENDED:
        assert SAID in alone(locked_out, unattended(locked_out, name)).succeeds().output, name


@pytest.mark.parametrize("name", UNATTENDED)
def test_with_no_agent_it_still_fails_at_once_or_runs_what_needs_none(locked_out: User, name: str) -> None:
    locked_out.keyturn("agent", "stop").succeeds()
    variables = unattended(locked_out, name)
    assert "as=nobody" in alone(locked_out, variables, "aws --version").succeeds().output
    assert not list((locked_out.runtime / "keyturn").glob("*.sock")), "it started an agent"
    alone(locked_out, variables).fails(Status.LOCKED, "the account is locked")


def test_a_runtime_directory_that_is_gone_is_made_anew(locked_out: User) -> None:
    """As after a logout, which takes /run/user/UID away: the shim was made for that one."""
    locked_out.keyturn("agent", "stop").succeeds()
    shutil.rmtree(locked_out.runtime)
    alone(locked_out, unattended(locked_out, "cron")).fails(Status.LOCKED, "the account is locked")

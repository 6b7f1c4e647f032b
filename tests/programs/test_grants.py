"""`keyturn grant`: programs without a terminal, for a while."""

import json
import re
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from keyturn.ground.errors import Status
from tests.programs.probe import Wrapped
from tests.programs.user import BIN, Terminal, User
from tests.vaults.templates import PASSWORD

QUESTION = "password of account “Test”: "
LIST = f"{BIN}/keyturn item list"


@pytest.fixture(scope="module")
def wrapped() -> Iterator[Wrapped]:
    with User() as user:
        yield Wrapped(user)


@pytest.fixture
def approved(wrapped: Wrapped) -> Terminal:
    """An approved terminal; there are no grants."""
    wrapped.user.keyturn("lock").succeeds()
    wrapped.probe.reports()
    terminal = wrapped.user.terminal()
    terminal.type("keyturn signin")
    terminal.answer(QUESTION, PASSWORD)
    terminal.ready()
    return terminal


def grants(user: User) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(
        user.keyturn("grant", "list", "--format", "json").succeeds().output
    )["grants"]
    return found


def aws(wrapped: Wrapped, directory: str = "~") -> int:
    """The wrapped command without a terminal: its status."""
    words = " ".join(wrapped.launcher)
    return wrapped.user.sh(f"cd {directory} && exec {words} s3 ls").status


def test_a_program_without_a_terminal_is_let_in_and_out(wrapped: Wrapped, approved: Terminal) -> None:
    user = wrapped.user
    assert aws(wrapped) == Status.LOCKED
    printed, status = approved.run("keyturn grant --for 1h30m")
    assert status == 0
    assert re.fullmatch(
        r"grant \d+: programs without a terminal may use “Test” for 1 h (30|29) min\n", printed
    )
    assert aws(wrapped) == 0
    assert wrapped.probe.report().argv == [b"aws", b"s3", b"ls"]
    user.sh(LIST).succeeds()
    [grant] = grants(user)
    assert (grant["account"], grant["process"], grant["plugin"], grant["below"]) == ("Test", 0, "", "")
    assert "programs without a terminal may use “Test”" in user.keyturn("status").output
    user.keyturn("grant", "revoke", grant["id"]).succeeds()
    assert grants(user) == []
    assert aws(wrapped) == Status.LOCKED


def test_a_program_that_nobody_trusts_is_named_and_gets_nothing(wrapped: Wrapped, approved: Terminal) -> None:
    """A grant is for programs that are known; the line says what is missing, and it is no grant."""
    user = wrapped.user
    planted = user.home / "checked-out/bin"
    planted.mkdir(parents=True)
    (planted / "aws").write_bytes(wrapped.probe.path.read_bytes())
    (planted / "aws").chmod(0o755)
    approved.run("keyturn grant --for 30m")
    words = " ".join(wrapped.launcher)
    done = user.sh(f"PATH={planted}:$PATH {words} s3")
    done.fails(Status.LOCKED, f"{planted}/aws: it is below the working directory, and there is no")
    assert "executables.trusted_directories" in done.errors
    assert not (planted / "reports").exists()


def test_another_terminal_asks_for_itself_all_the_same(wrapped: Wrapped, approved: Terminal) -> None:
    approved.run("keyturn grant --for 30m")
    other = wrapped.user.terminal()
    other.type(LIST)
    other.expect(re.escape(QUESTION))
    other.press("c")
    other.ready()


def test_it_ends_by_itself(wrapped: Wrapped, approved: Terminal) -> None:
    approved.run("keyturn grant --for 3s")
    assert aws(wrapped) == 0
    time.sleep(3.1)
    assert aws(wrapped) == Status.LOCKED
    assert grants(wrapped.user) == []


@pytest.mark.parametrize("ended", ["lock", "signout --all", "grant revoke --all"])
def test_what_ends_it(wrapped: Wrapped, approved: Terminal, ended: str) -> None:
    approved.run("keyturn grant --for 30m")
    approved.run("keyturn grant --for 30m --plugin aws")
    assert len(grants(wrapped.user)) == 2
    wrapped.user.keyturn(*ended.split()).succeeds()
    assert grants(wrapped.user) == []
    assert aws(wrapped) == Status.LOCKED


def test_for_one_plugin(wrapped: Wrapped, approved: Terminal) -> None:
    approved.run("keyturn grant --for 30m --plugin aws")
    assert aws(wrapped) == 0
    wrapped.user.sh(LIST).fails(Status.LOCKED, "needs an approval")


def test_below_a_directory(wrapped: Wrapped, approved: Terminal) -> None:
    for name in ("app/deep", "app-old"):
        (wrapped.user.home / name).mkdir(parents=True, exist_ok=True)
    (wrapped.user.home / "link").symlink_to("app")
    approved.run("keyturn grant --for 30m --below link")
    assert [aws(wrapped, each) for each in ("app", "app/deep")] == [0, 0]
    assert [aws(wrapped, each) for each in ("app-old", "~", "/")] == [Status.LOCKED] * 3


def test_a_process_and_what_it_starts(wrapped: Wrapped, approved: Terminal) -> None:
    words = " ".join(wrapped.launcher)
    script = f"read line; setsid -w sh -c '{words} s3; true'; setsid -w setsid -w {words} s3; echo $?"
    with subprocess.Popen(
        ["/bin/sh", "-c", script], env=wrapped.user.environment, start_new_session=True,
        cwd=wrapped.user.home, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        approved.run(f"keyturn grant --for 30m --tree {process.pid}")
        [grant] = grants(wrapped.user)
        assert grant["process"] == process.pid
        assert aws(wrapped) == Status.LOCKED, "another process"
        output, _ = process.communicate("\n", timeout=20)
    assert output == "0\n"
    assert len(wrapped.probe.reports()) == 2
    assert grants(wrapped.user) == [], "its process has ended"


def test_only_from_an_approved_terminal(wrapped: Wrapped, approved: Terminal) -> None:
    user = wrapped.user
    user.keyturn("grant", "--for", "30m").fails(Status.LOCKED, "needs an approval")
    # Neither does what came in by inheritance or by a grant let itself in for longer.
    printed, status = approved.run("setsid -w keyturn grant --for 30m")
    assert (status, "a grant is given from a terminal" in printed) == (Status.LOCKED, True)
    approved.run("keyturn grant --for 30m")
    user.keyturn("grant", "--for", "12h").fails(Status.LOCKED, "a grant is given from a terminal")
    assert len(grants(user)) == 1
    user.keyturn("lock").succeeds()
    approved.type("keyturn grant --for 30m")
    approved.expect("let programs without a terminal use “Test” for 30 min")
    approved.answer(QUESTION, PASSWORD)
    approved.ready()
    assert len(grants(user)) == 1


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ("", Status.USAGE, "how long?"),
        ("--for soon", Status.USAGE, "'soon' is no time"),
        ("--for 30", Status.USAGE, "'30' is no time"),
        ("--for 0s", Status.USAGE, "a grant lasts between a second and 12 hours"),
        ("--for 13h", Status.USAGE, "a grant lasts between a second and 12 hours"),
        ("--for 1h --plugin none", Status.USAGE, "no plugin is called none"),
        ("--for 1h --tree 4194304", Status.USAGE, "there is no process 4194304 of yours"),
        ("--for 1h list", Status.USAGE, "options of a new grant do not go with `grant list`"),
        ("revoke", Status.USAGE, "which grant?"),
        ("revoke 99", Status.MISSING, "there is no grant 99"),
    ],
)
def test_what_is_refused(wrapped: Wrapped, words: str, status: int, said: str) -> None:
    wrapped.user.keyturn("grant", *words.split()).fails(status, said)

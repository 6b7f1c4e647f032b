"""No command shows a secret but where it is asked to (SECURITY 1, 4, 10): planted values are searched for."""

import contextlib
import os
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.programs.user import BIN, User

TRACE = ["strace", "-f", "-qq", "-s", "100000", "-e", "trace=execve", "-o"]


class Planted:
    """A user whose password and secret values are of this run alone."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.value, self.second = (secrets.token_hex(20) for _ in range(2))
        self.password, self.new_password = (f"p-{secrets.token_hex(16)}" for _ in range(2))
        self.plaintext = secrets.token_hex(20)
        self.said: list[str] = []
        user.account(password=self.password)

    @property
    def all(self) -> list[str]:
        return [self.value, self.second, self.password, self.new_password, self.plaintext]

    def run(self, *words: str, stdin: str = "", status: int | None = 0) -> str:
        done = self.user.keyturn(*words, stdin=stdin)
        assert status is None or done.status == status, (words, done.errors)
        self.said += [done.output, done.errors]
        return done.output


@pytest.fixture
def planted() -> Iterator[Planted]:
    with User() as user:
        yield Planted(user)


def test_canaries(planted: Planted) -> None:
    user, run = planted.user, planted.run
    password = ("--password-file", "p")
    (user.home / "p").write_text(planted.password)
    (user.home / "p2").write_text(planted.new_password)
    (user.home / "v").write_text(planted.value)
    user.aws_files(
        f"[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = {planted.plaintext}\n"
    )
    run("item", "create", "--title", "t", "key=@v", "seed[otp]=-", *password, stdin=planted.second)
    run("item", "edit", "t", "key=-", *password, stdin=planted.value)
    run("plugin", "init", "aws", "--import-profile", "default", "--remove-plaintext", "--no-input", *password)
    for more in ((), ("--format", "json")):
        run("item", "get", "t", *more, *password)
        run("item", "list", *more, *password)
        run("vault", "list", *more, *password)
        run("account", "slot", "list", *more, *password)
        run("status", *more)
        run("account", "list", *more)
    # What goes wrong, with a secret at hand or in the wrong place.
    run("item", "create", "--title", "x", "key=@p", "k2=-", *password, stdin="", status=None)
    run("item", "get", "t", "--field", "none", *password, status=None)
    run("item", "get", "none", *password, status=None)
    run("signin", "--password-file", "v", status=None)
    run("account", "password", "change", "--password-file", "v", "--new-password-file", "p2", status=None)
    run("account", "create", "Test", *password, status=None)
    run("account", "slot", "add", "password", "--title", "two", "--new-password-file", "p2", *password)
    run("account", "slot", "remove", "two", *password)
    run("account", "password", "change", *password, "--new-password-file", "p2")
    run("plugin", "run", "--", "aws", "--version")
    everything = "\n".join(planted.said)
    for name, secret in vars(planted).items():
        assert not isinstance(secret, str) or secret not in everything, name
    # They are there to be found: where they are asked for, and in the files that hold them.
    shown = user.keyturn("item", "get", "t", "--reveal", "--password-file", "p2").succeeds().output
    assert planted.value in shown
    assert planted.second in shown
    left = {
        path: secret
        for path in files(user.home)
        for secret in planted.all
        if secret.encode() in path.read_bytes()
    }
    assert {path.name for path in left} == {"p", "p2", "v"}, "no state, log, configuration or vault file"


def files(home: Path) -> list[Path]:
    found = [path for path in home.rglob("*") if path.is_file()]
    assert {"agent.log", "accounts.json", "defaults.json", "plugins.sh", "launcher"} <= {
        path.name for path in found
    }
    return found


def commands_of_all() -> Iterator[str]:
    for entry in os.scandir("/proc"):
        with contextlib.suppress(OSError):
            if entry.name.isdigit():
                yield Path(entry.path, "cmdline").read_text(errors="replace")


@pytest.mark.needs("strace")
def test_no_secret_in_an_argument_of_any_process(planted: Planted) -> None:
    """Every execve of the CLI is traced; the agent refuses a tracer, so its helpers are watched in /proc."""
    user = planted.user
    (user.home / "p").write_text(planted.password)
    (user.home / "v").write_text(planted.value)
    trace = user.home / "trace"
    seen: set[str] = set()
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            seen.update(commands_of_all())

    watching = threading.Thread(target=watch)
    watching.start()
    keyturn = str(BIN / "keyturn")
    try:
        create = ("item", "create", "--title", "t", "key=@v", "--password-file", "p")
        user.run(*TRACE, str(trace), keyturn, *create).succeeds()
        add = ("account", "slot", "add", "password", "--title", "two", "--new-password-file", "v")
        user.run(*TRACE, str(trace), "-A", keyturn, *add, "--password-file", "p").succeeds()
    finally:
        over.set()
        watching.join()
    content = trace.read_text() + "\n".join(seen)
    assert '"key=@v"' in content, "arguments are in the trace"
    assert "keyturn.agent.helper" in content, "a helper was seen"
    for secret in (planted.password, planted.value):
        assert secret not in content

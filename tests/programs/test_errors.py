"""What goes wrong is one line with a hint, with its own exit status, at once."""

import re
import time
from collections.abc import Iterator

import pytest

from keyturn.ground.errors import Status
from tests.programs.user import BIN, User
from tests.vaults.templates import make_item

QUESTION = "password of account “Test”: "


@pytest.fixture(scope="module")
def locked() -> Iterator[User]:
    """A user with a locked account, for tests that leave everything as it is."""
    with User() as user:
        user.account(make_item())
        yield user


def test_three_wrong_passwords_are_a_denial_and_the_pause_grows(user: User) -> None:
    user.account()
    terminal = user.terminal()
    terminal.type("keyturn item list")
    for warning in ("", r"wrong password.*\(1 of 3\)\r\n", r"wrong password.*\(2 of 3\)\r\n"):
        terminal.expect(warning + re.escape(QUESTION))
        terminal.type("a wrong one EXAMPLE")
    assert re.search(r"keyturn: wrong password, 3 times\r\n  hint: ", terminal.ready())
    assert terminal.status() == Status.DENIED
    wrong = ("item", "list", "--password-file", user.password_file("a wrong one EXAMPLE"))
    assert 0 < seconds_of_pause(user, *wrong) <= 5
    time.sleep(5.1)
    for _ in range(3):
        user.keyturn(*wrong).fails(Status.DENIED, "wrong password")
    assert 5 < seconds_of_pause(user, *wrong) <= 10, "twice as long after three more"
    right = user.password_file()
    user.keyturn("item", "list", "--password-file", right).fails(Status.DENIED, "too many wrong passwords")


def seconds_of_pause(user: User, *command: str) -> int:
    said = user.keyturn(*command).fails(Status.DENIED, "too many wrong passwords").errors
    match = re.search(r"try again in (\d+) seconds?", said)
    assert match is not None
    return int(match[1])


@pytest.mark.parametrize("key", ["c", "d"])
def test_cancelled_at_the_prompt(locked: User, key: str) -> None:
    terminal = locked.terminal()
    terminal.type("keyturn item list")
    terminal.expect(re.escape(QUESTION))
    terminal.press(key)
    assert "keyturn:" not in terminal.ready(), "whoever pressed it knows"
    assert terminal.status() == Status.INTERRUPTED
    # A shell's loop ends with it (story 51): the command died by the signal.
    terminal.type("for i in 1 2 3; do keyturn item list; done")
    terminal.expect(re.escape(QUESTION))
    terminal.press(key)
    terminal.ready()
    assert terminal.status() == Status.INTERRUPTED


def test_no_terminal_and_a_locked_account(locked: User) -> None:
    begun = time.monotonic()
    locked.keyturn("item", "list").fails(Status.LOCKED, "no terminal to ask on")
    assert time.monotonic() - begun < 10, "nothing hangs"
    locked.keyturn("item", "list", "--no-input").fails(Status.LOCKED, "locked")
    locked.keyturn("signin").fails(Status.LOCKED, "no terminal to ask on")


def test_no_input_on_a_terminal_asks_nothing(locked: User) -> None:
    printed, status = locked.terminal().run("keyturn item list --no-input")
    assert (status, printed.splitlines()[0][:9]) == (Status.LOCKED, "keyturn: ")


def test_no_default(locked: User) -> None:
    locked.keyturn("plugin", "run", "--", "aws", "s3", "ls").fails(
        Status.NO_DEFAULT, "no item is chosen for aws"
    )


def test_a_missing_item_or_field(user: User) -> None:
    user.account(make_item("API EXAMPLE"))
    password = ("--password-file", user.password_file())
    user.keyturn("item", "get", "nope", *password).fails(Status.MISSING, "no item “nope”")
    missing = user.keyturn("item", "get", "API EXAMPLE", "--field", "nope", *password)
    assert "access key id" in missing.fails(Status.MISSING, "no field “nope”").errors
    user.keyturn("item", "edit", "nope", "a[text]=b", *password).fails(Status.MISSING, "no item “nope”")
    user.keyturn("item", "list", "--vault", "nope", *password).fails(Status.MISSING, "no vault “nope”")
    user.keyturn("item", "list", "--account", "nope").fails(Status.MISSING, "no account “nope”")
    user.keyturn("account", "slot", "remove", "nope", *password).fails(
        Status.MISSING, "no slot is called “nope”"
    )


def test_no_account_yet(user: User) -> None:
    for command in ("item list", "vault list", "signin", "account slot list"):
        said = user.keyturn(*command.split()).fails(Status.MISSING, "there is no account yet")
        assert "keyturn plugin init aws" in said.errors


class TestNoAgent:
    """The agent is not to be had."""

    def test_it_cannot_write_its_log(self, user: User) -> None:
        user.drop_privileges()
        user.state.mkdir(parents=True, mode=0o700)
        user.state.chmod(0o500)
        user.keyturn("account", "list").fails(Status.UNREACHABLE, "the agent cannot be started")
        user.state.chmod(0o700)

    def test_it_ends_while_it_is_asked(self, user: User) -> None:
        user.account()
        terminal = user.terminal()
        terminal.type("keyturn item list")
        terminal.expect(re.escape(QUESTION))
        user.keyturn("agent", "stop").succeeds()
        assert re.search(r"keyturn: the agent .*\r\n  hint: ", terminal.ready())
        assert terminal.status() == Status.UNREACHABLE

    def test_another_program_listens(self, user: User) -> None:
        """One that accepts and says nothing sensible; a real one of another version says so in the frame."""
        server = (
            "import os,socket,sys; s=socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen();"
            "c=s.accept()[0]; c.recv(9); c.sendall(b'\\0\\0\\0\\3Cxx'); c.recv(99)"
        )
        user.keyturn("account", "list").succeeds()
        socket_path = next((user.runtime / "keyturn").glob("*.sock"))
        user.keyturn("agent", "stop").succeeds()
        socket_path.unlink(missing_ok=True)
        script = f'python3 -c "{server}" {socket_path} & sleep 1; keyturn account list'
        user.sh(script).fails(Status.UNREACHABLE, "the agent")


class TestConfiguration:
    """A configuration that cannot be used is named, with what to do, and nothing is written over it."""

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"[lock]\nidle_hours = 0\n", "lock.idle_hours: expected a whole number, at least 1"),
            (b"nonsense = 1\n", "nonsense: unknown key"),
            (b"[lock\n", "line 1"),
            (b"\xff", "not UTF-8 text"),
        ],
    )
    def test_settings(self, user: User, content: bytes, said: str) -> None:
        settings = user.config / "settings.toml"
        user.config.mkdir(parents=True, mode=0o700)
        settings.write_bytes(content)
        for command in (
            "account list",
            "settings",
            "settings set lock.idle_hours 3",
            "plugin run -- aws s3 ls",
        ):
            line = user.keyturn(*command.split()).fails(Status.CONFIGURATION, said).errors
            assert str(settings) in line, command
        assert settings.read_bytes() == content
        user.keyturn("plugin", "run", "--", "aws", "--version").succeeds()

    def test_with_damaged_settings_it_can_still_be_locked(self, user: User) -> None:
        user.account()
        user.keyturn("signin", "--password-file", user.password_file()).succeeds()
        (user.config / "settings.toml").write_text("nonsense")
        user.keyturn("signout", "--all").succeeds()
        user.keyturn("lock").succeeds()
        (user.config / "settings.toml").unlink()
        user.keyturn("item", "list").fails(Status.LOCKED, "locked")
        (user.config / "settings.toml").write_text("nonsense")
        user.keyturn("agent", "stop").succeeds()

    @pytest.mark.parametrize(
        ("name", "command"), [("accounts.json", "item list"), ("defaults.json", "plugin run -- aws s3 ls")]
    )
    def test_lists(self, locked: User, name: str, command: str) -> None:
        path = locked.config / name
        before = path.read_bytes() if path.exists() else None
        path.write_text('{"version": ')
        try:
            said = locked.keyturn(*command.split()).fails(Status.CONFIGURATION, str(path))
            assert "move it away" in said.errors
        finally:
            path.unlink() if before is None else path.write_bytes(before)

    def test_directories(self, user: User) -> None:
        for name, value in (("KEYTURN_DATA_DIR", "relative"), ("KEYTURN_RUNTIME_DIR", f"/tmp/{'x' * 120}")):
            said = user.keyturn("status", variables={name: value}).fails(Status.CONFIGURATION, "")
            assert name in said.errors
        user.sh(f"unset HOME; {BIN}/keyturn status").fails(Status.CONFIGURATION, "HOME is not set")
        # A relative XDG directory is to be ignored, says its specification.
        user.keyturn("status", variables={"XDG_CONFIG_HOME": "relative"}).succeeds()
        user.config.mkdir(parents=True)
        user.config.chmod(0o775)
        user.keyturn("account", "list").fails(Status.CONFIGURATION, "not a private directory")
        # What others could only read is closed: a dotfile manager may have made it.
        user.config.chmod(0o755)
        user.keyturn("account", "list").succeeds()
        assert user.config.stat().st_mode & 0o777 == 0o700

    def test_a_directory_that_cannot_be_written(self, user: User) -> None:
        user.drop_privileges()
        user.account()
        user.config.chmod(0o500)
        user.keyturn("account", "forget", "--account", "Test").fails(Status.CONFIGURATION, str(user.config))
        user.keyturn("settings", "set", "lock.idle_hours", "3").fails(Status.CONFIGURATION, str(user.config))
        user.config.chmod(0o700)


def test_output_that_cannot_be_written(locked: User) -> None:
    """A full disk, a closed descriptor and a reader that has enough: no traceback, no hanging."""
    for command in ("settings", "--help", "account list", "status"):
        full = locked.sh(f"keyturn {command} > /dev/full")
        line, hint = full.errors.splitlines()
        assert (full.status, line) == (1, "keyturn: no space left on device"), command
        assert hint.startswith("  hint: that disk is full"), command
        closed = locked.sh(f"keyturn {command} >&-")
        assert (closed.status, closed.errors) == (0, ""), command
        assert locked.sh(f"keyturn {command} | true").errors == "", command


def test_bytes_that_are_no_text(locked: User) -> None:
    locked.run(str(BIN / "keyturn"), "item", "create", "--title", b"caf\xe9").fails(Status.USAGE, "not UTF-8")
    said = locked.keyturn("settings", "get", "\x1b[31mred").fails(Status.USAGE, "no setting")
    assert "\x1b" not in said.errors


def test_the_terminal_is_left_as_it_was(locked: User) -> None:
    """A script's command is killed at the question: the script goes on, and what is typed is seen."""
    terminal = locked.terminal()
    (locked.home / "script").write_text("keyturn item list\necho status=$?; stty -a | grep -w echo\n")
    terminal.type("sh script")
    terminal.expect(re.escape(QUESTION))
    locked.run("pkill", "-TERM", "-s", str(terminal.child.pid), "-o", "-f", "item list")
    printed = terminal.ready()
    assert "status=143" in printed
    assert re.search(r"(?<!-)echo ", printed)
    assert "keyturn: " not in printed

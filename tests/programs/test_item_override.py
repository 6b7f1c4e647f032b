"""`KEYTURN_ITEM` and `plugin run --item` for one call, and a command that has no default yet."""

import json
import re
from collections.abc import Iterator

import pytest

from keyturn.ground.errors import Status
from tests.programs.probe import Wrapped
from tests.programs.user import User
from tests.vaults.templates import PASSWORD

KEY = b"AWS_ACCESS_KEY_ID"
CREATE = (
    "keyturn item create --title Dev --tag keyturn/aws/access-key --no-input "
    "'access key id[text]=AKIADEVEXAMPLE' 'secret access key=@secret'"
)
QUESTION = "password of account “Test”: "


@pytest.fixture
def wrapped() -> Iterator[Wrapped]:
    with User() as user:
        found = Wrapped(user)
        (user.home / "secret").write_text("dev EXAMPLE")
        user.sh(f"keyturn signin --password-file password && {CREATE}").succeeds()
        yield found


def key_given(wrapped: Wrapped) -> bytes:
    environment = wrapped.probe.report().environment
    assert not [entry for entry in environment if entry.startswith(b"KEYTURN_ITEM=")]
    return next(entry.partition(b"=")[2] for entry in environment if entry.startswith(KEY))


def test_the_variable_and_the_option_beat_the_default(wrapped: Wrapped) -> None:
    user, words = wrapped.user, " ".join(wrapped.launcher)
    for line in (f"KEYTURN_ITEM=Dev {words} s3", "keyturn plugin run --item Dev -- aws s3"):
        user.sh(f"keyturn signin --password-file password && {line}").succeeds()
        assert key_given(wrapped) == b"AKIADEVEXAMPLE", line
    user.sh(f"keyturn signin --password-file password && {words} s3").succeeds()
    assert key_given(wrapped) == b"AKIAIOSFODNN7EXAMPLE"


def test_what_is_not_there_is_said(wrapped: Wrapped) -> None:
    line = "keyturn signin --password-file password 2>/dev/null && keyturn plugin run --item None -- aws s3"
    wrapped.user.sh(line).fails(Status.MISSING, "there is no item “None” (KEYTURN_ITEM)")
    assert wrapped.probe.reports() == []
    # A try that came to nothing is in the audit log as well.
    logged = json.loads(wrapped.user.keyturn("log", "--format", "json", "-n", "1").succeeds().output)["log"]
    assert [(each["item"], each["source"], each["outcome"]) for each in logged] == [
        ("None", "KEYTURN_ITEM", "missing")
    ]


def test_a_locked_account_is_opened_for_it(wrapped: Wrapped) -> None:
    wrapped.user.keyturn("lock").succeeds()
    terminal = wrapped.user.terminal()
    terminal.type("keyturn plugin run --item Dev -- aws s3")
    terminal.expect(re.escape("aws is to use “Dev” (KEYTURN_ITEM) of account “Test”"))
    terminal.answer(QUESTION, PASSWORD)
    terminal.ready()
    assert key_given(wrapped) == b"AKIADEVEXAMPLE"


class TestWithoutADefault:
    @pytest.fixture(autouse=True)
    def _cleared(self, wrapped: Wrapped) -> None:
        wrapped.user.keyturn("plugin", "clear", "aws").succeeds()
        wrapped.user.keyturn("lock").succeeds()

    def test_it_is_chosen_once_for_this_terminal(self, wrapped: Wrapped) -> None:
        terminal = wrapped.user.terminal()
        terminal.type(f"source {wrapped.user.config}/plugins.sh")
        terminal.ready()
        terminal.type("aws s3 'a b'")
        terminal.answer(QUESTION, PASSWORD)
        terminal.expect("which item is aws to use")
        terminal.expect("Dev")
        terminal.child.send("\x1b[B\r")
        terminal.ready()
        report = wrapped.probe.report()
        assert report.argv == [b"aws", b"s3", b"a b"]
        assert terminal.run("aws s3") == ("", 0)
        assert len(wrapped.probe.reports()) == 1
        shown, _ = terminal.run("keyturn plugin inspect aws")
        assert "session" in shown
        other = wrapped.user.terminal()
        other.type("keyturn plugin run -- aws s3")
        other.answer(QUESTION, PASSWORD)
        other.expect("which item is aws to use")
        other.press("c")
        other.ready()
        assert other.status() == Status.INTERRUPTED
        assert wrapped.probe.reports() == []

    def test_without_a_terminal_it_says_how(self, wrapped: Wrapped) -> None:
        line = "keyturn signin --password-file password 2>/dev/null; keyturn plugin run -- aws s3"
        done = wrapped.user.sh(line)
        assert done.status == Status.NO_DEFAULT
        assert "keyturn plugin init aws" in done.errors


class TestAFieldThatIsMissing:
    """The item of the default has lost a field, or somebody called it otherwise."""

    @pytest.fixture(autouse=True)
    def _renamed(self, wrapped: Wrapped) -> None:
        change = "keyturn item edit AWS --remove 'access key id' 'key[text]=AKIARENAMEDEXAMPLE'"
        wrapped.user.sh(f"keyturn signin --password-file password && {change}").succeeds()

    def test_it_is_pointed_out_and_the_command_goes_on(self, wrapped: Wrapped) -> None:
        terminal = wrapped.user.terminal()
        terminal.type("keyturn plugin run -- aws s3 'a b'")
        terminal.expect("access key id")
        terminal.expect("key")
        terminal.child.send("\r")
        terminal.expect(r"\[[Yy]/[Nn]\]")
        terminal.type("y")
        terminal.ready()
        assert key_given(wrapped) == b"AKIARENAMEDEXAMPLE"
        assert terminal.run("keyturn plugin run -- aws s3") == ("", 0)

    def test_ctrl_c_changes_nothing(self, wrapped: Wrapped) -> None:
        terminal = wrapped.user.terminal()
        terminal.type("keyturn plugin run -- aws s3")
        terminal.expect("access key id")
        terminal.press("c")
        terminal.ready()
        assert terminal.status() == Status.INTERRUPTED
        assert wrapped.probe.reports() == []

    def test_without_a_terminal_it_is_named(self, wrapped: Wrapped) -> None:
        line = "keyturn signin --password-file password 2>/dev/null; keyturn plugin run -- aws s3"
        wrapped.user.sh(line).fails(Status.MISSING, "item “AWS”: the field “access key id” is missing")

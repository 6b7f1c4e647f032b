"""`keyturn aws credential-process`: JSON for an SDK and nothing else, whoever calls it and how often."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.aws_server.client import LocalAws
from tests.programs.aws_items import item, item_with_codes, set_up
from tests.programs.user import Result, User
from tests.vaults.templates import PASSWORD

QUESTION = "password of account “Test”: "
COMMAND = "keyturn aws credential-process"
CROWD = 100

STARTER = """
import subprocess, sys
files = [(open(f"out-{n}", "w"), open(f"err-{n}", "w")) for n in range(int(sys.argv[1]))]
crowd = [
    subprocess.Popen(["keyturn", "aws", "credential-process", "--profile", "dev"], stdout=out, stderr=err)
    for out, err in files
]
print("statuses:", sorted({each.wait() for each in crowd}))
"""


@pytest.fixture(scope="module")
def server() -> Iterator[LocalAws]:
    with LocalAws("ada") as found:
        yield found


@pytest.fixture
def aws(server: LocalAws) -> LocalAws:
    server.mend()
    server.forget_calls()
    return server


@pytest.fixture
def dev(user: User, aws: LocalAws) -> User:
    """A user whose profile `dev` is a role over the selected item, which has no second factor."""
    user.variables.update(aws.environment())
    role = aws.add_role(f"dev-{user.home.name}", ["ada"])
    config = f"[default]\nregion = eu-central-1\n[profile dev]\nrole_arn = {role}\nsource_profile = default\n"
    set_up(user, config, item(aws.users["ada"]))
    return user


def signed_in(user: User, script: str, **more: object) -> Result:
    signin = f"keyturn signin --password-file {user.password_file()} 2>/dev/null"
    return user.sh(f"{signin} && {script}", **more)


def keys(printed: str) -> dict[str, str]:
    """The JSON of Version 1. Nothing may stand beside it."""
    found = json.loads(printed)
    assert found.pop("Version") == 1
    assert printed == printed.strip() + "\n"
    return dict(found)


def test_a_role(dev: User, aws: LocalAws) -> None:
    done = signed_in(dev, f"{COMMAND} --profile dev && {COMMAND} --profile dev").succeeds()
    first, second = done.output.splitlines(keepends=True)
    assert first == second, "the same answer while it lasts (story 92)"
    found = keys(first)
    assert set(found) == {"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"}
    assert not done.errors
    assert [call.error for call in aws.calls("AssumeRole")] == [""]


def test_lasting_keys_have_no_end(dev: User, aws: LocalAws) -> None:
    found = keys(signed_in(dev, COMMAND).succeeds().output)
    assert found == {
        "AccessKeyId": aws.users["ada"].access_key_id,
        "SecretAccessKey": aws.users["ada"].secret_access_key,
    }


def test_without_a_terminal_and_an_approval_it_fails_at_once(dev: User, aws: LocalAws) -> None:
    dev.keyturn("aws", "credential-process", "--profile", "dev", seconds=10).fails(190, "locked")
    assert not aws.calls("AssumeRole")


def test_who_is_no_child_of_an_approved_terminal_inherits_nothing(dev: User) -> None:
    terminal = dev.terminal()
    terminal.run(f"keyturn signin --password-file {dev.password_file()}")
    dev.keyturn("aws", "credential-process", "--profile", "dev").fails(190, "approval")


def test_a_program_without_a_terminal_inherits_from_the_one_it_was_started_on(dev: User) -> None:
    terminal = dev.terminal()
    terminal.run(f"keyturn signin --password-file {dev.password_file()}")
    printed, status = terminal.run(f"setsid -w {COMMAND} --profile dev > out 2> err < /dev/null")
    assert (printed, status) == ("", 0), (dev.home / "err").read_text()
    assert "SessionToken" in keys((dev.home / "out").read_text())


def test_a_question_goes_to_the_terminal(dev: User) -> None:
    terminal = dev.terminal(columns=140)
    terminal.type(f"{COMMAND} --profile dev > out 2> err < /dev/null")
    terminal.expect("keyturn aws credential-process wants to use “AWS”")
    terminal.answer(QUESTION, PASSWORD)
    terminal.ready()
    assert "SessionToken" in keys((dev.home / "out").read_text())
    assert not (dev.home / "err").read_text()


def test_an_unknown_profile(dev: User) -> None:
    signed_in(dev, f"{COMMAND} --profile nobody").fails(198, "profile “nobody” is not in the AWS files")


def test_what_goes_wrong_leaves_stdout_empty(dev: User, aws: LocalAws) -> None:
    aws.fail_next(10, "throttled", "AssumeRole")
    failed = signed_in(dev, f"{COMMAND} --profile dev", seconds=60)
    assert (failed.status, failed.output) == (195, "")
    aws.mend()


def test_a_hundred_at_once(user: User) -> None:
    """Story 46: one question, one code, one role, a hundred valid answers."""
    with LocalAws("ada") as aws:
        device = aws.add_device("ada")
        user.variables.update(aws.environment())
        role = aws.add_role("dev", ["ada"], needs_mfa=True)
        config = (
            f"[default]\nregion = eu-central-1\n[profile dev]\nrole_arn = {role}\nsource_profile = default\n"
        )
        set_up(user, config, item_with_codes(aws.users["ada"], device))
        (user.home / "crowd").write_text(STARTER)
        terminal = user.terminal(columns=140)
        terminal.type(f"{sys.executable} crowd {CROWD}")
        terminal.expect(re.escape(QUESTION), seconds=60)
        terminal.type(PASSWORD)
        asked = terminal.expect(r"statuses: \[.*\]", seconds=120)
        assert terminal.child.after == "statuses: [0]", errors(user.home)
        assert QUESTION not in asked
        answers = {(user.home / f"out-{number}").read_text() for number in range(CROWD)}
        assert len(answers) == 1
        assert "SessionToken" in keys(answers.pop())
        assert [call.status for call in aws.calls("GetSessionToken")] == [200]
        assert [call.status for call in aws.calls("AssumeRole")] == [200]


def errors(home: Path) -> str:
    return "".join((home / f"err-{number}").read_text() for number in range(CROWD))[:2000]

"""`keyturn aws credential-process`: JSON for an SDK and nothing else, whoever calls it and how often."""

import json
from collections.abc import Iterator

import pytest

from tests.aws_server.client import LocalAws
from tests.programs.aws_items import item, set_up
from tests.programs.user import Result, User
from tests.vaults.templates import PASSWORD

QUESTION = "password of account “Test”: "
COMMAND = "keyturn aws credential-process"


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

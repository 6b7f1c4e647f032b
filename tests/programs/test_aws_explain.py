"""`keyturn aws explain`: the plan and its reasons, and no call."""

import json
import re
from collections.abc import Iterator

import pytest

from tests.aws_server.client import LocalAws
from tests.programs.aws_items import item, item_with_codes, set_up
from tests.programs.user import User


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    with LocalAws("ada") as found:
        yield found


@pytest.fixture
def explaining(user: User, aws: LocalAws) -> User:
    """A user with an item that has codes, and a role over `default`; locked."""
    aws.forget_calls()
    user.variables.update(aws.environment())
    role = "arn:aws:iam::123456789012:role/team/deploy"
    config = (
        f"[default]\nregion = eu-central-1\n[profile deploy]\nrole_arn = {role}\nsource_profile = default\n"
    )
    serial = "arn:aws:iam::123456789012:mfa/ada"
    device = aws.add_device("ada", serial)
    set_up(user, config, item_with_codes(aws.users["ada"], device), item(aws.users["ada"], "Other"))
    return user


def explain(user: User, words: str) -> list[str]:
    signin = f"keyturn signin --password-file {user.password_file()} 2>/dev/null"
    done = user.sh(f"{signin} && keyturn aws explain {words}").succeeds()
    return done.output.splitlines()


def test_it_says_whose_keys_which_calls_and_why(explaining: User, aws: LocalAws) -> None:
    role, device = "arn:aws:iam::123456789012:role/team/deploy", "arn:aws:iam::123456789012:mfa/ada"
    item_, sts = "item “AWS”", f"region of profile “default”, at {aws.endpoint}"
    assert explain(explaining, "--profile deploy") == [
        f"profile “deploy” (--profile): its role, over “default”, with {item_}, the global default",
        f"mfa serial {device} of {item_}; its code: the “one-time password” of {item_}",
        f"GetSessionToken with a code, for 12 h; STS of eu-central-1: {sts}",
        f"AssumeRole {role} (profile “deploy”), for 1 h; STS of eu-central-1: {sts}",
        "region: none is configured",
        "the profile's other settings: through AWS_PROFILE",
    ]
    assert not aws.calls()


def test_both_variables_set_and_different_are_told(explaining: User) -> None:
    explaining.variables |= {"AWS_PROFILE": "deploy", "AWS_DEFAULT_PROFILE": "default"}
    lines = explain(explaining, "")
    assert (
        "AWS_PROFILE and AWS_DEFAULT_PROFILE differ; aws (version 1) takes AWS_DEFAULT_PROFILE first" in lines
    )


def test_what_needs_no_authentication_is_said_to(explaining: User) -> None:
    assert explain(explaining, "-- aws s3 cp help") == ["aws needs no credentials for this: it runs as it is"]


def test_as_json(explaining: User) -> None:
    found = json.loads("\n".join(explain(explaining, "--format json")))
    assert (found["version"], set(found["explanation"])) == (1, {"lines", "notes"})
    assert found["explanation"]["notes"] == []


def test_another_item_for_one_call(explaining: User) -> None:
    explaining.variables["KEYTURN_ITEM"] = "Other"
    assert explain(explaining, "")[0] == "profile “default” (no profile is named): item “Other”, KEYTURN_ITEM"


def test_what_it_cannot_do(explaining: User, aws: LocalAws) -> None:
    user = explaining
    user.keyturn("aws", "explain", "--no-input").fails(190, "locked")
    user.keyturn("aws", "explain", "--", "ls").fails(2, "ls takes no AWS item")
    user.keyturn("aws", "explain", "--", "cdk", "ls").fails(127, "cdk: command not found")
    signin = f"keyturn signin --password-file {user.password_file()} 2>/dev/null"
    user.sh(f"{signin} && keyturn aws explain --profile deploj").fails(198, "profile “deploj” is not in")
    assert not aws.calls()


def test_inspect_says_what_is_amiss_with_the_item_where_nobody_has_to_be_asked(
    user: User, aws: LocalAws
) -> None:
    user.variables.update(aws.environment())
    set_up(
        user, "[default]\nregion = eu-central-1\n", item(aws.users["ada"], mfa_arn="arn:aws:iam::1:mfa/ada")
    )
    inspect = "keyturn plugin inspect aws"
    assert "warning" not in user.sh(inspect).succeeds().output, "locked"
    signin = f"keyturn signin --password-file {user.password_file()} 2>/dev/null"
    printed = user.sh(f"{signin} && {inspect}").succeeds().output
    assert re.search(
        r"^warning: item “AWS” has “mfa arn”.* --rename 'mfa arn=mfa serial'$", printed, re.MULTILINE
    )
    assert "warning" not in user.sh(inspect).succeeds().output, "another process, that nobody approved"
    found = json.loads(user.sh(f"{signin} && {inspect} --format json").succeeds().output)
    assert len(found["executables"][0]["warnings"]) == 1

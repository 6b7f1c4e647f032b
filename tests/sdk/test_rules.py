"""Needs-authentication rules: by position, three-valued, never off in doubt."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.catalogue import loader
from keyturn.sdk.argv import Options
from keyturn.sdk.rules import Rule, matches, needs_authentication

AWS = loader.load("aws").executables[0]
OPTIONS = Options(valued=("--region",), flags=("--debug",))

# Each runs as typed, without agent and vault.
UNTOUCHED = """
--version
--debug --version
--region x --version
help
help topics
--region x help
s3 help
s3 --region x help
s3 cp help
s3 cp help --region x
s3 cp --profile dev help
ec2 wait instance-running help
configure
configure --profile dev
configure set x y --profile dev
configure list
configure sso
configure sso --unknown
sso login
sso login --sso-session x
sso logout
login
login --remote
logout
s3 ls --no-sign-request
--no-sign-request s3 ls
s3api get-object --bucket b --no-sign-request
ec2 run-instances --generate-cli-skeleton
ec2 run-instances --generate-cli-skeleton output
ec2 run-instances --generate-cli-skeleton=input
""".strip().splitlines()

AUTHENTICATED = """
s3 ls
s3 cp help s3://b/
s3 cp s3://b/x help
s3 cp help --recursive
s3 cp --recursive help
s3 cp help help
s3api get-object --bucket b help
s3 --unknown help
--unknown help
--region help s3 ls
--profile help s3 ls
-- help
s3 -- help
s3 ls -- --no-sign-request
s3 ls -- --version
s3 --version
s3api put-object --version
--query --no-sign-request=x s3 ls
sts get-caller-identity --generate
iam create-user --user-name help
configure export-credentials
configure export-credentials --format env
configure mfa-login
configure --profile dev export-credentials
configure --unknown export-credentials
--unknown configure
sso
sso list-accounts
sso get-role-credentials login
loginx
Help
--region
--debug
frobnicate
""".strip().splitlines()


@pytest.mark.parametrize("line", UNTOUCHED)
def test_aws_without_authentication(line: str) -> None:
    assert not AWS.needs_authentication(line.encode().split())


@pytest.mark.parametrize("line", AUTHENTICATED)
def test_aws_with_authentication(line: str) -> None:
    assert AWS.needs_authentication(line.encode().split())


def test_aws_without_arguments_needs_none() -> None:
    assert not AWS.needs_authentication([])
    assert AWS.needs_authentication([b""])


def test_story_23_a_file_called_help() -> None:
    assert AWS.needs_authentication([b"s3", b"cp", b"help", b"s3://b/"])
    assert not AWS.needs_authentication([b"s3", b"cp", b"help"])


@given(
    st.text(alphabet="abcdefghijkmnopqrstuvwxyz", min_size=1, max_size=8).filter(
        lambda word: word not in {"help", "configure", "login", "logout", "sso"}
    ),
    st.lists(
        st.sampled_from([b"-h", b"--help", b"x", b"configure", b"login", b"--region", b"v", b"\xff"]),
        max_size=5,
    ),
)
def test_no_unknown_verb_switches_authentication_off(verb: str, rest: list[bytes]) -> None:
    assert AWS.needs_authentication([verb.encode(), *rest])


def rule(**words: object) -> Rule:
    return msgspec.convert(words, Rule)


YES, NO = {"command": ["a"]}, {"command": ["b"]}
UNSURE = {"command": ["a", "x"]}
LINE = [b"a", b"--unknown", b"x"]


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (YES, True),
        (NO, False),
        (UNSURE, None),
        ({"not": YES}, False),
        ({"not": UNSURE}, None),
        ({"any": [NO, YES]}, True),
        ({"any": [UNSURE, YES]}, True),
        ({"any": [UNSURE, NO]}, None),
        ({"any": [NO, NO]}, False),
        ({"all": [YES, YES]}, True),
        ({"all": [YES, UNSURE]}, None),
        ({"all": [UNSURE, NO]}, False),
        ({"command": ["*"]}, True),
        ({"command": ["*"], "whole": True}, None),
        ({"command": ["a", "x"], "whole": True}, None),
        ({"no_arguments": True}, False),
        ({"option": "--unknown"}, True),
        ({"option": "--other"}, False),
        ({"option": "--unknown", "place": "global"}, False),
    ],
)
def test_three_answers(words: dict[str, object], answer: bool | None) -> None:
    found = rule(**words)
    assert matches(found, LINE, OPTIONS) is answer
    assert needs_authentication(found, LINE, OPTIONS) is (answer is not False)


def test_an_option_behind_an_unknown_one_may_be_its_value() -> None:
    line = [b"--message", b"--version"]
    assert matches(rule(option="--version"), line, OPTIONS) is None
    assert matches(rule(option="--version", place="global"), line, OPTIONS) is None
    argparse = Options(parser="argparse")
    assert matches(rule(option="--version"), line, argparse) is True


@pytest.mark.parametrize(
    "words",
    [
        {},
        {"any": []},
        {"all": []},
        {"command": []},
        {"command": [""]},
        {"not": YES, "any": [NO]},
        {"option": "version"},
        {"no_arguments": False},
        {"command": ["a"], "place": "global"},
        {"option": "-h", "whole": True},
        {"contains": ["help"]},
    ],
)
def test_what_is_no_rule(words: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        rule(**words)

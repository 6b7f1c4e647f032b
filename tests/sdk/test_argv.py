"""Options by position: what is found is what argparse finds, what is taken out is exactly that."""

from __future__ import annotations

import argparse
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.catalogue import loader
from keyturn.ground.errors import UsageError
from keyturn.sdk.argv import Options, command_path, scan, take_option
from tests.aws_server.client import AWS as AWS_CLI

AWS = loader.load("aws").executables[0].options
PLAIN = Options(valued=("--profile", "-p"), flags=("--debug",))

WORDS = """
s3 ls help dev profile --profile --prof --p --profile=x --pro=y --profile= --query --query=--profile --no-p
--debug --deb -p -profile -5 -.5 - --frob --frob=z --no-sign-request --reg --region
"""
words = st.sampled_from([*WORDS.split(), "", "--", "a b", "--profile dev", "--profile=a b"]).map(str.encode)
lines = st.lists(words, max_size=8).map(tuple)


def split(line: str) -> tuple[bytes, ...]:
    return tuple(line.encode().split())


class RefusedError(Exception):
    pass


class Reference(argparse.ArgumentParser):
    """A parser like the AWS CLI's main one, with the same options (awscli/argparser.py, MainArgParser)."""

    def __init__(self) -> None:
        super().__init__(add_help=False)
        for option in AWS.valued:
            self.add_argument(option)
        for option in AWS.flags:
            self.add_argument(option, action="store_true")
        self.add_argument("command", nargs="?")

    def error(self, message: str) -> None:  # type: ignore[override]
        raise RefusedError(message)


@given(lines)
def test_the_profile_is_the_one_that_argparse_finds(arguments: tuple[bytes, ...]) -> None:
    try:
        expected = Reference().parse_known_args([word.decode() for word in arguments])[0].profile
    except RefusedError:
        return
    try:
        found, _ = take_option(arguments, AWS, "--profile")
    except UsageError:
        # The one difference: a value that is empty names nothing, and the AWS CLI takes `default` then.
        assert b"" in arguments or any(word.endswith(b"=") for word in arguments)
        return
    assert (found.decode() if found is not None else None) == expected


@given(lines, st.sampled_from([AWS, PLAIN]))
def test_taking_removes_exactly_the_options_and_their_values(
    arguments: tuple[bytes, ...], options: Options
) -> None:
    taken = [
        token
        for token in scan(arguments, options)
        if token.name == b"--profile" and token.kind.name == "VALUED" and token.is_certain
    ]
    try:
        value, kept = take_option(arguments, options, "--profile")
    except UsageError:
        assert any(not token.value for token in taken)
        return
    gone = {at for token in taken for at in range(token.start, token.stop)}
    assert kept == tuple(word for at, word in enumerate(arguments) if at not in gone)
    assert value == (taken[-1].value if taken else None)
    for token in taken:
        removed = arguments[token.start : token.stop]
        assert removed[0].startswith(b"--p")
        assert removed[1:] == (() if b"=" in removed[0] else (token.value,))


@given(lines, lines)
def test_nothing_after_a_bare_double_dash_counts(before: tuple[bytes, ...], after: tuple[bytes, ...]) -> None:
    before = tuple(word for word in before if word != b"--")
    try:
        expected, kept = take_option(before, AWS, "--profile")
    except UsageError:
        return
    assert take_option((*before, b"--", *after), AWS, "--profile") == (expected, (*kept, b"--", *after))


@given(st.lists(st.binary(max_size=6).filter(lambda word: not word.startswith(b"-")), max_size=6).map(tuple))
def test_words_pass_byte_for_byte(arguments: tuple[bytes, ...]) -> None:
    at = len(arguments) // 2
    line = (*arguments[:at], b"--profile", b"\xff\xfe", *arguments[at:])
    assert take_option(line, AWS, "--profile") == (b"\xff\xfe", arguments)


CASES = [
    ("--profile dev s3 ls dev", b"dev", "s3 ls dev"),
    ("--profile=dev s3 ls", b"dev", "s3 ls"),
    ("s3 ls --profile dev", b"dev", "s3 ls"),
    ("--profile a s3 ls --profile=b", b"b", "s3 ls"),
    ("--prof dev s3 ls", b"dev", "s3 ls"),
    ("s3 ls --p=dev", b"dev", "s3 ls"),
    ("s3 ls -profile dev", None, "s3 ls -profile dev"),
    ("s3 ls -- --profile dev", None, "s3 ls -- --profile dev"),
    ("--query --profile s3", b"s3", "--query"),
    ("--query=--profile s3 ls", None, "--query=--profile s3 ls"),
    ("--profile=a=b s3", b"a=b", "s3"),
    ("s3api list-objects --prefix --profile dev", b"dev", "s3api list-objects --prefix"),
]


@pytest.mark.parametrize(("line", "value", "kept"), CASES)
def test_taking_the_profile(line: str, value: bytes | None, kept: str) -> None:
    assert take_option(split(line), AWS, "--profile") == (value, split(kept))


def test_story_22_later_words_equal_to_the_profile_stay() -> None:
    line = split("--profile dev ssm get-parameter --name dev")
    assert take_option(line, AWS, "--profile") == (b"dev", split("ssm get-parameter --name dev"))


def test_defect_l12_empty_words_stay() -> None:
    line = (b"--query", b"", b"s3", b"ls", b"")
    assert take_option(line, AWS, "--profile") == (None, line)
    assert take_option((*line, b"--profile", b"x"), AWS, "--profile") == (b"x", line)


@pytest.mark.parametrize(
    "line", ["s3 ls --profile", "--profile= s3", "--profile --query x", "--profile -- dev", "--profile -x"]
)
def test_a_missing_value_is_an_error(line: str) -> None:
    with pytest.raises(UsageError, match="--profile needs a value"):
        take_option(split(line), AWS, "--profile")


def test_an_empty_value_is_a_missing_one() -> None:
    with pytest.raises(UsageError):
        take_option((b"--profile", b"", b"s3"), AWS, "--profile")


def test_plain_knows_no_abbreviation_and_takes_any_value() -> None:
    assert take_option(split("--prof dev"), PLAIN, "--profile") == (None, split("--prof dev"))
    assert take_option(split("--profile --debug x"), PLAIN, "--profile") == (b"--debug", (b"x",))


def test_plain_takes_no_option_that_may_be_a_value() -> None:
    line = split("run --frob --profile dev")
    assert take_option(line, PLAIN, "--profile") == (None, line)


@pytest.mark.parametrize(
    ("line", "words", "is_certain"),
    [
        ("s3 ls", "s3 ls", True),
        ("--region x s3 --debug ls", "s3 ls", True),
        ("--frob s3 ls", "", False),
        ("s3 --frob ls", "s3", False),
        ("s3 --frob", "s3", False),
        ("s3 --", "s3", True),
        ("s3 -- ls", "s3", False),
        ("s3 --region", "s3", False),
        ("--debug=x s3", "", False),
        ("", "", True),
    ],
)
def test_the_words_of_a_command(line: str, words: str, is_certain: bool) -> None:
    path = command_path(split(line), AWS)
    assert (path.words, path.is_certain) == (split(words), is_certain)


@pytest.mark.parametrize(
    ("valued", "flags"), [(("profile",), ()), (("--a", "--a"), ()), (("--a",), ("--a",)), ((), ("--a=b",))]
)
def test_options_are_declared_once_and_with_their_dashes(
    valued: tuple[str, ...], flags: tuple[str, ...]
) -> None:
    with pytest.raises(ValueError):
        Options(valued=valued, flags=flags)


@pytest.mark.parametrize(
    "line",
    [
        "--prof dev configure get region",
        "configure get region --p=dev",
        "configure --profil dev get region",
        "--profile other --pro dev configure get region",
        "--profile dev -- configure get region",
        "--output=text --profile dev configure get region",
    ],
)
def test_the_real_aws_takes_abbreviations(line: str, home: Path) -> None:
    """What this module takes for --profile, the AWS CLI takes for it, too."""
    (home / ".aws").mkdir()
    (home / ".aws/config").write_text(
        "[default]\nregion = none\n[profile dev]\nregion = dev-1\n[profile other]\nregion = other-1\n"
    )
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [str(AWS_CLI), *line.split()], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "dev-1\n"
    assert take_option(split(line), AWS, "--profile")[0] == b"dev"

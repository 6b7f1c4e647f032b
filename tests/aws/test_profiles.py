"""Which profile, and how two versions of one command are told apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from keyturn.aws.profiles import ProfileChoice, choose, major_version
from keyturn.ground.errors import UsageError
from tests.aws.world import PLUGIN, Caller
from tests.aws_server.client import AWS

BOTH = {"AWS_PROFILE": "new", "AWS_DEFAULT_PROFILE": "old"}


def chosen(
    home: Path, line: str, environment: dict[str, str], path: bytes = b"/nowhere/aws"
) -> ProfileChoice:
    return choose(Caller(home, environment=environment).invocation(line, path), PLUGIN.executables[0])


@pytest.mark.parametrize(
    ("line", "environment", "profile", "source"),
    [
        ("s3 ls", {}, "default", "no profile is named"),
        ("s3 ls", {"AWS_PROFILE": ""}, "default", "no profile is named"),
        ("s3 ls", {"AWS_PROFILE": "a"}, "a", "AWS_PROFILE"),
        ("s3 ls", {"AWS_DEFAULT_PROFILE": "b"}, "b", "AWS_DEFAULT_PROFILE"),
        ("s3 ls", {"AWS_PROFILE": "", "AWS_DEFAULT_PROFILE": "b"}, "b", "AWS_DEFAULT_PROFILE"),
        ("s3 ls --profile c", BOTH, "c", "--profile"),
        ("s3 ls --prof=c", BOTH, "c", "--profile"),
        ("s3 ls -- --profile c", {"AWS_PROFILE": "a"}, "a", "AWS_PROFILE"),
        ("s3 ls", {"AWS_PROFILE": "a", "AWS_DEFAULT_PROFILE": "a"}, "a", "AWS_PROFILE"),
    ],
)
def test_the_option_then_the_variables_then_default(
    line: str, environment: dict[str, str], profile: str, source: str, home: Path
) -> None:
    found = chosen(home, line, environment)
    assert (found.profile.value, found.profile.source) == (profile, source)
    assert found.reasons == ()


def test_an_option_without_value_is_an_error(home: Path) -> None:
    with pytest.raises(UsageError):
        chosen(home, "s3 ls --profile", {})


def test_version_1_takes_the_old_variable_first(home: Path) -> None:
    found = chosen(home, "s3 ls", BOTH, bytes(AWS))
    assert found.profile.value == "old"
    assert found.reasons == (
        "AWS_PROFILE and AWS_DEFAULT_PROFILE differ; aws (version 1) takes AWS_DEFAULT_PROFILE first",
    )


def test_version_2_and_an_unknown_one_take_the_new_variable_first(home: Path) -> None:
    installed = home / "aws-cli/v2/2.31.0/bin/aws"
    installed.parent.mkdir(parents=True)
    installed.write_bytes(b"\x7fELF")
    found = chosen(home, "s3 ls", BOTH, bytes(installed))
    assert found.profile.value == "new"
    assert "version 2" in found.reasons[0]
    unknown = chosen(home, "s3 ls", BOTH)
    assert unknown.profile.value == "new"
    assert "unknown version" in unknown.reasons[0]


def script(path: Path, first_line: str) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{first_line}\nprint()\n")
    return bytes(path)


def test_the_version_of_a_script(home: Path) -> None:
    libraries = home / "venv/lib/python3.12/site-packages"
    (libraries / "awscli-1.46.3.dist-info").mkdir(parents=True)
    assert major_version(script(home / "venv/bin/aws", "#!/usr/bin/env python3"), "awscli") == "1"
    # In another place, with that environment's interpreter.
    assert major_version(script(home / "bin/aws", f"#!{home}/venv/bin/python -I"), "awscli") == "1"
    (home / "link").symlink_to(home / "venv/bin/aws")
    assert major_version(bytes(home / "link"), "awscli") == "1"


def test_debian_s_version(home: Path) -> None:
    (home / "usr/lib/python3/dist-packages/awscli-2.9.19.egg-info").mkdir(parents=True)
    assert major_version(script(home / "usr/bin/aws", f"#!{home}/usr/bin/python3"), "awscli") == "2"


@pytest.mark.parametrize("first_line", ["#!/usr/bin/env bash", "#!", "", "#!relative/python"])
def test_a_shim_tells_nothing(first_line: str, home: Path) -> None:
    assert major_version(script(home / "shims/aws", first_line), "awscli") == ""


def test_two_versions_beside_one_interpreter_tell_nothing(home: Path) -> None:
    for name in (
        "python3.11/site-packages/awscli-1.1.dist-info",
        "python3.12/site-packages/awscli-2.1.dist-info",
    ):
        (home / "venv/lib" / name).mkdir(parents=True)
    assert major_version(script(home / "venv/bin/aws", "#!/bin/sh"), "awscli") == ""


def test_what_is_no_file_tells_nothing(home: Path) -> None:
    assert major_version(b"/nowhere/aws", "awscli") == ""
    assert major_version(bytes(home), "awscli") == ""

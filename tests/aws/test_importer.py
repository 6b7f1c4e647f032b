"""Candidates of the shared credentials file."""

from __future__ import annotations

from pathlib import Path

import pytest

from keyturn.aws.importer import from_files
from keyturn.ground.errors import ConfigurationError
from keyturn.ground.secret import Secret
from keyturn.sdk.importers import FilePlace, Findings
from tests.aws.world import PLUGIN, Caller

CREDENTIALS = """
[default]
aws_access_key_id = AKIADEFAULT
aws_secret_access_key = a/b+c=
[dev]
AWS_ACCESS_KEY_ID: AKIADEV
aws_secret_access_key=d # no comment
region = own-1
[role]
role_arn = r
[half]
aws_access_key_id = AKIAHALF
[other-half]
aws_secret_access_key = x
aws_access_key_id =
[temporary]
aws_access_key_id = ASIAX
aws_secret_access_key = x
[token]
aws_access_key_id = AKIATOKEN
aws_secret_access_key = x
aws_session_token = t
[lines]
aws_access_key_id = AKIALINES
aws_secret_access_key = x
  y
"""
CONFIG = "[default]\nregion = config-1\n[profile dev]\nregion = config-2\n[profile nothing]\n"


def found(home: Path, **environment: str) -> Findings:
    return from_files(PLUGIN, {"HOME": str(home), **environment}, str(home))


def test_each_profile_with_its_region_and_place(home: Path) -> None:
    Caller(home).write(CONFIG, CREDENTIALS)
    file = home / ".aws/credentials"
    default, dev = found(home).candidates
    assert default.fields == {
        "access key id": Secret("AKIADEFAULT"),
        "secret access key": Secret("a/b+c="),
        "default region": Secret("config-1"),
    }
    assert default.place == FilePlace(file, "default")
    assert default.source == f"profile “default” in {file}"
    assert dev.name_hint == "dev"
    assert dev.fields["secret access key"] == Secret("d # no comment")
    # What botocore takes: the credentials file's keys lie over the config file's.
    assert dev.fields["default region"] == Secret("own-1")


def test_defect_l15_what_is_not_offered_is_reported(home: Path) -> None:
    Caller(home).write(CONFIG, CREDENTIALS)
    reasons = {each.source.split("”")[0].split("“")[1]: each.reason for each in found(home).rejected}
    assert reasons == {
        "half": "aws_secret_access_key is missing",
        "other-half": "aws_access_key_id is missing",
        "temporary": "temporary: its access key id begins with ASIA",
        "token": "temporary: it has an aws_session_token",
        "lines": "its secret access key has more than one line",
    }


def test_no_file_no_candidates(home: Path) -> None:
    assert found(home) == Findings()
    assert found(home, AWS_SHARED_CREDENTIALS_FILE="") == Findings()


def test_the_caller_s_file(home: Path) -> None:
    (home / "elsewhere").write_text("[x]\naws_access_key_id = A\naws_secret_access_key = B\n")
    (candidate,) = found(home, AWS_SHARED_CREDENTIALS_FILE="elsewhere").candidates
    assert candidate.place == FilePlace(home / "elsewhere", "x")


def test_a_broken_config_file_is_an_error_and_not_a_missing_region(home: Path) -> None:
    Caller(home).write("frob\n", CREDENTIALS)
    with pytest.raises(ConfigurationError, match=r"\.aws/config"):
        found(home)

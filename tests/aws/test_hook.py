"""What the command gets: its environment to the last variable, its arguments, and why."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from botocore.session import Session

from keyturn.aws.calls import Network
from keyturn.aws.environment import REMOVED
from keyturn.ground.errors import ConfigurationError, NotYetError
from keyturn.sdk.run import NeedWork, Provisioned
from tests.aws.world import PLUGIN, Caller, Recorder, item, key_id, role_arn
from tests.aws_server.client import AWS

KEYS = {"AWS_ACCESS_KEY_ID": "AKIAITEM", "AWS_SECRET_ACCESS_KEY": "secret-item"}

# Security requirement 3: the caller's variables, without the ones that could name other credentials.
CONFLICTING = {
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"),
    *("AWS_CREDENTIAL_FILE", "AWS_CREDENTIAL_EXPIRATION", "AWS_SESSION_EXPIRATION", "AWS_ACCOUNT_ID"),
    *("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME"),
    *("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
    *("AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN"),
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
}


def test_the_exact_environment(home: Path) -> None:
    stale = dict.fromkeys(CONFLICTING - {"AWS_PROFILE", "AWS_DEFAULT_PROFILE"}, "stale")
    kept = {
        "AWS_CA_BUNDLE": "c",
        "AWS_PAGER": "",
        "AWS_ENDPOINT_URL": "u",
        "PATH": "/bin",
        "AWS_CONFIG_FILE": "x",
    }
    found = Caller(home, item("item"), environment={**stale, **kept})
    assert set(REMOVED) == CONFLICTING
    assert found.child(found.run()) == {**kept, **KEYS, "HOME": str(home)}


def test_the_real_botocore_uses_the_item(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Caller(home, bound={"dev": item("item", default_region="item-1")})
    plaintext = "[dev]\naws_access_key_id = AKIAPLAIN\naws_secret_access_key = p\n"
    found.write("[profile dev]\noutput = text\n", plaintext)
    for name, value in found.child(found.run("--profile dev s3 ls")).items():
        monkeypatch.setenv(name, value)
    session = Session()
    credentials = session.get_credentials()
    assert credentials is not None
    assert (credentials.access_key, credentials.token) == ("AKIAITEM", None)
    assert session.get_scoped_config()["output"] == "text"
    assert session.get_config_variable("region") == "item-1"


@pytest.mark.parametrize("line", ["--profile dev configure list", "configure --prof=dev list"])
def test_the_real_aws_uses_the_item(line: str, home: Path) -> None:
    """`configure list` says where its keys and its region come from, without a call."""
    found = Caller(home, bound={"dev": item("item")})
    found.write(
        "[profile dev]\nregion = dev-1\n", "[dev]\naws_access_key_id = AKIAPLAIN\naws_secret_access_key = p\n"
    )
    done = found.run(line)
    assert done.arguments == (b"configure", b"list")
    environment = {**found.child(done), "PATH": "/usr/bin:/bin"}
    listed = subprocess.run(
        [AWS, *done.arguments], env=environment, capture_output=True, text=True, check=True
    )
    lines = {words[0]: words for words in map(str.split, listed.stdout.splitlines()) if words}
    assert lines["access_key"][1].endswith("ITEM")
    assert lines["access_key"][2] == "env"
    assert lines["profile"][1] == "dev"
    assert lines["region"][1] == "dev-1"


ROLE = f"[profile r]\nrole_arn = {role_arn('r')}\n"
TEMPORARY = {
    "AWS_ACCESS_KEY_ID": "ASIATEMPORARY",
    "AWS_SECRET_ACCESS_KEY": "temporary",
    "AWS_SESSION_TOKEN": "token",
    "AWS_CREDENTIAL_EXPIRATION": "2026-01-02T03:04:05Z",
}


def test_the_exact_environment_of_a_role(home: Path) -> None:
    stale = dict.fromkeys(CONFLICTING - {"AWS_PROFILE", "AWS_DEFAULT_PROFILE"}, "stale")
    found = Caller(home, item("item"), environment={**stale, "PATH": "/bin"})
    found.write(ROLE)
    done = found.run("--profile r s3 ls")
    assert found.child(done) == {**TEMPORARY, "PATH": "/bin", "HOME": str(home), "AWS_PROFILE": "r"}


@pytest.mark.parametrize(
    ("asked_by", "asks_again"),
    [("keyturn aws credential-process", True), ("keyturn aws exec (terraform)", False), ("", False)],
)
def test_an_sdk_will_ask_again(home: Path, asked_by: str, asks_again: bool) -> None:
    found = Caller(home, item("item"), asked_by=asked_by)
    found.write(ROLE)
    found.run("--profile r")
    assert found.executor.asks_again is asks_again


def test_keys_as_they_are_ask_nobody(home: Path) -> None:
    found = Caller(home, item("item"))
    assert isinstance(found.step(), Provisioned)
    assert found.executor.asked == []


def test_what_is_asked_is_said_before_it_is_asked(home: Path) -> None:
    found = Caller(home, item("item"), environment={"https_proxy": "http://p:1", "AWS_CA_BUNDLE": "b.pem"})
    found.write(ROLE)
    step = found.step("--profile r s3 ls")
    assert isinstance(step, NeedWork)
    assert found.executor.asked == []
    assert step.plan == (
        "profile “r” (--profile): its role, with item “item”, the global default",
        f"AssumeRole {role_arn('r')} (profile “r”), for 1 h; STS of us-east-1: the usual one of aws",
        "region: none is configured",
        "the profile's other settings: through AWS_PROFILE",
    )
    done = found.run("--profile r s3 ls")
    assert done.reasons == step.plan
    ((planned, network),) = found.executor.asked
    assert planned == found.plan("--profile r s3 ls")
    assert network == Network((("https_proxy", "http://p:1"),), str(home / "b.pem"))
    assert "temporary" not in repr((step, done))


def test_a_refusal_of_sts_is_passed_on(home: Path) -> None:
    found = Caller(home, item("item"), executor=Recorder(NotYetError("no")))
    found.write(ROLE)
    with pytest.raises(NotYetError, match="no"):
        found.run("--profile r s3 ls")


def test_what_cannot_be_had_is_no_work(home: Path) -> None:
    found = Caller(home, item("item"))
    found.write("[profile r]\nlogin_session = x\n")
    with pytest.raises(NotYetError):
        found.step("--profile r s3 ls")


PROFILES = "[default]\nregion = d-1\n[profile dev]\nregion = p-1\n"


@pytest.mark.parametrize(
    ("line", "environment", "expected"),
    [
        ("s3 ls", {}, None),
        ("--profile default s3 ls", {}, None),
        ("--profile dev s3 ls", {}, "dev"),
        ("s3 ls", {"AWS_PROFILE": "dev"}, "dev"),
        ("s3 ls", {"AWS_DEFAULT_PROFILE": "dev"}, "dev"),
        ("--profile dev s3 ls", {"AWS_PROFILE": "default"}, "dev"),
        ("--profile only-in-item s3 ls", {}, None),
    ],
)
def test_aws_sees_the_profile_if_the_files_have_it(
    line: str, environment: dict[str, str], expected: str | None, home: Path
) -> None:
    found = Caller(home, item("item"), {"only-in-item": item("other")}, environment)
    found.write(PROFILES)
    child = found.child(found.run(line))
    assert child.get("AWS_PROFILE") == expected
    assert "AWS_DEFAULT_PROFILE" not in child


def test_story_18_no_config_file_and_no_default_section(home: Path) -> None:
    found = Caller(home, item("item"))
    assert key_id(found.run().assign) == "AKIAITEM"
    found.write("[profile other]\nregion = x\n")
    assert key_id(found.run().assign) == "AKIAITEM"


def test_story_19_a_profile_whose_keys_only_the_vault_has(home: Path) -> None:
    found = Caller(home, item("selected"), {"someAccount": item("item")})
    assert key_id(found.run("--profile someAccount s3 ls").assign) == "AKIAITEM"


def test_story_22_only_the_flag_and_its_value_go(home: Path) -> None:
    found = Caller(home, bound={"dev": item("item")})
    done = found.run("--profile dev ssm get-parameter --name dev")
    assert done.arguments == (b"ssm", b"get-parameter", b"--name", b"dev")


def test_story_23_help_is_only_what_asks_for_help() -> None:
    executable = PLUGIN.executables[0]
    assert executable.needs_authentication(b"s3 cp help s3://b/".split())
    assert not executable.needs_authentication(b"s3 cp help".split())


def test_story_24_several_spaces_in_a_section_s_name(home: Path) -> None:
    found = Caller(home, item("item"))
    found.write("[profile     name]\nregion = spaced-1\n")
    assert found.run("--profile name s3 ls").assign["AWS_REGION"] == b"spaced-1"


def test_story_27_hash_is_part_of_a_value(home: Path) -> None:
    found = Caller(home, item("item"))
    found.write("[profile p]\nregion = a#b\n")
    assert found.run("--profile p s3 ls").assign["AWS_REGION"] == b"a#b"


def test_story_30_the_caller_s_region_wins_over_the_item_s(home: Path) -> None:
    found = Caller(home, item("item", default_region="item-1"), environment={"AWS_REGION": "env-1"})
    child = found.child(found.run())
    assert child["AWS_REGION"] == "env-1"
    assert "AWS_DEFAULT_REGION" not in child


def test_story_31_the_caller_s_default_region_is_kept(home: Path) -> None:
    found = Caller(home, item("item"), environment={"AWS_DEFAULT_REGION": "env-1"})
    child = found.child(found.run())
    assert child["AWS_DEFAULT_REGION"] == "env-1"
    assert "AWS_REGION" not in child


def test_story_32_the_caller_s_region_wins_over_the_profile_s_and_it_is_said(home: Path) -> None:
    found = Caller(home, item("item"), environment={"AWS_DEFAULT_REGION": "env-1"})
    found.write(PROFILES)
    done = found.run("--profile dev s3 ls")
    assert found.child(done)["AWS_DEFAULT_REGION"] == "env-1"
    assert "region: AWS_DEFAULT_REGION as the caller set it" in done.reasons


@pytest.mark.parametrize(
    ("line", "environment", "region", "reason"),
    [
        ("--profile dev s3 ls", {}, "p-1", "region: region of profile “dev”"),
        ("s3 ls", {}, "d-1", "region: region of profile “default”"),
        ("--profile bare s3 ls", {}, "item-1", "region: “default region” of item “item”"),
        ("s3 ls", {"AWS_REGION": ""}, "d-1", "region: region of profile “default”"),
        ("s3 ls --region x", {}, "d-1", "region: region of profile “default”"),
    ],
)
def test_the_profile_s_region_then_the_item_s(
    line: str, environment: dict[str, str], region: str, reason: str, home: Path
) -> None:
    found = Caller(home, item("item", default_region="item-1"), environment=environment)
    found.write(PROFILES + "[profile bare]\n")
    done = found.run(line)
    child = found.child(done)
    assert child["AWS_REGION"] == child["AWS_DEFAULT_REGION"] == region
    assert reason in done.reasons


def test_no_region_anywhere_is_no_error(home: Path) -> None:
    found = Caller(home, item("item"))
    done = found.run()
    assert not {"AWS_REGION", "AWS_DEFAULT_REGION"} & set(found.child(done))
    assert done.notes == ()


def test_reasons_name_the_sources(home: Path) -> None:
    found = Caller(home, item("item"), environment={"AWS_PROFILE": "dev"})
    found.write(PROFILES)
    assert found.run().reasons == (
        "profile “dev” (AWS_PROFILE): item “item”, the global default",
        "region: region of profile “dev”",
        "the profile's other settings: through AWS_PROFILE",
    )


def test_a_relative_file_is_in_the_caller_s_directory(home: Path) -> None:
    found = Caller(home, item("item"), environment={"AWS_CONFIG_FILE": "here"})
    (home / "here").write_text(PROFILES)
    assert found.run().assign["AWS_REGION"] == b"d-1"


def test_a_value_that_no_variable_carries_is_not_repeated(home: Path) -> None:
    found = Caller(home, item("item", **{"secret access key": "can\0ary"}))
    with pytest.raises(ConfigurationError, match="the secret access key holds characters") as caught:
        found.run()
    assert "ary" not in caught.value.message


def test_nothing_of_it_shows_a_key(home: Path) -> None:
    found = Caller(home, item("item"))
    done = found.run()
    assert "secret-item" not in repr((done, found.invocation("s3 ls"), found.selection()))

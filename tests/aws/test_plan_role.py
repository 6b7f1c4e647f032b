"""What a profile says of its role, and the limits of STS, before STS is asked."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import botocore
import msgspec
import pytest

from keyturn.aws import mfa, role
from keyturn.aws.calls import AssumeRole, GetSessionToken
from keyturn.ground.errors import ConfigurationError
from keyturn.ground.settings import Aws
from tests.aws.world import OWN, A, Caller, item, role_arn

HARDWARE = "GAHT12345678"


def planned(home: Path, lines: str, serial: str = "") -> AssumeRole:
    """The call for a profile with a role and these lines."""
    found = Caller(home, item("selected", mfa_serial=serial))
    found.write(f"[profile p]\nrole_arn = {role_arn('team/Admin')}\n{lines}")
    call = found.plan("--profile p s3 ls").calls[-1]
    assert isinstance(call, AssumeRole)
    return call


def test_what_is_honoured(home: Path) -> None:
    call = planned(
        home,
        "role_session_name = me@work\nexternal_id = a:b/c\nduration_seconds = 1800\nregion = eu-west-1\n"
        "session_tags = team = red , cost=1=2,, \ntransitive_session_tags = team ,cost,team\n"
        "source_identity = me\n",
    )
    assert call == AssumeRole(
        profile="p",
        role=role_arn("team/Admin"),
        duration=1800,
        sts=call.sts,
        session_name="me@work",
        external_id="a:b/c",
        tags=(("team", "red"), ("cost", "1=2")),
        transitive_tags=("team", "cost"),
        source_identity="me",
    )
    assert call.sts.region == "eu-west-1"


def test_what_is_not_said(home: Path) -> None:
    call = planned(home, "")
    assert (call.session_name, call.duration, call.external_id, call.tags) == ("keyturn", 3600, "", ())
    assert (call.transitive_tags, call.source_identity, call.mfa) == ((), "", None)


FINE = [
    "duration_seconds = 900",
    "duration_seconds = 43200",
    "role_session_name = ab",
    f"role_session_name = {'a' * 64}",
    f"external_id = {'a' * 1224}",
    "session_tags = " + ",".join(f"k{number}=v" for number in range(50)),
    f"session_tags = {'k' * 128}={'v' * 256}",
    "session_tags = k=",
    f"mfa_serial = {HARDWARE}",
    f"mfa_serial = {'a' * 256}",
]

REFUSED = {
    "duration_seconds = 899": "duration_seconds is “899”; STS takes 900 to 43200",
    "duration_seconds = 43201": "duration_seconds is “43201”; STS takes 900 to 43200",
    "duration_seconds = 1h": "duration_seconds is “1h”; STS takes 900 to 43200",
    "role_session_name = a": "role_session_name is “a”; STS takes 2 to 64 of letters",
    "role_session_name = a b": "role_session_name is “a b”; STS takes 2 to 64 of letters",
    "role_session_name = é€": "role_session_name is “é€”; STS takes 2 to 64 of letters",
    f"role_session_name = {'a' * 65}": "STS takes 2 to 64 of letters",
    "source_identity = a b": "source_identity is “a b”",
    "external_id = a": "external_id is “a”; STS takes 2 to 1224",
    "external_id = a b": "external_id is “a b”; STS takes 2 to 1224",
    f"external_id = {'a' * 1225}": "STS takes 2 to 1224",
    "session_tags = k": "session_tags is “k”; STS takes key=value",
    "session_tags = =v": "session_tags is “=v”; STS takes key=value",
    "session_tags = aws:k=v": "session_tags is “aws:k=v”",
    f"session_tags = {'k' * 129}=v": "STS takes key=value",
    f"session_tags = k={'v' * 257}": "STS takes key=value",
    "session_tags = Team=a,team=b": "session_tags is “Team, team”; STS takes keys that differ in more",
    "session_tags = "
    + ",".join(f"k{number}=v" for number in range(51)): "session_tags is “51 tags”; STS takes 50 at most",
    "transitive_session_tags = "
    + ",".join(f"k{number}" for number in range(51)): "transitive_session_tags is “51 keys”; STS takes 50",
    f"transitive_session_tags = {'k' * 129}": "STS takes keys up to 128 long",
}
SERIALS_REFUSED = ["abc", "a" * 257, "with a space", "é" * 9]


@pytest.mark.parametrize("line", FINE)
def test_at_the_limit(line: str, home: Path) -> None:
    planned(home, line + "\n")


@pytest.mark.parametrize("line", REFUSED)
def test_over_the_limit(line: str, home: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        planned(home, line + "\n")
    assert caught.value.message.startswith("profile “p”: ")
    assert REFUSED[line] in caught.value.message


@pytest.mark.parametrize("serial", SERIALS_REFUSED)
def test_a_serial_that_is_none(serial: str, home: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"the mfa serial of profile “p” is .*STS takes 9 to 256"):
        planned(home, f"mfa_serial = {serial}\n")
    with pytest.raises(
        ConfigurationError, match=r"the mfa serial of item “selected” is .*STS takes 9 to 256"
    ):
        planned(home, "", serial)


@pytest.mark.parametrize(
    "arn", ["", "r", "arn:aws:iam::1:user/x", "arn:aws:iam::1:role/", "arn:aws:iam::1:role/a b"]
)
def test_an_arn_that_is_none(arn: str, home: Path) -> None:
    found = Caller(home, item("selected"))
    found.write(f"[profile p]\nrole_arn = {arn}\n")
    with pytest.raises(ConfigurationError, match=r"profile “p”: role_arn is .*; STS takes an ARN"):
        found.plan("--profile p s3 ls")


def test_a_limit_of_a_source_names_the_source(home: Path) -> None:
    found = Caller(home, item("selected"))
    found.write(
        f"[profile p]\nrole_arn = {role_arn('p')}\nsource_profile = q\n"
        f"[profile q]\nrole_arn = {role_arn('q')}\nduration_seconds = 1\n"
    )
    with pytest.raises(ConfigurationError, match="profile “q”: duration_seconds"):
        found.plan("--profile p s3 ls")


def test_the_limits_are_the_service_model_s() -> None:
    """botocore carries STS's own description of itself."""
    path = Path(botocore.__file__).parent / "data/sts/2011-06-15/service-2.json.gz"
    shapes: dict[str, dict[str, Any]] = json.loads(gzip.decompress(path.read_bytes()))["shapes"]
    assert shapes["roleDurationSecondsType"]["min"] == role.SHORTEST
    assert shapes["roleDurationSecondsType"]["max"] == role.LONGEST_ROLE
    assert shapes["tagListType"]["max"] == shapes["tagKeyListType"]["max"] == role.MOST_TAGS
    for name, pattern in (
        ("roleSessionNameType", role.NAME),
        ("sourceIdentityType", role.NAME),
        ("externalIdType", role.EXTERNAL_ID),
        ("serialNumberType", mfa.SERIAL_PATTERN),
    ):
        shape = shapes[name]
        theirs = re.compile(shape["pattern"], re.ASCII)
        for character in map(chr, range(0x180)):
            text = character * shape["min"]
            assert bool(pattern.fullmatch(text)) is bool(theirs.fullmatch(text)), (name, character)
        lengths = [shape["min"] - 1, shape["min"], shape["max"], shape["max"] + 1]
        assert [bool(pattern.fullmatch("a" * length)) for length in lengths] == [False, True, True, False]
    longest = shapes["durationSecondsType"]
    for hours in (1, 36):
        assert longest["min"] <= msgspec.convert({"session_hours": hours}, Aws).session_hours * 3600
        assert hours * 3600 <= longest["max"]
    for hours in (0, 37):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({"session_hours": hours}, Aws)


@pytest.mark.parametrize(("hours", "serial", "seconds"), [
    (12, A, 43200),
    (1, A, 3600),
    (36, HARDWARE, 129600),
    (12, "arn:aws:iam::111122223333:mfa/root-account-mfa-device", 3600),
])  # fmt: skip
def test_how_long_a_token_lasts(hours: int, serial: str, seconds: int, home: Path) -> None:
    """The setting says it; STS gives root's own keys an hour."""
    found = Caller(home, item("selected", mfa_serial=serial), settings=Aws(session_hours=hours))
    (call,) = found.plan().calls
    assert isinstance(call, GetSessionToken)
    assert call.duration == seconds


def test_a_role_s_session_name_is_not_from_the_environment(home: Path) -> None:
    """As in botocore: the variable is for roles with a web identity."""
    found = Caller(home, environment={"AWS_ROLE_SESSION_NAME": "other"})
    found.write(f"[profile p]\nrole_arn = {role_arn('p')}\nsource_profile = s\n", f"[s]\n{OWN}")
    (call,) = found.plan("--profile p s3 ls").calls
    assert isinstance(call, AssumeRole)
    assert call.session_name == "keyturn"

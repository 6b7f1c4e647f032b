"""Which STS a call goes to, in which region, and where credentials are never sent."""

from __future__ import annotations

from pathlib import Path

import pytest
from botocore.session import Session

from keyturn.aws.calls import Sts
from keyturn.ground.errors import ConfigurationError
from tests.aws.world import A, Caller, item, of_sts, role_arn

ROLE = f"[profile p]\nrole_arn = {role_arn('p')}\n"


def stses(found: Caller, line: str = "--profile p s3 ls") -> list[Sts]:
    return [call.sts for call in of_sts(found.plan(line))]


# (arn or serial, regions of: caller, profile, item) → regions of GetSessionToken and AssumeRole
REGIONS = [
    ("aws", "", "", "", "us-east-1", "us-east-1"),
    ("aws", "", "eu-west-1", "", "us-east-1", "eu-west-1"),
    ("aws", "", "", "eu-north-1", "eu-north-1", "eu-north-1"),
    ("aws", "", "eu-west-1", "eu-north-1", "eu-north-1", "eu-west-1"),
    ("aws", "ap-east-1", "eu-west-1", "eu-north-1", "eu-north-1", "ap-east-1"),
    ("aws", "cn-north-1", "eu-west-1", "", "us-east-1", "eu-west-1"),
    ("aws", "cn-north-1", "", "", "us-east-1", "us-east-1"),
    ("aws", "brand-new-1", "", "", "us-east-1", "brand-new-1"),
    ("aws-cn", "", "", "", "cn-north-1", "cn-north-1"),
    ("aws-cn", "", "cn-northwest-1", "", "cn-north-1", "cn-northwest-1"),
    ("aws-cn", "eu-west-1", "", "us-east-1", "cn-north-1", "cn-north-1"),
    ("aws-us-gov", "", "", "", "us-gov-west-1", "us-gov-west-1"),
    ("aws-us-gov", "us-gov-east-1", "", "us-east-1", "us-gov-west-1", "us-gov-east-1"),
    ("aws-iso", "", "", "", "us-iso-east-1", "us-iso-east-1"),
    ("aws-iso-b", "", "", "", "us-isob-east-1", "us-isob-east-1"),
    ("aws-eusc", "", "", "", "eusc-de-east-1", "eusc-de-east-1"),
]


@pytest.mark.parametrize(("partition", "caller", "profile", "items", "token", "role"), REGIONS)
def test_the_regions(
    partition: str, caller: str, profile: str, items: str, token: str, role: str, home: Path
) -> None:
    """The role's is the caller's or its profile's, the token's the base's; none leaves the partition."""
    found = Caller(home, item("selected", mfa_serial=A.replace("aws", partition), default_region=items))
    found.environment = {"AWS_REGION": caller} if caller else {}
    config = ROLE.replace("arn:aws:", f"arn:{partition}:")
    found.write(config + (f"region = {profile}\n" if profile else ""))
    assert stses(found) == [Sts(token, partition), Sts(role, partition)]


def test_the_source_s_region_is_the_token_s(home: Path) -> None:
    found = Caller(home, item("selected", mfa_serial=A, default_region="eu-north-1"))
    found.write(f"{ROLE}source_profile = s\nregion = us-west-2\n[profile s]\nregion = eu-south-1\n")
    assert [each.region for each in stses(found)] == ["eu-south-1", "us-west-2"]


def test_a_role_between_has_its_own_region_or_the_base_s(home: Path) -> None:
    found = Caller(home, item("selected"), environment={"AWS_REGION": "us-west-1"})
    found.write(
        f"{ROLE}source_profile = q\n[profile q]\nrole_arn = {role_arn('q')}\nsource_profile = r\n"
        f"region = us-west-2\n[profile r]\nrole_arn = {role_arn('r')}\nsource_profile = s\n"
        "[profile s]\nregion = eu-south-1\n"
    )
    assert [each.region for each in stses(found)] == ["eu-south-1", "us-west-2", "us-west-1"]


@pytest.mark.parametrize(
    ("environment", "region"),
    [
        ({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-1"),
        ({"AWS_REGION": "", "AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-2"),
    ],
)
def test_the_caller_s_two_variables(environment: dict[str, str], region: str, home: Path) -> None:
    found = Caller(home, item("selected"), environment=environment)
    found.write(ROLE)
    assert stses(found) == [Sts(region)]


@pytest.mark.parametrize(
    ("environment", "config", "expected"),
    [
        ({}, "", Sts("us-east-1")),
        ({"AWS_REGION": "cn-north-1"}, "", Sts("cn-north-1", "aws-cn")),
        ({"AWS_REGION": "us-gov-east-1"}, "", Sts("us-gov-west-1", "aws-us-gov")),
        ({}, "[default]\nregion = us-gov-east-1\n", Sts("us-gov-east-1", "aws-us-gov")),
        ({"AWS_REGION": "cn-north-1"}, "[default]\nregion = eu-west-1\n", Sts("eu-west-1")),
    ],
)
def test_a_hardware_token_tells_no_partition_so_the_region_does(
    environment: dict[str, str], config: str, expected: Sts, home: Path
) -> None:
    found = Caller(home, item("selected", mfa_serial="GAHT12345678"), environment=environment)
    found.write(config)
    assert stses(found, "s3 ls") == [expected]


def test_a_device_and_a_role_of_two_partitions(home: Path) -> None:
    found = Caller(home, item("selected", mfa_serial=A.replace("aws", "aws-cn")))
    found.write(ROLE)
    with pytest.raises(ConfigurationError, match="are of different partitions of AWS"):
        found.plan("--profile p s3 ls")


def test_a_region_that_is_none(home: Path) -> None:
    """It becomes part of the host's name."""
    found = Caller(home, item("selected"), environment={"AWS_REGION": "x.evil.example/#"})
    found.write(ROLE)
    with pytest.raises(ConfigurationError, match=r"“x\.evil\.example/#” is no AWS region \(AWS_REGION\)"):
        found.plan("--profile p s3 ls")


LOCAL, OTHER = "http://127.0.0.1:4566", "http://localhost:5000"
IGNORE = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"
SERVICES = f"services = x\n[services x]\nsts =\n  endpoint_url = {OTHER}\n"

# (variables, lines of the profile): botocore says what comes of them.
ORDER: list[tuple[dict[str, str], str]] = [
    ({}, ""),
    ({"AWS_ENDPOINT_URL": LOCAL}, ""),
    ({"AWS_ENDPOINT_URL_STS": LOCAL}, ""),
    ({"AWS_ENDPOINT_URL_STS": LOCAL, "AWS_ENDPOINT_URL": OTHER}, SERVICES),
    ({"AWS_ENDPOINT_URL": LOCAL}, SERVICES),
    ({"AWS_ENDPOINT_URL": ""}, SERVICES),
    ({}, SERVICES),
    ({}, f"endpoint_url = {LOCAL}\n{SERVICES}"),
    ({}, f"endpoint_url = {LOCAL}\n"),
    ({}, f"endpoint_url = {LOCAL}\nservices = x\n[services x]\ns3 =\n  endpoint_url = {OTHER}\n"),
    ({IGNORE: "true", "AWS_ENDPOINT_URL_STS": LOCAL}, SERVICES),
    ({IGNORE: "false"}, f"ignore_configured_endpoint_urls = true\n{SERVICES}"),
    ({}, f"ignore_configured_endpoint_urls = True\n{SERVICES}"),
    ({IGNORE: "yes", "AWS_ENDPOINT_URL": LOCAL}, ""),
    ({}, "sts_regional_endpoints = legacy\nregion = eu-west-1\n"),
    ({}, "sts_regional_endpoints = legacy\nregion = ap-east-1\n"),
    ({"AWS_STS_REGIONAL_ENDPOINTS": "regional"}, "sts_regional_endpoints = legacy\nregion = eu-west-1\n"),
    ({"AWS_STS_REGIONAL_ENDPOINTS": "legacy"}, f"endpoint_url = {LOCAL}\n"),
    ({"AWS_USE_FIPS_ENDPOINT": "true"}, "region = us-west-2\n"),
    ({"AWS_USE_FIPS_ENDPOINT": ""}, "use_fips_endpoint = true\nregion = us-west-2\n"),
    ({}, "use_fips_endpoint = true\nsts_regional_endpoints = legacy\nregion = us-west-2\n"),
    ({}, "use_dualstack_endpoint = true\nregion = us-west-2\n"),
    ({"AWS_USE_DUALSTACK_ENDPOINT": "true", "AWS_USE_FIPS_ENDPOINT": "true"}, "region = us-west-2\n"),
    ({"AWS_DEFAULT_REGION": "cn-north-1"}, ""),
]


def host(sts: Sts) -> str:
    """Where botocore would send a call to this STS."""
    session = Session()
    regional = "legacy" if "legacy" in sts.variant else "regional"
    session.get_component("config_store").set_config_variable("sts_regional_endpoints", regional)
    for name in ("fips", "dualstack"):
        session.set_config_variable(f"use_{name}_endpoint", name in sts.variant)
    session.set_config_variable("ignore_configured_endpoint_urls", True)
    client = session.create_client("sts", region_name=sts.region, endpoint_url=sts.endpoint or None)
    return str(client.meta.endpoint_url)


@pytest.mark.parametrize(("environment", "lines"), ORDER)
def test_the_endpoint_is_botocore_s(
    environment: dict[str, str], lines: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Caller(home, item("selected"), environment={"AWS_DEFAULT_REGION": "us-east-1", **environment})
    if "region" in lines:
        found.environment.pop("AWS_DEFAULT_REGION", None)
    partition = "aws-cn" if "cn-north-1" in environment.values() else "aws"
    found.write(ROLE.replace("arn:aws:", f"arn:{partition}:") + lines)
    (mine,) = stses(found)
    with monkeypatch.context() as theirs:
        for name, value in found.environment.items():
            theirs.setenv(name, value)
        client = Session(profile="p").create_client("sts", aws_access_key_id="x", aws_secret_access_key="x")
    assert host(mine) == client.meta.endpoint_url


def test_a_hop_that_says_nothing_goes_where_the_profile_goes(home: Path) -> None:
    """botocore asks the profile's endpoint for the whole chain: a local AWS knows keys that AWS does not."""
    found = Caller(home, item("selected", mfa_serial=A))
    config = (
        f"{ROLE}source_profile = q\nendpoint_url = {LOCAL}\n"
        f"[profile q]\nrole_arn = {role_arn('q')}\nsource_profile = s\n[profile s]\n"
    )
    found.write(config)
    assert [each.endpoint for each in stses(found)] == [LOCAL] * 3
    found.write(f"{config}endpoint_url = {OTHER}\n")
    assert [each.endpoint for each in stses(found)] == [OTHER, LOCAL, LOCAL]


@pytest.mark.parametrize(("lines", "message"), [
    ("services = y\n", "profile “p” names services “y”, and there is no such section"),
    ("sts_regional_endpoints = global\n", "sts_regional_endpoints is legacy or regional, not “global”"),
    (f"endpoint_url = {LOCAL}\nuse_fips_endpoint = true\n", "cannot go with fips endpoints"),
])  # fmt: skip
def test_contradictions(lines: str, message: str, home: Path) -> None:
    """botocore ends with an error there, too."""
    found = Caller(home, item("selected"))
    found.write(ROLE + lines)
    with pytest.raises(ConfigurationError, match=message):
        found.plan("--profile p s3 ls")

"""Where credentials and codes may be sent, how the caller reaches it, and whose regions are whose."""

from __future__ import annotations

import json
import re
from pathlib import Path

import botocore
import pytest
from botocore.session import Session

from keyturn.aws import partitions
from keyturn.aws.endpoints import LEGACY_REGIONS, allow, network
from keyturn.ground.errors import ConfigurationError
from keyturn.ground.resolution import Resolution
from keyturn.ground.settings import Aws
from tests.aws.world import Caller, item, of_sts, role_arn

LISTED = ("https://sts.corp.example", "https://gate.example:8443/aws/sts", "http://plain.example")

ALLOWED = [
    ("https://sts.amazonaws.com", "aws"),
    ("https://sts.amazonaws.com/", "aws"),
    ("https://sts.amazonaws.com:443", "aws"),
    ("https://STS.EU-WEST-1.amazonaws.com", "aws"),
    ("https://sts.eu-west-1.api.aws", "aws"),
    ("https://sts-fips.us-east-1.amazonaws.com", "aws"),
    ("https://sts-fips.us-east-1.api.aws", "aws"),
    # A private endpoint in a network of one's own (story 36).
    ("https://vpce-0a1b2c3d-x9.sts.eu-west-1.vpce.amazonaws.com", "aws"),
    ("https://vpce-0a1b2c3d-x9-eu-west-1a.sts.eu-west-1.vpce.amazonaws.com", "aws"),
    ("https://sts.cn-north-1.amazonaws.com.cn", "aws-cn"),
    ("https://sts.us-gov-west-1.amazonaws.com", "aws-us-gov"),
    ("https://sts.us-iso-east-1.c2s.ic.gov", "aws-iso"),
    ("http://127.0.0.1:5000", "aws"),
    ("http://127.8.9.1", "aws-cn"),
    ("http://localhost:4566/path", "aws"),
    ("http://[::1]:4566", "aws"),
    ("https://localhost", "aws"),
    ("https://sts.corp.example", "aws"),
    ("https://STS.corp.example:443/any/path", "aws-cn"),
    ("https://gate.example:8443/aws/sts", "aws"),
    ("https://gate.example:8443/aws/sts/v1/", "aws"),
]

REFUSED = [
    ("http://sts.amazonaws.com", "aws"),
    ("https://sts.amazonaws.com:8443", "aws"),
    ("https://sts.amazonaws.com/evil", "aws"),
    ("https://sts.amazonaws.com", "aws-cn"),
    ("https://sts.cn-north-1.amazonaws.com.cn", "aws"),
    ("https://sts.us-gov-west-1.amazonaws.com", "aws"),
    ("https://sts.eu-west-1.amazonaws.com", "aws-us-gov"),
    # Anybody may have such a name.
    ("https://abc123.execute-api.us-east-1.amazonaws.com", "aws"),
    ("https://evil.s3.amazonaws.com", "aws"),
    ("https://sts.s3.amazonaws.com", "aws"),
    ("https://sts.evil.elb.amazonaws.com", "aws"),
    ("https://sts-1.us-east-1.elb.amazonaws.com", "aws"),
    ("https://ec2-1-2-3-4.compute-1.amazonaws.com", "aws"),
    ("https://vpce-1.vpce-svc-2.us-east-1.vpce.amazonaws.com", "aws"),
    ("https://vpce-1.sts.amazonaws.com", "aws"),
    ("https://evil.sts.eu-west-1.amazonaws.com", "aws"),
    # Names that only look like it.
    ("https://sts.amazonaws.com.evil.example", "aws"),
    ("https://evilsts.amazonaws.com", "aws"),
    ("https://stsXamazonaws.com", "aws"),
    ("https://sts.amazonaws.com@evil.example", "aws"),
    ("https://evil.example#.sts.amazonaws.com", "aws"),
    ("https://evil.example?.sts.amazonaws.com", "aws"),
    ("https://evil.example\\@sts.amazonaws.com", "aws"),
    ("https://evil.example/.sts.amazonaws.com", "aws"),
    ("https://\u0455ts.amazonaws.com", "aws"),
    ("https://sts.amazonaws.com\n", "aws"),
    ("https://127.0.0.1.evil.example", "aws"),
    ("http://localhost.evil.example", "aws"),
    ("http://user@localhost", "aws"),
    ("http://127.0.0.1@evil.example", "aws"),
    ("http://0.0.0.0", "aws"),
    ("http://169.254.169.254", "aws"),
    ("http://[::ffff:127.0.0.1]", "aws"),
    # Not as it is listed, and what is listed is not below https.
    ("http://sts.corp.example", "aws"),
    ("https://sts.corp.example:8443", "aws"),
    ("https://corp.example", "aws"),
    ("https://x.sts.corp.example", "aws"),
    ("https://gate.example/aws/sts", "aws"),
    ("https://gate.example:8443", "aws"),
    ("https://gate.example:8443/aws", "aws"),
    ("https://gate.example:8443/aws/stsx", "aws"),
    ("https://gate.example:8443/aws/sts/../../x", "aws"),
    ("http://plain.example", "aws"),
    ("https://plain.example", "aws"),
    ("ftp://localhost", "aws"),
    ("localhost", "aws"),
    ("", "aws"),
]


@pytest.mark.parametrize(("endpoint", "partition"), ALLOWED)
def test_allowed(endpoint: str, partition: str) -> None:
    allow(Resolution(endpoint, "x"), partition, LISTED)


@pytest.mark.parametrize(("endpoint", "partition"), REFUSED)
def test_refused(endpoint: str, partition: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        allow(Resolution(endpoint, "AWS_ENDPOINT_URL"), partition, LISTED)
    assert caught.value.message.startswith("the endpoint ")
    assert "(AWS_ENDPOINT_URL) is not allowed to get credentials" in caught.value.message
    assert "\n" not in caught.value.message
    assert "keyturn settings set aws.endpoints" in caught.value.hints[0]


@pytest.mark.parametrize(("environment", "lines", "source"), [
    ({"AWS_ENDPOINT_URL_STS": "https://evil.example"}, "", "AWS_ENDPOINT_URL_STS"),
    ({"AWS_ENDPOINT_URL": "https://evil.example"}, "", "AWS_ENDPOINT_URL"),
    ({}, "endpoint_url = https://evil.example\n", "endpoint_url of profile “p”"),
    ({}, "services=x\n[services x]\nsts=\n endpoint_url=https://evil.example", "services “x” of profile “p”"),
])  # fmt: skip
def test_a_plan_says_where_the_endpoint_stands(
    environment: dict[str, str], lines: str, source: str, home: Path
) -> None:
    """Wherever it stands it is refused, and the setting lets it through."""
    found = Caller(home, item("selected"), environment=environment)
    found.write(f"[profile p]\nrole_arn = {role_arn('p')}\n{lines}")
    with pytest.raises(ConfigurationError) as caught:
        found.plan("--profile p s3 ls")
    assert caught.value.message == (
        f"the endpoint https://evil.example ({source}) is not allowed to get credentials"
    )
    found.settings = Aws(endpoints=("https://evil.example",))
    (call,) = of_sts(found.plan("--profile p s3 ls"))
    assert call.sts.endpoint == "https://evil.example"


def test_a_password_in_an_endpoint_is_not_repeated() -> None:
    with pytest.raises(ConfigurationError) as caught:
        allow(Resolution("https://me:canary@sts.corp.example/x", "AWS_ENDPOINT_URL"), "aws", LISTED)
    assert "canary" not in caught.value.message
    assert "https://…@sts.corp.example/x" in caught.value.message


def test_keys_as_they_are_ask_nobody_so_no_endpoint_is_refused(home: Path) -> None:
    found = Caller(home, item("selected"), environment={"AWS_ENDPOINT_URL": "https://evil.example"})
    assert found.plan().calls == ()


def test_partitions_are_botocore_s() -> None:
    path = Path(botocore.__file__).parent / "data/partitions.json"
    theirs = json.loads(path.read_text())["partitions"]
    assert {each["id"] for each in theirs} == set(partitions.PARTITIONS)
    for each in theirs:
        mine = partitions.PARTITIONS[each["id"]]
        assert mine.suffixes == (each["outputs"]["dnsSuffix"], each["outputs"]["dualStackDnsSuffix"])
        assert partitions.of_region(mine.region) == each["id"]
        for region in each["regions"]:
            assert partitions.of_region(region) == each["id"], region
        assert re.sub(r"\\-", "-", each["regionRegex"].strip("^$")) == mine.pattern.pattern


@pytest.mark.parametrize("name", partitions.PARTITIONS)
def test_a_partition_s_usual_sts_is_one_that_is_allowed(name: str) -> None:
    client = Session().create_client("sts", region_name=partitions.PARTITIONS[name].region)
    allow(Resolution(client.meta.endpoint_url, "botocore"), name, ())


def test_the_regions_of_the_global_endpoint_are_botocore_s() -> None:
    from botocore.args import LEGACY_GLOBAL_STS_REGIONS

    assert frozenset(LEGACY_GLOBAL_STS_REGIONS) == LEGACY_REGIONS


@pytest.mark.parametrize(("arn", "partition"), [
    ("arn:aws:iam::1:role/x", "aws"),
    ("arn:aws-cn:iam::1:mfa/x", "aws-cn"),
    ("GAHT12345678", ""),
    ("arn:x", ""),
    ("not:aws:iam", ""),
])  # fmt: skip
def test_the_partition_of_an_arn(arn: str, partition: str) -> None:
    assert partitions.of_arn(arn) == partition


def test_the_network_is_the_caller_s() -> None:
    """Each proxy variable as it was, for their order is the executor's; none for what is sent in clear."""
    variables = {"HTTPS_PROXY": "http://p:1", "https_proxy": "", "NO_PROXY": "x", "HTTP_PROXY": "http://evil"}
    found = network(variables, {"ca_bundle": "bundle.pem"}, "/work")
    assert found.proxies == (("HTTPS_PROXY", "http://p:1"), ("https_proxy", ""), ("NO_PROXY", "x"))
    assert found.ca_bundle == "/work/bundle.pem"
    assert network({"AWS_CA_BUNDLE": "/b"}, {"ca_bundle": "/a"}, "/work").ca_bundle == "/b"
    assert network({}, {}, "/work").ca_bundle == ""
    assert network({}, {}, "/work").proxies == ()

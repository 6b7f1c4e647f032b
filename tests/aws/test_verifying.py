"""Whose keys they are: names from ARNs, where AWS is asked, and what its refusals say."""

from datetime import UTC, datetime

import pytest

from keyturn.aws import destination, verifying
from keyturn.aws.calls import Keys
from keyturn.aws.config import ConfigurationCache
from keyturn.aws.destination import Destination
from keyturn.aws.sts import Refused, Trouble, Unanswered
from keyturn.aws.verifying import Identity
from keyturn.ground.errors import ConfigurationError, ServiceRefusedError, ServiceUnreachableError
from keyturn.ground.secret import Secret

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
SECRET = Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")


@pytest.mark.parametrize(
    ("arn", "user"),
    [
        ("arn:aws:iam::123456789012:user/ada", "ada"),
        ("arn:aws-cn:iam::123456789012:user/team/a/ada.l@x", "ada.l@x"),
        ("arn:aws:iam::123456789012:root", ""),
        ("arn:aws:sts::123456789012:assumed-role/ada/x", ""),
        ("arn:aws:sts::123456789012:federated-user/ada", ""),
        ("arn:aws:iam::123456789012:user/ada\nx", ""),
    ],
)
def test_users(arn: str, user: str) -> None:
    assert Identity("123456789012", arn).user == user


@pytest.mark.parametrize(
    ("keys", "is_lasting"),
    [
        (Keys("AKIAIOSFODNN7EXAMPLE", SECRET), True),
        (Keys("ASIAIOSFODNN7EXAMPLE", SECRET), False),
        (Keys("AKIAIOSFODNN7EXAMPLE", SECRET, Secret("token EXAMPLE")), False),
    ],
)
def test_temporary_keys_are_refused(keys: Keys, is_lasting: bool) -> None:
    if is_lasting:
        verifying.check_lasting(keys, "item “AWS”")
    else:
        with pytest.raises(ConfigurationError, match="temporary key"):
            verifying.check_lasting(keys, "item “AWS”")


def place(region: str = "", serial: str = "", allowed: tuple[str, ...] = (), **variables: str) -> Destination:
    named = {"HOME": "/nonexistent", **variables}
    return destination.find(ConfigurationCache().load(named, "/"), named, "/", region, serial, allowed)


def test_the_partition_is_the_serials_then_the_items_then_the_callers() -> None:
    chinese = "arn:aws-cn:iam::123456789012:mfa/ada"
    assert place().sts.partition == "aws"
    assert place(AWS_REGION="us-gov-west-1").sts.partition == "aws-us-gov"
    found = place(region="cn-north-1", AWS_REGION="eu-west-1")
    assert (found.sts.partition, found.sts.region, found.iam.region) == ("aws-cn", "cn-north-1", "cn-north-1")
    assert place(region="eu-west-1", serial=chinese).sts.region == "cn-north-1"


def test_each_service_has_its_own_endpoint_and_none_gets_keys_that_is_not_allowed() -> None:
    here = "http://127.0.0.1:1"
    assert place(AWS_ENDPOINT_URL=here).iam.endpoint == here
    apart = place(AWS_ENDPOINT_URL_IAM=here)
    assert (apart.sts.endpoint, apart.iam.endpoint) == ("", here)
    apart = place(AWS_ENDPOINT_URL_STS=here)
    assert (apart.sts.endpoint, apart.iam.endpoint) == (here, "")
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_IAM", "AWS_ENDPOINT_URL_STS"):
        with pytest.raises(ConfigurationError, match="is not allowed to get credentials"):
            place(allowed=(), **{name: "https://sts.example.com"})
    listed = ("https://iam.example.com",)
    assert place(AWS_ENDPOINT_URL_IAM=listed[0], allowed=listed).iam.endpoint == listed[0]


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (Refused("InvalidClientTokenId", "", None), ServiceRefusedError, "does not know the access key id"),
        (
            Refused("SignatureDoesNotMatch", "", None),
            ServiceRefusedError,
            "does not belong to its access key",
        ),
        (Refused("AccessDenied", "no", None), ServiceRefusedError, "AWS refused it (AccessDenied)"),
        (Refused("RequestExpired", "", None), ServiceRefusedError, "clock"),
        (Unanswered(Trouble.UNREACHED, "sts"), ServiceUnreachableError, "cannot be reached"),
    ],
)
def test_errors(error: Refused | Unanswered, kind: type[ServiceRefusedError], said: str) -> None:
    found = verifying.explain(error, "item “AWS”", place(), NOW)
    assert type(found) is kind
    assert said in found.message
    assert found.hints

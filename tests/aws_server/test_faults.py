"""The local AWS goes wrong as it is told to, and says who called what."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email.utils import parsedate_to_datetime

import pytest
from botocore.exceptions import ConnectionClosedError, SSLError

from tests.aws_server.api import client, refusal, who
from tests.aws_server.client import LocalAws


@pytest.fixture(scope="module")
def server() -> Iterator[LocalAws]:
    with LocalAws("ada") as aws:
        yield aws


@pytest.fixture
def aws(server: LocalAws) -> LocalAws:
    server.mend()
    server.forget_calls()
    return server


def test_calls_are_listed(aws: LocalAws) -> None:
    ada = aws.users["ada"]
    device = aws.add_device("ada")
    role = aws.add_role("listed", ["ada"], external_id="blue-7")
    code = device.code(aws.now())
    session = client(aws, ada, region="eu-west-1").get_session_token(
        SerialNumber=device.serial, TokenCode=code
    )
    more = {"RoleSessionName": "one", "ExternalId": "blue-7", "DurationSeconds": 1800}
    client(aws, session).assume_role(RoleArn=role, **more)
    refusal(client(aws, session).get_session_token)
    client(aws, session, "s3").list_buckets()
    first, second, third, fourth = aws.calls()
    assert (first.action, first.key_kind, first.region, first.service) == (
        "GetSessionToken",
        "user",
        "eu-west-1",
        "sts",
    )
    assert (first.serial, first.step, first.has_code) == (device.serial, int(first.at // 30), True)
    assert (first.status, first.error) == (200, "")
    assert (second.role, second.external_id, second.session_name) == (role, "blue-7", "one")
    assert (second.key_kind, second.seconds, second.has_code) == ("session", 1800, False)
    assert (third.status, third.error) == (403, "AccessDenied")
    assert (fourth.action, fourth.service) == ("GET /", "s3")
    assert [call.action for call in aws.calls("AssumeRole")] == ["AssumeRole"]
    aws.forget_calls()
    assert aws.calls() == []


def test_slow(aws: LocalAws) -> None:
    aws.slow(0.5, "GetCallerIdentity")
    start = time.monotonic()
    sts = client(aws, aws.users["ada"])
    sts.get_session_token()
    between = time.monotonic()
    sts.get_caller_identity()
    assert between - start < 0.5 <= time.monotonic() - between
    aws.slow(0.5)
    aws.fail_next(0, action="GetSessionToken")
    start = time.monotonic()
    sts.get_caller_identity()
    assert time.monotonic() - start >= 0.5, "what fails is no matter to what is slow"
    aws.slow(0)
    start = time.monotonic()
    sts.get_caller_identity()
    assert time.monotonic() - start < 0.5


def test_slow_calls_do_not_wait_for_each_other(aws: LocalAws) -> None:
    aws.slow(0.5)
    sts = client(aws, aws.users["ada"])
    start = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: sts.get_caller_identity(), range(8)))
    assert time.monotonic() - start < 2


@pytest.mark.parametrize(
    ("how", "status", "code"),
    [("500", 500, "InternalFailure"), ("503", 503, "ServiceUnavailable"), ("throttled", 400, "Throttling")],
)
def test_failing_answers(aws: LocalAws, how: str, status: int, code: str) -> None:
    aws.fail_next(2, how, "GetCallerIdentity")
    sts = client(aws, aws.users["ada"])
    sts.get_session_token()
    for _ in range(2):
        assert refusal(sts.get_caller_identity)[:2] == (status, code)
    assert sts.get_caller_identity()["Arn"] == aws.users["ada"].arn


def test_closed_connections(aws: LocalAws) -> None:
    aws.fail_next(1, "closed")
    sts = client(aws, aws.users["ada"])
    with pytest.raises(ConnectionClosedError):
        sts.get_caller_identity()
    assert sts.get_caller_identity()["Arn"] == aws.users["ada"].arn
    assert [call.status for call in aws.calls()] == [0, 200]


def test_a_skewed_clock_refuses_codes_and_shows_itself(aws: LocalAws) -> None:
    device = aws.add_device("ada", serial="GAHT00000001")
    sts = client(aws, aws.users["ada"])
    own = time.time()
    for skew in (-120, 120):
        aws.skew(skew)
        status, code, text = refusal(
            sts.get_session_token, SerialNumber=device.serial, TokenCode=device.code(own)
        )
        assert (status, code) == (403, "AccessDenied")
        assert "invalid MFA one time pass code" in text
        answer = sts.get_caller_identity()["ResponseMetadata"]["HTTPHeaders"]
        shown = parsedate_to_datetime(answer["date"]).timestamp() - time.time()
        assert timedelta(seconds=abs(shown - skew)) < timedelta(seconds=5)


def test_a_clock_that_is_far_off_refuses_signatures(aws: LocalAws) -> None:
    sts = client(aws, aws.users["ada"])
    for skew, words in ((1000, "Signature expired: "), (-1000, "Signature not yet current: ")):
        aws.skew(skew)
        status, code, text = refusal(sts.get_caller_identity)
        assert (status, code) == (403, "SignatureDoesNotMatch")
        assert text.startswith(words)
    aws.skew(0)
    sts.get_caller_identity()


def test_time_that_is_moved_is_moved_for_all(aws: LocalAws) -> None:
    before = aws.now()
    assert aws.advance(100_000) >= before + 100_000
    assert who(aws, aws.users["ada"]) == aws.users["ada"].arn


def test_a_region_without_sts(aws: LocalAws) -> None:
    aws.disable_region("eu-south-2")
    ada = aws.users["ada"]
    status, code, _ = refusal(client(aws, ada, region="eu-south-2").get_caller_identity)
    assert (status, code) == (403, "RegionDisabledException")
    assert who(aws, ada, region="eu-south-1") == ada.arn


def test_real_host_names(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in aws.proxy_environment().items():
        monkeypatch.setenv(name, value)
    ada = aws.users["ada"]
    assert who(aws, ada, region="ap-southeast-2", endpoint_url=None) == ada.arn
    assert client(aws, ada, "iam", endpoint_url=None).list_users()["Users"]
    first, second = aws.calls()
    assert (first.host, first.region) == ("sts.ap-southeast-2.amazonaws.com", "ap-southeast-2")
    assert second.host == "iam.amazonaws.com"
    monkeypatch.delenv("AWS_CA_BUNDLE")
    with pytest.raises(SSLError):
        who(aws, ada, endpoint_url=None)


def test_a_token_of_the_global_endpoint_is_not_for_opt_in_regions(
    aws: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in aws.proxy_environment().items():
        monkeypatch.setenv(name, value)
    ada = aws.users["ada"]
    world = {"region": "us-east-1", "endpoint_url": "https://sts.amazonaws.com"}
    session = client(aws, ada, **world).get_session_token()
    assert who(aws, session, region="eu-west-1", endpoint_url=None) == ada.arn
    status, code, _ = refusal(client(aws, session, region="ap-east-1", endpoint_url=None).get_caller_identity)
    assert (status, code) == (403, "InvalidClientTokenId")
    regional = client(aws, ada, region="ap-east-1", endpoint_url=None).get_session_token()
    assert who(aws, regional, region="ap-east-1", endpoint_url=None) == ada.arn


def test_what_the_server_is_not_able_to_do_is_an_error(aws: LocalAws) -> None:
    with pytest.raises(RuntimeError, match="add_role"):
        aws.add_role("bad", ["ada"], partition="aws-nowhere")

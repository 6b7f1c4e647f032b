"""Each rule of the strict STS says yes and says no, to botocore itself."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.aws_server.api import client, refusal, who
from tests.aws_server.client import Device, LocalAws
from tests.aws_server.codes import STEP_SECONDS, code_of

WRONG_CODE = (403, "AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code. ")
INVALID_TOKEN = (403, "InvalidClientTokenId", "The security token included in the request is invalid.")
EXPIRED = (403, "ExpiredToken", "The security token included in the request is expired")


@pytest.fixture(scope="module")
def server() -> Iterator[LocalAws]:
    with LocalAws("ada", "grace") as aws:
        aws.stop_clock(aws.now())  # a step does not end in the middle of a test
        yield aws


@pytest.fixture
def aws(server: LocalAws) -> LocalAws:
    """A server on which nothing goes wrong, with every earlier code's step in the past."""
    server.mend()
    server.advance(4 * STEP_SECONDS)
    server.forget_calls()
    return server


@pytest.fixture(scope="module")
def device(server: LocalAws) -> Device:
    return server.add_device("ada")


def sts(aws: LocalAws, name: str = "ada") -> Any:
    return client(aws, aws.users[name])


def with_code(aws: LocalAws, device: Device) -> dict[str, str]:
    return {"SerialNumber": device.serial, "TokenCode": device.code(aws.now())}


def assume(aws: LocalAws, keys: Any, role: str, **more: Any) -> Any:
    return client(aws, keys).assume_role(RoleArn=role, RoleSessionName="test", **more)


def is_denied(aws: LocalAws, keys: Any, role: str, **more: Any) -> tuple[int, str, str]:
    return refusal(client(aws, keys).assume_role, RoleArn=role, RoleSessionName="test", **more)


def test_codes_are_those_of_the_standard() -> None:
    # RFC 6238, appendix B, SHA-1: the last 6 of the 8 digits.
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    known = {59: "287082", 1111111109: "081804", 1234567890: "005924", 20000000000: "353130"}
    assert {seconds: code_of(secret, seconds // 30) for seconds in known} == known


def test_a_code_works_once(aws: LocalAws, device: Device) -> None:
    given = with_code(aws, device)
    assert who(aws, sts(aws).get_session_token(**given)) == aws.users["ada"].arn
    assert refusal(sts(aws).get_session_token, **given) == WRONG_CODE


def test_a_code_works_once_over_both_calls(aws: LocalAws, device: Device) -> None:
    role = aws.add_role("once", ["ada"])
    given = with_code(aws, device)
    assume(aws, aws.users["ada"], role, **given)
    assert refusal(sts(aws).get_session_token, **given) == WRONG_CODE


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_a_code_of_a_step_nearby_works(aws: LocalAws, device: Device, steps: int) -> None:
    code = device.code(aws.now() + steps * STEP_SECONDS)
    sts(aws).get_session_token(SerialNumber=device.serial, TokenCode=code)


@pytest.mark.parametrize("steps", [-2, 2, 100])
def test_a_code_of_another_time_does_not(aws: LocalAws, device: Device, steps: int) -> None:
    code = device.code(aws.now() + steps * STEP_SECONDS)
    given = {"SerialNumber": device.serial, "TokenCode": code}
    assert refusal(sts(aws).get_session_token, **given) == WRONG_CODE


def test_a_wrong_code_does_not_use_up_the_right_one(aws: LocalAws, device: Device) -> None:
    given = with_code(aws, device)
    wrong = {**given, "TokenCode": f"{(int(given['TokenCode']) + 1) % 10**6:06}"}
    assert refusal(sts(aws).get_session_token, **wrong) == WRONG_CODE
    sts(aws).get_session_token(**given)


def test_another_users_device_is_refused(aws: LocalAws, device: Device) -> None:
    for serial in (device.serial, "arn:aws:iam::123456789012:mfa/nobody"):
        given = {**with_code(aws, device), "SerialNumber": serial}
        status, code, text = refusal(sts(aws, "grace").get_session_token, **given)
        assert (status, code) == (403, "AccessDenied")
        assert "verify your MFA serial number is valid and associated with this user" in text


def test_a_second_device_of_a_user_has_its_own_codes(aws: LocalAws, device: Device) -> None:
    hardware = aws.add_device("ada", serial="GAHT12345678")
    sts(aws).get_session_token(**with_code(aws, device))
    sts(aws).get_session_token(**with_code(aws, hardware))


def test_half_a_factor_is_refused(aws: LocalAws, device: Device) -> None:
    for half in ({"SerialNumber": device.serial}, {"TokenCode": device.code(aws.now())}):
        status, code, text = refusal(sts(aws).get_session_token, **half)
        assert (status, code) == (403, "AccessDenied")
        assert "must provide both MFA serial number and one time pass code" in text


def test_a_code_that_is_no_code(aws: LocalAws, device: Device) -> None:
    given = {"SerialNumber": device.serial, "TokenCode": "12345x"}
    status, code, text = refusal(sts(aws).get_session_token, **given)
    assert (status, code) == (400, "ValidationError")
    assert "'tokenCode' failed to satisfy constraint" in text


def test_temporary_keys_get_no_session_token(aws: LocalAws, device: Device) -> None:
    session = sts(aws).get_session_token(**with_code(aws, device))
    role = assume(aws, session, aws.add_role("again", ["ada"]))
    for keys in (session, role):
        denied = (403, "AccessDenied", "Cannot call GetSessionToken with session credentials")
        assert refusal(client(aws, keys).get_session_token) == denied
        denied = (403, "AccessDenied", "Cannot call GetFederationToken with session credentials")
        assert refusal(client(aws, keys).get_federation_token, Name="bob") == denied
    federated = sts(aws).get_federation_token(Name="bob")
    assert who(aws, federated) == "arn:aws:sts::123456789012:federated-user/bob"


def test_session_keys_expire(aws: LocalAws) -> None:
    session = sts(aws).get_session_token(DurationSeconds=900)
    aws.advance(899)
    assert who(aws, session) == aws.users["ada"].arn
    aws.advance(2)
    assert refusal(client(aws, session).get_caller_identity) == EXPIRED
    assert refusal(client(aws, session, "s3").list_buckets)[:2] == (400, "ExpiredToken")


def test_role_keys_expire(aws: LocalAws) -> None:
    role = assume(aws, aws.users["ada"], aws.add_role("brief", ["ada"]), DurationSeconds=900)
    aws.advance(899)
    assert who(aws, role).endswith(":assumed-role/brief/test")
    aws.advance(2)
    assert refusal(client(aws, role).get_caller_identity) == EXPIRED


def test_temporary_keys_have_to_be_whole(aws: LocalAws) -> None:
    session = sts(aws).get_session_token()
    other = sts(aws).get_session_token()
    mixed = {"Credentials": {**session["Credentials"], "SessionToken": other["Credentials"]["SessionToken"]}}
    assert refusal(client(aws, mixed).get_caller_identity) == INVALID_TOKEN
    mixed = {
        "Credentials": {**session["Credentials"], "SecretAccessKey": other["Credentials"]["SecretAccessKey"]}
    }
    assert refusal(client(aws, mixed).get_caller_identity)[:2] == (403, "SignatureDoesNotMatch")


def test_iam_wants_mfa_of_session_keys(aws: LocalAws, device: Device) -> None:
    bare = sts(aws).get_session_token()
    assert refusal(client(aws, bare, "iam").list_users) == INVALID_TOKEN
    assert client(aws, bare, "s3").list_buckets()["ResponseMetadata"]["HTTPStatusCode"] == 200
    for keys in (
        aws.users["ada"],
        sts(aws).get_session_token(**with_code(aws, device)),
        assume(aws, bare, aws.add_role("iam", ["ada"])),
    ):
        assert client(aws, keys, "iam").list_users()["Users"]


def test_a_role_that_needs_mfa(aws: LocalAws, device: Device) -> None:
    role = aws.add_role("guarded", ["ada"], needs_mfa=True)
    ada = aws.users["ada"]
    denied = f"User: {ada.arn} is not authorized to perform: sts:AssumeRole on resource: {role}"
    assert is_denied(aws, ada, role) == (403, "AccessDenied", denied)
    assert is_denied(aws, sts(aws).get_session_token(), role) == (403, "AccessDenied", denied)
    direct = assume(aws, ada, role, **with_code(aws, device))
    assert who(aws, direct).endswith(":assumed-role/guarded/test")
    aws.advance(STEP_SECONDS)
    session = sts(aws).get_session_token(**with_code(aws, device))
    assert who(aws, assume(aws, session, role)).endswith(":assumed-role/guarded/test")


def test_a_role_does_not_hand_mfa_on(aws: LocalAws, device: Device) -> None:
    first = aws.add_role("first", ["ada"], needs_mfa=True)
    guarded = aws.add_role("second-guarded", [first], needs_mfa=True)
    plain = aws.add_role("second", [first])
    keys = assume(aws, aws.users["ada"], first, **with_code(aws, device))
    assert is_denied(aws, keys, guarded)[:2] == (403, "AccessDenied")
    assert who(aws, assume(aws, keys, plain)).endswith(":assumed-role/second/test")


def test_who_is_not_trusted_is_refused(aws: LocalAws) -> None:
    role = aws.add_role("adas", ["ada"])
    assert is_denied(aws, aws.users["grace"], role)[:2] == (403, "AccessDenied")
    assert is_denied(aws, aws.users["ada"], role + "x")[:2] == (403, "AccessDenied")
    everybodys = aws.add_role("everybodys", ["arn:aws:iam::123456789012:root"], path="/team/")
    assert ":role/team/everybodys" in everybodys
    arn = who(aws, assume(aws, aws.users["grace"], everybodys))
    assert arn == "arn:aws:sts::123456789012:assumed-role/everybodys/test"


def test_a_role_of_another_account(aws: LocalAws) -> None:
    role = aws.add_role("away", ["ada"], account="210987654321")
    keys = assume(aws, aws.users["ada"], role)
    assert who(aws, keys) == "arn:aws:sts::210987654321:assumed-role/away/test"


def test_the_external_id_is_checked(aws: LocalAws) -> None:
    role = aws.add_role("partner", ["ada"], external_id="blue-7")
    ada = aws.users["ada"]
    assert is_denied(aws, ada, role)[:2] == (403, "AccessDenied")
    assert is_denied(aws, ada, role, ExternalId="blue-8")[:2] == (403, "AccessDenied")
    assert who(aws, assume(aws, ada, role, ExternalId="blue-7")).endswith("/partner/test")


def test_how_long_a_role_may_be_held(aws: LocalAws) -> None:
    ada = aws.users["ada"]
    short, long = aws.add_role("short", ["ada"]), aws.add_role("long", ["ada"], max_seconds=43200)
    too_long = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
    assert is_denied(aws, ada, short, DurationSeconds=3601) == (400, "ValidationError", too_long)
    assume(aws, ada, short, DurationSeconds=3600)
    session = assume(aws, ada, long, DurationSeconds=43200)
    chained = (
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
    )
    over = aws.add_role("over", ["ada", long], max_seconds=43200)
    for keys in (session, sts(aws).get_session_token()):
        assert is_denied(aws, keys, over, DurationSeconds=3601) == (400, "ValidationError", chained)
        assume(aws, keys, over, DurationSeconds=3600)


@pytest.mark.parametrize("seconds", [899, 129601])
def test_how_long_a_session_may_be_held(aws: LocalAws, seconds: int) -> None:
    status, code, text = refusal(sts(aws).get_session_token, DurationSeconds=seconds)
    assert (status, code) == (400, "ValidationError")
    assert f"Value '{seconds}' at 'durationSeconds' failed to satisfy constraint" in text
    sts(aws).get_session_token(DurationSeconds=min(max(seconds, 900), 129600))


def test_the_root_key(aws: LocalAws) -> None:
    root = aws.add_root_key()
    assert who(aws, root) == "arn:aws:iam::123456789012:root"
    session = client(aws, root).get_session_token(DurationSeconds=43200)
    assert session["Credentials"]["Expiration"].timestamp() - aws.now() <= 3600
    assert who(aws, session) == "arn:aws:iam::123456789012:root"
    denied = (403, "AccessDenied", "Roles may not be assumed by root accounts.")
    assert is_denied(aws, root, aws.add_role("not-roots", ["ada"])) == denied


@pytest.mark.parametrize(
    ("name", "argument", "value"),
    [
        ("roleSessionName", "RoleSessionName", "two words"),
        ("externalId", "ExternalId", "no spaces"),
        ("serialNumber", "SerialNumber", "no spaces "),
    ],
)
def test_what_is_spelt_wrong(aws: LocalAws, name: str, argument: str, value: str) -> None:
    given = {"RoleArn": aws.add_role(f"spelt-{name}", ["ada"]), "RoleSessionName": "test", argument: value}
    more = {"TokenCode": "123456"} if argument == "SerialNumber" else {}
    status, code, text = refusal(sts(aws).assume_role, **given, **more)
    assert (status, code) == (400, "ValidationError")
    assert f"Value '{value}' at '{name}' failed to satisfy constraint" in text


@pytest.mark.parametrize(
    ("partition", "region"), [("aws-cn", "cn-northwest-1"), ("aws-us-gov", "us-gov-west-1")]
)
def test_partitions_do_not_know_each_others_keys(aws: LocalAws, partition: str, region: str) -> None:
    name = f"user-of-{partition}"
    user = aws.add_user(name, partition)
    role = aws.add_role("inner", [name], partition=partition)
    assert role.startswith(f"arn:{partition}:iam:")
    keys = client(aws, user, region=region).assume_role(RoleArn=role, RoleSessionName="test")
    assert who(aws, keys, region=region) == f"arn:{partition}:sts::123456789012:assumed-role/inner/test"
    assert refusal(client(aws, user).get_caller_identity) == INVALID_TOKEN
    assert refusal(client(aws, keys).get_caller_identity) == INVALID_TOKEN
    assert refusal(client(aws, aws.users["ada"], region=region).get_caller_identity) == INVALID_TOKEN

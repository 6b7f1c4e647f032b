"""What a person reads when STS says no: whose keys, which profile, what to do (stories 11, 12, 13, 39)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from keyturn.aws import refusals
from keyturn.aws.calls import AssumeRole, Call, GetSessionToken, Mfa, Sts
from keyturn.aws.sts import Refused, Trouble, Unanswered
from keyturn.ground.errors import KeyturnError, ServiceRefusedError, ServiceUnreachableError, Status

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
ADA = Mfa("arn:aws:iam::123456789012:mfa/ada")
SESSION = GetSessionToken(ADA, 43200, Sts("eu-central-1"))
ROLE = AssumeRole("prod", "arn:aws:iam::123456789012:role/Admin", 43200, Sts("ap-east-1"), "ada")
ITEM = "item “AWS”"
PROD = "assuming the role of profile “prod”"
GET = "getting a session with the MFA device arn:aws:iam::123456789012:mfa/ada"

NOT_AUTHORIZED = (
    "User: arn:aws:iam::123456789012:user/ada is not authorized to perform: sts:AssumeRole on resource: "
    "arn:aws:iam::123456789012:role/Admin"
)
INVALID_CODE = "MultiFactorAuthentication failed with invalid MFA one time pass code."
INVALID_SERIAL = (
    "MultiFactorAuthentication failed, unable to validate MFA code. Please verify your MFA serial number is "
    "valid and associated with this user."
)
NO_CODE = "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code."
INVALID_TOKEN = "The security token included in the request is invalid."
CHAINED = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
LONG = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
OVER_TEMPORARY = "a role that is assumed with temporary keys lasts one hour at most, and 12 h are asked for"
SIGNATURE = "The request signature we calculated does not match the signature you provided."


def explained(
    call: Call, code: str, message: str, *, behind: float = 0.0, typed: bool = False
) -> KeyturnError:
    """`behind`: by how many seconds this machine's clock is."""
    refused = Refused(code, message, NOW + timedelta(seconds=behind))
    return refusals.explain(refused, call, ITEM, NOW, typed)


@pytest.mark.parametrize(
    ("call", "code", "message", "line", "hint"),
    [
        (
            SESSION,
            "InvalidClientTokenId",
            INVALID_TOKEN,
            f"{GET}: AWS does not know the access key id of {ITEM}",
            "deleted or deactivated",
        ),
        (
            ROLE,
            "InvalidClientTokenId",
            INVALID_TOKEN,
            f"{PROD}: AWS does not know the access key id of {ITEM}",
            "the region ap-east-1 is not enabled",
        ),
        (
            SESSION,
            "SignatureDoesNotMatch",
            SIGNATURE,
            f"{GET}: the secret access key of {ITEM} does not belong to its access key id",
            "store the secret access key again",
        ),
        (
            ROLE,
            "ExpiredToken",
            "The security token included in the request is expired",
            f"{PROD}: the temporary keys of {ITEM} have expired",
            "get new ones",
        ),
        (
            ROLE,
            "AccessDenied",
            NOT_AUTHORIZED,
            f"{PROD}: {ROLE.role} may not be assumed with {ITEM}, or does not exist",
            "set mfa_serial in the profile",
        ),
        (
            replace(ROLE, mfa=ADA),
            "AccessDenied",
            NOT_AUTHORIZED,
            f"{PROD}: {ROLE.role} may not be assumed with {ITEM}, or does not exist",
            f"AWS says: {NOT_AUTHORIZED}",
        ),
        (
            ROLE,
            "ValidationError",
            LONG,
            f"{PROD}: the role allows less than the 12 h that are asked for",
            "lower duration_seconds",
        ),
        (
            ROLE,
            "ValidationError",
            CHAINED,
            f"{PROD}: {OVER_TEMPORARY}",
            "3600",
        ),
        (
            SESSION,
            "AccessDenied",
            INVALID_CODE,
            f"{GET}: AWS refused the one-time code of {ADA.serial}",
            "“one-time password” of item “AWS”",
        ),
        (
            replace(ROLE, mfa=ADA),
            "AccessDenied",
            INVALID_CODE,
            f"{PROD}: AWS refused the one-time code of {ADA.serial}",
            "used elsewhere",
        ),
        (
            SESSION,
            "AccessDenied",
            INVALID_SERIAL,
            f"{GET}: AWS does not know the MFA device {ADA.serial} as one of this user's",
            ITEM,
        ),
        (
            ROLE,
            "AccessDenied",
            NO_CODE,
            f"{PROD}: AWS wants a one-time code, and no MFA device is known",
            "“mfa serial”",
        ),
        (
            SESSION,
            "AccessDenied",
            "Cannot call GetSessionToken with session credentials",
            f"{GET}: the keys of {ITEM} are temporary, and those get no session of their own",
            "long-term",
        ),
        (
            SESSION,
            "AccessDenied",
            "explicit deny",
            f"{GET}: AWS denies it to {ITEM}",
            "AWS says: explicit deny",
        ),
        (
            ROLE,
            "RegionDisabledException",
            "STS is not activated in this region",
            f"{PROD}: STS is not active in the region ap-east-1 for this account",
            "another region",
        ),
        (
            ROLE,
            "PackedPolicyTooLarge",
            "too large",
            f"{PROD}: AWS refused it (PackedPolicyTooLarge)",
            "AWS says: too large",
        ),
        (ROLE, "", "", f"{PROD}: AWS refused it (without a code)", "AWS says: nothing"),
    ],
)
def test_each_refusal_is_one_line_that_names_the_step_and_whose_keys(
    call: Call, code: str, message: str, line: str, hint: str
) -> None:
    error = explained(call, code, message)
    assert isinstance(error, ServiceRefusedError)
    assert (error.status, error.code) == (Status.SERVICE_REFUSED, "service-refused")
    assert error.message == line
    assert "\n" not in error.message
    assert any(hint in each for each in error.hints), error.hints


def test_a_role_that_had_its_code_is_not_told_to_want_one() -> None:
    assert not any("mfa" in hint for hint in explained(replace(ROLE, mfa=ADA), "AccessDenied", "no").hints)


def test_a_typed_code_is_not_blamed_on_the_item() -> None:
    error = explained(SESSION, "AccessDenied", INVALID_CODE, typed=True)
    assert error.message == f"{GET}: AWS refused the one-time code of {ADA.serial}"
    assert error.hints == (
        "wait for the device's next code: each one works once, and for half a minute or so",
    )


@pytest.mark.parametrize(
    ("behind", "by"),
    [
        (60.0, "60 s behind"),
        (-61.0, "61 s ahead of"),
        (600.0, "10 min behind"),
        (-86400.0, "1440 min ahead of"),
    ],
)
def test_a_refused_code_of_a_wrong_clock_is_told_as_that(behind: float, by: str) -> None:
    """Story 11."""
    error = explained(SESSION, "AccessDenied", INVALID_CODE, behind=behind)
    assert f"this machine's clock is {by} AWS's" in error.message
    assert error.hints == (refusals.SET_THE_CLOCK,)


def test_a_typed_code_has_its_own_clock() -> None:
    assert "clock" not in explained(SESSION, "AccessDenied", INVALID_CODE, behind=60, typed=True).message


def test_a_clock_that_is_a_little_off_is_no_reason() -> None:
    assert "clock" not in explained(SESSION, "AccessDenied", INVALID_CODE, behind=20).message
    assert "clock" not in explained(SESSION, "SignatureDoesNotMatch", SIGNATURE, behind=100).message


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("SignatureDoesNotMatch", "Signature expired: 20261122T110000Z is now earlier than 20261122T115500Z"),
        ("SignatureDoesNotMatch", "Signature not yet current: 20261122T130000Z is still later than …"),
        ("SignatureDoesNotMatch", SIGNATURE),
        ("RequestExpired", "Request has expired."),
        ("RequestTimeTooSkewed", "too large"),
    ],
)
def test_a_signature_of_a_wrong_clock_is_told_as_that(code: str, message: str) -> None:
    error = explained(ROLE, code, message, behind=3600)
    assert error.message == "this machine's clock is 60 min behind AWS's, so AWS refuses what it signs"


def test_without_a_date_the_clock_is_still_named() -> None:
    refused = Refused("RequestExpired", "Request has expired.", None)
    error = refusals.explain(refused, ROLE, ITEM, NOW, False)
    assert error.message == "this machine's clock is not AWS's, so AWS refuses what it signs"


@pytest.mark.parametrize("trouble", list(Trouble))
def test_no_answer_is_one_line_that_names_host_and_step(trouble: Trouble) -> None:
    error = refusals.unanswered(Unanswered(trouble, "sts.eu-central-1.amazonaws.com"), ROLE)
    assert isinstance(error, ServiceUnreachableError)
    assert error.status is Status.SERVICE_REFUSED
    assert error.message.startswith(PROD)
    assert "sts.eu-central-1.amazonaws.com" in error.message
    assert error.hints


def test_names_from_elsewhere_cannot_rewrite_the_line() -> None:
    hostile = replace(ROLE, profile="a\x1b[2Jb", role="arn:\x07", sts=Sts("eu\n"))
    for code in ("AccessDenied", "InvalidClientTokenId", "RegionDisabledException"):
        error = explained(hostile, code, "no")
        assert (error.message + "".join(error.hints)).isprintable()

"""The chapter on MFA as a script: a key is imported, its code comes from a picture, its serial by hand."""

from collections.abc import Iterator

import pytest

from keyturn.ground.errors import Status
from tests.aws_server.client import LocalAws
from tests.programs.aws_items import IDENTITY, signed_in
from tests.programs.pictures import picture
from tests.programs.user import User

SERIAL = "arn:aws:iam::123456789012:mfa/ada-chapter"


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    with LocalAws("ada") as found:
        yield found


def test_from_a_key_in_a_file_to_aws_with_mfa(user: User, aws: LocalAws) -> None:
    ada = aws.users["ada"]
    device = aws.add_device("ada", SERIAL)
    user.variables.update(aws.environment())
    user.account()
    keys = f"aws_access_key_id = {ada.access_key_id}\naws_secret_access_key = {ada.secret_access_key}\n"
    user.aws_files(f"[default]\n{keys}", "[default]\nregion = eu-central-1\n")
    password = ("--password-file", user.password_file())
    init = ("plugin", "init", "aws", "--import-profile", "default", "--remove-plaintext", "--no-input")
    user.keyturn(*init, "--title", "AWS", "--no-shell-rc", "--also", "", *password).succeeds()
    aws.forget_calls()
    assert user.sh(signed_in(user, IDENTITY)).succeeds().output.strip() == ada.arn
    assert not aws.calls("GetSessionToken")

    code = picture(user.home / "code.png", f"otpauth://totp/AWS:ada?secret={device.secret}&issuer=AWS")
    user.keyturn("item", "edit", "AWS", "--otp-qr", code, f"mfa serial={SERIAL}", *password).succeeds()
    user.keyturn("lock").succeeds()
    assert user.sh(signed_in(user, IDENTITY)).succeeds().output.strip() == ada.arn
    (call,) = aws.calls("GetSessionToken")
    assert (call.serial, call.has_code, call.status) == (SERIAL, True, 200)
    shown = user.keyturn("item", "get", "AWS", "--otp", "--next", *password).succeeds().output.splitlines()
    assert device.code(aws.now()) in [line.split()[0] for line in shown]

    # The item put aside: nothing else is taken in its place.
    user.keyturn("item", "delete", "AWS", *password).succeeds()
    user.keyturn("lock").succeeds()
    user.sh(signed_in(user, IDENTITY)).fails(Status.MISSING, "the item “AWS”")
    user.keyturn("item", "restore", "AWS", *password).succeeds()
    assert user.sh(signed_in(user, IDENTITY)).succeeds().output.strip() == ada.arn

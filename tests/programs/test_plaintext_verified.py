"""AWS keys go from a file only when AWS has said whose they are, and a copy of the file is kept."""

import pytest

from tests.aws_server.client import LocalAws
from tests.programs.user import User

REMOVE = ("plaintext", "remove", "--all", "--no-input", "--yes")
INIT = ("plugin", "init", "aws", "--import-profile", "default", "--remove-plaintext", "--no-input")
INIT_QUIETLY = (*INIT, "--no-shell-rc", "--also", "")


@pytest.mark.parametrize("command", [REMOVE, INIT_QUIETLY], ids=["plaintext remove", "plugin init"])
def test_keys_that_aws_knows_go_and_come_back(
    aws_user: User, local_aws: LocalAws, command: tuple[str, ...]
) -> None:
    aws_user.account()
    path = aws_user.home / ".aws/credentials"
    before = b"# mine\r\n" + path.read_bytes() + b"region=eu-west-1"
    path.write_bytes(before)
    done = aws_user.keyturn(*command, "--password-file", aws_user.password_file()).succeeds()
    assert f"AWS knows the keys as {local_aws.users['ada'].arn}" in done.errors
    assert path.read_bytes() == b"# mine\r\n[default]\nregion=eu-west-1"
    assert "keyturn plaintext restore ~/.aws/credentials" in done.errors
    restore = ("plaintext", "restore", "~/.aws/credentials", "--password-file", aws_user.password_file())
    aws_user.keyturn(*restore).succeeds()
    assert path.read_bytes() == before


@pytest.mark.parametrize("command", [REMOVE, INIT_QUIETLY], ids=["plaintext remove", "plugin init"])
@pytest.mark.parametrize(
    ("spoil", "status", "line"),
    [
        ("secret", 195, "nothing was removed from"),
        ("network", 195, "nothing was removed from"),
    ],
)
def test_keys_that_aws_does_not_confirm_stay(
    aws_user: User, local_aws: LocalAws, command: tuple[str, ...], spoil: str, status: int, line: str
) -> None:
    aws_user.account()
    path = aws_user.home / ".aws/credentials"
    if spoil == "secret":
        path.write_text(path.read_text().replace(local_aws.users["ada"].secret_access_key, "x" * 40))
    else:
        aws_user.variables["AWS_ENDPOINT_URL"] = "http://127.0.0.1:1"
    before = path.read_bytes()
    done = aws_user.keyturn(*command, "--password-file", aws_user.password_file())
    assert (done.status, line in done.errors) == (status, True), done.errors
    assert "--no-verify" in done.errors
    assert path.read_bytes() == before
    listed = ("plaintext", "restore", "--list", "--password-file", aws_user.password_file())
    assert "credentials" not in aws_user.keyturn(*listed).succeeds().output, "no copy of what stays"

"""The main job: plaintext in, `aws` asks once, the real `aws` runs with the vault's keys."""

from tests.aws_server.client import LocalAws
from tests.programs.user import User
from tests.vaults.templates import PASSWORD

IDENTITY = "aws sts get-caller-identity --query Arn --output text"


def set_up(user: User, *more: str) -> None:
    """Import ada's keys into an account that was made quickly."""
    user.account()
    init = ("plugin", "init", "aws", "--import-profile", "default", "--no-input")
    user.keyturn(*init, "--password-file", user.password_file(), *more).succeeds()
    user.keyturn("lock").succeeds()


def test_aws_asks_once_and_runs_as_the_items_user(aws_user: User, local_aws: LocalAws) -> None:
    set_up(aws_user, "--remove-plaintext")
    assert "aws_secret_access_key" not in (aws_user.home / ".aws/credentials").read_text()
    terminal = aws_user.terminal()
    printed, status = terminal.run(IDENTITY)
    assert status != 0, "without the plaintext, bare aws has no keys"
    terminal.run(f"source {aws_user.config}/plugins.sh")
    terminal.type(IDENTITY)
    terminal.expect("password of account “Test”: ")
    terminal.type(PASSWORD)
    assert local_aws.users["ada"].arn in terminal.ready()
    printed, status = terminal.run(IDENTITY)
    assert (printed.strip(), status) == (local_aws.users["ada"].arn, 0)
    # The question was erased: what stays is the command and its answer.
    assert not [line for line in terminal.screen() if "password" in line or "wants to use" in line]

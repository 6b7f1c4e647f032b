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


def wrapped(user: User, *arguments: str) -> str:
    """The words of a script that signs in and runs the real aws through Keyturn."""
    words = " ".join(arguments)
    return f"keyturn signin --password-file {user.password_file()} && keyturn plugin run -- aws {words}"


def test_with_a_wrong_secret_in_the_vault_the_same_command_fails(aws_user: User, local_aws: LocalAws) -> None:
    set_up(aws_user)
    identity = "sts get-caller-identity --query Arn --output text"
    assert aws_user.sh(wrapped(aws_user, identity)).succeeds().output.strip() == local_aws.users["ada"].arn
    edit = ("item", "edit", "AWS", "secret access key=-", "--password-file", aws_user.password_file())
    aws_user.keyturn(*edit, stdin="x" * 40).succeeds()
    refused = aws_user.sh(wrapped(aws_user, identity))
    assert refused.status not in (0, *range(190, 199)), "it is the aws that fails, with its own status"
    assert "SignatureDoesNotMatch" in refused.errors


def test_the_item_answers_though_another_identity_lies_in_plaintext(
    aws_user: User, local_aws: LocalAws
) -> None:
    set_up(aws_user, "--keep-plaintext")
    aws_user.aws_files(local_aws.credentials_text("grace"), local_aws.config_text())
    bare = aws_user.sh(IDENTITY).succeeds()
    assert bare.output.strip() == local_aws.users["grace"].arn
    answer = aws_user.sh(wrapped(aws_user, "sts get-caller-identity --query Arn --output text")).succeeds()
    assert answer.output.strip() == local_aws.users["ada"].arn
    assert "has other keys in" in answer.errors, "they are mentioned in one line"


def test_keys_in_the_callers_environment_are_not_used(aws_user: User, local_aws: LocalAws) -> None:
    set_up(aws_user)
    aws_user.variables.update(local_aws.environment("grace"))
    assert aws_user.sh(IDENTITY).succeeds().output.strip() == local_aws.users["grace"].arn
    answer = aws_user.sh(wrapped(aws_user, "sts get-caller-identity --query Arn --output text")).succeeds()
    assert answer.output.strip() == local_aws.users["ada"].arn


def test_an_imported_named_profile_is_used_for_that_profile(aws_user: User, local_aws: LocalAws) -> None:
    user = aws_user
    user.account()
    user.aws_files(local_aws.credentials_text("ada", "dev"), "[profile dev]\nregion = eu-north-1\n")
    init = ("plugin", "init", "aws", "--import-profile", "dev", "--no-input", "--remove-plaintext")
    user.keyturn(*init, "--password-file", user.password_file()).succeeds()
    answer = user.sh(
        wrapped(user, "--profile dev sts get-caller-identity --query Arn --output text")
    ).succeeds()
    assert answer.output.strip() == local_aws.users["ada"].arn

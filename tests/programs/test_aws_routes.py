"""The routes out: exec, export and configure; what programs find in their environment, and botocore."""

import json
from collections.abc import Iterator

import pytest

from tests.aws_server.client import LocalAws
from tests.programs.aws_items import item, set_up
from tests.programs.user import BIN, Result, User

OTHERS = {
    "AWS_ACCESS_KEY_ID": "AKIAOTHER",
    "AWS_SECRET_ACCESS_KEY": "other-EXAMPLE",
    "AWS_SESSION_TOKEN": "other-token-EXAMPLE",
    "AWS_CREDENTIAL_EXPIRATION": "2020-01-01T00:00:00Z",
    "AWS_PROFILE": "other",
    "AWS_DEFAULT_PROFILE": "other",
}
# What an IDE or a job does: a botocore that knows nothing of Keyturn.
SDK = """
import botocore.session
session = botocore.session.Session(profile="dev")
print(session.create_client("sts", region_name="eu-central-1").get_caller_identity()["Arn"])
"""


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    with LocalAws("ada") as found:
        yield found


@pytest.fixture
def dev(user: User, aws: LocalAws) -> User:
    """A user with a role profile over the selected item, and a profile that nothing else is said of."""
    aws.forget_calls()
    user.variables.update(aws.environment())
    role = aws.add_role(f"dev-{user.home.name}", ["ada"])
    config = (
        "[default]\nregion = eu-central-1\n[profile other]\nregion = eu-west-1\n"
        f"[profile dev]\nrole_arn = {role}\nsource_profile = default\nregion = us-east-2\n"
    )
    set_up(user, config, item(aws.users["ada"]))
    return user


def signed_in(user: User, script: str, **more: object) -> Result:
    return user.sh(f"keyturn signin --password-file {user.password_file()} 2>/dev/null && {script}", **more)


def aws_variables(printed: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in printed.splitlines())
    return {name: value for name, _, value in pairs if name.startswith("AWS_")}


def test_exec(dev: User, aws: LocalAws) -> None:
    """The environment of a wrapped aws, whatever the caller had; nested, the inner one's (story 88)."""
    own = "keyturn aws exec --profile dev -- env"
    script = f"{own}; echo; keyturn aws exec -- {own}"
    done = signed_in(dev, f"{script}; keyturn aws exec -- sh -c 'exit 7'", variables=OTHERS)
    assert (done.status, done.errors) == (7, "")
    one, other = map(aws_variables, done.output.split("\n\n"))
    known = {**dev.variables, "AWS_REGION": "us-east-2", "AWS_DEFAULT_REGION": "us-east-2"}
    assert set(one) == {*known, "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
                        "AWS_CREDENTIAL_EXPIRATION"}  # fmt: skip
    assert one.items() >= known.items()
    assert aws.whose(one["AWS_ACCESS_KEY_ID"]).endswith(f":assumed-role/dev-{dev.home.name}/keyturn")
    # The region is the caller's, and here the outer one is the caller.
    assert aws.whose(other["AWS_ACCESS_KEY_ID"]) == aws.whose(one["AWS_ACCESS_KEY_ID"])
    assert other["AWS_REGION"] == "eu-west-1"


def test_exec_becomes_the_command(dev: User) -> None:
    """No process of ours stays between the terminal and it, and its pid is that of the job."""
    script = "sh -c 'echo $$; exec keyturn aws exec --profile dev -- sh -c \"echo \\$\\$\"'"
    first, second = signed_in(dev, script).succeeds().output.split()
    assert first == second


def test_exec_of_nothing(dev: User) -> None:
    dev.keyturn("aws", "exec").fails(2, "which command?")
    dev.keyturn("aws", "exec", "--", "/etc/passwd").fails(126, "/etc/passwd: permission denied")
    dev.keyturn("aws", "exec", "--", "/etc/none").fails(127, "/etc/none: command not found")
    dev.keyturn("aws", "exec", "--", "no-such-program").fails(127, "no-such-program: command not found")
    dev.keyturn("aws", "exec", "--profile", "dev", "--", "true").fails(190, "locked")


def test_export(dev: User, aws: LocalAws) -> None:
    """What a shell makes of it: nothing is left of what it had."""
    own = "keyturn aws export --profile dev"
    script = f'eval "$({own})"; env; echo; {own} --format json'
    done = signed_in(dev, script, variables=OTHERS).succeeds()
    assert not done.errors
    found, document = done.output.split("\n\n")
    variables = aws_variables(found)
    assert aws.whose(variables["AWS_ACCESS_KEY_ID"]).endswith(f":assumed-role/dev-{dev.home.name}/keyturn")
    assert not {"AWS_PROFILE", "AWS_DEFAULT_PROFILE"} & set(variables)
    assert json.loads(document)["AccessKeyId"] == variables["AWS_ACCESS_KEY_ID"]


def test_export_to_a_screen_is_refused(dev: User) -> None:
    terminal = dev.terminal(columns=140)
    printed, status = terminal.run("keyturn aws export --profile dev")
    assert status == 2
    assert "would stay on the screen" in printed
    assert 'for this shell: eval "$(keyturn aws export --profile dev --format env)"' in printed
    printed, _ = terminal.run("keyturn aws export --format dotenv")
    assert "into a file: keyturn aws export --format dotenv > .env" in printed, "nothing to evaluate"


def test_configure(dev: User, aws: LocalAws) -> None:
    """Story 26: the profile's own line, and a role that no SDK assumes by itself any more."""
    place = dev.home / ".aws/config"
    before = place.read_bytes()
    shown = dev.keyturn("aws", "configure", "dev", "--dry-run").succeeds()
    assert place.read_bytes() == before
    assert "+credential_process = " in shown.output
    said = dev.keyturn("aws", "configure", "dev").succeeds()
    assert "profile “dev”: asks Keyturn now" in said.errors
    assert f"credential_process = {BIN}/keyturn aws credential-process --profile dev\n" in place.read_text()
    # Through botocore, and through Keyturn itself, which still knows the role (story 79).
    sdk = dev.home / "sdk.py"
    sdk.write_text(SDK)
    done = signed_in(
        dev,
        f"{BIN}/python {sdk} && keyturn aws exec --profile dev -- env",
        variables={"PATH": "/usr/bin:" + ":".join(dev.path)},
    ).succeeds()
    assert done.output.splitlines()[0].endswith(f":assumed-role/dev-{dev.home.name}/keyturn")
    assert aws.whose(aws_variables(done.output)["AWS_ACCESS_KEY_ID"]) == done.output.splitlines()[0]
    assert len(aws.calls("AssumeRole")) == 1
    assert dev.keyturn("aws", "configure", "dev").succeeds().errors == "nothing to change\n"
    dev.keyturn("aws", "configure", "--undo", "--all").succeeds()
    assert place.read_bytes() == before


def test_configure_what_cannot_be(dev: User) -> None:
    dev.keyturn("aws", "configure").fails(2, "which profiles?")
    dev.keyturn("aws", "configure", "nobody").fails(198, "profile “nobody” is not in")
    (dev.home / ".aws/credentials").write_text(
        "[other]\naws_access_key_id = AKIAOTHER\naws_secret_access_key = x\n"
    )
    dev.keyturn("aws", "configure", "other").fails(198, "has plaintext keys in")

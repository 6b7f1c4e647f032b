"""Whose keys are no item's: web identities, the caller's environment, a machine's own; with a strict STS."""

from collections.abc import Iterator

import pytest

from tests.aws_server.client import LocalAws
from tests.aws_server.machine import AUTHORIZATION, Machine
from tests.programs.user import Result, User

# In the place of `aws`: what it would sign with.
PROBE = """#!/bin/sh
echo "$AWS_ACCESS_KEY_ID"
"""


@pytest.fixture(scope="module")
def server() -> Iterator[LocalAws]:
    with LocalAws("ada", "grace") as found:
        yield found


@pytest.fixture
def aws(server: LocalAws) -> LocalAws:
    server.mend()
    server.forget_calls()
    return server


class Stage:
    """A user without any account: nobody's item, approval or password is needed for such keys.

    Roles are named after the home, for the server is one for all tests.
    """

    def __init__(self, user: User, aws: LocalAws) -> None:
        self.user, self.aws = user, aws
        user.variables.update(aws.environment())
        del user.variables["AWS_EC2_METADATA_DISABLED"]
        user.variables["AWS_DEFAULT_REGION"] = "eu-central-1"
        user.aws_files("", "")
        probe = user.home / "bin/aws"
        probe.parent.mkdir()
        probe.write_text(PROBE)
        probe.chmod(0o755)
        user.path.insert(0, str(probe.parent))

    def role(self, name: str, *trusted: str) -> str:
        return self.aws.add_role(f"{name}-{self.user.home.name}", trusted)

    def config(self, *lines: str) -> None:
        (self.user.home / ".aws/config").write_text("\n".join((*lines, "")))

    def run(self, *profiles: str) -> Result:
        """A wrapped `aws` for each profile, up to the first that fails."""
        return self.user.sh(
            " && ".join(f"keyturn plugin run -- aws --profile {name} s3 ls" for name in profiles)
        )

    def identity(self, *profiles: str) -> str:
        """Who all of these commands are, which have the same keys."""
        (key_id,) = set(self.run(*profiles).succeeds().output.split())
        return self.aws.whose(key_id).rpartition(":")[2].replace(f"-{self.user.home.name}/", "/")


@pytest.fixture
def stage(user: User, aws: LocalAws) -> Stage:
    return Stage(user, aws)


def web(stage: Stage, token: str, *more: str) -> None:
    """Profile p assumes a role by the token; `more` are lines after its section."""
    (stage.user.home / "token").write_text(token)
    role = stage.role("web", "subject:system:ci")
    stage.config("[profile p]", f"role_arn = {role}", "web_identity_token_file = token", *more)


def test_a_web_identity_without_any_account(stage: Stage, aws: LocalAws) -> None:
    web(stage, aws.web_token("system:ci") + "\n")
    assert stage.identity("p", "p") == "assumed-role/web/keyturn"
    (call,) = aws.calls("AssumeRoleWithWebIdentity")
    assert (call.status, call.key_id) == (200, ""), "nobody signs it"


def test_a_role_over_a_web_identity_is_an_hour(stage: Stage, aws: LocalAws) -> None:
    first = f"arn:aws:iam::123456789012:role/web-{stage.user.home.name}"
    web(stage, aws.web_token("system:ci"))
    second = aws.add_role(f"next-{stage.user.home.name}", [first], max_seconds=43200)
    config = (stage.user.home / ".aws/config").read_text()
    more = f"[profile q]\nrole_arn = {second}\nsource_profile = p\nduration_seconds = 43200\n"
    (stage.user.home / ".aws/config").write_text(config + more)
    assert stage.identity("q") == "assumed-role/next/keyturn"
    assert [call.seconds for call in aws.calls("AssumeRole")] == [3600]


def test_the_token_is_read_when_it_is_needed(stage: Stage, aws: LocalAws) -> None:
    web(stage, aws.web_token("system:ci", seconds=-1))
    failed = stage.run("p")
    assert (failed.status, failed.output) == (195, "")
    assert "profile “p”: the web identity token has expired" in failed.errors
    (stage.user.home / "token").write_text(aws.web_token("system:ci"))
    stage.run("p").succeeds()


@pytest.mark.parametrize(
    ("subject", "audience", "line"),
    [
        ("system:somebody", "sts.amazonaws.com", "may not be assumed with this web identity"),
        ("system:ci", "another.example", "AWS does not take the web identity token"),
    ],
)
def test_a_token_that_is_refused(stage: Stage, aws: LocalAws, subject: str, audience: str, line: str) -> None:
    web(stage, aws.web_token(subject, audience=audience))
    failed = stage.run("p")
    assert (failed.status, failed.output) == (195, "")
    assert line in failed.errors
    assert aws.web_token(subject)[:40] not in failed.errors


def test_the_caller_s_environment(stage: Stage, aws: LocalAws) -> None:
    role = stage.role("environment", "grace")
    stage.config("[profile p]", f"role_arn = {role}", "credential_source = Environment")
    stage.user.variables.update(aws.keys("grace"))
    assert stage.identity("p") == "assumed-role/environment/keyturn"
    assert [call.caller for call in aws.calls("AssumeRole")] == [aws.users["grace"].arn]
    for name in aws.keys("grace"):
        del stage.user.variables[name]
    failed = stage.run("p")
    assert (failed.status, failed.output) == (198, "")


def test_a_machine_of_ec2(stage: Stage, aws: LocalAws) -> None:
    own = stage.role("machine", "ec2.amazonaws.com")
    role = stage.role("over", own)
    stage.config("[profile p]", f"role_arn = {role}", "credential_source = Ec2InstanceMetadata")
    with Machine(lambda: aws.machine_keys(own)) as machine:
        stage.user.variables["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = machine.address
        assert stage.identity("p", "p") == "assumed-role/over/keyturn"
        assert machine.requests.count("PUT /latest/api/token") == 1
    assert [call.key_kind for call in aws.calls("AssumeRole")] == ["role"]


def test_a_machine_without_a_role(stage: Stage, aws: LocalAws) -> None:
    role = stage.role("over", "ada")
    stage.config("[profile p]", f"role_arn = {role}", "credential_source = Ec2InstanceMetadata")
    with Machine(dict) as machine:
        machine.status = 404
        stage.user.variables["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = machine.address
        failed = stage.run("p")
    assert (failed.status, failed.output) == (195, "")
    assert "the metadata service of EC2 gave no keys" in failed.errors


def test_a_container(stage: Stage, aws: LocalAws) -> None:
    own = stage.role("container", "ecs-tasks.amazonaws.com")
    role = stage.role("over", own)
    stage.config("[profile p]", f"role_arn = {role}", "credential_source = EcsContainer")
    with Machine(lambda: aws.machine_keys(own)) as machine:
        stage.user.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = f"{machine.address}/container"
        failed = stage.run("p")
        assert (failed.status, failed.output) == (195, "")
        assert "the container's endpoint" in failed.errors
        (stage.user.home / "authorization").write_text(AUTHORIZATION)
        stage.user.variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = "authorization"
        assert stage.identity("p") == "assumed-role/over/keyturn"

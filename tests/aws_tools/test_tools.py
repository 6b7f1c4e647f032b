"""The real tools themselves, bare: each reaches the local AWS as who its environment says, or is refused."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.aws_server.api import client
from tests.aws_server.client import LocalAws
from tests.aws_tools import tools
from tests.aws_tools.tools import Tool


@pytest.fixture(scope="module")
def server() -> Iterator[LocalAws]:
    with LocalAws("ada", "grace") as aws:
        client(aws, aws.users["ada"], "s3", region="us-east-1").create_bucket(Bucket=tools.BUCKET)
        yield aws


@pytest.fixture(params=tools.ALL)
def tool(request: pytest.FixtureRequest) -> Tool:
    return tools.find(request.param)


def run(tool: Tool, aws: LocalAws, directory: Path, keys: dict[str, str]) -> int:
    place = tools.link(tool, directory / "bin")
    tools.prepare(tool, directory)
    environment = {
        "HOME": str(directory),
        "PATH": f"{place}:/usr/bin:/bin",
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_MAX_ATTEMPTS": "1",
        **tools.variables(tool, aws, directory),
        **keys,
    }
    command = [str(place / tool.command), *tool.words]
    aws.forget_calls()
    done = subprocess.run(
        command, env=environment, cwd=directory, capture_output=True, timeout=60, check=False
    )
    return done.returncode


def test_it_runs_as_the_user_of_its_keys(tool: Tool, server: LocalAws, tmp_path: Path) -> None:
    assert run(tool, server, tmp_path, server.keys("ada")) == 0
    assert {call.caller for call in tools.calls(tool, server)} == {server.users["ada"].arn}
    hosts = {call.host for call in server.calls()}
    assert all(host.endswith(".amazonaws.com") == tool.through_proxy for host in hosts)


def test_a_wrong_secret_is_refused(tool: Tool, server: LocalAws, tmp_path: Path) -> None:
    wrong = server.keys("ada") | {"AWS_SECRET_ACCESS_KEY": server.users["grace"].secret_access_key}
    status = run(tool, server, tmp_path, wrong)
    # The CDK lists stacks without an account as well.
    assert (status == 0) == (tool.name == "cdk")
    assert tools.calls(tool, server) == []
    assert {call.status for call in server.calls()} == {403}

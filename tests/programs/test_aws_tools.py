"""Each real AWS tool, wrapped, runs as whom the item names, whatever lies about in plaintext."""

import json
from collections.abc import Iterator

import pytest

from keyturn.items import Item
from tests.aws_server.api import client
from tests.aws_server.client import LocalAws
from tests.aws_tools import tools
from tests.aws_tools.tools import Tool
from tests.programs.aws_items import item, item_with_codes
from tests.programs.user import Result, User


@pytest.fixture(scope="module")
def server() -> Iterator[LocalAws]:
    with LocalAws("ada", "grace") as aws:
        client(aws, aws.users["ada"], "s3", region="us-east-1").create_bucket(Bucket=tools.BUCKET)
        yield aws


@pytest.fixture(params=tools.ALL)
def tool(request: pytest.FixtureRequest) -> Tool:
    return tools.find(request.param)


def set_up(user: User, tool: Tool, aws: LocalAws, *items: Item) -> None:
    """The tool is on PATH, in a directory that is trusted, and sent to the local AWS."""
    user.account(*items)
    place = tools.link(tool, user.home / "tools")
    user.path.insert(0, str(place))
    trusted = json.dumps([str(place), *{str(program.parent) for program in tool.programs.values()}])
    user.keyturn("settings", "set", "executables.trusted_directories", trusted).succeeds()
    user.variables.update(tools.variables(tool, aws, user.home))
    tools.prepare(tool, user.home)


def choose(user: User, tool: Tool, title: str, *more: str) -> None:
    init = ("plugin", "init", tool.command, "--item", title, "--no-input", *more)
    user.keyturn(*init, "--password-file", user.password_file()).succeeds()


def wrapped(user: User, tool: Tool, *more: str) -> Result:
    """Sign in and run the tool through Keyturn, with nothing left of an earlier run."""
    tools.prepare(tool, user.home)
    words = " ".join(f"'{word}'" for word in (*tool.words, *more))
    signin = f"keyturn signin --password-file {user.password_file()}"
    return user.sh(f"{signin} && exec keyturn plugin run -- {tool.command} {words}", seconds=60)


def test_it_runs_as_whom_the_profile_names(user: User, tool: Tool, server: LocalAws) -> None:
    """The default's user; that of a profile that only an item knows; a role that needs a second factor."""
    bob = f"bob-of-{tool.name}"  # one for each, for a code works once
    server.add_user(bob)
    device = server.add_device(bob)
    role = server.add_role(f"role-of-{tool.name}", [bob], needs_mfa=True)
    codes = item_with_codes(server.users[bob], device, "bob")
    set_up(user, tool, server, item(server.users["ada"], "ada"), codes)
    user.aws_files(
        server.credentials_text("grace"),
        "[default]\nregion = eu-central-1\n"
        f"[profile work]\nregion = eu-west-1\nrole_arn = {role}\nsource_profile = base\n[profile base]\n",
    )
    user.variables.update(server.keys("grace"))
    for title, *where in (
        ("ada", "--scope", "global"),
        ("bob", "--profile", "base"),
        ("ada", "--profile", "new"),
    ):
        choose(user, tool, title, *where)
    ada, bobs = server.users["ada"].arn, f"arn:aws:sts::123456789012:assumed-role/role-of-{tool.name}/"
    assert caller(user, tool, server) == (ada, "eu-central-1")
    assert caller(user, tool, server, "--profile", "new")[0] == ada
    user.variables["AWS_PROFILE"] = "work"
    arn, region = caller(user, tool, server)
    assert arn.startswith(bobs)
    assert region == "eu-west-1"


def caller(user: User, tool: Tool, aws: LocalAws, *more: str) -> tuple[str, str]:
    """Who the wrapped tool is to AWS, and in which region."""
    aws.forget_calls()
    wrapped(user, tool, *more).succeeds()
    # More than one where a tool tries again; never as somebody else.
    (found,) = {(call.caller, call.region) for call in tools.calls(tool, aws)}
    return found


def test_an_app_of_the_cdk_sees_no_profile(user: User, server: LocalAws) -> None:
    """Story 21: the CDK takes keys before AWS_PROFILE, but the SDK for JavaScript in an app does not."""
    tool = tools.find("cdk")
    set_up(user, tool, server, item(server.users["ada"], "ada"))
    user.aws_files("", "[profile known]\nregion = eu-west-1\n")
    choose(user, tool, "ada", "--profile", "known")
    for variables, more in (({"AWS_PROFILE": "known"}, ()), ({}, ("--profile", "known"))):
        user.variables.pop("AWS_PROFILE", None)
        user.variables.update(variables)
        assert "profile=undefined region=eu-west-1" in wrapped(user, tool, *more).succeeds().errors


@pytest.mark.parametrize("name", ["aws-1", "aws-2"])
def test_the_other_settings_of_a_profile_hold(user: User, server: LocalAws, name: str) -> None:
    tool = tools.find(name)
    set_up(user, tool, server, item(server.users["ada"], "ada"))
    user.aws_files(
        "",
        "[profile known]\nregion = eu-west-1\noutput = table\ns3 =\n  addressing_style = path\n"
        f"services = local\n[services local]\ns3 =\n  endpoint_url = {server.endpoint}\n",
    )
    choose(user, tool, "ada", "--profile", "known")
    server.forget_calls()
    signin = f"keyturn signin --password-file {user.password_file()}"
    if not tool.through_proxy:  # what Debian's version 2 is too old for
        del user.variables["AWS_ENDPOINT_URL"]
    call = "s3api list-buckets --profile known --query Owner"
    found = user.sh(f"{signin} && exec keyturn plugin run -- aws {call}").succeeds()
    assert found.output.startswith("---"), "the profile's output is a table"
    (listed,) = server.calls("GET /")
    assert (listed.caller, listed.region) == (server.users["ada"].arn, "eu-west-1")
    assert listed.host.startswith("127.0.0.1:" if not tool.through_proxy else "s3.")

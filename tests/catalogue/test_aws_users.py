"""The commands that take AWS keys beside the AWS CLI: what they get, and when they need nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from keyturn.aws import hook
from keyturn.aws.config import ConfigurationCache
from keyturn.catalogue import loader
from keyturn.ground.resolution import Resolution
from keyturn.ground.secret import Secret
from keyturn.ground.settings import Aws
from keyturn.items import FieldType, Item, ItemReference, new_field, new_item
from keyturn.sdk.run import Invocation, NeedItem, NeedWork, Provisioned, Selection
from tests.aws.world import Nobody, Recorder, role_arn

USERS = ("awslogs", "cdk", "eksctl", "sam", "terraform", "tofu")
WITH_OPTION = ("awslogs", "cdk", "eksctl", "sam")


def item(title: str, key: str) -> Item:
    fields = [
        new_field("access key id", FieldType.TEXT, Secret(key)),
        new_field("secret access key", FieldType.CONCEALED, Secret(f"{title} secret EXAMPLE")),
        new_field("default region", FieldType.TEXT, Secret("eu-west-1")),
    ]
    return new_item(title, fields, "2024-05-06T07:08:09Z")


SELECTED, BOUND = item("Selected", "AKIASELECTEDEXAMPLE"), item("Bound", "AKIABOUNDEXAMPLE")


def reference(found: Item) -> Resolution[ItemReference]:
    return Resolution(ItemReference("a" * 26, "v" * 26, found.id, found.title), "a test")


def provisioned(
    command: list[str], home: Path, variables: dict[str, str] | None = None
) -> tuple[Provisioned, dict[str, str]]:
    """What a command gets, and its variables as text."""
    plugin = loader.find_by_executable(command[0])
    assert plugin is not None
    environment = {"HOME": str(home), **(variables or {})}
    kept = {
        name.encode(): value.encode()
        for name, value in environment.items()
        if plugin.reads_variable(name.encode())
    }
    invocation = Invocation(
        command[0], b"/usr/bin/x", tuple(word.encode() for word in command[1:]), kept, str(home)
    )
    selection = Selection(reference(SELECTED), {"dev": reference(BOUND), "in-item": reference(BOUND)})
    opened: dict[str, Item] = {}
    provision = hook.provision(plugin, ConfigurationCache(), Recorder(), Aws)
    while isinstance(step := provision(invocation, selection, opened), NeedItem):
        needed = step.item.value.item
        opened[needed] = next(each for each in (SELECTED, BOUND) if each.id == needed)
    if isinstance(step, NeedWork):
        step = asyncio.run(finished(step))
    return step, {name: value.decode() for name, value in step.assign.items()}


async def finished(work: NeedWork) -> Provisioned:
    return await work.do(Nobody())


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/config").write_text(
        "[profile dev]\nregion = us-east-2\noutput = json\n"
        f"[profile prod]\nrole_arn = {role_arn('prod')}\nsource_profile = dev\nregion = us-west-2\n"
    )
    return tmp_path


@pytest.mark.parametrize("name", USERS)
def test_their_credential_is_the_one_of_aws(name: str) -> None:
    plugin, aws = loader.load(name), loader.load("aws")
    assert (plugin.owner, plugin.tag, plugin.credential) == ("aws", aws.tag, aws.credential)
    assert (plugin.importers, plugin.also_reads, plugin.reads) == (aws.importers, aws.also_reads, aws.reads)
    assert [each.runs for each in plugin.executables] == [name]


def test_all_that_take_it() -> None:
    found = loader.wrapping(loader.load("aws").tag)
    assert [(plugin.name, each.runs) for plugin, each in found] == [(name, name) for name in ("aws", *USERS)]
    any_other = [(plugin.name, each.runs) for plugin, each in loader.wrapping("keyturn/aws/other")]
    assert any_other == [("terraform", "terraform"), ("tofu", "tofu")], "these take whatever there is"


@pytest.mark.parametrize("name", USERS)
def test_they_get_the_keys_in_the_environment_alone(name: str, home: Path) -> None:
    step, assign = provisioned([name, "frob", "--x"], home)
    assert assign == {
        "AWS_ACCESS_KEY_ID": "AKIASELECTEDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "Selected secret EXAMPLE",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }
    assert step.arguments == (b"frob", b"--x")
    assert {"AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_CREDENTIAL_EXPIRATION"} <= set(step.remove)


@pytest.mark.parametrize("name", USERS)
def test_a_profile_in_a_variable_is_never_answered_by_another_identity(name: str, home: Path) -> None:
    step, assign = provisioned([name, "frob"], home, {"AWS_PROFILE": "dev"})
    assert assign["AWS_ACCESS_KEY_ID"] == "AKIABOUNDEXAMPLE"
    assert assign["AWS_REGION"] == "us-east-2"
    # What takes a profile before keys does not see it.
    assert assign.get("AWS_PROFILE") == ("dev" if name == "sam" else None)
    assert "AWS_PROFILE" in step.remove


@pytest.mark.parametrize("name", WITH_OPTION)
def test_a_profile_by_option_is_taken_out(name: str, home: Path) -> None:
    step, assign = provisioned([name, "frob", "--profile", "dev", "y"], home)
    assert assign["AWS_ACCESS_KEY_ID"] == "AKIABOUNDEXAMPLE"
    assert step.arguments == (b"frob", b"y")


@pytest.mark.parametrize("words", ["-p dev", "-pdev", "-p=dev", "-p other --profile dev"])
def test_eksctl_has_a_short_form_too(words: str, home: Path) -> None:
    step, assign = provisioned(["eksctl", "get", "cluster", *words.split(), "-r", "x"], home)
    assert assign["AWS_ACCESS_KEY_ID"] == "AKIABOUNDEXAMPLE"
    assert step.arguments == (b"get", b"cluster", b"-r", b"x")


def test_a_letter_in_another_place_is_no_profile(home: Path) -> None:
    line = ["get", "cluster", "--name", "-p", "dev", "--", "-p", "dev"]
    step, assign = provisioned(["eksctl", *line], home)
    assert assign["AWS_ACCESS_KEY_ID"] == "AKIASELECTEDEXAMPLE"
    assert [word.decode() for word in step.arguments] == line


@pytest.mark.parametrize("name", ["aws", *USERS])
def test_story_21_a_role_s_keys_and_no_profile_that_would_be_resolved_anew(name: str, home: Path) -> None:
    """What takes a profile before keys has the role's keys and no profile; the others get both."""
    step, assign = provisioned([name, "frob"], home, {"AWS_PROFILE": "prod"})
    in_child = {"AWS_PROFILE": "prod"} if name in ("aws", "sam") else {}
    assert assign == {
        "AWS_ACCESS_KEY_ID": "ASIATEMPORARY",
        "AWS_SECRET_ACCESS_KEY": "temporary",
        "AWS_SESSION_TOKEN": "token",
        "AWS_CREDENTIAL_EXPIRATION": "2026-01-02T03:04:05Z",
        "AWS_REGION": "us-west-2",
        "AWS_DEFAULT_REGION": "us-west-2",
        **in_child,
    }
    assert {"AWS_PROFILE", "AWS_DEFAULT_PROFILE"} <= set(step.remove)


@pytest.mark.parametrize("name", ["aws", *WITH_OPTION])
def test_a_profile_that_only_an_item_knows(name: str, home: Path) -> None:
    """No command is told a profile that its files do not have."""
    step, assign = provisioned([name, "frob", "--profile", "in-item"], home)
    assert assign["AWS_ACCESS_KEY_ID"] == "AKIABOUNDEXAMPLE"
    assert "AWS_PROFILE" not in assign
    assert step.arguments == (b"frob",)


NOT_NEEDED = [
    "cdk", "cdk --version", "cdk --help", "cdk deploy --help", "cdk init app --language python", "cdk docs",
    "sam", "sam --version", "sam --info", "sam init", "sam deploy --help",
    "eksctl", "eksctl version", "eksctl completion bash", "eksctl help get", "eksctl get cluster -h",
    "awslogs", "awslogs --version", "awslogs get --help",
    "terraform", "terraform version", "terraform -version", "terraform --help", "terraform plan -help",
    "terraform fmt", "terraform -chdir=x validate", "terraform login",
    "tofu", "tofu -v", "tofu version", "tofu fmt -check",
]  # fmt: skip
NEEDED = [
    "cdk deploy", "cdk synth", "cdk ls", "cdk deploy init", "cdk --app x init", "cdk deploy -- --help",
    "sam deploy", "sam deploy --guided", "sam pipeline init", "sam build init",
    "eksctl get cluster", "eksctl create cluster --name version", "eksctl --name help get",
    "awslogs get help", "awslogs groups",
    "terraform plan", "terraform init", "terraform state show x", "terraform output", "terraform providers",
    "terraform taint x", "terraform workspace list", "terraform plan -var -help",
    "terraform -chdir=version plan", "tofu apply", "tofu state list",
]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "expected"), [*((line, False) for line in NOT_NEEDED), *((line, True) for line in NEEDED)]
)
def test_needs_authentication(line: str, expected: bool) -> None:
    name, *words = line.split()
    plugin = loader.find_by_executable(name)
    executable = plugin.executable(name) if plugin is not None else None
    assert executable is not None
    assert executable.needs_authentication([word.encode() for word in words]) is expected

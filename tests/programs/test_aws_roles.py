"""Roles, chains and second factors: the real `aws` through Keyturn, against an STS that says no."""

import base64
import os
import re
from collections.abc import Iterator

import pytest

from keyturn.ground.secret import Secret
from keyturn.items import FieldType, Item, new_field, new_item
from tests.aws_server.client import AwsUser, Call, Device, LocalAws
from tests.programs.user import Result, User
from tests.vaults.templates import MOMENT

HOUR = 3600
WHO = "sts get-caller-identity --query Arn --output text"


@pytest.fixture(scope="module")
def server() -> Iterator[LocalAws]:
    with LocalAws() as aws:
        yield aws


@pytest.fixture
def aws(server: LocalAws) -> LocalAws:
    server.mend()
    server.forget_calls()
    return server


class Person:
    """An IAM user with an MFA device, new for each test, for a code works once; and her item."""

    def __init__(self, aws: LocalAws, name: str) -> None:
        self.aws = aws
        self.user: AwsUser = aws.add_user(name)
        self.device: Device = aws.add_device(name)

    def item(self, *, code: str = "one-time password", serial: str = "mfa serial") -> Item:
        """Her keys; with an empty title a field of the second factor is left out."""
        fields = [
            new_field("access key id", FieldType.TEXT, Secret(self.user.access_key_id)),
            new_field("secret access key", FieldType.CONCEALED, Secret(self.user.secret_access_key)),
        ]
        if code:
            fields.append(new_field(code, FieldType.OTP, Secret(self.device.secret)))
        if serial:
            fields.append(new_field(serial, FieldType.TEXT, Secret(self.device.serial)))
        return new_item(self.user.name, fields, MOMENT, ["keyturn/aws/access-key"])

    def role(self, name: str, **conditions: object) -> str:
        return self.aws.add_role(f"{self.user.name}-{name}", [self.user.name], **conditions)  # type: ignore[arg-type]


@pytest.fixture
def person(aws: LocalAws, request: pytest.FixtureRequest) -> Person:
    return Person(
        aws, re.sub(r"\W", "-", request.node.name)[5:40] + base64.b32encode(os.urandom(3)).decode()[:4]
    )


def set_up(user: User, aws: LocalAws, item: Item, config: str) -> None:
    """The item is the global default of `aws`; the files hold no keys."""
    user.variables.update(aws.environment())
    user.account(item)
    user.aws_files("", f"[default]\nregion = eu-central-1\n{config}")
    init = ("plugin", "init", "aws", "--item", item.title, "--scope", "global", "--no-input")
    user.keyturn(*init, "--password-file", user.password_file()).succeeds()


def run(user: User, *calls: str, seconds: float = 100) -> Result:
    """Sign in, and run one wrapped `aws` after the other, up to the first that fails."""
    signin = f"keyturn signin --password-file {user.password_file()}"
    lines = [signin, *(f"keyturn plugin run -- aws {call}" for call in calls)]
    return user.sh(" && ".join(lines), seconds=seconds)


def seen(aws: LocalAws) -> list[tuple[str, str]]:
    """What STS was asked for temporary keys, and with which kind of keys; nothing of it was refused."""
    calls = aws.calls("GetSessionToken", "AssumeRole")
    assert [call.error for call in calls] == [""] * len(calls)
    return [(call.action, call.key_kind) for call in calls]


def sessions(aws: LocalAws) -> list[Call]:
    return aws.calls("GetSessionToken")


def roles(aws: LocalAws) -> list[Call]:
    return aws.calls("AssumeRole")


def profile(name: str, role: str, source: str = "default", *more: str) -> str:
    """A section of the config file; with a region, for no profile has that of another."""
    region = () if any(line.startswith("region") for line in more) else ("region = eu-central-1",)
    lines = (f"[profile {name}]", f"role_arn = {role}", f"source_profile = {source}", *region, *more)
    return "\n".join(lines) + "\n"


def test_an_item_with_a_second_factor(user: User, aws: LocalAws, person: Person) -> None:
    set_up(user, aws, person.item(), "[profile other]\nregion = eu-west-1\n")
    done = run(user, WHO, "iam list-users --query 'length(Users)'", f"--profile other {WHO}").succeeds()
    assert done.output.split()[0] == done.output.split()[2] == person.user.arn
    assert seen(aws) == [("GetSessionToken", "user")]
    (call,) = sessions(aws)
    assert (call.serial, call.has_code, call.region) == (person.device.serial, True, "eu-central-1")
    assert {call.key_kind for call in aws.calls("GetCallerIdentity", "ListUsers")} == {"session"}


def test_without_a_second_factor_the_keys_stay_as_they_are(user: User, aws: LocalAws, person: Person) -> None:
    """Story 12: session keys without one may not call IAM."""
    set_up(user, aws, person.item(code="", serial=""), "")
    run(user, "iam list-users").succeeds()
    assert seen(aws) == []
    assert {call.key_kind for call in aws.calls("ListUsers")} == {"user"}


def test_a_role(user: User, aws: LocalAws, person: Person) -> None:
    role = person.role("plain", path="/team/one/")
    set_up(user, aws, person.item(code="", serial=""), profile("work", role))
    done = run(user, f"--profile work {WHO}").succeeds()
    assert f":assumed-role/{role.split('/')[-1]}/" in done.output
    assert seen(aws) == [("AssumeRole", "user")]
    run(user, f"--profile work {WHO}").succeeds()
    assert len(roles(aws)) == 1, "the second command takes what the first got"


def test_a_chain_of_roles(user: User, aws: LocalAws, person: Person) -> None:
    first = person.role("first", max_seconds=43200)
    second = aws.add_role(f"{person.user.name}-second", [first], max_seconds=43200)
    third = aws.add_role(f"{person.user.name}-third", [second], external_id="blue-7")
    config = (
        profile("one", first, "default", "duration_seconds = 7200")
        + profile("two", second, "one", "duration_seconds = 7200")
        + profile("three", third, "two", "external_id = blue-7", "role_session_name = me@work")
    )
    set_up(user, aws, person.item(code="", serial=""), config)
    done = run(user, f"--profile three {WHO}").succeeds()
    assert done.output.strip().endswith("-third/me@work")
    assert seen(aws) == [("AssumeRole", "user"), ("AssumeRole", "role"), ("AssumeRole", "role")]
    assert [(call.seconds or HOUR) <= HOUR for call in roles(aws)][1:] == [True, True]
    assert [call.external_id for call in roles(aws)] == ["", "", "blue-7"]


def test_a_role_that_needs_a_second_factor(user: User, aws: LocalAws, person: Person) -> None:
    role = person.role("guarded", needs_mfa=True)
    set_up(user, aws, person.item(), profile("work", role))
    run(user, f"--profile work {WHO}").succeeds()
    assert seen(aws) == [("GetSessionToken", "user"), ("AssumeRole", "session")]
    (call,) = roles(aws)
    assert not call.has_code


def test_a_role_for_twelve_hours(user: User, aws: LocalAws, person: Person) -> None:
    """Story 13: a role assumed with session keys lasts an hour at most, so the code goes with it."""
    role = person.role("long", needs_mfa=True, max_seconds=43200)
    set_up(user, aws, person.item(), profile("work", role, "default", "duration_seconds = 43200"))
    run(user, f"--profile work {WHO}", f"--profile work {WHO}").succeeds()
    assert seen(aws) == [("AssumeRole", "user")]
    (call,) = roles(aws)
    assert (call.seconds, call.serial, call.has_code) == (43200, person.device.serial, True)


def test_the_serial_of_the_profile(user: User, aws: LocalAws, person: Person) -> None:
    role = person.role("serial", needs_mfa=True)
    config = profile("work", role, "default", f"mfa_serial = {person.device.serial}")
    set_up(user, aws, person.item(serial=""), config)
    run(user, f"--profile work {WHO}").succeeds()
    assert [call.serial for call in aws.calls("GetSessionToken", "AssumeRole") if call.has_code] == [
        person.device.serial
    ]


@pytest.mark.parametrize("order", [("work", "default"), ("default", "work")])
def test_role_and_plain_use_share_a_code(
    user: User, aws: LocalAws, person: Person, order: tuple[str, str]
) -> None:
    """Stories 2, 3 and 96: a code buys one session, for role and plain use in any order, run after run."""
    role = person.role("shared", needs_mfa=True)
    set_up(user, aws, person.item(), profile("work", role))
    calls = [f"--profile {name} {WHO}" for name in order]
    run(user, *calls, *calls).succeeds()
    assert sorted(seen(aws)) == [("AssumeRole", "session"), ("GetSessionToken", "user")]


def test_a_second_factor_that_is_added_counts_at_once(user: User, aws: LocalAws, person: Person) -> None:
    """Story 4: what was got without it is not used any more."""
    set_up(user, aws, person.item(code="", serial=""), profile("work", person.role("later")))
    run(user, f"--profile work {WHO}").succeeds()
    edit = (
        "item",
        "edit",
        person.user.name,
        f"mfa serial[text]={person.device.serial}",
        "one-time password[otp]=-",
    )
    user.keyturn(*edit, "--password-file", user.password_file(), stdin=person.device.secret).succeeds()
    run(user, f"--profile work {WHO}").succeeds()
    assert seen(aws) == [("AssumeRole", "user"), ("GetSessionToken", "user"), ("AssumeRole", "session")]


def test_ten_roles_take_one_code(user: User, aws: LocalAws, person: Person) -> None:
    """Story 9, all at once."""
    ten_at_once(user, aws, person)
    assert [(call.status, call.error) for call in sessions(aws)] == [(200, "")]


@pytest.mark.soak
def test_ten_roles_take_one_code_of_a_slow_service_that_fails_once(
    user: User, aws: LocalAws, person: Person
) -> None:
    aws.slow(3)
    aws.fail_next(1, "503", "GetSessionToken")
    ten_at_once(user, aws, person)
    # A call with a code is not repeated with the same one.
    assert len({call.step for call in sessions(aws)}) == len(sessions(aws)) == 2


def ten_at_once(user: User, aws: LocalAws, person: Person) -> None:
    names = [f"team{number}" for number in range(10)]
    config = "".join(profile(name, person.role(name, needs_mfa=True)) for name in names)
    set_up(user, aws, person.item(), config)
    signin = f"keyturn signin --password-file {user.password_file()}"
    starts = [f"keyturn plugin run -- aws --profile {name} {WHO} & p{n}=$!" for n, name in enumerate(names)]
    waits = [f"wait $p{number}" for number in range(10)]
    done = user.sh(f"{signin} && {{ {chr(10).join(starts)}\n{' && '.join(waits)}; }}", seconds=100).succeeds()
    found = {line.split("/")[1] for line in done.output.splitlines() if ":assumed-role/" in line}
    assert found == {f"{person.user.name}-{name}" for name in names}
    assert len(roles(aws)) == 10


def test_regions_do_not_cost_codes(user: User, aws: LocalAws, person: Person) -> None:
    config = "".join(
        profile(region, person.role(region, needs_mfa=True), "default", f"region = {region}")
        for region in ("eu-west-1", "us-east-2", "ap-south-1")
    )
    set_up(user, aws, person.item(), config)
    run(
        user, *(f"--profile {region} {WHO}" for region in ("eu-west-1", "us-east-2", "ap-south-1"))
    ).succeeds()
    assert [(call.status, call.error) for call in sessions(aws)] == [(200, "")]
    assert [call.region for call in aws.calls("GetCallerIdentity")] == [
        "eu-west-1",
        "us-east-2",
        "ap-south-1",
    ]


def test_a_code_that_is_refused_for_the_clock_says_so(user: User, aws: LocalAws, person: Person) -> None:
    """Story 11."""
    set_up(user, aws, person.item(), "")
    aws.skew(100)
    failed = run(user, WHO)
    assert failed.status == 195, failed.errors
    assert "clock" in failed.errors
    assert [(call.status, call.error) for call in sessions(aws)] == [(403, "AccessDenied")]


def test_a_role_that_does_not_trust_the_user(user: User, aws: LocalAws, person: Person) -> None:
    other = Person(aws, person.user.name + "-other")
    set_up(user, aws, person.item(), profile("work", other.role("hers")))
    failed = run(user, f"--profile work {WHO}")
    assert failed.status == 195, failed.errors
    assert "work" in failed.errors
    assert not failed.output
    assert not aws.calls("GetCallerIdentity"), "the command does not run as somebody else"


def test_two_fields_under_other_titles(user: User, aws: LocalAws, person: Person) -> None:
    """The warning names the title that is needed and a command, and the command mends it."""
    item = person.item(code="MFA code", serial="mfa_arn")
    set_up(user, aws, item, "")
    warned = run(user, WHO)
    assert "“one-time password”" in warned.errors
    assert "“mfa serial”" in warned.errors
    commands = re.findall(r"(keyturn item [^\n;]*)", warned.errors)
    assert commands, warned.errors
    signin = f"keyturn signin --password-file {user.password_file()}"
    for command in dict.fromkeys(commands):
        user.sh(f"{signin} && {command.strip()}").succeeds()
    aws.forget_calls()
    mended = run(user, WHO).succeeds()
    assert mended.output.strip() == person.user.arn
    assert "“one-time password”" not in mended.errors
    assert seen(aws) == [("GetSessionToken", "user")]


def test_another_partition(user: User, aws: LocalAws) -> None:
    """Story 35: a key of China is asked about in China."""
    name = "cn" + base64.b32encode(os.urandom(3)).decode()[:4]
    ours = aws.add_user(name, "aws-cn")
    role = aws.add_role(f"{name}-role", [name], partition="aws-cn")
    fields = [
        new_field("access key id", FieldType.TEXT, Secret(ours.access_key_id)),
        new_field("secret access key", FieldType.CONCEALED, Secret(ours.secret_access_key)),
    ]
    item = new_item(name, fields, MOMENT, ["keyturn/aws/access-key"])
    set_up(user, aws, item, profile("work", role, "default", "region = cn-north-1"))
    done = run(user, f"--profile work {WHO}").succeeds()
    assert done.output.startswith("arn:aws-cn:sts:")


def test_an_opt_in_region_gets_regional_tokens(user: User, aws: LocalAws, person: Person) -> None:
    """Story 34: what the global endpoint issued is no good there."""
    config = profile("work", person.role("far"), "default", "region = ap-east-1")
    set_up(user, aws, person.item(), config)
    del user.variables["AWS_ENDPOINT_URL"]
    user.variables.update(aws.proxy_environment())
    run(user, f"--profile work {WHO}").succeeds()
    assert {call.host for call in roles(aws)} == {"sts.ap-east-1.amazonaws.com"}
    assert {call.host for call in aws.calls("GetCallerIdentity")} == {"sts.ap-east-1.amazonaws.com"}

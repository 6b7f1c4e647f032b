"""What users of other tools reported, where it is the plan that has to be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from keyturn.aws.calls import AssumeRole, Call, GetSessionToken
from keyturn.aws.plan import Plan
from keyturn.ground.errors import ConfigurationError
from tests.aws.world import OWN, A, Caller, item, key_id, of_sts, role_arn, shown

CODE = "JBSWY3DPEHPK3PXP"


def role(name: str, source: str = "", lines: str = "") -> str:
    over = f"source_profile = {source}\n" if source else ""
    return f"[profile {name}]\nrole_arn = {role_arn(name)}\n{over}{lines}"


def with_mfa(home: Path, config: str) -> Caller:
    """Somebody whose item has a device and its code."""
    found = Caller(home, item("selected", mfa_serial=A, one_time_password=CODE))
    found.write(config)
    return found


def first(planned: Plan) -> Call:
    return of_sts(planned)[0]


def test_story_2_a_role_and_then_plain_keys_share_one_token(home: Path) -> None:
    found = with_mfa(home, role("over", "default") + role("alone", lines="region = eu-west-1\n"))
    plans = [found.plan(line) for line in ("--profile over s3 ls", "s3 ls", "--profile alone s3 ls")]
    assert shown(plans[0]) == "selected: token A code; over 1h"
    assert shown(plans[1]) == "selected: token A code"
    assert first(plans[0]) == first(plans[1]) == first(plans[2])


def test_story_3_a_token_is_asked_for_with_lasting_keys_only(home: Path) -> None:
    found = with_mfa(home, role("r", "default", f"mfa_serial = {A}\n"))
    assert shown(found.plan("--profile r s3 ls")) == "selected: token A code; r 1h"
    found.write("[default]\nmfa_serial = arn:aws:x\n", f"[default]\n{OWN}aws_session_token = t\n")
    found.write(role("r", "default", f"mfa_serial = {A}\n"), None)
    assert shown(found.plan("--profile r s3 ls")) == "own: r 1h"


def test_story_4_a_serial_that_is_added_is_another_plan(home: Path) -> None:
    found = Caller(home, item("selected"))
    found.write(role("r"))
    assert shown(found.plan("--profile r s3 ls")) == "selected: r 1h"
    found.write(role("r", lines=f"mfa_serial = {A}\n"))
    assert shown(found.plan("--profile r s3 ls")) == "selected: token A typed; r 1h"


def test_story_5_a_device_whose_codes_no_vault_holds(home: Path) -> None:
    found = Caller(home, item("selected"))
    found.write(
        f"[profile typed]\nmfa_serial = {A}\n[profile run]\nmfa_serial = {A}\nmfa_process = ykman x\n"
    )
    assert shown(found.plan("--profile typed s3 ls")) == "selected: token A typed"
    planned = found.plan("--profile run s3 ls")
    assert shown(planned) == "selected: token A process"
    mfa = first(planned).mfa
    assert mfa is not None
    assert mfa.process == "ykman x"


def test_story_9_ten_roles_in_three_regions_share_one_token(home: Path) -> None:
    regions = ("eu-west-1", "us-west-2", "ap-east-1")
    found = with_mfa(
        home, "".join(role(f"r{n}", "s", f"region = {regions[n % 3]}\n") for n in range(10)) + "[profile s]\n"
    )
    plans = [found.plan(f"--profile r{n} s3 ls") for n in range(10)]
    tokens = [first(planned) for planned in plans]
    assert isinstance(tokens[0], GetSessionToken)
    assert tokens == [tokens[0]] * 10
    assert {of_sts(planned)[1].sts.region for planned in plans} == set(regions)


def test_story_12_a_user_without_mfa_gets_the_keys_themselves(home: Path) -> None:
    """A token without MFA cannot call IAM."""
    found = Caller(home, item("selected"))
    found.write("[profile p]\nregion = eu-west-1\n")
    for line in ("iam list-users", "--profile p iam list-users"):
        assert found.plan(line).calls == ()
        assert "AWS_SESSION_TOKEN" not in found.run(line).assign


def test_story_13_eight_hours_over_a_source_with_mfa(home: Path) -> None:
    found = with_mfa(home, role("r", "s", "duration_seconds = 28800\n") + "[profile s]\n")
    assert shown(found.plan("--profile r s3 ls")) == "selected: r 8h A code"


def test_story_14_twelve_hours_are_explained(home: Path) -> None:
    found = with_mfa(home, role("r", lines="duration_seconds = 43200\n"))
    planned = found.plan("--profile r s3 ls")
    assert shown(planned) == "selected: r 12h A code"
    assert "with a code, for 12 h" in planned.steps[0]


def test_story_15_a_cycle_is_listed(home: Path) -> None:
    found = Caller(home, item("selected"))
    found.write(role("start", "andy") + role("andy", "prod") + role("prod", "dev") + role("dev", "andy"))
    with pytest.raises(ConfigurationError, match="“andy” → “prod” → “dev” → “andy”"):
        found.plan("--profile start s3 ls")


def test_story_16_a_profile_may_name_itself(home: Path) -> None:
    found = Caller(home)
    found.write(role("p", "p", OWN))
    assert shown(found.plan("--profile p s3 ls")) == "own: p 1h"
    found = Caller(home, None, {"p": item("bound")})
    found.write(role("p", "p"))
    assert shown(found.plan("--profile p s3 ls")) == "bound: p 1h"


def test_story_17_nothing_is_inherited_from_default(home: Path) -> None:
    found = Caller(home, item("selected"))
    found.write(
        f"[default]\nrole_arn = {role_arn('default')}\nsource_profile = other\nmfa_serial = {A}\n"
        f"external_id = x1\n[profile other]\n{OWN}[profile plain]\nregion = a-1\n{role('r', 'other')}"
    )
    assert shown(found.plan("--profile plain s3 ls")) == "selected"
    planned = found.plan("--profile r s3 ls")
    assert shown(planned) == "own: r 1h"
    call = first(planned)
    assert isinstance(call, AssumeRole)
    assert call.external_id == ""


def test_story_18_default_as_a_source_needs_no_section(home: Path) -> None:
    found = Caller(home, item("selected"))
    found.write(role("r", "default"))
    assert shown(found.plan("--profile r s3 ls")) == "selected: r 1h"


def test_story_20_two_users_and_roles_over_each(home: Path) -> None:
    found = Caller(home, item("selected"), {"ann": item("ann"), "bob": item("bob")})
    found.write(role("a", "ann") + role("b", "bob") + role("c", "default"))
    assert [shown(found.plan(f"--profile {name} s3 ls")) for name in "abc"] == [
        "ann: a 1h",
        "bob: b 1h",
        "selected: c 1h",
    ]


def test_story_33_no_region_anywhere(home: Path) -> None:
    """STS is asked in its own, and the command is left without, as it was."""
    found = with_mfa(home, role("r"))
    assert [call.sts.region for call in of_sts(found.plan("--profile r s3 ls"))] == ["us-east-1", "us-east-1"]
    assert "AWS_REGION" not in found.run("--profile r s3 ls").assign


def test_story_34_an_opt_in_region_has_its_own_sts(home: Path) -> None:
    """A token of the global endpoint is not valid there."""
    found = with_mfa(home, role("r", lines="region = ap-east-1\nsts_regional_endpoints = legacy\n"))
    call = of_sts(found.plan("--profile r s3 ls"))[1]
    assert (call.sts.region, call.sts.variant) == ("ap-east-1", frozenset())


@pytest.mark.parametrize(("partition", "region"), [("aws-cn", "cn-north-1"), ("aws-us-gov", "us-gov-west-1")])
def test_story_35_another_partition(partition: str, region: str, home: Path) -> None:
    found = Caller(home, item("selected"))
    found.write(role("r").replace("arn:aws:", f"arn:{partition}:"))
    sts = first(found.plan("--profile r s3 ls")).sts
    assert (sts.region, sts.partition) == (region, partition)


PRIVATE = "https://vpce-0a1b.sts.eu-west-1.vpce.amazonaws.com"


@pytest.mark.parametrize(
    ("environment", "lines"),
    [
        ({"AWS_ENDPOINT_URL_STS": PRIVATE}, ""),
        ({}, f"services = private\n[services private]\nsts =\n  endpoint_url = {PRIVATE}\n"),
    ],
)
def test_story_36_a_private_endpoint(environment: dict[str, str], lines: str, home: Path) -> None:
    found = with_mfa(home, role("r", lines=f"region = eu-west-1\n{lines}"))
    found.environment = environment
    assert [call.sts.endpoint for call in of_sts(found.plan("--profile r s3 ls"))] == [PRIVATE, PRIVATE]


@pytest.mark.parametrize(
    "line",
    [
        "external_id = other",
        "role_session_name = other",
        "duration_seconds = 1800",
        "session_tags = a=b",
        "transitive_session_tags = a",
        "source_identity = other",
        "region = eu-west-1",
        "endpoint_url = http://127.0.0.1:1",
        "use_fips_endpoint = true",
        "role_arn = arn:aws:iam::111122223333:role/other",
    ],
)
def test_story_38_what_a_role_is_asked_with_is_all_in_its_call(line: str, home: Path) -> None:
    """What the cache tells apart by is the call: it has every input."""
    found = Caller(home, item("selected"))
    found.write(role("r"))
    before = first(found.plan("--profile r s3 ls"))
    config = role("r") if not line.startswith("role_arn") else "[profile r]\n"
    found.write(f"{config}{line}\n")
    assert first(found.plan("--profile r s3 ls")) != before


def test_story_94_a_role_with_a_path(home: Path) -> None:
    found = Caller(home, item("selected"))
    found.write(f"[profile r]\nrole_arn = {role_arn('team/ops/Admin')}\n")
    call = first(found.plan("--profile r s3 ls"))
    assert isinstance(call, AssumeRole)
    assert call.role == "arn:aws:iam::111122223333:role/team/ops/Admin"


def test_the_keys_of_the_last_call_reach_the_command(home: Path) -> None:
    """The whole hook for a role: what a plan is for."""
    done = with_mfa(home, role("r")).run("--profile r s3 ls")
    assert key_id(done.assign) == "ASIATEMPORARY"

"""A hundred cold commands for ten roles in three regions, over one user with MFA: one question, one session,
ten roles. The real agent and launchers against a strict STS; the command is a probe that prints its key."""

import re
import sys
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.aws_server.client import Device, LocalAws
from tests.programs.aws_items import item, item_with_codes, set_up
from tests.programs.user import User
from tests.vaults.templates import PASSWORD

COUNT, ROLES = 100, 10
REGIONS = ("eu-central-1", "us-east-1", "ap-southeast-2")
QUESTION = "password of account “Test”: "

STARTER = """
import subprocess, sys
launcher, count, roles = sys.argv[1].split(), int(sys.argv[2]), int(sys.argv[3])
files = {"stdout": open("out", "a"), "stderr": open("err", "a")}
crowd = [
    subprocess.Popen([*launcher, "--profile", f"role-{number % roles}", "s3", "ls"], **files)
    for number in range(count)
]
print("statuses:", sorted({each.wait() for each in crowd}))
"""


@pytest.fixture
def aws() -> Iterator[LocalAws]:
    with LocalAws("ada") as found:
        yield found


@pytest.fixture
def device(aws: LocalAws) -> Device:
    return aws.add_device("ada")


def configuration(aws: LocalAws) -> str:
    """Ten role profiles over `default`."""
    parts = ["[default]\nregion = eu-west-1\n"]
    for number in range(ROLES):
        role = aws.add_role(f"role-{number}", ["ada"], needs_mfa=True)
        region = REGIONS[number % len(REGIONS)]
        parts.append(
            f"[profile role-{number}]\nrole_arn = {role}\nsource_profile = default\nregion = {region}\n"
        )
    return "".join(parts)


def crowd(user: User, answers: list[tuple[str, str]]) -> None:
    """Start them all in one terminal's foreground, answer what is asked, and see all succeed."""
    probe = user.home / "bin/aws"
    probe.parent.mkdir()
    probe.write_text('#!/bin/sh\necho "$AWS_PROFILE $AWS_ACCESS_KEY_ID"\n')
    probe.chmod(0o755)
    user.path.insert(0, str(probe.parent))
    user.keyturn("plugin", "init", "aws", "--item", "AWS", "--no-input", "--no-shell-rc",
                 "--also", "", "--password-file", user.password_file()).succeeds()  # fmt: skip
    user.keyturn("lock").succeeds()
    (user.home / "crowd").write_text(STARTER)
    terminal = user.terminal()
    terminal.type(f"{sys.executable} crowd '{' '.join(user.launcher('aws'))}' {COUNT} {ROLES}")
    for question, answer in answers:
        terminal.expect(re.escape(question), seconds=60)
        terminal.type(answer)
    asked = terminal.expect(r"statuses: \[.*\]", seconds=90)
    assert terminal.child.after == "statuses: [0]", (user.home / "err").read_text()[:2000]
    assert not [question for question, _ in answers if question in asked], "nothing was asked twice"


def check(user: User, aws: LocalAws, *, refused: int = 0) -> None:
    sessions, roles = aws.calls("GetSessionToken"), aws.calls("AssumeRole")
    assert [call.status for call in sessions] == [200]
    succeeded = [call for call in roles if call.status == 200]
    assert (len(succeeded), len(roles)) == (ROLES, ROLES + refused)
    assert Counter(call.role.rpartition("/")[2] for call in succeeded) == {
        f"role-{number}": 1 for number in range(ROLES)
    }
    assert {call.region for call in succeeded} == set(REGIONS)
    got = Counter((user.home / "out").read_text().splitlines())
    assert sorted(got.values()) == [COUNT // ROLES] * ROLES, "each role's ten got the same key"
    assert len({line.split()[0] for line in got}) == ROLES


def test_a_hundred_cold_commands_make_eleven_calls(user: User, aws: LocalAws, device: Device) -> None:
    user.variables.update(aws.environment())
    set_up(user, configuration(aws), item_with_codes(aws.users["ada"], device))
    crowd(user, [(QUESTION, PASSWORD)])
    check(user, aws)


def test_it_stays_so_with_a_slow_sts_that_fails_once(user: User, aws: LocalAws, device: Device) -> None:
    user.variables.update(aws.environment())
    set_up(user, configuration(aws), item_with_codes(aws.users["ada"], device))
    aws.slow(3)
    aws.fail_next(1, "500", "AssumeRole")
    crowd(user, [(QUESTION, PASSWORD)])
    check(user, aws, refused=1)


def test_one_typed_code_is_enough_for_all(user: User, aws: LocalAws, device: Device) -> None:
    user.variables.update(aws.environment())
    set_up(user, configuration(aws), item(aws.users["ada"], mfa_serial=device.serial))
    code = device.code(aws.now())
    crowd(user, [(QUESTION, PASSWORD), (f"one-time code of {device.serial}: ", code)])
    check(user, aws)

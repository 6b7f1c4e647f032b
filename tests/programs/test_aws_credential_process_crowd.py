"""Many `keyturn aws credential-process` at once: one question, one call for each thing, valid answers.

What a caller costs is its own interpreter: thirty show it in the suite, and a hundred in the long tests.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.aws_server.client import LocalAws
from tests.aws_server.sso import SsoServer
from tests.programs.aws_items import item, item_with_codes, set_up
from tests.programs.sso_user import code_on
from tests.programs.user import User
from tests.vaults.templates import PASSWORD

QUESTION = "password of account “Test”: "
FEW, MANY = 30, 100
# Starts them all before it waits for any; one after the other of the profiles.
STARTER = """
import subprocess, sys
count, profiles = int(sys.argv[1]), sys.argv[2:]
crowd = []
for number in range(count):
    words = ["keyturn", "aws", "credential-process", "--profile", profiles[number % len(profiles)]]
    with open(f"out-{number}", "w") as out, open(f"err-{number}", "w") as err:
        crowd.append(subprocess.Popen(words, stdout=out, stderr=err))
print("statuses:", sorted({each.wait() for each in crowd}))
"""


@dataclass
class Stage:
    user: User
    aws: LocalAws
    sso: SsoServer

    def crowd(self, count: int, *profiles: str, sign_in: bool = False) -> list[set[str]]:
        """The different answers that each profile's callers got. The account is locked before."""
        (self.user.home / "crowd").write_text(STARTER)
        terminal = self.user.terminal(columns=140)
        terminal.type(f"{sys.executable} crowd {count} {' '.join(profiles)}")
        terminal.expect(re.escape(QUESTION), seconds=60)
        terminal.type(PASSWORD)
        if sign_in:
            self.sso.approve(code_on(terminal))
        asked = terminal.expect(r"statuses: \[.*\]", seconds=240)
        assert terminal.child.after == "statuses: [0]", self.errors(count)
        assert QUESTION not in asked
        assert "needs you to sign in" not in asked, "nor is it said when it was done"
        found: list[set[str]] = [set() for _ in profiles]
        for number in range(count):
            found[number % len(profiles)].add((self.user.home / f"out-{number}").read_text())
        return found

    def errors(self, count: int) -> str:
        return "".join((self.user.home / f"err-{number}").read_text() for number in range(count))[:2000]

    def whose(self, answers: set[str]) -> str:
        """Whose keys all of them got, and the same ones, with nothing beside the JSON."""
        (answer,) = answers
        keys = json.loads(answer)
        assert set(keys) == {"Version", "AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"}
        assert answer.count("\n") == 1
        return self.aws.whose(keys["AccessKeyId"]).rpartition(":")[2]

    def count(self, action: str) -> int:
        """How many calls of an action there were, well or not."""
        return len(self.aws.calls(action)) + self.sso.count(action)


@pytest.fixture
def stage(user: User) -> Iterator[Stage]:
    def issue(account: str, role: str, expires: float) -> dict[str, object]:
        keys = aws.machine_keys(portal)
        names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
        given = {name[0].lower() + name[1:]: keys[name] for name in names}
        return {**given, "expiration": int(expires * 1000)}

    with LocalAws("ada") as aws, SsoServer(issue=issue) as sso:
        portal = aws.add_role("portal", ["sso.amazonaws.com"])
        over, device = aws.add_role("over", [portal]), aws.add_device("ada")
        role = aws.add_role("dev", ["ada"], needs_mfa=True)
        user.variables.update({**aws.environment(), **sso.environment()})
        config = sso.config_text(signed="111111111111/Admin") + (
            f"[profile over]\nrole_arn = {over}\nsource_profile = signed\nregion = eu-central-1\n"
            f"[default]\nregion = eu-central-1\n[profile dev]\nrole_arn = {role}\nsource_profile = default\n"
        )
        set_up(user, config, item_with_codes(aws.users["ada"], device), item(aws.users["ada"], "Other"))
        # So slow that all come while the first one waits.
        sso.slow["GetRoleCredentials"] = 2
        yield Stage(user, aws, sso)


def roles(stage: Stage, count: int) -> None:
    """Story 46: one question, one code, one role."""
    (dev,) = stage.crowd(count, "dev")
    assert stage.whose(dev) == "assumed-role/dev/keyturn"
    assert (stage.count("GetSessionToken"), stage.count("AssumeRole")) == (1, 1)


def sign_ins(stage: Stage, count: int) -> None:
    (signed,) = stage.crowd(count, "signed", sign_in=True)
    assert stage.whose(signed).startswith("assumed-role/portal/")
    assert (stage.count("StartDeviceAuthorization"), stage.count("GetRoleCredentials")) == (1, 1)
    assert not stage.aws.calls("AssumeRole", "GetSessionToken")


def roles_over_a_sign_in(stage: Stage, count: int) -> None:
    (over,) = stage.crowd(count, "over", sign_in=True)
    assert stage.whose(over) == "assumed-role/over/keyturn"
    assert (stage.count("StartDeviceAuthorization"), stage.count("GetRoleCredentials")) == (1, 1)
    assert (stage.count("AssumeRole"), stage.count("GetSessionToken")) == (1, 0)


def both(stage: Stage, count: int) -> None:
    """Of a sign-in's own role and of one over it: they share what they have in common."""
    signed, over = stage.crowd(count, "signed", "over", sign_in=True)
    assert stage.whose(signed).startswith("assumed-role/portal/")
    assert stage.whose(over) == "assumed-role/over/keyturn"
    assert (stage.count("StartDeviceAuthorization"), stage.count("GetRoleCredentials")) == (1, 1)
    assert (stage.count("AssumeRole"), stage.count("GetSessionToken")) == (1, 0)


@pytest.mark.parametrize("crowd", [roles, both])
def test_thirty_at_once(stage: Stage, crowd: Callable[[Stage, int], None]) -> None:
    crowd(stage, FEW)


@pytest.mark.soak
@pytest.mark.timeout(300)
@pytest.mark.parametrize("crowd", [roles, sign_ins, roles_over_a_sign_in])
def test_a_hundred_at_once(stage: Stage, crowd: Callable[[Stage, int], None]) -> None:
    crowd(stage, MANY)

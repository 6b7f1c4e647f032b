"""Roles over every source that a profile can have, by the real `aws`: AWS says who it is, and who signed.

Every role trusts its own source and nobody else, so that the selected item's keys could not assume it; whose
keys signed is looked at nevertheless.
"""

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.aws_server.client import LocalAws
from tests.aws_server.sso import REGION, START_URL, SsoServer
from tests.programs.aws_items import IDENTITY, item, item_with_codes, set_up
from tests.programs.sso_user import opened, sign_in
from tests.programs.user import Terminal, User

ACCOUNT = "123456789012"
# Each profile of ROLES has a role over the one that is named; of SOURCES each brings keys.
ROLES = {
    "over-sso": "sso",
    "over-legacy": "legacy",
    "over-process": "process",
    "over-web": "web",
    "over-triple": "triple",
    "over-codes": "codes",
    "over-sso-twice": "over-sso",
    "over-codes-twice": "over-codes",
}
SOURCES = """
[default]
region = eu-central-1
[sso-session corp]
sso_start_url = {start}
sso_region = {region}
sso_registration_scopes = sso:account:access
[profile sso]
sso_session = corp
sso_account_id = 111111111111
sso_role_name = Admin
[profile legacy]
sso_start_url = {start}
sso_region = {region}
sso_account_id = 333333333333
sso_role_name = Billing
[profile process]
credential_process = cat {home}/printed.json
[profile web]
role_arn = {web}
web_identity_token_file = {home}/token
[profile codes]
region = us-east-1
[profile triple]
region = us-east-1
[profile over-environment]
role_arn = {environment}
credential_source = Environment
region = {region}
[profile over-sso-with-a-serial]
role_arn = {sso_roles[over-sso]}
source_profile = sso
mfa_serial = {serial}
role_session_name = serial
region = {region}
"""


@dataclass
class Stage:
    """`printed`, `web`, … are the ARNs of who the sources are, by their profiles."""

    aws: LocalAws
    sso: SsoServer
    terminal: Terminal
    launcher: str
    sources: dict[str, str] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)

    def identity(self, profile: str, variables: str = "") -> str:
        """Who the real `aws` is with this profile."""
        self.aws.forget_calls()
        command = f"{self.launcher} {IDENTITY.removeprefix('aws ')} --profile {profile}"
        printed, status = self.terminal.run(f"env {variables} {command}" if variables else command)
        assert status == 0, printed
        (arn,) = printed.split()
        return arn

    def signers(self) -> list[str]:
        """Whose keys signed the calls for roles, one after the other; that all were taken is certain."""
        return [call.caller for call in self.aws.calls("AssumeRole")]


def assumed(role: str, session: str = "keyturn") -> str:
    return f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{session}"


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with (
        LocalAws("ada", "grace", "linus") as aws,
        SsoServer(issue=lambda *of: issue(aws, *of)) as sso,
        User() as user,
    ):
        yield made(aws, sso, user)


def issue(aws: LocalAws, account: str, role: str, expires: float) -> dict[str, Any]:
    """The portal's keys, such as the local AWS knows: each of its roles there is a role here."""
    keys = aws.machine_keys(f"arn:aws:iam::{ACCOUNT}:role/{role}-of-{account}")
    return {
        "accessKeyId": keys["AccessKeyId"],
        "secretAccessKey": keys["SecretAccessKey"],
        "sessionToken": keys["SessionToken"],
        "expiration": int(expires * 1000),
    }


def made(aws: LocalAws, sso: SsoServer, user: User) -> Stage:
    """Ada's item is the selected one, and no role trusts her."""
    user.variables.update({**aws.environment(), **sso.environment()})
    device = aws.add_device("grace")
    own = {
        "sso": aws.add_role("Admin-of-111111111111", ["sso.amazonaws.com"]),
        "legacy": aws.add_role("Billing-of-333333333333", ["sso.amazonaws.com"]),
        "process": aws.add_role("printed", ["somebody"]),
        "web": aws.add_role("web", ["subject:system:ci"]),
        "triple": aws.add_role("portal", ["sso.amazonaws.com"]),
    }
    roles = {"environment": aws.add_role("over-environment", ["linus"])}
    for name, source in ROLES.items():
        trusted = roles.get(source) or own.get(source, "grace")
        roles[name] = aws.add_role(name, [trusted], needs_mfa=source == "codes")
    config = SOURCES.format(
        start=START_URL, region=REGION, home=user.home, web=own["web"], environment=roles["environment"],
        sso_roles=roles, serial=device.serial,
    )  # fmt: skip
    for name, source in ROLES.items():
        config += (
            f"[profile {name}]\nrole_arn = {roles[name]}\nsource_profile = {source}\nregion = {REGION}\n"
        )
    set_up(user, config, item(aws.users["ada"]), item_with_codes(aws.users["grace"], device, "Grace"))
    (user.home / "printed.json").write_text(json.dumps({"Version": 1, **aws.machine_keys(own["process"])}))
    (user.home / "token").write_text(aws.web_token("system:ci"))
    (user.home / "pasted.json").write_text(json.dumps({"Version": 1, **aws.machine_keys(own["triple"])}))
    terminal = opened(user)
    printed, status = terminal.run("keyturn aws import --paste --title portal < pasted.json")
    assert status == 0, printed
    for title, profile in (("Grace", "codes"), ("portal", "triple")):
        line = (
            f"keyturn plugin init aws --item {title} --profile {profile} --no-input --no-shell-rc --also ''"
        )
        printed, status = terminal.run(line)
        assert status == 0, printed
    for profile in ("sso", "legacy"):
        # One start URL, and yet two sign-ins: a session by its name, and the older way by its address.
        sign_in(terminal, sso, f"keyturn aws sso login --no-browser --profile {profile}")
    machine = "i-0123456789"
    sources = {
        "sso": assumed("Admin-of-111111111111", machine),
        "legacy": assumed("Billing-of-333333333333", machine),
        "process": assumed("printed", machine),
        "web": assumed("web"),
        "triple": assumed("portal", machine),
        "codes": aws.users["grace"].arn,
    }
    return Stage(aws, sso, terminal, shlex.join(user.launcher("aws")), sources, roles)


def chain(profile: str) -> list[str]:
    """The profiles below one of ROLES, from its source down."""
    source = ROLES[profile]
    return [source, *chain(source)] if source in ROLES else [source]


@pytest.mark.parametrize("profile", ROLES)
def test_a_role_over_its_source(stage: Stage, profile: str) -> None:
    assert stage.identity(profile) == assumed(profile)
    below = chain(profile)
    # Each hop is made by the one below it, the last of them by the source itself. A lower hop may have been
    # made by a test before this one.
    expected = [stage.sources[below[-1]], *(assumed(each) for each in reversed(below[:-1]))]
    signers = stage.signers()
    assert signers
    assert signers == expected[-len(signers) :]
    assert stage.aws.users["ada"].arn not in {call.caller for call in stage.aws.calls()}
    # One code for a user's keys, and none for keys that are temporary already.
    sessions = [call.caller for call in stage.aws.calls("GetSessionToken")]
    assert len(sessions) <= (below[-1] == "codes")
    # Once for each of two roles, whoever is built on them.
    assert stage.sso.count("GetRoleCredentials") <= 2


def test_a_role_over_the_caller_s_environment(stage: Stage) -> None:
    linus = " ".join(f"{name}={value}" for name, value in stage.aws.keys("linus").items())
    assert stage.identity("over-environment", linus) == assumed("over-environment")
    assert stage.signers() == [stage.aws.users["linus"].arn]


def test_no_code_goes_with_keys_of_a_sign_in(stage: Stage) -> None:
    """The profile has a serial, and STS takes no code from temporary keys."""
    assert stage.identity("over-sso-with-a-serial") == assumed("over-sso", "serial")
    assert stage.signers() == [stage.sources["sso"]]
    assert not [call for call in stage.aws.calls() if call.has_code]

"""A broken source is its own error: never anybody else's keys, whoever is selected and whatever lies about.

The cases are generated: each source, each way in which it can be broken, under none to two roles, with an
item selected or none, with other keys in the environment and in the profile that is called `default`.
"""

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest

from keyturn.aws import hook
from keyturn.aws.calls import Call, Keys, Network
from keyturn.aws.executor import Executor
from keyturn.aws.ledger import Ledger
from keyturn.aws.sso_config import SsoSource
from keyturn.aws.sts import Answer, Refused, Trouble, Unanswered
from keyturn.ground.clock import SystemClock
from keyturn.ground.errors import KeyturnError, LockedError, SignedOutError
from keyturn.ground.secret import Secret
from keyturn.sdk.codes import TypedCodes
from keyturn.sdk.printed import Outputs, Printed, ProcessQuestion
from keyturn.sdk.run import NeedWork, Provisioned
from keyturn.sdk.sign_in import SignInQuestion
from tests.aws.world import OWN, PLUGIN, Caller, Nobody, expanded, item

T = TypeVar("T")


@dataclass
class Broken:
    """How a source is written, and what is wrong when it is asked; `line` is in the error."""

    lines: str
    line: str
    environment: dict[str, str] = field(default_factory=dict)
    printed: Printed = field(default_factory=lambda: Printed(0, Secret("")))
    sts: Exception | None = None
    sso: KeyturnError | None = None


WEB = "role_arn = @s\nweb_identity_token_file = "
SSO = "sso_start_url = https://x.awsapps.com/start\nsso_region = eu-west-1\n"
ROLE = "sso_account_id = 123456789012\nsso_role_name = r\n"
RUNNING = "credential_process = /bin/x\n"
SOURCE = "role_arn = @s\ncredential_source = "
CONTAINER = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9/keys"}

CASES = {
    "web, no file": Broken(WEB + "/nowhere\n", "the web identity token of profile “s” is not there"),
    "web, a directory": Broken(WEB + "/\n", "the web identity token of profile “s”"),
    "web, an empty name": Broken(WEB + "\n", "web_identity_token_file is empty"),
    "web, no role": Broken("web_identity_token_file = x\n", "has web_identity_token_file but no role_arn"),
    "web, refused": Broken(
        WEB + "token\n",
        "AWS does not take the web identity token",
        sts=Refused("InvalidIdentityToken", "", None),
    ),
    "web, expired": Broken(WEB + "token\n", "has expired", sts=Refused("ExpiredTokenException", "", None)),
    "web, unreachable": Broken(
        WEB + "token\n", "is not trusted", sts=Unanswered(Trouble.TLS, "sts.amazonaws.com")
    ),
    "environment, none": Broken(SOURCE + "Environment\n", "they are not there"),
    "environment, half": Broken(
        SOURCE + "Environment\n", "they are not there", {"AWS_ACCESS_KEY_ID": "AKIAHALF"}
    ),
    "container, none": Broken(SOURCE + "EcsContainer\n", "nothing says where they are"),
    "container, unreachable": Broken(SOURCE + "EcsContainer\n", "gave no keys", CONTAINER),
    "container, elsewhere": Broken(
        SOURCE + "EcsContainer\n", "no address", {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://e.example"}
    ),
    "container, no token file": Broken(
        SOURCE + "EcsContainer\n",
        "the token of the container's endpoint is not there",
        {**CONTAINER, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/nowhere"},
    ),
    "instance, unreachable": Broken(
        SOURCE + "Ec2InstanceMetadata\n",
        "gave no keys",
        {"AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:9/"},
    ),
    "instance, off": Broken(
        SOURCE + "Ec2InstanceMetadata\n", "is set", {"AWS_EC2_METADATA_DISABLED": "true"}
    ),
    "an unknown source": Broken(SOURCE + "Ec2\n", "credential_source is “Ec2”"),
    "process, no words": Broken("credential_process =\n", "no command line"),
    "process, garbage": Broken(RUNNING, "printed no JSON object", printed=Printed(0, Secret("AKIA"))),
    "process, nothing": Broken(RUNNING, "printed nothing"),
    "process, status": Broken(RUNNING, "ended with status 1", printed=Printed(1, Secret(""))),
    "process, hangs": Broken(RUNNING, "did not end in", printed=Printed(124, Secret(""), is_late=True)),
    "process, not there": Broken(RUNNING, "cannot be run", printed=Printed(127, Secret(""))),
    "process, nobody to run it": Broken(RUNNING, "nobody", printed=Printed(-1, Secret(""))),
    "keyturn for nobody": Broken(
        "credential_process = keyturn aws credential-process --profile nobody\n", "does not exist"
    ),
    "sso, no session": Broken("sso_session = x\n" + ROLE, "there is no such section"),
    "sso, no account": Broken(SSO + "sso_role_name = r\n", "lacks sso_account_id"),
    "sso, locked": Broken(SSO + ROLE, "locked", sso=LockedError("the account is locked")),
    "sso, refused": Broken(SSO + ROLE, "signed out", sso=SignedOutError("you are signed out")),
    "login": Broken("login_session = x\n", "Keyturn does not do that yet"),
    "half a pair": Broken("aws_access_key_id = AKIAHALF\n", "has no complete pair of keys"),
}


class Side(Nobody):
    """The caller's side: its programs end as the case says."""

    account = "a" * 26

    def __init__(self, broken: Broken) -> None:
        self.broken = broken

    async def output(self, question: ProcessQuestion) -> None:
        if self.broken.printed.status == -1:
            raise LockedError("nobody can run it")
        question.check(self.broken.printed)
        raise AssertionError("it was taken for keys")

    async def follow(self, work: "asyncio.Future[T]", line: Callable[[], str]) -> T:
        return await work


class SignIns:
    """In the place of single sign-on: the service says no."""

    def __init__(self, broken: Broken) -> None:
        self.broken = broken

    async def question(self, account: str, source: SsoSource, network: Network) -> SignInQuestion | None:
        return None

    async def keys(self, account: str, source: SsoSource, network: Network) -> Answer:
        assert self.broken.sso is not None
        raise self.broken.sso


PLACES = [
    case
    for case in itertools.product(CASES, (0, 1, 2), ("selected", "none"))
    # Half a pair of a profile that is asked for is plaintext's own error, and is tried in the tables.
    if case[0] != "half a pair" or case[1]
]


@pytest.mark.parametrize(("name", "depth", "chosen"), PLACES)
def test_it_is_its_own_error(
    name: str, depth: int, chosen: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = CASES[name]
    monkeypatch.setattr("keyturn.aws.executor.PAUSES", ())
    monkeypatch.setattr("botocore.utils.ContainerMetadataFetcher.SLEEP_TIME", 0)
    asked: list[str] = []

    def ask(call: Call, keys: Keys, network: Network, code: Secret | None) -> Answer:
        asked.append(keys.key_id)
        if broken.sts is None:
            # What would read the token: the real one, and it goes no further.
            from keyturn.aws import web_identity
            from keyturn.aws.calls import AssumeRoleWithWebIdentity

            assert isinstance(call, AssumeRoleWithWebIdentity)
            web_identity.read_token(call.token_file, call.profile)
            raise AssertionError("it was read")
        raise broken.sts

    clock = SystemClock()
    executor = Executor(
        clock, TypedCodes(clock), Ledger(home / "ledger"), ask, outputs=Outputs(clock), sso=SignIns(broken)
    )
    found = Caller(home, item("selected") if chosen == "selected" else None)
    found.environment = dict(broken.environment)
    if not name.startswith("environment"):
        found.environment |= {"AWS_ACCESS_KEY_ID": "AKIACALLER", "AWS_SECRET_ACCESS_KEY": "caller"}
    above = ["", "[profile q]\nrole_arn = @q\nsource_profile = s\n"]
    above.append(above[1] + "[profile p]\nrole_arn = @p\nsource_profile = q\n")
    config = f"{above[depth]}[profile s]\nregion = eu-west-1\n{broken.lines}"
    found.write(expanded(config), expanded(f"[default]\n{OWN}"))
    (home / "token").write_text("a-token-EXAMPLE")
    provision = hook.provision(PLUGIN, found.cache, executor, lambda: found.settings)
    invocation = found.invocation(f"--profile {'sqp'[depth]} s3 ls")

    async def run() -> Provisioned:
        step = provision(invocation, found.selection(), {})
        assert isinstance(step, NeedWork), "nobody's item is asked for"
        return await step.do(Side(broken))

    with pytest.raises(KeyturnError) as caught:
        asyncio.run(run())
    assert broken.line in caught.value.message, caught.value.message
    assert set(asked) <= {""}, "no call is made with anybody's keys"


def test_there_are_cases_enough() -> None:
    assert len(PLACES) > 150

"""One call: where it goes and as whom is what the arguments say, whatever environment and files are there."""

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from keyturn.aws import sts
from keyturn.aws.calls import AssumeRole, GetSessionToken, Keys, Mfa, Network, Sts
from keyturn.aws.sts import Refused, Trouble, Unanswered
from keyturn.ground.secret import Secret
from tests.aws.strange_servers import proxy
from tests.aws_server.client import Device, LocalAws

REGION = "eu-central-1"
NETWORK = Network()
CANARY = "CANARY+secret/of=ada"
LONG_TERM = Keys("AKIAIOSFODNN7EXAMPLE", Secret(CANARY))


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    with LocalAws("ada") as server:
        yield server


@pytest.fixture(scope="module")
def device(aws: LocalAws) -> Device:
    return aws.add_device("ada")


@pytest.fixture(scope="module")
def plain_role(aws: LocalAws) -> str:
    """A role that ada may assume as she is."""
    return aws.add_role("plain", ["ada"])


@pytest.fixture(autouse=True)
def mended(aws: LocalAws) -> Iterator[None]:
    yield
    aws.mend()
    aws.forget_calls()


def keys(aws: LocalAws) -> Keys:
    return Keys(aws.users["ada"].access_key_id, Secret(aws.users["ada"].secret_access_key))


def here(aws: LocalAws, region: str = REGION) -> Sts:
    return Sts(region, endpoint=aws.endpoint)


def assume(arn: str, place: Sts) -> AssumeRole:
    return AssumeRole("p", arn, 900, place, "ada")


def fresh(aws: LocalAws, device: Device) -> Secret:
    """A code that was not used: time goes on by a step."""
    return Secret(device.code(aws.advance(30)))


def test_a_session_with_a_code_then_a_role_with_all_inputs(aws: LocalAws, device: Device) -> None:
    arn = aws.add_role("r", ["ada"], needs_mfa=True, external_id="x-1", path="/team/")
    mfa = Mfa(device.serial)
    code = fresh(aws, device)
    session = sts.ask(GetSessionToken(mfa, 7200, here(aws)), keys(aws), NETWORK, code)
    assert session.date is not None
    assert session.keys.expires is not None
    assert abs((session.keys.expires - session.date).total_seconds() - 7200) <= 2
    everything = AssumeRole(
        "p", arn, 1800, here(aws, "us-east-1"), "ada@x", "x-1", (("a", "b"), ("c", "d")), ("a",), "ada"
    )
    found = sts.ask(everything, session.keys, NETWORK, None)
    assert found.keys.token is not None
    assert found.keys.key_id.startswith("ASIA")
    first, second = aws.calls()
    assert (first.action, first.serial, first.has_code, first.seconds) == (
        *("GetSessionToken", device.serial, True, 7200),
    )
    assert (second.region, second.role, second.session_name) == ("us-east-1", arn, "ada@x")
    assert (second.external_id, second.seconds, second.key_kind) == ("x-1", 1800, "session")
    assert not second.has_code
    assert "keyturn/" in first.agent
    for secret in (session.keys.secret, session.keys.token, found.keys.token):
        assert secret is not None
        assert secret.reveal() not in f"{session} {found}"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"key_id": "AKIAIOSFODNN7EXAMPLE"}, "InvalidClientTokenId"),
        ({"secret": Secret(CANARY)}, "SignatureDoesNotMatch"),
        ({"token": Secret(CANARY)}, "InvalidClientTokenId"),
    ],
)
def test_wrong_keys_are_refused(aws: LocalAws, plain_role: str, change: dict[str, object], code: str) -> None:
    wrong = Keys(**{"key_id": keys(aws).key_id, "secret": keys(aws).secret, **change})  # type: ignore[arg-type]
    with pytest.raises(Refused) as caught:
        sts.ask(assume(plain_role, here(aws)), wrong, NETWORK, None)
    assert caught.value.code == code
    assert caught.value.date is not None
    assert CANARY not in "".join(traceback.format_exception(caught.value))


def test_a_refusal_has_the_servers_time(aws: LocalAws, device: Device) -> None:
    aws.skew(61)
    with pytest.raises(Refused) as caught:
        sts.ask(GetSessionToken(Mfa(device.serial), 900, here(aws)), keys(aws), NETWORK, Secret("000000"))
    assert caught.value.message.startswith("MultiFactorAuthentication failed")
    assert caught.value.date is not None
    assert abs(caught.value.date.timestamp() - aws.now()) <= 5


@pytest.mark.parametrize(
    ("how", "trouble"),
    [
        ("500", Trouble.BUSY),
        ("503", Trouble.BUSY),
        ("throttled", Trouble.BUSY),
        ("closed", Trouble.INTERRUPTED),
    ],
)
def test_nothing_is_tried_twice(aws: LocalAws, device: Device, how: str, trouble: Trouble) -> None:
    aws.fail_next(1, how)
    with pytest.raises(Unanswered) as caught:
        sts.ask(GetSessionToken(Mfa(device.serial), 900, here(aws)), keys(aws), NETWORK, fresh(aws, device))
    assert caught.value.trouble is trouble
    assert caught.value.host == "127.0.0.1"
    assert len(aws.calls()) == 1


HOSTILE = """
import json, os, sys
from keyturn.aws import sts
from keyturn.aws.calls import AssumeRole, Keys, Network, Sts
from keyturn.ground.secret import Secret

given = json.loads(sys.stdin.read())
opened = []
def look(event, arguments):
    if event == "open" and isinstance(arguments[0], (str, bytes)):
        opened.append(os.fsdecode(arguments[0]))
    if event == "socket.connect":
        opened.append(f"connect {arguments[1]}")
sys.addaudithook(look)
keys = Keys(given["key_id"], Secret(given["secret"]))
call = AssumeRole("p", given["role"], 900, Sts("eu-central-1", endpoint=given["endpoint"]), "ada")
print(sts.ask(call, keys, Network(), None).keys.key_id)
print(json.dumps(opened))
"""


def test_no_variable_and_no_file_has_a_say(
    aws: LocalAws, plain_role: str, home: Path, tmp_path: Path
) -> None:
    """Each of these alone would send the call elsewhere, or change what is sent."""
    trap = "http://127.0.0.1:9"
    (home / ".aws" / "models" / "sts" / "2011-06-15").mkdir(parents=True)
    (home / ".aws" / "models" / "sts" / "2011-06-15" / "service-2.json").write_text("{")
    config = home / ".aws" / "config"
    config.write_text(
        f"[default]\nregion = x-1\nendpoint_url = {trap}\nca_bundle = /missing\nuse_fips_endpoint = true\n"
        f"[profile nobody]\nsource_profile = nobody\nrole_arn = x\ncredential_process = false\n[broken\n"
    )
    (home / ".aws" / "credentials").write_text("[default]\naws_access_key_id = AKIAOTHER\n[x\n")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "AWS_PROFILE": "nobody",
        "AWS_DEFAULT_PROFILE": "nobody",
        "AWS_CONFIG_FILE": str(config),
        "AWS_SHARED_CREDENTIALS_FILE": str(home / ".aws" / "credentials"),
        "AWS_ACCESS_KEY_ID": "AKIAOTHER",
        "AWS_SECRET_ACCESS_KEY": "other",
        "AWS_SESSION_TOKEN": "other",
        "AWS_REGION": "x-1",
        "AWS_DEFAULT_REGION": "x-1",
        "AWS_ENDPOINT_URL": trap,
        "AWS_ENDPOINT_URL_STS": trap,
        "AWS_DATA_PATH": str(home / ".aws" / "models"),
        "AWS_CA_BUNDLE": "/missing",
        "REQUESTS_CA_BUNDLE": "/missing",
        "AWS_USE_FIPS_ENDPOINT": "true",
        "AWS_USE_DUALSTACK_ENDPOINT": "true",
        "AWS_STS_REGIONAL_ENDPOINTS": "nonsense",
        "AWS_DEFAULTS_MODE": "auto",
        "AWS_RETRY_MODE": "nonsense",
        "AWS_MAX_ATTEMPTS": "nonsense",
        "AWS_EXECUTION_ENV": "canary-env",
        "AWS_SDK_UA_APP_ID": "canary-app",
        "AWS_CSM_ENABLED": "true",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": trap,
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": trap,
        "AWS_BEARER_TOKEN_STS": "canary-token",
        **dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"), trap),
    }
    given = {
        "key_id": keys(aws).key_id,
        "secret": keys(aws).secret.reveal(),
        "role": plain_role,
        "endpoint": aws.endpoint,
    }
    done = subprocess.run(
        [sys.executable, "-c", HOSTILE],
        input=json.dumps(given),
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    key_id, opened = done.stdout.splitlines()
    assert key_id.startswith("ASIA")
    touched = json.loads(opened)
    assert not [path for path in touched if str(home) in path]
    # One connection; none to the metadata service, none to the traps.
    port = int(aws.endpoint.rpartition(":")[2])
    assert [each for each in touched if each.startswith("connect")] == [f"connect ('127.0.0.1', {port})"]
    assert "canary" not in aws.calls()[0].agent


def test_no_proxy_is_honoured(aws: LocalAws, plain_role: str) -> None:
    with proxy() as (url, asked):
        variables = (("http_proxy", url), ("NO_PROXY", "x.example,127.0.0.1"))
        sts.ask(assume(plain_role, here(aws)), keys(aws), Network(variables), None)
        assert asked == []
        with pytest.raises(Unanswered) as caught:
            sts.ask(assume(plain_role, here(aws)), keys(aws), Network(variables[:1]), None)
        assert asked == [f"POST {aws.endpoint}/"]
        assert caught.value.trouble is Trouble.BUSY


def test_a_certificate_has_to_be_trusted(aws: LocalAws, plain_role: str) -> None:
    """Under AWS's own name: with the bundle that knows it, and without."""
    variables = aws.proxy_environment()
    https = (("HTTPS_PROXY", variables["HTTPS_PROXY"]),)
    known = Network(https, variables["AWS_CA_BUNDLE"])
    for region in ("eu-central-1", "us-east-1"):
        assert sts.ask(assume(plain_role, Sts(region)), keys(aws), known, None).keys.token
    with pytest.raises(Unanswered) as caught:
        sts.ask(assume(plain_role, Sts(REGION)), keys(aws), Network(https), None)
    assert caught.value.trouble is Trouble.TLS


def test_a_log_at_its_most_talkative_holds_no_secret(
    aws: LocalAws, device: Device, caplog: pytest.LogCaptureFixture
) -> None:
    code = fresh(aws, device)
    with caplog.at_level(1):
        found = sts.ask(GetSessionToken(Mfa(device.serial), 900, here(aws)), keys(aws), NETWORK, code)
    assert found.keys.token is not None
    for secret in (code, keys(aws).secret, found.keys.secret, found.keys.token):
        assert secret.reveal() not in caplog.text

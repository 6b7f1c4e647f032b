"""Where a call goes, and what becomes of an answer that is none."""

import os
import socket
import ssl
import subprocess
import sys
import time
import traceback
import urllib.request
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keyturn.aws import sts
from keyturn.aws.calls import AssumeRole, GetSessionToken, Keys, Mfa, Network, Sts
from keyturn.aws.proxies import proxies_for
from keyturn.aws.sts import Refused, Trouble, Unanswered
from keyturn.ground.errors import ConfigurationError
from keyturn.ground.secret import Secret
from tests.aws.strange_servers import answering, proxy, serving

REGION = "eu-central-1"
NETWORK = Network()
CANARY = "CANARY+secret/of=ada"
LONG_TERM = Keys("AKIAIOSFODNN7EXAMPLE", Secret(CANARY))


def assume(arn: str, place: Sts) -> AssumeRole:
    return AssumeRole("p", arn, 900, place, "ada")


@pytest.mark.parametrize(
    ("place", "host"),
    [
        (Sts("eu-central-1"), "sts.eu-central-1.amazonaws.com"),
        (Sts("us-east-1"), "sts.us-east-1.amazonaws.com"),
        (Sts("ap-east-1"), "sts.ap-east-1.amazonaws.com"),
        (Sts("cn-north-1", "aws-cn"), "sts.cn-north-1.amazonaws.com.cn"),
        (Sts("us-gov-west-1", "aws-us-gov"), "sts.us-gov-west-1.amazonaws.com"),
        (Sts("us-east-1", variant=frozenset({"fips"})), "sts-fips.us-east-1.amazonaws.com"),
        (Sts("eu-central-1", variant=frozenset({"dualstack"})), "sts.eu-central-1.api.aws"),
        (Sts("eu-central-1", variant=frozenset({"legacy"})), "sts.amazonaws.com"),
        (Sts("ap-east-1", variant=frozenset({"legacy"})), "sts.ap-east-1.amazonaws.com"),
        (Sts("cn-north-1", "aws-cn", variant=frozenset({"legacy"})), "sts.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_where_a_call_goes(monkeypatch: pytest.MonkeyPatch, place: Sts, host: str) -> None:
    """Stories 33 to 36, through a proxy that notes where it is asked to connect to, and does not."""
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS"):
        monkeypatch.setenv(name, "https://elsewhere.example")
    with proxy() as (url, asked), pytest.raises(Unanswered) as caught:
        sts.ask(
            assume("arn:aws:iam::123456789012:role/r", place),
            LONG_TERM,
            Network((("HTTPS_PROXY", url),)),
            None,
        )
    assert asked == [f"CONNECT {host}:443"]
    assert caught.value.trouble is Trouble.PROXY
    assert caught.value.host == host


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"HTTPS_PROXY": "http://a"}, {"https": "http://a"}),
        ({"HTTPS_PROXY": "http://a", "https_proxy": "http://b"}, {"https": "http://b"}),
        ({"HTTPS_PROXY": "http://a", "https_proxy": ""}, {}),
        ({"HTTPS_PROXY": "http://a", "NO_PROXY": "*"}, {}),
        ({"HTTPS_PROXY": "http://a", "NO_PROXY": "amazonaws.com"}, {}),
        ({"HTTPS_PROXY": "http://a", "NO_PROXY": ".amazonaws.com, x"}, {}),
        (
            {"HTTPS_PROXY": "http://a", "NO_PROXY": "sts.eu-central-1.amazonaws.com:443"},
            {"https": "http://a"},
        ),
        ({"HTTPS_PROXY": "http://a", "NO_PROXY": "naws.com,"}, {"https": "http://a"}),
        ({"HTTPS_PROXY": "http://a", "NO_PROXY": "*", "no_proxy": "x"}, {"https": "http://a"}),
    ],
)
def test_the_rules_of_proxies(variables: dict[str, str], expected: dict[str, str]) -> None:
    assert proxies_for("https://sts.eu-central-1.amazonaws.com", list(variables.items())) == expected


NAMES = [
    "HTTPS_PROXY",
    "https_proxy",
    "Https_Proxy",
    "http_proxy",
    "ALL_PROXY",
    "NO_PROXY",
    "no_proxy",
    "OTHER",
]
HOSTS = ["sts.amazonaws.com", "127.0.0.1:8000", "sts.eu-central-1.amazonaws.com:443", "localhost"]


@given(
    variables=st.dictionaries(
        st.sampled_from(NAMES),
        st.sampled_from(["", "http://a", "*", "amazonaws.com", "127.0.0.1", ".com", "localhost:1"]),
    ),
    host=st.sampled_from(HOSTS),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_proxies_are_those_of_urllib(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], host: str
) -> None:
    """It is what botocore asks; but of the agent's own environment, which is not the caller's."""
    with monkeypatch.context() as patched:
        for name in list(os.environ):
            patched.delenv(name)
        for name, value in variables.items():
            patched.setenv(name, value)
        expected = {} if urllib.request.proxy_bypass(host) else urllib.request.getproxies()
    expected.pop("no", None)
    assert proxies_for(f"https://{host}/", list(variables.items())) == expected


def test_nobody_there_is_told_at_once() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        place = Sts(REGION, endpoint=f"http://127.0.0.1:{taken.getsockname()[1]}")
        started = time.monotonic()
        with pytest.raises(Unanswered) as caught:
            sts.ask(assume("arn:aws:iam::123456789012:role/r", place), LONG_TERM, NETWORK, None)
        assert time.monotonic() - started < 3
    assert caught.value.trouble is Trouble.UNREACHED


def test_who_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sts, "READ_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = Sts(REGION, endpoint=f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(Unanswered) as caught:
            sts.ask(assume("arn:aws:iam::123456789012:role/r", place), LONG_TERM, NETWORK, None)
    assert caught.value.trouble is Trouble.INTERRUPTED


@pytest.mark.parametrize(
    ("status", "body", "trouble"),
    [
        (200, b"<html><p>Sign in", Trouble.NONSENSE),
        (200, b"<html></html>", Trouble.NONSENSE),
        (200, b"", Trouble.NONSENSE),
        (200, b"\xff\xfe", Trouble.NONSENSE),
        (200, b"<a><AssumeRoleResult><Credentials/></AssumeRoleResult></a>", Trouble.NONSENSE),
        (502, b"<html>bad gateway</html>", Trouble.BUSY),
        (503, b"<html><p>try again", Trouble.BUSY),
        (503, b"", Trouble.BUSY),
    ],
)
def test_what_is_not_sts_is_told_as_that(status: int, body: bytes, trouble: Trouble) -> None:
    with answering(status, body) as url:
        call = assume("arn:aws:iam::123456789012:role/r", Sts(REGION, endpoint=url))
        with pytest.raises(Unanswered) as caught:
            sts.ask(call, LONG_TERM, NETWORK, None)
    assert caught.value.trouble is trouble


def test_an_answer_that_repeats_secrets_is_not_repeated() -> None:
    """STS's answer to a wrong signature may hold the headers that were signed, the token among them."""
    code, token = Secret("482913"), Secret("CANARY/token+of=ada")
    text = f"The canonical string: token:{token.reveal()}\n&amp;TokenCode={code.reveal()}\x1b[31m {CANARY}"
    body = f"<R><Error><Code>AccessDenied</Code><Message>{text}</Message></Error></R>".replace(
        "\x1b", "&#x9b;"
    )
    asking = Keys("ASIAIOSFODNN7EXAMPLE", Secret(CANARY), token)
    with answering(403, body.encode()) as url:
        call = GetSessionToken(Mfa("arn:aws:iam::123456789012:mfa/ada"), 900, Sts(REGION, endpoint=url))
        with pytest.raises(Refused) as caught:
            sts.ask(call, asking, NETWORK, code)
    shown = caught.value.message + "".join(traceback.format_exception(caught.value))
    assert caught.value.message.startswith("The canonical string")
    assert caught.value.message.isprintable()
    for secret in (code.reveal(), token.reveal(), CANARY):
        assert secret not in shown.replace("Secret(", "")
    assert len(caught.value.message) <= sts.LONGEST_MESSAGE


def test_a_redirect_takes_no_code_elsewhere() -> None:
    asked: list[str] = []

    class Elsewhere(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.path)
            self.send_error(500)

        do_GET = do_POST  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    with serving(Elsewhere) as other:
        for status in (301, 307, 308):
            with answering(status, b"", ("Location", other)) as url:
                call = GetSessionToken(
                    Mfa("arn:aws:iam::123456789012:mfa/ada"), 900, Sts(REGION, endpoint=url)
                )
                with pytest.raises((Refused, Unanswered)):
                    sts.ask(call, LONG_TERM, NETWORK, Secret("123456"))
    assert asked == []


@pytest.mark.parametrize(
    "wrong",
    [
        Keys("AKIA\nX-Evil: 1", Secret("x")),
        Keys("AKIAÉ", Secret("x")),
        Keys("AKIA", Secret("CANARY\r\n")),
        Keys("AKIA", Secret("x"), Secret("CANARY token")),
    ],
)
def test_keys_that_no_header_can_carry_are_refused_without_being_shown(wrong: Keys) -> None:
    place = Sts(REGION, endpoint="http://127.0.0.1:9")
    with pytest.raises(ConfigurationError, match="holds characters that no AWS key has") as caught:
        sts.ask(assume("arn:aws:iam::123456789012:role/r", place), wrong, NETWORK, None)
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize("place", [Sts("not a region"), Sts(REGION, endpoint="nowhere"), Sts("")])
def test_what_cannot_be_a_place_is_refused(place: Sts) -> None:
    with pytest.raises(ConfigurationError, match="cannot be called like this"):
        sts.ask(assume("arn:aws:iam::123456789012:role/r", place), LONG_TERM, NETWORK, None)


def test_a_missing_ca_bundle_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot read the CA bundle .*missing\.pem: no such file"):
        sts.ask(
            assume("arn:aws:iam::123456789012:role/r", Sts(REGION)),
            LONG_TERM,
            Network(ca_bundle=str(tmp_path / "missing.pem")),
            None,
        )


def test_no_bundle_is_no_reason_to_trust_everybody(tmp_path: Path) -> None:
    broken = tmp_path / "bundle.pem"
    broken.write_text("nothing")
    with pytest.raises((ConfigurationError, Unanswered)):
        sts.ask(
            assume("arn:aws:iam::123456789012:role/r", Sts(REGION, endpoint="https://127.0.0.1:9")),
            LONG_TERM,
            Network(ca_bundle=str(broken)),
            None,
        )
    assert ssl.create_default_context().verify_mode is ssl.CERT_REQUIRED


def test_nothing_of_botocore_is_imported_before_it_is_needed() -> None:
    """It is a third of the agent's memory, and most commands of a day need no call."""
    names = "keyturn.aws.executor, keyturn.aws.sts, keyturn.aws.refusals, keyturn.otp"
    program = f"import sys, {names}; print([name for name in sys.modules if name.startswith('botocore')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stdout == "[]\n", done.stderr

"""The stand-in for IAM Identity Center: AWS CLI 2 signs in to it, and it refuses what the real one would."""

import base64
import hashlib
import json
import os
import re
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.aws_server.host_names import HostNames
from tests.aws_server.sso import START_URL, SsoServer
from tests.aws_server.sso_rules import DEVICE
from tests.parts import needs

SECONDS = 60
BACK = "http://127.0.0.1/oauth/callback"
HERE = "http://127.0.0.1:4711/oauth/callback"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


@pytest.fixture
def sso() -> Iterator[SsoServer]:
    with SsoServer() as found:
        yield found


@contextmanager
def host_names(sso: SsoServer) -> Iterator[dict[str, str]]:
    """The stand-in under AWS's own names: Debian's AWS CLI 2 knows no other way."""
    server = HostNames(int(sso.endpoint.rpartition(":")[2]))
    server.start()
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as authority:
        authority.write(server.certificate)
        authority.flush()
        yield {"HTTPS_PROXY": f"http://127.0.0.1:{server.port}", "AWS_CA_BUNDLE": authority.name}
    server.shutdown()
    server.server_close()


def test_aws_cli_2_signs_in_and_gets_role_credentials(sso: SsoServer, tmp_path: Path) -> None:
    aws = needs("/usr/bin/aws")
    sso.rules.page = 100
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/config").write_text(sso.config_text(dev="111111111111/Admin"))
    with host_names(sso) as reached:
        environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "AWS_PROFILE": "dev", **reached}
        login = subprocess.Popen(
            [aws, "sso", "login", "--no-browser"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert login.stdout is not None
        seen = ""
        while not re.search(r"user_code=", seen):
            line = login.stdout.readline()
            assert line, seen
            seen += line
        sso.approve(re.findall(r"[A-Z]{4}-[A-Z]{4}", seen)[0])
        assert "Successfully" in login.communicate(timeout=SECONDS)[0]
        assert login.returncode == 0
        exported = subprocess.run(
            [aws, "configure", "export-credentials"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    assert json.loads(exported.stdout)["AccessKeyId"].startswith("ASIA"), exported.stderr
    assert sso.count("GetRoleCredentials", error="") == 1


class Program:
    """A client of the service that can get everything wrong."""

    def __init__(self, sso: SsoServer) -> None:
        self.sso = sso
        self.known = self.registered(grantTypes=["authorization_code", "refresh_token"])

    def registered(self, **more: Any) -> dict[str, Any]:
        wanted: dict[str, Any] = {"clientName": "test", "clientType": "public"}
        if "authorization_code" in more.get("grantTypes", ()):
            wanted |= {"redirectUris": [BACK], "issuerUrl": START_URL}
        made = self.ask("/client/register", **{**wanted, **more})
        return {"clientId": made["clientId"], "clientSecret": made["clientSecret"]}

    def ask(self, path: str, **given: Any) -> dict[str, Any]:
        request = urllib.request.Request(f"{self.sso.endpoint}{path}", json.dumps(given).encode())
        return self._send(request)

    def portal(self, path: str, token: str, method: str = "GET") -> dict[str, Any]:
        headers = {"x-amz-sso_bearer_token": token}
        return self._send(
            urllib.request.Request(f"{self.sso.endpoint}{path}", headers=headers, method=method)
        )

    def _send(self, request: urllib.request.Request) -> dict[str, Any]:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=SECONDS) as answer:
                return dict(json.load(answer))
        except urllib.error.HTTPError as error:
            with error:
                return {"refused": error.headers["x-amzn-ErrorType"]}

    def query(self, **more: str) -> dict[str, str]:
        return {
            "response_type": "code",
            "client_id": self.known["clientId"],
            "redirect_uri": HERE,
            "state": "s",
            "code_challenge_method": "S256",
            "code_challenge": CHALLENGE,
            "scopes": "sso:account:access",
            **more,
        }

    def agreed(self) -> str:
        """A code, as the page sends a browser back with it."""

        class NoRedirect(urllib.request.HTTPRedirectHandler):
            def redirect_request(self, *given: Any) -> None:
                return None

        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), NoRedirect)
        url = f"{self.sso.endpoint}/authorize?{urlencode(self.query())}"
        try:
            opener.open(url, b"", timeout=SECONDS)
        except urllib.error.HTTPError as error:
            with error:
                back = urlsplit(error.headers["Location"])
                assert back.geturl().startswith(HERE)
                return parse_qs(back.query)["code"][0]
        raise AssertionError("not sent back")

    def exchange(self, code: str, **more: str) -> dict[str, Any]:
        wanted = {
            "grantType": "authorization_code",
            "code": code,
            "redirectUri": HERE,
            "codeVerifier": VERIFIER,
        }
        return self.ask("/token", **{**self.known, **wanted, **more})

    def refresh(self, token: str, **more: str) -> dict[str, Any]:
        return self.ask(
            "/token", **{**self.known, "grantType": "refresh_token", "refreshToken": token, **more}
        )


@pytest.fixture
def program(sso: SsoServer) -> Program:
    return Program(sso)


def test_polling(program: Program) -> None:
    known = program.registered(grantTypes=[DEVICE])
    begun = program.ask("/device_authorization", **known, startUrl=START_URL)

    def poll(**more: str) -> Any:
        sent = {**known, "grantType": DEVICE, "deviceCode": begun["deviceCode"], **more}
        return program.ask("/token", **sent).get("refused", "token")

    assert poll(deviceCode="other") == "InvalidGrantException"
    assert poll() == "AuthorizationPendingException"
    assert poll() == "SlowDownException"
    program.sso.advance(1.5)
    assert poll() == "SlowDownException", "five seconds more than before"
    program.sso.advance(60)
    assert poll(clientSecret="wrong") == "InvalidClientException"
    program.sso.approve(begun["userCode"])
    assert poll() == "token"
    assert poll() == "InvalidGrantException", "once"
    program.sso.advance(601)
    late = program.ask("/device_authorization", **known, startUrl=START_URL)
    program.sso.advance(601)
    begun = late
    assert poll() == "ExpiredTokenException"
    assert program.ask("/device_authorization", **known, startUrl="https://x") == {
        "refused": "InvalidRequestException"
    }
    assert program.ask("/device_authorization", **program.known, startUrl=START_URL) == {
        "refused": "UnauthorizedClientException"
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"codeVerifier": "w" * 43},
        {"codeVerifier": ""},
        {"redirectUri": BACK},
    ],
)
def test_a_code_is_for_who_asked_for_it(program: Program, wrong: dict[str, str]) -> None:
    code = program.agreed()
    assert program.exchange(f"{code}x") == {"refused": "InvalidGrantException"}
    assert program.exchange(code, **wrong) == {"refused": "InvalidGrantException"}
    assert "accessToken" in program.exchange(code)


def test_a_code_that_comes_twice_ends_what_it_brought(program: Program) -> None:
    code = program.agreed()
    token = program.exchange(code)["accessToken"]
    assert "accountList" in program.portal("/assignment/accounts", token)
    assert program.exchange(code) == {"refused": "InvalidGrantException"}
    assert program.portal("/assignment/accounts", token) == {"refused": "UnauthorizedException"}
    assert program.exchange(program.agreed(), **program.registered(
        grantTypes=["authorization_code"])) == {"refused": "InvalidGrantException"}  # fmt: skip
    late = program.agreed()
    program.sso.advance(61)
    assert program.exchange(late) == {"refused": "InvalidGrantException"}


def test_a_refresh_token_is_good_once(program: Program) -> None:
    first = program.exchange(program.agreed())
    second = program.refresh(first["refreshToken"])
    assert "accountList" in program.portal("/assignment/accounts", second["accessToken"])
    other = program.registered(grantTypes=["authorization_code", "refresh_token"])
    assert program.refresh(second["refreshToken"], **other) == {"refused": "InvalidClientException"}
    assert program.refresh(first["refreshToken"]) == {"refused": "InvalidGrantException"}
    assert program.refresh(second["refreshToken"]) == {"refused": "InvalidGrantException"}, (
        "somebody stole it"
    )
    assert program.portal("/assignment/accounts", second["accessToken"]) == {
        "refused": "UnauthorizedException"
    }


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"redirect_uri": "http://127.0.0.1:1/other"}, "InvalidRedirectUriException"),
        ({"redirect_uri": "https://evil.example/oauth/callback"}, "InvalidRedirectUriException"),
        ({"client_id": "other"}, "InvalidClientException"),
        ({"state": ""}, "InvalidRequestException"),
        ({"code_challenge_method": "plain"}, "InvalidRequestException"),
        ({"code_challenge": "short"}, "InvalidRequestException"),
        ({"scopes": "everything"}, "InvalidScopeException"),
    ],
)
def test_what_a_browser_may_not_bring(program: Program, wrong: dict[str, str], error: str) -> None:
    url = f"{program.sso.endpoint}/authorize?{urlencode(program.query(**wrong))}"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with pytest.raises(urllib.error.HTTPError) as refused:
        opener.open(url, timeout=SECONDS)
    with refused.value as page:
        assert page.read().decode() == error


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"clientType": "confidential"}, "InvalidClientMetadataException"),
        ({"scopes": ["everything"]}, "InvalidScopeException"),
        ({"grantTypes": ["password"]}, "UnsupportedGrantTypeException"),
        ({"grantTypes": ["authorization_code"], "issuerUrl": "https://x"}, "InvalidRequestException"),
        ({"grantTypes": ["authorization_code"], "redirectUris": [HERE]}, "InvalidRedirectUriException"),
    ],
)
def test_registrations(program: Program, wrong: dict[str, Any], error: str) -> None:
    wanted = {"clientName": "x", "clientType": "public", "issuerUrl": START_URL, "redirectUris": [BACK]}
    assert program.ask("/client/register", **{**wanted, **wrong}) == {"refused": error}


def test_the_portal(program: Program) -> None:
    token = program.exchange(program.agreed())["accessToken"]
    first = program.portal("/assignment/accounts", token)
    assert len(first["accountList"]) == 2
    rest = program.portal(f"/assignment/accounts?next_token={first['nextToken']}", token)
    assert (len(rest["accountList"]), "nextToken" in rest) == (1, False)
    roles = "/federation/credentials?account_id=111111111111&role_name="
    assert program.portal(f"{roles}Nobody", token) == {"refused": "ForbiddenException"}
    assert "roleCredentials" in program.portal(f"{roles}Admin", token)
    assert program.portal(f"{roles}Admin", "other") == {"refused": "UnauthorizedException"}
    assert program.portal("/assignment/roles?account_id=9", token) == {"refused": "ResourceNotFoundException"}
    program.portal("/logout", token, "POST")
    assert program.portal(f"{roles}Admin", token) == {"refused": "UnauthorizedException"}
    token = program.exchange(program.agreed())["accessToken"]
    program.sso.advance(3601)
    assert program.portal(f"{roles}Admin", token) == {"refused": "UnauthorizedException"}

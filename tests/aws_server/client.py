"""Starts the local AWS of serve.py for tests and for the demo. Needs nothing but the standard library."""

import json
import os
import selectors
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from tests.aws_server.codes import code_of, step_of

ROOT = Path(__file__).resolve().parents[2]
MOTO_PYTHON = ROOT / ".tools/moto/bin/python"
AWS = ROOT / ".tools/aws/bin/aws"
SECONDS_TO_START = 60.0  # half a second once the machine has read moto's files
SECONDS_TO_END = 10.0
SECONDS_TO_ANSWER = 30.0


@dataclass(frozen=True)
class AwsUser:
    name: str
    access_key_id: str
    secret_access_key: str
    arn: str


@dataclass(frozen=True)
class Device:
    """An MFA device; `secret` is what stands beside its QR code, `user` the ARN of its user."""

    serial: str
    user: str
    secret: str

    def code(self, seconds: float) -> str:
        """The code that it shows at this time (seconds since 1970)."""
        return code_of(self.secret, step_of(seconds))


@dataclass(frozen=True)
class Call:
    """A request that the server got.

    `key_kind` is user, root, session (of GetSessionToken), federated or role, web where a token was taken
    instead, and empty for another unsigned one;
    `caller` whose ARN the key is (empty for a key that was made through IAM); `step` the number of the code's
    30 seconds; `error` the code of a refusal; `status` 0 if the connection was closed without an answer, None
    while there is none yet. `at` is in seconds since 1970, by the server's clock.
    """

    at: float
    action: str
    service: str
    region: str
    host: str
    agent: str
    signed_at: str
    key_id: str
    key_kind: str
    caller: str
    serial: str
    step: int | None
    has_code: bool
    role: str
    session_name: str
    external_id: str
    seconds: int | None
    status: int | None
    error: str


class LocalAws:
    """`with LocalAws("ada", "grace") as aws:` a server with these users, ended when the block ends.

    Every request has to be signed by a key of one of the users; each may do everything. What else there is
    (devices, roles, users) is added while it runs, and so is what goes wrong.
    """

    endpoint: str
    users: dict[str, AwsUser]

    def __init__(self, *user_names: str, python: Path = MOTO_PYTHON) -> None:
        self._command = [str(python), "-m", "tests.aws_server.serve"]
        for name in user_names:
            self._command += ["--user", name]

    def __enter__(self) -> Self:
        self._errors: IO[bytes] = tempfile.TemporaryFile()
        self._certificate: IO[str] | None = None
        # The caller's AWS and KEYTURN variables are not the server's business.
        environment = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
        self.process = subprocess.Popen(
            self._command,
            env=environment,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,  # Ctrl-C in the terminal is for the command under test
        )
        try:
            ready = json.loads(self._first_line())
        except BaseException:
            self._end()
            raise
        self.endpoint = f"http://127.0.0.1:{ready['port']}"
        self.users = {name: AwsUser(name, **key) for name, key in ready["users"].items()}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def config_text(self, region: str = "eu-central-1") -> str:
        """What stands in `~/.aws/config`."""
        return f"[default]\nregion = {region}\noutput = json\n"

    def credentials_text(self, user_name: str, profile: str = "default") -> str:
        """What stands in a plaintext `~/.aws/credentials`."""
        user = self.users[user_name]
        return (
            f"[{profile}]\n"
            f"aws_access_key_id = {user.access_key_id}\n"
            f"aws_secret_access_key = {user.secret_access_key}\n"
        )

    def environment(self, user_name: str | None = None) -> dict[str, str]:
        """The variables that send any AWS tool here, with a user's keys if one is named."""
        variables = {"AWS_ENDPOINT_URL": self.endpoint, "AWS_EC2_METADATA_DISABLED": "true"}
        return variables | ({} if user_name is None else self.keys(user_name))

    def proxy_environment(self) -> dict[str, str]:
        """The variables that send a tool here under AWS's real host names, as through a company's proxy."""
        found = self._ask("host_names")
        if self._certificate is None:
            self._certificate = tempfile.NamedTemporaryFile("w", suffix=".pem")  # noqa: SIM115 - until the end
            self._certificate.write(found["certificate"])
            self._certificate.flush()
        return {
            "HTTPS_PROXY": f"http://127.0.0.1:{found['port']}",
            "AWS_CA_BUNDLE": self._certificate.name,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def keys(self, user_name: str) -> dict[str, str]:
        """The variables that hold a user's keys."""
        user = self.users[user_name]
        return {"AWS_ACCESS_KEY_ID": user.access_key_id, "AWS_SECRET_ACCESS_KEY": user.secret_access_key}

    def add_user(self, name: str, partition: str = "aws", path: str = "/") -> AwsUser:
        """One more user who may do everything; partitions: aws, aws-cn, aws-us-gov."""
        self.users[name] = AwsUser(name, **self._ask("add_user", name=name, partition=partition, path=path))
        return self.users[name]

    def add_root_key(self) -> AwsUser:
        """A key of the account itself, as user "root"."""
        self.users["root"] = AwsUser("root", **self._ask("add_root_key"))
        return self.users["root"]

    def add_device(self, user_name: str, serial: str = "", secret: str = "") -> Device:
        """An MFA device of a user; the serial is an ARN and the secret (base32) new, unless given."""
        user = self.users[user_name].arn
        return Device(**self._ask("add_device", user=user, serial=serial, secret=secret))

    def add_role(
        self,
        name: str,
        trusted: Sequence[str],
        *,
        needs_mfa: bool = False,
        external_id: str = "",
        max_seconds: int = 3600,
        path: str = "/",
        account: str = "123456789012",
        partition: str = "aws",
    ) -> str:
        """A role that may do everything; its ARN. `trusted` are users' names, or ARNs (of roles, …:root)."""
        arns = [self.users[each].arn if each in self.users else each for each in trusted]
        found: str = self._ask(
            "add_role",
            name=name,
            trusted=arns,
            needs_mfa=needs_mfa,
            external_id=external_id,
            max_seconds=max_seconds,
            path=path,
            account=account,
            partition=partition,
        )
        return found

    def web_token(self, subject: str, seconds: float = 600, audience: str = "sts.amazonaws.com") -> str:
        """A token of the issuer that roles trust which have `subject:SUBJECT` among the trusted."""
        return str(self._ask("web_token", subject=subject, seconds=seconds, audience=audience))

    def machine_keys(self, role: str, seconds: float = 3600) -> dict[str, str]:
        """A role's keys as a machine has them: AccessKeyId, SecretAccessKey, SessionToken, Expiration."""
        found: dict[str, str] = self._ask("machine_keys", role=role, seconds=seconds)
        return found

    def whose(self, key_id: str) -> str:
        """The ARN that a key is of; empty for one that is not known."""
        return str(self._ask("whose", key_id=key_id))

    def calls(self, *actions: str) -> list[Call]:
        """The requests so far, or those of some actions (`AssumeRole`), in the order of their arrival."""
        found = [Call(**each) for each in self._ask("calls")]
        return [call for call in found if not actions or call.action in actions]

    def forget_calls(self) -> None:
        self._ask("forget_calls")

    def slow(self, seconds: float, action: str = "") -> None:
        """Every request, or every one of an action, takes so much longer; 0 ends it."""
        self._ask("slow", seconds=seconds, action=action)

    def fail_next(self, count: int, how: str = "500", action: str = "") -> None:
        """The next requests (of an action) fail: `500`, `503`, `throttled`, or `closed` without an answer."""
        self._ask("fail_next", count=count, how=how, action=action)

    def disable_region(self, region: str) -> None:
        """STS is not activated in this region."""
        self._ask("disable_region", region=region)

    def mend(self) -> None:
        """Undo slow, fail_next, disable_region and skew."""
        self._ask("mend")

    def skew(self, seconds: float) -> None:
        """The server's clock is right and the caller's is this much behind it."""
        self._ask("skew", seconds=seconds)

    def advance(self, seconds: float) -> float:
        """Move time, for codes, expiry and the Date header; what it is then. Signatures are still taken."""
        return float(self._ask("advance", seconds=seconds))

    def stop_clock(self, at: float | None) -> float:
        """Time stands at `at` until it is advanced (None: it goes on, as the machine's)."""
        return float(self._ask("stop_clock", at=at))

    def now(self) -> float:
        """Seconds since 1970, by the server's clock."""
        return float(self._ask("now"))

    def _ask(self, command: str, **given: Any) -> Any:
        request = urllib.request.Request(f"{self.endpoint}/-/{command}", json.dumps(given).encode())
        # Whatever proxy the machine has, this is for the loopback.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=SECONDS_TO_ANSWER) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                raise RuntimeError(f"the local AWS: {command}: {error.read().decode()}") from None

    def _first_line(self) -> bytes:
        assert self.process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            selector.select(SECONDS_TO_START)
            line = self.process.stdout.readline() if selector.select(0) else b""
        if not line.endswith(b"\n"):
            self.process.kill()
            self.process.wait()
            self._errors.seek(0)
            raise RuntimeError(f"the local AWS did not start: {self._errors.read().decode(errors='replace')}")
        return line

    def _end(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        try:
            self.process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self._errors.close()
        if self._certificate is not None:
            self._certificate.close()

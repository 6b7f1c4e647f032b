"""Starts the local AWS of serve.py for tests and for the demo. Needs nothing but the standard library."""

import json
import os
import selectors
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

ROOT = Path(__file__).resolve().parents[2]
MOTO_PYTHON = ROOT / ".tools/moto/bin/python"
AWS = ROOT / ".tools/aws/bin/aws"
SECONDS_TO_START = 60.0  # half a second once the machine has read moto's files
SECONDS_TO_END = 10.0


@dataclass(frozen=True)
class AwsUser:
    name: str
    access_key_id: str
    secret_access_key: str
    arn: str


class LocalAws:
    """`with LocalAws("ada", "grace") as aws:` a server with these users, ended when the block ends.

    Every request has to be signed by a key of one of the users; each may do everything.
    """

    endpoint: str
    users: dict[str, AwsUser]

    def __init__(self, *user_names: str, python: Path = MOTO_PYTHON) -> None:
        self._command = [str(python), str(Path(__file__).with_name("serve.py"))]
        for name in user_names:
            self._command += ["--user", name]

    def __enter__(self) -> Self:
        self._errors: IO[bytes] = tempfile.TemporaryFile()
        # The caller's AWS and KEYTURN variables are not the server's business.
        environment = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
        self.process = subprocess.Popen(
            self._command,
            env=environment,
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
        if user_name is not None:
            user = self.users[user_name]
            variables["AWS_ACCESS_KEY_ID"] = user.access_key_id
            variables["AWS_SECRET_ACCESS_KEY"] = user.secret_access_key
        return variables

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

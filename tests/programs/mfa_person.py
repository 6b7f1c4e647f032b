"""A person who sets up an MFA device while a test moves the time, for them and for the local AWS alike."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from keyturn.ground import paths
from tests.aws_server.api import client
from tests.aws_server.client import ROOT, AwsUser, LocalAws
from tests.programs.user import BIN, Result, User

STEP = 30
SECONDS = 60.0


class MfaPerson:
    """`user` gets an agent of a clock that is moved; `ada` is whose keys the item AWS has."""

    def __init__(self, user: User, aws: LocalAws, ada: AwsUser) -> None:
        self.user, self.aws, self.ada = user, aws, ada
        self.serial = ada.arn.replace(":user/", ":mfa/")
        self._later = user.home / "later"
        self._advance(0)
        user.keyturn("agent", "stop").succeeds()
        found = paths.resolve(user.environment, os.getuid())
        places = [str(path) for path in (found.config, found.data, found.state, found.runtime)]
        self._ledger = found.one_time_codes
        command = [sys.executable, "-m", "tests.programs.later_agent", str(user.home), *places]
        subprocess.run(command, env=user.environment, cwd=ROOT, capture_output=True, check=True)

    def _advance(self, seconds: float) -> None:
        already = float(self._later.read_text()) if self._later.exists() else None
        # The server's time is moved already if another test used it.
        to = self.aws.advance(seconds) - time.time() if already is None else already + seconds
        if already is not None:
            self.aws.advance(seconds)
        new = self._later.with_suffix(".new")
        new.write_text(str(to))
        new.rename(self._later)

    def wait_step(self) -> None:
        """Half a minute passes."""
        self._advance(STEP)

    def used(self) -> bytes:
        """The record of used codes."""
        return self._ledger.read_bytes() if self._ledger.exists() else b""

    def begin(self, *more: str) -> "subprocess.Popen[bytes]":
        """Start to enable the device, without a terminal."""
        words = ("aws", "mfa", "enable", "AWS", "--password-file", self.user.password_file(), *more)
        return subprocess.Popen(
            [BIN / "keyturn", *words],
            env=self.user.environment,
            cwd=self.user.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def enable(self, *more: str) -> Result:
        """Enable it; whenever a code is used, the time goes on to the next one."""
        used = self.used()
        running = self.begin(*more)
        self.keep_time(used, lambda: running.poll() is not None)
        output, errors = running.communicate()
        return Result(running.returncode, output, errors)

    def keep_time(self, used: bytes, is_over: Callable[[], bool]) -> None:
        """Until it is over: whenever the record of used codes is another, half a minute passes, once."""
        deadline = time.monotonic() + SECONDS
        while not is_over():
            assert time.monotonic() < deadline, "it does not end"
            if self.used() != used and not self.aws.calls("EnableMFADevice"):
                used = self.used()
                self.wait_step()
            time.sleep(0.02)

    def refused(self, status: int, line: str, *more: str) -> None:
        """`enable` ends with this status and one line that holds `line`, after what it said before."""
        done = self.enable(*more)
        first, _, rest = done.errors.partition("keyturn: ")
        assert done.status == status, done.errors
        assert line in rest.splitlines()[0], done.errors
        assert "  hint: " in rest, done.errors
        assert "Traceback" not in first, done.errors

    def killed(self, when: Callable[[], Any]) -> None:
        """Begin, and when `when()` is true kill it and the keeper: what is left is on the disk, or AWS's."""
        running = self.begin()
        deadline = time.monotonic() + SECONDS
        while not when():
            assert time.monotonic() < deadline, "it did not come so far"
            assert running.poll() is None, "it ended before it could be killed"
            time.sleep(0.02)
        shown = self.user.keyturn("status", "--format", "json").succeeds()
        os.kill(json.loads(shown.output)["status"]["pid"], signal.SIGKILL)
        os.killpg(running.pid, signal.SIGKILL)
        running.communicate()

    def fields(self) -> dict[str, str]:
        """The item's fields."""
        words = ("item", "get", "AWS", "--reveal", "--format", "json")
        shown = self.user.keyturn(*words, "--password-file", self.user.password_file()).succeeds()
        return {each["label"]: each["value"] for each in json.loads(shown.output)["item"]["fields"]}

    def devices(self) -> list[str]:
        """The serials of the user's devices, as AWS has them."""
        found: Any = client(self.aws, self.ada, "iam").list_mfa_devices(UserName=self.ada.name)
        return [each["SerialNumber"] for each in found["MFADevices"]]

    def changes(self) -> list[str]:
        """What was changed in IAM, in order."""
        return [
            call.action
            for call in self.aws.calls()
            if call.service == "iam" and not call.action.startswith(("List", "Get"))
        ]

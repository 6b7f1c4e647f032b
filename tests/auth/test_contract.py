"""The contract of an authenticator, for each of them."""

import asyncio
from collections.abc import Iterator

import msgspec
import pytest

from keyturn.auth import polkit_policy, touch_id
from keyturn.auth.password import Password
from keyturn.auth.protocol import Asking, Authenticator
from keyturn.auth.touch_id import TouchId
from keyturn.ground.errors import KeyturnError, WrongPasswordError
from keyturn.ground.secret import Secret
from tests.auth.contract import SECRET, AuthenticatorContract, Part, Played
from tests.auth.machine import UNIX, USER, Machine
from tests.auth.person import Scripted
from tests.auth.test_touch_id import DENIED, Mac


def approve(authenticator: Authenticator, asking: Scripted, *, cancel: bool) -> Played:
    async def run() -> None:
        task = asyncio.ensure_future(authenticator.approve(asking))
        if cancel:
            await asyncio.sleep(0.05)
            task.cancel()
        await task

    try:
        asyncio.run(run())
    except asyncio.CancelledError:
        return Played("cancelled", seen=asking.log)
    except KeyturnError as error:
        return Played(error.code, error.message, error.hints, asking.log)
    return Played("approved", seen=asking.log)


class TestPassword(AuthenticatorContract):
    # The agent's own limit ends a question for a password, and nothing that is missing could stop it.
    parts = ("yes", "no", "cancelled")

    def make(self) -> Password:
        async def check(secret: Secret) -> None:
            if secret != Secret(SECRET):
                raise WrongPasswordError("wrong password")

        return Password("password: ", check)

    def play(self, part: Part) -> Played:
        answers = {"yes": [SECRET], "no": ["a", "b", "c", SECRET]}.get(part, [])
        return approve(self.make(), Scripted(answers), cancel=part == "cancelled")

    def reason(self, part: Part) -> str:
        return asyncio.run(self.make().unavailable())


class TestTouchId(AuthenticatorContract):
    """With a stand-in for the Mac; see tests/auth/test_touch_id.py."""

    @pytest.fixture(autouse=True)
    def mac(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(touch_id, "_is_mac", lambda: True)
        monkeypatch.setattr(touch_id, "_has_library", lambda: self.has_library)

    has_library = True

    def play(self, part: Part) -> Played:
        async def helper(room: str, task: bytes, asking: Asking) -> bytes:
            assert room == "touch-id"
            if part in ("cancelled", "late"):
                await asyncio.Event().wait()
            mac = Mac(error=DENIED if part == "no" else None, policies=() if part == "unusable" else (1, 2))
            reason = msgspec.msgpack.decode(task, type=touch_id.Task).reason
            return msgspec.msgpack.encode(touch_id.evaluate(mac, reason))

        way = TouchId(helper, ["aws needs “prod”"], 0.05 if part == "late" else 30.0)
        return approve(way, Scripted([]), cancel=part == "cancelled")

    def reason(self, part: Part) -> str:
        async def helper(room: str, task: bytes, asking: Asking) -> bytes:
            raise AssertionError

        self.has_library = part != "unusable"
        return asyncio.run(TouchId(helper, (), 30.0).unavailable())


class OnMachine(AuthenticatorContract):
    """For those that a machine with real parts is needed for."""

    way: str
    machine: Machine

    def scene(self, part: Part) -> dict[str, object]:
        """What a scene of this part takes beside answers."""
        raise NotImplementedError

    def play(self, part: Part) -> Played:
        answers = {"yes": [SECRET], "no": ["a", "b", "c", SECRET]}.get(part, [])
        scene = {"authenticator": self.way, "answers": answers, **self.scene(part)}
        if part == "late":
            scene["seconds"] = 0.3
        if part != "cancelled":
            ending = self.machine.play(**scene)
        else:
            with self.machine.person(**scene) as person:
                person.wait_for("secret", "password")
                person.cancel()
                ending = person.ending()
        return Played(ending.outcome, ending.message, ending.hints, ending.log)

    def reason(self, part: Part) -> str:
        return self.machine.play(authenticator=self.way, only="unavailable", **self.scene(part)).message


@pytest.fixture(scope="module")
def pam_machine() -> Iterator[Machine]:
    with Machine(SECRET) as machine:
        machine.write("/etc/pam.d/kt-unix", UNIX)
        machine.write("/etc/pam.d/su", "auth required pam_permit.so\n")
        yield machine


@pytest.fixture(scope="module")
def polkit_machine() -> Iterator[Machine]:
    with Machine(SECRET) as machine:
        machine.start_bus()
        machine.start_polkit(polkit_policy.content([USER]))
        yield machine


class TestPam(OnMachine):
    way = "pam"

    @pytest.fixture(autouse=True)
    def here(self, pam_machine: Machine) -> None:
        self.machine = pam_machine

    def scene(self, part: Part) -> dict[str, object]:
        return {"service": "su" if part == "unusable" else "kt-unix"}


class TestPolkit(OnMachine):
    way = "polkit"

    @pytest.fixture(autouse=True)
    def here(self, polkit_machine: Machine) -> None:
        self.machine = polkit_machine

    def scene(self, part: Part) -> dict[str, object]:
        return {"user": "root" if part == "unusable" else USER}

"""What the local AWS knows beside moto: its clock, MFA devices, roles' conditions, and the keys it issued."""

import base64
import os
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from tests.aws_server.codes import code_of, step_of

ACCOUNT = "123456789012"  # moto's own
WINDOW = (-1, 0, 1)  # AWS takes the code of the step before and of the one after as well


class Clock:
    """The server's time, in seconds since 1970. `skew` is how far the caller's own clock is behind it."""

    def __init__(self) -> None:
        self.advanced = 0.0
        self.skew = 0.0
        self.stopped: float | None = None

    def now(self) -> float:
        return (time.time() if self.stopped is None else self.stopped) + self.advanced + self.skew

    def of_callers(self) -> float:
        """What a caller's clock should show: time that was moved, moved for everybody."""
        return time.time() + self.skew


@dataclass(frozen=True)
class Device:
    """One MFA device of one user (by ARN); `secret` in base32."""

    serial: str
    user: str
    secret: str


@dataclass(frozen=True)
class Role:
    """`trusted` are the ARNs of its trust policy, `*` for all."""

    arn: str
    trusted: tuple[str, ...]
    needs_mfa: bool = False
    external_id: str = ""
    max_seconds: int = 3600


@dataclass(frozen=True)
class Issued:
    """Temporary keys. `kind` is session (GetSessionToken), federated or role; `name` the role's or user's."""

    key_id: str
    secret: str
    token: str
    kind: str
    account: str
    partition: str
    arn: str
    user_id: str
    name: str
    role: str
    expires: float
    has_mfa: bool
    from_global: bool


@dataclass
class Faults:
    """What goes wrong on purpose: requests take `slow` seconds, the next `failing` fail in the way `how`.

    Each holds for one action, or for all if none is named.
    """

    slow: float = 0.0
    slow_action: str = ""
    failing: int = 0
    how: str = "500"
    failing_action: str = ""
    disabled_regions: set[str] = field(default_factory=set)


class MfaError(Exception):
    """A code that is not accepted; holds AWS's own words."""


class World:
    """The state of one server; what changes it holds `lock`."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.clock = Clock()
        self.faults = Faults()
        self.devices: dict[str, Device] = {}
        self.roles: dict[str, Role] = {}
        self.issued: dict[str, Issued] = {}
        self.roots: dict[str, tuple[str, str]] = {}
        self.users: dict[str, str] = {}
        self.calls: list[dict[str, Any]] = []
        self._used: set[tuple[str, int]] = set()

    def add_device(self, serial: str, user: str, secret: str) -> Device:
        chosen = secret or base64.b32encode(os.urandom(20)).decode()
        self.devices[serial] = Device(serial, user, chosen)
        return self.devices[serial]

    def arn_of(self, key_id: str) -> str:
        """Whose keys these are; empty for keys that moto alone knows."""
        return self.issued[key_id].arn if key_id in self.issued else self.users.get(key_id, "")

    def issue(self, **known: Any) -> Issued:
        """New temporary keys, remembered."""
        secret = base64.b64encode(os.urandom(30)).decode()
        token = "FQoGZXIvYXdzE" + base64.b64encode(os.urandom(150)).decode()
        issued = Issued(secret=secret, token=token, **known)
        with self.lock:
            self.issued[issued.key_id] = issued
        return issued

    def check_code(self, user: str, serial: str, code: str) -> int:
        """Use up a code; its step. A code that was right is spent, whatever the call comes to.

        Raises MfaError for another user's device, a wrong code, and a code of a step that was used.
        """
        device = self.devices.get(serial)
        if device is None or device.user != user:
            raise MfaError(
                "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA"
                " serial number is valid and associated with this user."
            )
        now = step_of(self.clock.now())
        with self.lock:
            for step in (now + offset for offset in WINDOW):
                if code == code_of(device.secret, step) and (serial, step) not in self._used:
                    self._used.add((serial, step))
                    return step
        raise MfaError("MultiFactorAuthentication failed with invalid MFA one time pass code. ")

    def matching_step(self, serial: str, code: str) -> int | None:
        """Which step's code this is, used or not; for the list of calls."""
        device = self.devices.get(serial)
        if device is None:
            return None
        now = step_of(self.clock.now())
        near = range(now - 20, now + 21)
        return next((step for step in near if code == code_of(device.secret, step)), None)

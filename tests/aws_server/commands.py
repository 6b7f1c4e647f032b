"""What the starter of the server may ask of it while it runs, each as a method; client.py calls them."""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from moto.iam.models import iam_backends

from tests.aws_server.account import ACCOUNT, Faults, Role, World
from tests.aws_server.host_names import HostNames
from tests.aws_server.web_identity import AUDIENCE, WebIdentities, machine_keys

ALLOW_ALL = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
)
# A region of each partition, by which moto knows the partition.
REGIONS = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}


class Commands:
    """The commands of one server. Each takes and gives what JSON can carry."""

    def __init__(self, world: World, identities: WebIdentities) -> None:
        self._world = world
        self._identities = identities
        self._names: HostNames | None = None
        self.port = 0

    def by_name(self) -> dict[str, Callable[..., Any]]:
        names = [name for name in vars(type(self)) if not name.startswith("_") and name != "by_name"]
        return {name: getattr(self, name) for name in names}

    def add_user(self, name: str, partition: str = "aws", path: str = "/") -> dict[str, str]:
        """A user who may do everything, with one access key."""
        iam = iam_backends[ACCOUNT][partition]
        user = iam.create_user(region_name=REGIONS[partition], user_name=name, path=path)
        iam.put_user_policy(name, "allow-all", ALLOW_ALL)
        key = iam.create_access_key(name)
        self._world.users[key.access_key_id] = user.arn
        return {
            "access_key_id": key.access_key_id,
            "secret_access_key": key.secret_access_key,
            "arn": user.arn,
        }

    def add_root_key(self) -> dict[str, str]:
        """A key of the account itself."""
        # A temporary key's number with a lasting one's prefix: it belongs to no user.
        iam = iam_backends[ACCOUNT]["aws"]
        key = iam.create_temp_access_key()
        key_id = "AKIA" + key.access_key_id[4:]
        iam.access_keys[key_id] = key
        self._world.roots[key_id] = (ACCOUNT, key.secret_access_key)
        return {
            "access_key_id": key_id,
            "secret_access_key": key.secret_access_key,
            "arn": f"arn:aws:iam::{ACCOUNT}:root",
        }

    def add_device(self, user: str, serial: str = "", secret: str = "") -> dict[str, str]:
        """An MFA device of a user, by the user's ARN; its serial is an ARN if none is given."""
        serial = serial or user.replace(":user/", ":mfa/", 1)
        device = self._world.add_device(serial, user, secret)
        return asdict(device)

    def add_role(
        self,
        name: str,
        trusted: list[str],
        needs_mfa: bool = False,
        external_id: str = "",
        max_seconds: int = 3600,
        path: str = "/",
        account: str = ACCOUNT,
        partition: str = "aws",
    ) -> str:
        """A role that may do everything, for the principals that it trusts; its ARN."""
        condition: dict[str, dict[str, str]] = {}
        if needs_mfa:
            condition["Bool"] = {"aws:MultiFactorAuthPresent": "true"}
        if external_id:
            condition["StringEquals"] = {"sts:ExternalId": external_id}
        trust = {
            "Effect": "Allow",
            "Principal": {"AWS": trusted},
            "Action": "sts:AssumeRole",
            "Condition": condition,
        }
        iam = iam_backends[account][partition]
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        made = iam.create_role(name, document, path, None, "", [], str(max_seconds))
        iam.put_role_policy(name, "allow-all", ALLOW_ALL)
        self._world.roles[made.arn] = Role(made.arn, tuple(trusted), needs_mfa, external_id, max_seconds)
        return str(made.arn)

    def web_token(self, subject: str, seconds: float, audience: str = AUDIENCE) -> str:
        return self._identities.token(subject, seconds, audience)

    def machine_keys(self, role: str, seconds: float) -> dict[str, str]:
        return machine_keys(self._world, role, seconds)

    def whose(self, key_id: str) -> str:
        return self._world.arn_of(key_id)

    def calls(self) -> list[dict[str, Any]]:
        with self._world.lock:
            return [dict(call) for call in self._world.calls]

    def forget_calls(self) -> None:
        with self._world.lock:
            self._world.calls.clear()

    def slow(self, seconds: float, action: str = "") -> None:
        self._world.faults.slow, self._world.faults.slow_action = seconds, action

    def fail_next(self, count: int, how: str, action: str = "") -> None:
        with self._world.lock:
            faults = self._world.faults
            faults.failing, faults.how, faults.failing_action = count, how, action

    def disable_region(self, region: str) -> None:
        self._world.faults.disabled_regions.add(region)

    def mend(self) -> None:
        """Nothing goes wrong any more; time stays where it was moved to."""
        self._world.faults = Faults()
        self._world.clock.skew = 0.0

    def skew(self, seconds: float) -> None:
        self._world.clock.skew = seconds

    def advance(self, seconds: float) -> float:
        self._world.clock.advanced += seconds
        return self._world.clock.now()

    def stop_clock(self, at: float | None) -> float:
        """Time stands still (None: goes on) until it is moved; counted from `at`."""
        self._world.clock.stopped = at
        self._world.clock.advanced = 0.0
        return self._world.clock.now()

    def now(self) -> float:
        return self._world.clock.now()

    def host_names(self) -> dict[str, Any]:
        """Open the proxy that serves AWS's real host names; its port, and the certificate to trust."""
        if self._names is None:
            self._names = HostNames(self.port)
            self._names.start()
        return {"port": self._names.port, "certificate": self._names.certificate}

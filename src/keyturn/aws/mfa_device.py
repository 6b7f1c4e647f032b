"""A virtual MFA device for the user whose keys an item holds.

Each step leaves a state from which the next run goes on: the device is made; its secret and serial are in the
item; it is enabled. A device whose secret is nowhere cannot be enabled by anybody, so it is made anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from keyturn.aws import refusals, sts
from keyturn.aws.calls import Keys
from keyturn.aws.destination import Destination
from keyturn.aws.devices import Devices, Pause, Tell
from keyturn.aws.labels import CODE, SERIAL
from keyturn.aws.mfa import SERIAL_PATTERN
from keyturn.aws.sts import LONGEST_MESSAGE, Refused, Unanswered
from keyturn.aws.verifying import Identity
from keyturn.ground.clock import Clock
from keyturn.ground.errors import (
    ConfigurationError,
    KeyturnError,
    MissingError,
    ServiceRefusedError,
    UsageError,
)
from keyturn.ground.names import printable
from keyturn.ground.secret import Secret
from keyturn.otp import OneTimePassword

# IAM API reference, CreateVirtualMFADevice: the pattern of VirtualMFADeviceName; in a serial it ends at 226.
_NAME = re.compile(r"[\w+=,.@-]{1,226}", re.ASCII)
_EXISTS = ("EntityAlreadyExists", "EntityAlreadyExistsException")
DOING = "setting up the MFA device"


@dataclass(frozen=True)
class Known:
    """What the item has of a device: its serial, or the empty string, and whether its secret."""

    serial: str
    has_secret: bool


@dataclass(frozen=True)
class Standing:
    """How far a device is. `made` is the secret of one that was made just now and has to be kept;
    `replaced`: one of that name was there, whose secret the item does not have."""

    serial: str
    is_enabled: bool = False
    made: Secret | None = None
    replaced: bool = False


class Iam:
    """IAM's calls about MFA devices, with one user's keys. Each blocks, and raises Refused and Unanswered."""

    def __init__(self, keys: Keys, place: Destination) -> None:
        self._keys = keys
        self._place = place

    def enabled(self, user: str) -> list[str]:
        """The serials of the user's devices."""
        found: list[str] = []
        with sts.calling("iam", self._place.iam, self._keys, self._place.network) as client:
            for page in client.get_paginator("list_mfa_devices").paginate(UserName=user):
                found += [str(each["SerialNumber"]) for each in page["MFADevices"]]
        return found

    def create(self, name: str) -> tuple[str, Secret]:
        """Make a device; its serial and its secret in base32, which AWS tells this once."""
        with sts.calling("iam", self._place.iam, self._keys, self._place.network) as client:
            made = client.create_virtual_mfa_device(VirtualMFADeviceName=name)["VirtualMFADevice"]
            return str(made["SerialNumber"]), Secret(made["Base32StringSeed"].decode("ascii"))

    def delete(self, serial: str) -> None:
        """Delete a device; AWS refuses that for one that is somebody's."""
        with sts.calling("iam", self._place.iam, self._keys, self._place.network) as client:
            client.delete_virtual_mfa_device(SerialNumber=serial)

    def enable(self, user: str, serial: str, codes: tuple[Secret, Secret]) -> None:
        """Make a device the user's, by two codes of it, one right after the other."""
        with sts.calling("iam", self._place.iam, self._keys, self._place.network, *codes) as client:
            client.enable_mfa_device(
                UserName=user,
                SerialNumber=serial,
                AuthenticationCode1=codes[0].reveal(),
                AuthenticationCode2=codes[1].reveal(),
            )


def check_user(identity: Identity, source: str) -> str:
    """The user's name. Raises ConfigurationError for keys that are no user's, and come from `source`."""
    if identity.user:
        return identity.user
    if identity.arn.endswith(":root"):
        raise ConfigurationError(
            f"{source} has the root user's keys, and its MFA device is made in the console alone",
            "sign in there as the root user: Security credentials; then add secret and serial to the item",
        )
    raise ConfigurationError(f"{source} has keys of {printable(identity.arn, 200)}, which is no IAM user")


def stand(iam: Iam, identity: Identity, known: Known, name: str, item: str) -> Standing:
    """How far the device is, after making one if the item has none. Blocks.

    `name` is the one that was asked for, or the empty string for the user's; `item` names the item. Raises
    UsageError, ConfigurationError, MissingError, Refused, Unanswered.
    """
    user = check_user(identity, item)
    if name and not _NAME.fullmatch(name):
        raise UsageError("a device's name is made of letters, digits and +=,.@-_, at most 226 of them")
    serial = f"{identity.arn.partition(':user/')[0]}:mfa/{name or user}"
    if not SERIAL_PATTERN.fullmatch(serial):
        raise UsageError(
            f"“{printable(name or user)}” is no name that a device can have", "give: --device-name"
        )
    if known.has_secret:
        if not known.serial:
            raise ConfigurationError(
                f"{item} has a “{CODE}” and no “{SERIAL}”: which device is it of?",
                f"if it is this user's: add “{SERIAL}” to the item; if not: rename or remove that field",
            )
        if name and known.serial != serial:
            raise UsageError(f"{item} has the MFA device {printable(known.serial, 200)} already")
        return Standing(known.serial, is_enabled=known.serial in iam.enabled(user))
    wanted = known.serial or serial
    if wanted in iam.enabled(user):
        raise ConfigurationError(
            f"the MFA device {printable(wanted, 200)} is enabled already, and its secret is not in {item}",
            f"add the secret to the item as “{CODE}”, or make another device: --device-name NAME",
        )
    if known.serial not in ("", serial):
        raise ConfigurationError(
            f"{item} has the “{SERIAL}” {printable(known.serial, 200)}, and this user has no such device",
            "remove or change that field, then run this again",
        )
    return _made(iam, serial, name or user)


def _made(iam: Iam, serial: str, name: str) -> Standing:
    try:
        made, seed = iam.create(name)
        return Standing(made, made=seed)
    except Refused as refused:
        if refused.code not in _EXISTS:
            raise
    try:
        iam.delete(serial)
    except Refused as refused:
        if refused.code in ("DeleteConflict", "DeleteConflictException"):
            raise ConfigurationError(
                f"the MFA device {printable(serial, 200)} is another user's",
                "give a name: --device-name NAME",
            ) from None
        if refused.code not in ("NoSuchEntity", "NoSuchEntityException"):
            raise
    made, seed = iam.create(name)
    return Standing(made, made=seed, replaced=True)


async def two_codes(
    devices: Devices, clock: Clock, serial: str, password: OneTimePassword, tell: Tell
) -> tuple[Secret, Secret]:
    """The codes of this step and of the next one, each recorded as used; takes a step's time or more.

    To be called under the device's lock. Raises what `Devices.next_code` raises.
    """
    former: tuple[int, Secret] | None = None
    while True:
        before = password.step(clock.now())
        code = await devices.next_code(serial, password)
        if isinstance(code, Pause):
            await devices.wait(code, tell)
            continue
        # The step may have changed meanwhile.
        step = before if password.code(before) == code else before + 1
        if former is not None and step == former[0] + 1:
            return former[1], code
        former = (step, code)
        await devices.wait(Pause((step + 1) * password.period, "", password.period), tell)


def explain(
    error: Refused | Unanswered, source: str, serial: str, place: Destination, now: Callable[[], datetime]
) -> KeyturnError:
    """The error for a person; `source` says whose keys asked, `now` gives this machine's clock."""
    if isinstance(error, Unanswered):
        return refusals.no_answer(error, DOING, "IAM")
    shared = refusals.of_keys(error, DOING, source, place.iam.region, now())
    if shared is not None:
        return shared
    said = f"AWS says: {printable(error.message, LONGEST_MESSAGE) or 'nothing'}"
    if error.code in ("InvalidAuthenticationCode", "InvalidAuthenticationCodeException"):
        skew = refusals.skew_of(error, now())
        if abs(skew) > refusals.SKEW_FOR_CODES:
            off = f"{abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} AWS's"
            return ServiceRefusedError(
                f"{DOING}: AWS refused the codes, for this machine's clock is {off}",
                refusals.SET_THE_CLOCK,
            )
        return ServiceRefusedError(
            f"{DOING}: AWS refused the codes of {printable(serial, 200)}",
            f"is the “{CODE}” of {source} that device's?",
            "run it again, with later codes",
        )
    if error.code in ("NoSuchEntity", "NoSuchEntityException"):
        return MissingError(
            f"{DOING}: AWS has no MFA device {printable(serial, 200)} any more",
            f"take “{CODE}” and “{SERIAL}” out of {source}, then run this again for a new one",
        )
    if error.code in ("LimitExceeded", "LimitExceededException"):
        return ServiceRefusedError(f"{DOING}: this user or account has as many devices as AWS allows", said)
    if error.code in ("AccessDenied", "AccessDeniedException"):
        return ServiceRefusedError(
            f"{DOING}: AWS denies it to {source}",
            "the user needs iam: ListMFADevices, CreateVirtualMFADevice, DeleteVirtualMFADevice and"
            " EnableMFADevice",
            said,
        )
    return ServiceRefusedError(f"{DOING}: AWS refused it ({error.code or 'without a code'})", said)

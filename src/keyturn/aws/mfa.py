"""The MFA device of a plan, where its codes come from, and what is amiss with an item's fields for it."""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from keyturn.aws.calls import Mfa
from keyturn.aws.config import Section, text
from keyturn.aws.labels import CODE, SERIAL
from keyturn.ground.errors import ConfigurationError
from keyturn.ground.names import plain_label, printable
from keyturn.items import Field, FieldType, Item, find_field

SERIAL_PATTERN = re.compile(r"[\w+=/:,.@-]{9,256}", re.ASCII)
_DEVICE_ARN = re.compile(r"arn:[a-z0-9-]+:iam::\d*:(mfa|sms-mfa|u2f)/", re.ASCII)

# How people title the two fields, as `plain_label` writes them, with or without “aws” before it.
_CODE_TITLES = frozenset(
    (
        *("otp", "totp", "mfa", "2fa", "mfacode", "mfatoken", "mfasecret", "mfaotp", "mfakey", "otpsecret"),
        *("otpauth", "totpsecret", "totpkey", "onetimecode", "onetimepasscode", "authenticator"),
        *("authenticatorcode", "twofactor", "twofactorcode", "verificationcode"),
    )
)
_SERIAL_TITLES = frozenset(
    (
        *("mfaarn", "mfadevice", "mfadevicearn", "mfadeviceid", "mfadeviceserial", "mfadeviceserialnumber"),
        *(
            "mfaid",
            "mfaidentifier",
            "mfaserialnumber",
            "mfaserialarn",
            "mfaserials",
            "serial",
            "serialnumber",
        ),
        *("devicearn", "deviceserial", "virtualmfa", "virtualmfadevice"),
    )
)


@dataclass(frozen=True)
class Device:
    """`why` says where serial and code come from."""

    mfa: Mfa
    why: str


class Amiss(Enum):
    """What is amiss with an item's fields for MFA."""

    TITLE = "a field of another title holds it"
    NO_SERIAL = "a code without a serial"
    NO_CODE = "a serial without a code"


@dataclass(frozen=True)
class Finding:
    """One thing amiss; `line` names the titles and the command that mends it."""

    kind: Amiss
    line: str


def configured(profiles: Sequence[str], sections: Mapping[str, Section]) -> tuple[str, str]:
    """The serial that a chain of profiles names, and the profile; ("", "") if none.

    Raises ConfigurationError for two devices, which it shows: a chain has one user, at its base.
    """
    named = [(name, text(sections.get(name, {}), "mfa_serial")) for name in profiles]
    found = {serial: name for name, serial in reversed(named) if serial}
    if len(found) > 1:
        told = [f"“{printable(serial)}” of profile “{printable(name)}”" for serial, name in found.items()]
        raise ConfigurationError(
            f"two MFA devices in one chain of profiles: {told[-1]}, {told[-2]}",
            "the device is that of the user whose keys the chain begins with; keep that one",
        )
    for serial, name in found.items():
        return _checked(serial, f"profile “{printable(name)}”"), name
    return "", ""


def device(
    profiles: Sequence[str], sections: Mapping[str, Section], item: Item | None, base: str
) -> Device | None:
    """The device of the user whose keys are the base; None if nothing names one.

    `profiles` are those of the chain, from the one asked for down; `item` has the base's keys, `base`
    names it. Raises ConfigurationError as `configured`, and for a serial that STS does not take.
    """
    serial, profile = configured(profiles, sections)
    own, code = value_of(item, SERIAL), value_of(item, CODE)
    if not serial and not own:
        return None
    source = f"profile “{printable(profile)}”" if serial else base
    serial = serial or _checked(own, base)
    why = f"mfa serial {printable(serial)} of {source}"
    field = None if item is None else find_field(item, CODE)
    if field is not None and code and own in ("", serial):
        return Device(Mfa(serial, secret=field.value), f"{why}; its code: the “{CODE}” of {base}")
    if code:
        why += f"; the “{CODE}” of {base} is another device's"
    for name in profiles:
        process = text(sections.get(name, {}), "mfa_process")
        if process:
            return Device(
                Mfa(serial, process=process), f"{why}; its code: mfa_process of profile “{printable(name)}”"
            )
    return Device(Mfa(serial), f"{why}; its code: typed")


def _checked(serial: str, source: str) -> str:
    if not SERIAL_PATTERN.fullmatch(serial):
        raise ConfigurationError(
            f"the mfa serial of {source} is “{printable(serial)}”; STS takes 9 to 256 of letters, digits and"
            " +=/:,.@-_"
        )
    return serial


def value_of(item: Item | None, label: str) -> str:
    """A field's text, or the empty string. Raises AmbiguousError."""
    field = None if item is None else find_field(item, label)
    return field.value.reveal().strip() if field is not None else ""


def diagnose(item: Item) -> tuple[Finding, ...]:
    """What is amiss with the item's one-time password and mfa serial, for a line each.

    No line holds a value. Raises AmbiguousError if two fields have one of the two titles.
    """
    code, serial = value_of(item, CODE), value_of(item, SERIAL)
    found = []
    if not serial:
        found += _misnamed(item, SERIAL, _is_like_serial)
    if not code:
        found += _misnamed(item, CODE, _is_like_code)
    if found:
        return tuple(found)
    called = f"item “{printable(item.title)}”"
    edit = f"keyturn item edit {item.id}"
    if code and not serial:
        line = f"{called} has a “{CODE}” but no “{SERIAL}”; add it: {edit} '{SERIAL}=arn:aws:iam::…'"
        return (Finding(Amiss.NO_SERIAL, line),)
    if serial and not code:
        line = f"{called} has an “{SERIAL}” but no “{CODE}”, so codes are typed; add it: {edit} '{CODE}[otp]'"
        return (Finding(Amiss.NO_CODE, line),)
    return ()


def _misnamed(item: Item, label: str, is_like: Callable[[Field], bool]) -> list[Finding]:
    """A line about the field that seems to be meant for `label`, if there is one."""
    exact = find_field(item, label)
    for field in item.fields:
        if field is not exact and field.value and is_like(field):
            old = printable(field.label)
            # An empty field of that title would stand in the way.
            remove = "" if exact is None else f"--remove {shlex.quote(printable(exact.label))} "
            rename = f"keyturn item edit {item.id} {remove}--rename {shlex.quote(f'{old}={label}')}"
            line = (
                f"item “{printable(item.title)}” has “{old}”, and “{label}” is what is looked for: {rename}"
            )
            return [Finding(Amiss.TITLE, line)]
    return []


def _is_like_serial(field: Field) -> bool:
    if _DEVICE_ARN.match(field.value.reveal().strip()):
        return True
    return field.type is not FieldType.OTP and _is_titled(field, SERIAL, _SERIAL_TITLES)


def _is_like_code(field: Field) -> bool:
    value = field.value.reveal().strip()
    if field.type is FieldType.OTP or value.startswith("otpauth:"):
        return True
    return not _DEVICE_ARN.match(value) and _is_titled(field, CODE, _CODE_TITLES)


def _is_titled(field: Field, label: str, titles: frozenset[str]) -> bool:
    title, wanted = plain_label(field.label).removeprefix("aws"), plain_label(label)
    if title in titles:
        return True
    # Slips of the hand: “one-time pasword”.
    return bool(difflib.get_close_matches(title, [wanted], cutoff=0.86))

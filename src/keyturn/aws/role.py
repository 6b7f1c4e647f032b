"""What a profile says of its role, within the limits of STS (its model, service-2.json)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from keyturn.aws.calls import AssumeRole, Mfa, Sts
from keyturn.aws.config import Section, text
from keyturn.ground.errors import ConfigurationError
from keyturn.ground.names import printable

SHORTEST = 900
LONGEST_ROLE = 43200
# Of a role that is assumed over another role's keys, or any that are temporary.
LONGEST_CHAINED = 3600
MOST_TAGS = 50

SESSION_NAME = "keyturn"

NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)
_ARN = re.compile(r"arn:[^\s:]+:iam::[^\s:]*:role/\S+")


@dataclass(frozen=True)
class Role:
    """What a profile says of its role; `seconds` is how long its keys are asked for."""

    profile: str
    arn: str
    seconds: int
    session_name: str
    external_id: str
    tags: tuple[tuple[str, str], ...]
    transitive_tags: tuple[str, ...]
    source_identity: str

    def call(self, seconds: int, sts: Sts, mfa: Mfa | None) -> AssumeRole:
        return AssumeRole(
            profile=self.profile,
            role=self.arn,
            duration=seconds,
            sts=sts,
            session_name=self.session_name,
            external_id=self.external_id,
            tags=self.tags,
            transitive_tags=self.transitive_tags,
            source_identity=self.source_identity,
            mfa=mfa,
        )


def read(name: str, section: Section) -> Role:
    """The role of profile `name`. Raises ConfigurationError with the profile, what it says and the limit."""
    arn = text(section, "role_arn")
    if not _ARN.fullmatch(arn) or len(arn) > 2048:
        raise _refused(name, "role_arn", arn, "an ARN: arn:aws:iam::ACCOUNT:role/NAME")
    allowed = "2 to 64 of letters, digits and +=,.@-_"
    return Role(
        profile=name,
        arn=arn,
        seconds=_duration(name, section),
        session_name=_matching(name, section, "role_session_name", NAME, allowed) or SESSION_NAME,
        external_id=_matching(
            name, section, "external_id", EXTERNAL_ID, "2 to 1224 of letters, digits and +=,.@:/-_"
        ),
        tags=_tags(name, section),
        transitive_tags=_transitive(name, section),
        source_identity=_matching(name, section, "source_identity", NAME, allowed),
    )


def _duration(name: str, section: Section) -> int:
    """STS's own hour if the profile says nothing."""
    written = text(section, "duration_seconds")
    if not written:
        return 3600
    try:
        asked = int(written)
    except ValueError:
        asked = 0
    if not SHORTEST <= asked <= LONGEST_ROLE:
        raise _refused(name, "duration_seconds", written, f"{SHORTEST} to {LONGEST_ROLE}")
    return asked


def _matching(name: str, section: Section, key: str, pattern: re.Pattern[str], wanted: str) -> str:
    value = text(section, key)
    if value and not pattern.fullmatch(value):
        raise _refused(name, key, value, wanted)
    return value


def _tags(name: str, section: Section) -> tuple[tuple[str, str], ...]:
    """`session_tags = key=value, key=value`: aws-vault's form (its config.go, SetSessionTags)."""
    key = "session_tags"
    tags: dict[str, str] = {}
    for each in filter(None, map(str.strip, text(section, key).split(","))):
        label, equals, value = (part.strip() for part in each.partition("="))
        if not equals or not _is_tag(label) or len(value) > 256:
            raise _refused(
                name, key, each, "key=value,key=value with keys up to 128 and values up to 256 long"
            )
        tags[label] = value
    if len(tags) > MOST_TAGS:
        raise _refused(name, key, f"{len(tags)} tags", f"{MOST_TAGS} at most")
    _refuse_twins(name, key, tags)
    return tuple(tags.items())


def _transitive(name: str, section: Section) -> tuple[str, ...]:
    key = "transitive_session_tags"
    labels = tuple(dict.fromkeys(filter(None, map(str.strip, text(section, key).split(",")))))
    for label in labels:
        if not _is_tag(label):
            raise _refused(name, key, label, "keys up to 128 long")
    if len(labels) > MOST_TAGS:
        raise _refused(name, key, f"{len(labels)} keys", f"{MOST_TAGS} at most")
    return labels


def _is_tag(label: str) -> bool:
    return 1 <= len(label) <= 128 and not label.lower().startswith("aws:")


def _refuse_twins(name: str, key: str, tags: Mapping[str, str]) -> None:
    """STS takes two keys that differ in case for one given twice."""
    seen: dict[str, str] = {}
    for label in tags:
        twin = seen.setdefault(label.lower(), label)
        if twin != label:
            raise _refused(name, key, f"{twin}, {label}", "keys that differ in more than case")


def _refused(name: str, key: str, value: str, wanted: str) -> ConfigurationError:
    shown = f"“{printable(value)}”" if value else "empty"
    return ConfigurationError(f"profile “{printable(name)}”: {key} is {shown}; STS takes {wanted}")

"""Whose keys these are, as AWS says (sts:GetCallerIdentity, which every key may ask)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from keyturn.aws import refusals, sts
from keyturn.aws.calls import Keys
from keyturn.aws.destination import Destination
from keyturn.aws.sts import Refused, Unanswered
from keyturn.ground.errors import ConfigurationError, KeyturnError, ServiceRefusedError
from keyturn.ground.names import printable

# Unique identifiers of the IAM user guide: AKIA are lasting keys, ASIA temporary ones of STS.
TEMPORARY = "ASIA"

_USER = re.compile(r"arn:[a-z0-9-]+:iam::[0-9]+:user/(?:.*/)?([\w+=,.@-]+)", re.ASCII)


@dataclass(frozen=True)
class Identity:
    """`account` is twelve digits; `arn` the user's, the root user's, or that of temporary keys."""

    account: str
    arn: str

    @property
    def user(self) -> str:
        """The IAM user's name; empty for the root user and for temporary keys."""
        match = _USER.fullmatch(self.arn)
        return match[1] if match is not None else ""


def check_lasting(keys: Keys, source: str) -> None:
    """Raises ConfigurationError for temporary keys; `source` says whose they are."""
    if keys.key_id.startswith(TEMPORARY) or keys.token is not None:
        raise ConfigurationError(
            f"{source} has a temporary key ({TEMPORARY}…): it stops working by itself",
            "a lasting one is made by: aws iam create-access-key",
        )


def identify(keys: Keys, place: Destination) -> Identity:
    """Ask AWS whose keys these are. Blocks. Raises Refused, Unanswered, ConfigurationError."""
    with sts.calling("sts", place.sts, keys, place.network) as client:
        answer = client.get_caller_identity()
        return Identity(str(answer["Account"]), str(answer["Arn"]))


def explain(error: Refused | Unanswered, source: str, place: Destination, now: datetime) -> KeyturnError:
    """The error for a person; `source` says whose keys asked, `now` is this machine's clock."""
    doing = "verifying the access key"
    if isinstance(error, Unanswered):
        return refusals.no_answer(error, doing)
    shared = refusals.of_keys(error, doing, source, place.sts.region, now)
    if shared is not None:
        return shared
    said = printable(error.message, sts.LONGEST_MESSAGE) or "nothing"
    return ServiceRefusedError(
        f"{doing} of {source}: AWS refused it ({error.code or 'without a code'})", f"AWS says: {said}"
    )

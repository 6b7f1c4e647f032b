"""Profiles that ask Keyturn: `credential_process = keyturn aws credential-process --profile NAME`.

Every SDK runs that line, if nothing else of the profile comes before it. What would (a role, a sign-in,
another process) is kept in the profile under a name that only Keyturn reads: `keyturn_role_arn`. For Keyturn
such a profile means what it meant before: otherwise it would ask itself (stories 26 and 79).
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence

from keyturn.ground.errors import ConfigurationError
from keyturn.ground.names import printable

Section = Mapping[str, object]

PROCESS = "credential_process"
PREFIX = "keyturn_"
# What botocore and the SDKs for Go, JavaScript and Java take before a credential_process, and the process
# that was there.
MOVED = (
    "role_arn",
    "source_profile",
    "credential_source",
    "web_identity_token_file",
    "sso_session",
    "sso_start_url",
    "sso_region",
    "sso_account_id",
    "sso_role_name",
    "login_session",
    PROCESS,
)
VERB = ("aws", "credential-process")


def split(name: str, command: str) -> tuple[str, ...]:
    """The words of profile `name`'s process, as botocore has them: no shell is needed.

    Raises ConfigurationError for a quote that does not end, and for no word at all.
    """
    try:
        words = tuple(shlex.split(command))
    except ValueError:
        words = ()
    if not words or not words[0]:
        raise ConfigurationError(
            f"profile “{printable(name)}”: its credential_process is no command line",
            "a program by its path and its arguments, with quotes that end",
        )
    return words


def asked_profile(words: Sequence[str]) -> str | None:
    """The profile that Keyturn is asked for; empty if none is named. None if it is another that is asked."""
    rest = list(words[1:])
    if os.path.basename(words[0]).startswith("python"):
        while rest and rest[0] != "-m":
            rest.pop(0)
        if rest[1:2] != ["keyturn"]:
            return None
        rest = rest[2:]
    elif os.path.basename(words[0]) != "keyturn":
        return None
    if tuple(rest[:2]) != VERB:
        return None
    found = ""
    for position, word in enumerate(rest):
        if word == "--profile" and position + 1 < len(rest):
            found = rest[position + 1]
        elif word.startswith("--profile="):
            found = word.removeprefix("--profile=")
    return found


def restored(name: str, section: Section) -> Section:
    """A profile as it was before it asked Keyturn for itself; every other as it is.

    A key that has come back by its own name counts, for that is what the SDKs read.
    """
    command = section.get(PROCESS)
    if not isinstance(command, str) or VERB[1] not in command:
        return section
    try:
        words = split(name, command)
    except ConfigurationError:
        return section
    if asked_profile(words) != name:
        return section
    moved = {key: section[PREFIX + key] for key in MOVED if PREFIX + key in section}
    hidden = {PREFIX + key for key in moved}
    kept = {key: value for key, value in section.items() if key != PROCESS and key not in hidden}
    return {**moved, **kept}


def restore_all(profiles: Mapping[str, Section]) -> Mapping[str, Section]:
    """`restored`, for every profile of a file; the same mapping if there is none to restore."""
    if not any(PROCESS in section for section in profiles.values()):
        return profiles
    return {name: restored(name, section) for name, section in profiles.items()}

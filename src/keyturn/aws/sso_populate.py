"""Profiles for the accounts and roles of a sign-in, appended to a config file that stays what it is else.

Names of accounts are other people's text, and a profile's name ends up in shells, scripts and prompts: only
letters, digits and `._-` (ASCII) are kept of a name, so that it needs no quotes anywhere.
"""

from __future__ import annotations

import os
import re
import string
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from keyturn.aws.config import LARGEST, Configuration, Section, opened, parse_file, text
from keyturn.aws.sso_config import ACCOUNT, REGION, ROLE, SESSION, START_URL
from keyturn.ground.errors import ConfigurationError, UsageError
from keyturn.ground.names import printable
from keyturn.plaintext import replacing

Keep = Callable[[bytes, bytes, os.stat_result], None]

TEMPLATE = "{account_name}.{role}"
PLACES = ("account_id", "account_name", "role")
LONGEST_NAME = 100
_UNUSUAL = re.compile(r"[^A-Za-z0-9._-]+", re.ASCII)
_ENDING = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True)
class Assignment:
    """A role that a person has in an AWS account."""

    account_id: str
    account_name: str
    role: str


@dataclass(frozen=True)
class Addition:
    """A profile that is to be added."""

    name: str
    assignment: Assignment


@dataclass(frozen=True)
class SignedIn:
    """The session that the profiles name; `name` is empty for the older way of writing it."""

    name: str
    start_url: str
    region: str


def check_template(template: str) -> None:
    """Raises UsageError for a template that names something else than `PLACES`, or no role."""
    hint = f"it may hold {', '.join(f'{{{place}}}' for place in PLACES)}; as it is: {TEMPLATE}"
    try:
        parsed = list(string.Formatter().parse(template))
    except ValueError:
        raise UsageError("the template of the names has a brace without its pair", hint) from None
    places = [place for _, place, _, _ in parsed if place is not None]
    if any(place not in PLACES for place in places) or any(form or sign for _, _, form, sign in parsed):
        raise UsageError("the template of the names has a place that there is none for", hint)
    if "role" not in places or not {"account_id", "account_name"} & set(places):
        raise UsageError(
            "the template of the names tells neither role from role nor account from account", hint
        )


def additions(
    configuration: Configuration, signed_in: SignedIn, assignments: Sequence[Assignment], template: str
) -> tuple[list[Addition], dict[Assignment, str]]:
    """The profiles to add, in the order of `assignments`; and those that there are, by what they are for.

    A name that is taken, or that two would have, gets the account's id behind it. Raises ConfigurationError
    if that is taken too.
    """
    there: dict[Assignment, str] = {}
    wanted: list[tuple[Assignment, str]] = []
    for assignment in dict.fromkeys(assignments):
        found = _profile_of(configuration, signed_in, assignment)
        if found:
            there[assignment] = found
        else:
            wanted.append((assignment, _name(template, assignment)))
    taken = {name.casefold() for name in configuration.profiles}
    names = [name.casefold() for _, name in wanted]
    found_additions: list[Addition] = []
    for assignment, short in wanted:
        is_free = short.casefold() not in taken and names.count(short.casefold()) == 1
        name = short if is_free else f"{short}-{assignment.account_id}"
        if name.casefold() in taken:
            raise ConfigurationError(
                f"a profile “{printable(name)}” is there already, and is for something else",
                "have the new ones called otherwise: --name-template",
            )
        taken.add(name.casefold())
        found_additions.append(Addition(name, assignment))
    return found_additions, there


def appended(before: bytes, signed_in: SignedIn, added: Sequence[Addition], region: str) -> bytes:
    """The file with profiles behind what it holds, which is not touched; in its own kind of line ends."""
    endings = _ENDING.findall(before)
    end = max(set(endings), key=endings.count) if endings else b"\n"
    blocks = []
    for each in added:
        lines = [f"[profile {each.name}]", *_lines(signed_in, each, region)]
        blocks.append(end.join(line.encode() for line in lines) + end)
    between = b"" if not before or before.endswith((b"\n", b"\r")) else end
    return before + between + (end if before else b"") + end.join(blocks)


def add(
    place: Path, signed_in: SignedIn, added: Sequence[Addition], region: str, uid: int, keep: Keep
) -> None:
    """Add the profiles to the config file at `place`, which has to be the user's; made if it is not there.

    Mode, owner, group and a symlink stay. Before the file is replaced, `keep` is given what is in it, what
    will be, and its status; what it raises leaves the file alone. What is about to be written is read with
    botocore's parser and compared first. Raises ConfigurationError, with nothing changed.
    """
    try:
        with opened(place) as (descriptor, status):
            before = os.pread(descriptor, LARGEST + 1, 0)
            sections = parse_file(f"/dev/fd/{descriptor}", str(place)).sections
    except FileNotFoundError:
        replacing.make(place, appended(b"", signed_in, added, region))
        return
    after = appended(before, signed_in, added, region)

    def last_look(written: str) -> None:
        if parse_file(written, str(place)).sections != {**sections, **_sections(signed_in, added, region)}:
            raise replacing.refused(place, "profiles cannot be added to it without changing more")

    replacing.check(place, status, uid)
    keep(before, after, status)
    replacing.replace(place, status, after, uid, last_look)


def _sections(signed_in: SignedIn, added: Sequence[Addition], region: str) -> dict[str, Section]:
    return {
        f"profile {each.name}": dict(line.split(" = ", 1) for line in _lines(signed_in, each, region))
        for each in added
    }


def _lines(signed_in: SignedIn, addition: Addition, region: str) -> list[str]:
    wanted = addition.assignment
    lines = [*_of_session(signed_in), f"{ACCOUNT} = {wanted.account_id}", f"{ROLE} = {wanted.role}"]
    return [*lines, *([f"region = {region}"] if region else [])]


def _of_session(signed_in: SignedIn) -> list[str]:
    if signed_in.name:
        return [f"{SESSION} = {signed_in.name}"]
    return [f"{START_URL} = {signed_in.start_url}", f"{REGION} = {signed_in.region}"]


def _profile_of(configuration: Configuration, signed_in: SignedIn, assignment: Assignment) -> str:
    """The name of a profile that is for this role already, whatever it is called."""
    for name, section in configuration.profiles.items():
        if text(section, ACCOUNT) != assignment.account_id or text(section, ROLE) != assignment.role:
            continue
        session = configuration.sso_sessions.get(text(section, SESSION), {})
        start_url = text(section, START_URL) or text(session, START_URL)
        if text(section, SESSION) == signed_in.name or start_url == signed_in.start_url:
            return name
    return ""


def _name(template: str, assignment: Assignment) -> str:
    kept = {
        "account_id": assignment.account_id,
        "account_name": _plain(assignment.account_name) or assignment.account_id,
        "role": _plain(assignment.role) or "role",
    }
    name = _plain(template.format(**kept))[:LONGEST_NAME]
    # Sections and words that mean something else.
    return name if name and name.casefold() != "default" else f"sso-{assignment.account_id}"


def _plain(text_of_others: str) -> str:
    """Without accents and what would need quotes, and not beginning like an option or a hidden file."""
    letters = unicodedata.normalize("NFKD", text_of_others)
    without_accents = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return _UNUSUAL.sub("-", without_accents).strip("-.")

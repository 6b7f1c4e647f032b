"""Pointing profiles of a config file at Keyturn, and back: only the lines that say it change.

A key that SDKs would take before a credential_process gets the prefix that hides it from them
(`delegation`); the line that asks Keyturn comes right below the profile's header. Taken back, the file is
the same bytes again. Lines are told apart as Python's configparser does it, for botocore reads it with that.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from keyturn.aws.config import LARGEST, Configuration, Section, opened, parse_file, text
from keyturn.aws.delegation import MOVED, PREFIX, PROCESS, asked_profile, split
from keyturn.aws.profiles import DEFAULT
from keyturn.ground.errors import ConfigurationError, MissingError
from keyturn.ground.names import printable
from keyturn.plaintext import replacing
from keyturn.plaintext.entries import content_of, lines_of, text_of

_HEADER = re.compile(r"\[(?P<header>.+)\]")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9._@/+:-]+", re.ASCII)
_KEYS = ("aws_access_key_id", "aws_secret_access_key")


@dataclass
class _Option:
    """A key in lower case, where it starts and how far in; from `start` to `end` are its lines."""

    key: str
    at: int
    start: int
    end: int
    indent: str


@dataclass
class _Block:
    """A section: `after` is where its header's line ends, with `ending` (empty: there the file ends)."""

    header: str
    after: int
    ending: str
    options: list[_Option] = field(default_factory=list)


def is_pointed(name: str, section: Section) -> bool:
    """Whether a profile, as its file has it, asks Keyturn for itself."""
    command = text(section, PROCESS)
    try:
        return bool(command) and asked_profile(split(name, command)) == name
    except ConfigurationError:
        return False


def check(name: str, own: Section, configuration: Configuration) -> None:
    """Raises ConfigurationError for a profile that SDKs would not ask Keyturn for, whatever is written.

    `own` is its section of the config file.
    """
    called, files_of = f"profile “{printable(name)}”", configuration.places
    elsewhere = configuration.credentials.get(name, {})
    for section, path in ((elsewhere, files_of.credentials), (own, files_of.config)):
        if any(key in section for key in _KEYS):
            binding = "" if name == DEFAULT else f" --profile {name}"
            raise ConfigurationError(
                f"{called} has plaintext keys in {path}, which SDKs take first",
                f"import them and take them out: keyturn plugin init aws --import-profile {name}{binding}",
            )
    if any(key in elsewhere for key in MOVED):
        raise ConfigurationError(
            f"{called} says in {files_of.credentials} where its keys come from, which SDKs take first",
            "put that into the config file",
        )
    if "login_session" in own:
        raise ConfigurationError(f"{called} signs in through `aws login`, which Keyturn does not do yet")


def pointed(content: bytes, commands: Mapping[str, str]) -> bytes:
    """The file with each profile of `commands` asking by its command line; one that is not there is added.

    Raises ConfigurationError for a profile that has two sections, or whose name no section can have.
    """
    whole = text_of(content)
    edits: list[tuple[int, int, str]] = []
    new: list[str] = []
    for name, command in commands.items():
        block = _block(whole, name)
        if block is None:
            new += [_header(name), f"{PROCESS} = {command}"]
            continue
        edits += [(option.at, option.at, PREFIX) for option in block.options if option.key in MOVED]
        indent = block.options[0].indent if block.options else ""
        line = f"{indent}{PROCESS} = {command}"
        edits.append((block.after, block.after, line + block.ending if block.ending else f"\n{line}"))
    found = _edited(whole, edits)
    if new:
        between = "" if not found or found.endswith(("\n", "\r")) else "\n"
        found += between + ("\n" if found else "") + "\n".join(new) + "\n"
    return content_of(found)


def undone(content: bytes, names: Sequence[str]) -> bytes:
    """The inverse of `pointed`, for profiles that ask for themselves."""
    whole = text_of(content)
    edits: list[tuple[int, int, str]] = []
    for name in names:
        block = _block(whole, name)
        if block is None:
            continue
        for option in block.options:
            if option.key == PROCESS:
                # The last line of a file without an end had one put before it.
                is_last = option.end == len(whole) and not whole.endswith(("\n", "\r"))
                edits.append((option.start - is_last, option.end, ""))
            elif option.key.startswith(PREFIX) and option.key.removeprefix(PREFIX) in MOVED:
                edits.append((option.at, option.at + len(PREFIX), ""))
    return content_of(_edited(whole, edits))


def point(place: Path, commands: Mapping[str, str], uid: int) -> None:
    """Point profiles of the config file at `place`, which is made if it is not there.

    Raises ConfigurationError, with nothing changed, for a file that is not the user's or cannot be written,
    and where botocore would read more from it than that.
    """

    def expected(name: str, section: Mapping[str, object]) -> Mapping[str, object]:
        moved = {PREFIX + key if key in MOVED else key: value for key, value in section.items()}
        return {**moved, PROCESS: commands[name]}

    _rewrite(place, lambda before: pointed(before, commands), list(commands), expected, uid)


def undo(place: Path, names: Sequence[str], uid: int) -> None:
    """Take it back. Raises ConfigurationError as `point`."""

    def expected(name: str, section: Mapping[str, object]) -> Mapping[str, object]:
        kept = {key: value for key, value in section.items() if key != PROCESS}
        hidden = {PREFIX + key: key for key in MOVED}
        return {hidden.get(key, key): value for key, value in kept.items()}

    _rewrite(place, lambda before: undone(before, names), names, expected, uid)


def _rewrite(
    place: Path,
    change: Callable[[bytes], bytes],
    names: Sequence[str],
    expected: Callable[[str, Mapping[str, object]], Mapping[str, object]],
    uid: int,
) -> None:
    try:
        with opened(place) as (descriptor, status):
            before = os.pread(descriptor, LARGEST + 1, 0)
            profiles = parse_file(f"/dev/fd/{descriptor}", str(place)).profiles
    except FileNotFoundError:
        replacing.make(place, change(b""))
        return
    after = change(before)
    wanted = {**profiles, **{name: expected(name, profiles.get(name, {})) for name in names}}

    def last_look(written: str) -> None:
        if parse_file(written, str(place)).profiles != wanted:
            raise replacing.refused(place, "it cannot be done without changing more")

    replacing.check(place, status, uid)
    replacing.replace(place, status, after, uid, last_look)


def _block(whole: str, name: str) -> _Block | None:
    """The section of a profile. Raises ConfigurationError for two."""
    found = [block for block in _blocks(whole) if _profile(block.header) == name]
    if len(found) > 1:
        raise ConfigurationError(
            f"profile “{printable(name)}” has two sections in the config file", "make one of them"
        )
    return found[0] if found else None


def _profile(header: str) -> str | None:
    from botocore.configloader import build_profile_map

    return next(iter(build_profile_map({header: {}})["profiles"]), None)


def _header(name: str) -> str:
    if name == DEFAULT:
        return "[default]"
    if not _PLAIN_NAME.fullmatch(name):
        raise MissingError(
            f"profile “{printable(name)}” is not in the config file, and its name is none for a new section",
            "write its section yourself",
        )
    return f"[profile {name}]"


def _blocks(whole: str) -> Iterator[_Block]:
    """The sections with their options (configparser, RawConfigParser._read)."""
    block: _Block | None = None
    option: _Option | None = None
    depth_before = 0
    for start, end, after in lines_of(whole):
        line = whole[start:end]
        stripped = line.strip()
        if not stripped or stripped.startswith(("#", ";")):
            continue
        depth = len(line) - len(line.lstrip())
        if block is not None and option is not None and depth > depth_before:
            option.end = after
            continue
        depth_before = depth
        header = _HEADER.match(stripped)
        if header is not None:
            if block is not None:
                yield block
            block, option = _Block(header["header"], after, whole[end:after]), None
        elif block is not None:
            key = re.split("[=:]", stripped, maxsplit=1)[0].rstrip().lower()
            option = _Option(key, start + depth, start, after, line[:depth])
            block.options.append(option)
    if block is not None:
        yield block


def _edited(whole: str, edits: Sequence[tuple[int, int, str]]) -> str:
    for start, end, new in sorted(edits, reverse=True):
        whole = whole[:start] + new + whole[end:]
    return whole

"""The caller's AWS files, read as the AWS CLI reads them: with botocore's own parser.

Odd files mean what they mean to `aws` because the same code reads them. The differences are about
who reads: the agent must not hang on a pipe nor swallow a huge file, and an error must not repeat
what the file holds.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import stat
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from types import MappingProxyType

from keyturn.aws import delegation
from keyturn.aws.lasting import LastingKeys, collect
from keyturn.ground import files
from keyturn.ground.errors import ConfigurationError
from keyturn.ground.files import FileIdentity

Section = Mapping[str, object]
"""Key to value: text, or a mapping for an indented block such as `s3 =`."""

LARGEST = 4 * 1024 * 1024
_KEPT = 32
_ATTEMPTS = 3

_VARIABLE = re.compile(r"\$(?:([A-Za-z0-9_]+)|\{([^}]*)\})")

_Key = tuple[Path, FileIdentity]

_EMPTY: Mapping[str, Section] = MappingProxyType({})


@dataclass(frozen=True, repr=False)
class ParsedFile:
    """The sections of one file by their names as written, and what they are in a config file: profiles,
    `services` and `sso-session`s."""

    sections: Mapping[str, Section] = field(default_factory=lambda: _EMPTY)
    profiles: Mapping[str, Section] = field(default_factory=lambda: _EMPTY)
    services: Mapping[str, Section] = field(default_factory=lambda: _EMPTY)
    sso_sessions: Mapping[str, Section] = field(default_factory=lambda: _EMPTY)


@dataclass(frozen=True)
class Places:
    """Where the two files are; None if the caller's variable is set to the empty string: then none is."""

    config: Path | None
    credentials: Path | None


@dataclass(frozen=True, repr=False)
class Configuration:
    """Both files, and what botocore's session makes of them: the credentials file's keys over the other's.

    `services` and `sso_sessions` are the sections of those kinds, of the config file; `lasting` are the keys
    of the credentials file without a token.
    """

    places: Places
    config: Mapping[str, Section]
    credentials: Mapping[str, Section]
    profiles: Mapping[str, Section]
    services: Mapping[str, Section] = field(default_factory=lambda: _EMPTY)
    lasting: LastingKeys = field(default_factory=LastingKeys)
    sso_sessions: Mapping[str, Section] = field(default_factory=lambda: _EMPTY)


def text(section: Section, key: str) -> str:
    """A key's text; the empty string if it is missing or a block."""
    value = section.get(key, "")
    return value if isinstance(value, str) else ""


def locate(environment: Mapping[str, str], directory: str) -> Places:
    """The files that `aws` would read with this environment in this directory.

    `~`, `$NAME` and relative paths are resolved for the caller, as botocore does it (configloader.py,
    raw_config_parse). Raises ConfigurationError for a `$NAME` that is not among `environment`.
    """
    return Places(
        _place(environment, directory, "AWS_CONFIG_FILE", "~/.aws/config"),
        _place(environment, directory, "AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"),
    )


def _place(environment: Mapping[str, str], directory: str, variable: str, default: str) -> Path | None:
    written = environment.get(variable, default)
    if not written:
        return None
    home = environment.get("HOME")
    if home is not None and written.startswith("~/") and "$" not in written:
        return _below(home, written[2:], directory)
    expanded = _VARIABLE.sub(partial(_value, environment, variable), written) if "$" in written else written
    if expanded.startswith("~"):
        user, slash, rest = expanded[1:].partition("/")
        home = _home(environment, user)
        if home is not None:
            expanded = home.rstrip("/") + slash + rest or "/"
    return Path(os.path.join(directory, expanded))


@lru_cache(maxsize=64)
def _below(home: str, path: str, directory: str) -> Path:
    """The usual case, for every command asks it twice: the same object, which remembers its hash and text."""
    return Path(os.path.join(directory, f"{home.rstrip('/')}/{path}"))


def _value(environment: Mapping[str, str], variable: str, match: re.Match[str]) -> str:
    name = match[1] or match[2]
    if name not in environment:
        # To bare `aws` it may have a value; another file could name another identity.
        raise ConfigurationError(
            f"{variable} holds ${name}, which Keyturn does not know", f"write the path out in {variable}"
        )
    return environment[name]


def _home(environment: Mapping[str, str], user: str) -> str | None:
    if not user and "HOME" in environment:
        return environment["HOME"]
    try:
        return pwd.getpwnam(user).pw_dir if user else pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        return None


class ConfigurationCache:
    """The files that were parsed last, each as long as it is the same file on disk."""

    def __init__(self) -> None:
        self._parsed: OrderedDict[_Key, ParsedFile] = OrderedDict()
        self._merged: OrderedDict[tuple[Places, _Key | None, _Key | None], Configuration] = OrderedDict()

    def load(self, environment: Mapping[str, str], directory: str) -> Configuration:
        """The configuration of a caller. A missing file counts as empty.

        Raises ConfigurationError for a file that cannot be read or parsed, as bare `aws` would.
        """
        places = locate(environment, directory)
        config_key, config = self._file(places.config)
        credentials_key, credentials = self._file(places.credentials)
        key = (places, config_key, credentials_key)
        if key not in self._merged:
            # botocore's session.full_config: a profile of both files has the keys of both.
            own = delegation.restore_all(config.profiles)
            profiles = {name: dict(section) for name, section in own.items()}
            for name, section in credentials.sections.items():
                profiles.setdefault(name, {}).update(section)
            self._merged[key] = Configuration(
                places,
                own,
                credentials.sections,
                profiles,
                config.services,
                _lasting(credentials.sections),
                config.sso_sessions,
            )
            while len(self._merged) > _KEPT:
                self._merged.popitem(last=False)
        return self._merged[key]

    def _file(self, path: Path | None) -> tuple[_Key | None, ParsedFile]:
        """One file, parsed anew only if it changed."""
        found = None if path is None else _look(path)
        if path is None or found is None:
            return None, ParsedFile()
        key = (path, found)
        if key in self._parsed:
            self._parsed.move_to_end(key)
            return key, self._parsed[key]
        identity, parsed = _parse(path)
        if identity is None:
            return None, ParsedFile()
        key = (path, identity)
        self._parsed[key] = parsed
        while len(self._parsed) > _KEPT:
            self._parsed.popitem(last=False)
        return key, parsed


def _look(path: Path) -> FileIdentity | None:
    """The identity of the file to read; None if, to botocore, there is none.

    Raises ConfigurationError for what must not be opened. botocore ignores everything that is no regular
    file, which is right for /dev/null and for a directory; a pipe is meant to be read, and here it
    cannot be: to open one may hang, and /dev/fd/63 is another file in another process.
    """
    written = os.path.normpath(path)
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        found = None
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {files.reason(error)}") from None
    if written == os.devnull or (found is not None and stat.S_ISDIR(found.st_mode)):
        return None
    is_descriptor = written.startswith(("/dev/fd/", "/dev/std", "/proc/"))
    if is_descriptor or (found is not None and not stat.S_ISREG(found.st_mode)):
        raise ConfigurationError(
            f"{path} is not a regular file", "Keyturn reads AWS files only from regular files"
        )
    return None if found is None else FileIdentity.of(found)


def _parse(path: Path) -> tuple[FileIdentity | None, ParsedFile]:
    for _ in range(_ATTEMPTS):
        try:
            with opened(path) as (descriptor, found):
                parsed = parse_file(f"/dev/fd/{descriptor}", str(path))
                if FileIdentity.of(os.fstat(descriptor)) == FileIdentity.of(found):
                    return FileIdentity.of(found), parsed
        except FileNotFoundError:
            return None, ParsedFile()
    raise ConfigurationError(f"{path} changes while it is read")


@contextlib.contextmanager
def opened(path: Path) -> Iterator[tuple[int, os.stat_result]]:
    """A descriptor of the regular file at `path`, and what it was when it was opened.

    What is read through it (`/dev/fd/N` for botocore) is what was looked at, whatever the name says a
    moment later. Raises FileNotFoundError, and ConfigurationError for what cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {files.reason(error)}") from None
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise ConfigurationError(f"{path} is not a regular file")
        if found.st_size > LARGEST:
            raise ConfigurationError(f"{path} is larger than {LARGEST} bytes")
        yield descriptor, found
    finally:
        os.close(descriptor)


def parse_file(name: str, shown: str) -> ParsedFile:
    """The content of the file called `name`; `shown` is what errors call it.

    Raises ConfigurationError with the line's number where there is one, never with the line: that
    may be a key.
    """
    from botocore.configloader import build_profile_map, raw_config_parse
    from botocore.exceptions import ConfigNotFound, ConfigParseError

    try:
        sections = raw_config_parse(name)
    except ConfigNotFound:
        return ParsedFile()
    except ConfigParseError as error:
        raise ConfigurationError(
            f"{shown}: {_what_is_wrong(error.kwargs.get('error'))}", "the AWS CLI cannot read it either"
        ) from None
    found = build_profile_map(sections)
    return ParsedFile(sections, found["profiles"], found["services"], found["sso_sessions"])


def _lasting(sections: Mapping[str, Section]) -> LastingKeys:
    """The sections with a whole pair of keys that does not end by itself."""
    return collect(
        (name, text(section, "aws_access_key_id"))
        for name, section in sections.items()
        if text(section, "aws_access_key_id")
        and text(section, "aws_secret_access_key")
        and not (text(section, "aws_session_token") or text(section, "aws_security_token"))
    )


def _what_is_wrong(error: object) -> str:
    line = getattr(error, "lineno", None)
    if line is None and getattr(error, "errors", None):
        line = error.errors[0][0]  # type: ignore[attr-defined]  # configparser.ParsingError has it
    where = f"line {line}: " if isinstance(line, int) else ""
    kinds = {
        "DuplicateSectionError": "a section stands here twice",
        "DuplicateOptionError": "a key stands twice in its section",
        "MissingSectionHeaderError": "text before the first section",
        "UnicodeDecodeError": "not UTF-8",
    }
    return where + kinds.get(type(error).__name__, "not as AWS's files are written")

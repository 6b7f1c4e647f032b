"""Taking two keys of one profile out of the shared credentials file, and nothing else.

Every other byte stays. What is about to be written is parsed with botocore's parser first and compared
with what was there; if anything but the two keys would be different, the file stays as it is.
"""

from __future__ import annotations

import configparser
import contextlib
import os
import re
import stat
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from keyturn.aws.config import LARGEST, Section, opened, parse_file, text
from keyturn.aws.labels import KEY_ID, SECRET_KEY
from keyturn.ground import files
from keyturn.ground.errors import ConfigurationError
from keyturn.ground.files import FileIdentity
from keyturn.ground.names import printable
from keyturn.ground.secret import Secret
from keyturn.sdk.importers import FilePlace

KEYS = {"aws_access_key_id": KEY_ID, "aws_secret_access_key": SECRET_KEY}

# configparser reads text with universal newlines: each of the three ends a line, and nothing else does.
_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


def remove_keys(place: FilePlace, expected: Mapping[str, Secret], uid: int) -> None:
    """Take `aws_access_key_id` and `aws_secret_access_key` of one profile out of its file.

    `expected` has the values by the labels of a candidate's fields; `uid` is whose file it has to be.
    Mode, owner, group and a symlink stay. Raises ConfigurationError, with nothing changed, if the file
    holds other values by now, is not `uid`'s, has other hard links, or cannot be written or parsed.
    """
    path = Path(os.path.realpath(place.path))
    try:
        with opened(path) as (descriptor, found):
            before = os.pread(descriptor, LARGEST + 1, 0)
            old = parse_file(f"/dev/fd/{descriptor}", str(place.path)).sections
        _check_file(place, found, uid)
        _check_values(place, old, expected)
        wanted = {name: dict(section) for name, section in old.items()}
        for key in KEYS:
            wanted[place.profile].pop(key)
        with _replacement(path, found, without_keys(before, place.profile)) as temporary:
            if parse_file(temporary, str(place.path)).sections != wanted:
                raise _refused(place, "they cannot be taken out without changing more")
            if files.identity(path) != FileIdentity.of(found):
                raise _refused(place, "it was changed meanwhile")
            os.replace(temporary, path)
        files.sync_directory(path.parent)
    except FileNotFoundError:
        raise _refused(place, "it is not there any more") from None
    except OSError as error:
        raise _refused(place, files.reason(error)) from None


def _check_file(place: FilePlace, found: os.stat_result, uid: int) -> None:
    if found.st_uid != uid:
        raise _refused(place, "it is not your file")
    if found.st_nlink != 1:
        raise _refused(place, "it has another hard link, which would keep the keys")
    if not found.st_mode & stat.S_IWUSR:
        # A rename needs no permission on the file itself, but read-only is meant to say something.
        raise _refused(place, "it is read-only")


def _check_values(place: FilePlace, sections: Mapping[str, Section], expected: Mapping[str, Secret]) -> None:
    section = sections.get(place.profile, {})
    for key, label in KEYS.items():
        if label not in expected or Secret(text(section, key)) != expected[label]:
            raise _refused(place, f"{key} of profile “{printable(place.profile)}” is not what was imported")


def without_keys(content: bytes, profile: str) -> bytes:
    """`content` without the lines of the two keys in section `profile`, their continuation lines included.

    Lines are told apart as Python's configparser does it, which botocore uses.
    """
    kept: list[bytes] = []
    section: str | None = None
    option = ""
    indent = 0
    for line in _LINE.findall(content):
        decoded = line.decode("utf-8", "surrogateescape")
        value = decoded.strip()
        if not value or value.startswith(("#", ";")):
            kept.append(line)
            continue
        depth = len(decoded) - len(decoded.lstrip())
        if section is None or not option or depth <= indent:
            indent = depth
            header = configparser.RawConfigParser.SECTCRE.match(value)
            if header is not None:
                section, option = header["header"], ""
            else:
                match = configparser.RawConfigParser.OPTCRE.match(value)
                option = match["option"].rstrip().lower() if match is not None else option
        if section != profile or option not in KEYS:
            kept.append(line)
    return b"".join(kept)


@contextlib.contextmanager
def _replacement(path: Path, found: os.stat_result, content: bytes) -> Iterator[str]:
    """The name of a file beside `path` with its mode and owners, on the disk; gone on exit if still there."""
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".new", dir=path.parent)
    try:
        with open(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            made = os.fstat(descriptor)
            if (made.st_uid, made.st_gid) != (found.st_uid, found.st_gid):
                os.fchown(descriptor, found.st_uid, found.st_gid)
            os.fchmod(descriptor, stat.S_IMODE(found.st_mode))
            os.fsync(descriptor)
        yield temporary
    finally:
        with contextlib.suppress(OSError):
            os.unlink(temporary)


def _refused(place: FilePlace, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"the keys were not taken out of {place.path}: {why}", "nothing in it was changed"
    )

"""Taking two keys of one profile out of the shared credentials file, and nothing else.

The file is written as every other one that credentials are taken out of. Besides, what is about to be
written is parsed with botocore's parser and compared with what was there: AWS's own tools read it so.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from keyturn.aws.config import LARGEST, Section, opened, parse_file, text
from keyturn.aws.labels import KEY_ID, SECRET_KEY
from keyturn.ground import files
from keyturn.ground.errors import ConfigurationError
from keyturn.ground.names import printable
from keyturn.ground.secret import Secret
from keyturn.plaintext import replacing
from keyturn.plaintext.entries import InseparableError, UnreadableError, content_of, text_of
from keyturn.plaintext.formats import FORMATS, take_out
from keyturn.sdk.importers import FilePlace

Keep = Callable[[bytes, bytes, os.stat_result], None]

KEYS = {"aws_access_key_id": KEY_ID, "aws_secret_access_key": SECRET_KEY}


def remove_keys(
    place: FilePlace, expected: Mapping[str, Secret], uid: int, keep: Keep = lambda before, rest, status: None
) -> None:
    """Take `aws_access_key_id` and `aws_secret_access_key` of one profile out of its file.

    `expected` has the values by the labels of a candidate's fields; `uid` is whose file it has to be.
    Mode, owner, group and a symlink stay. Just before the file is replaced, `keep` is given what was in it,
    what will be, and its status; what that raises leaves the file alone.

    Raises ConfigurationError, with nothing changed, if the file holds other values by now, is not `uid`'s,
    has other hard links, or cannot be written or parsed.
    """
    try:
        with opened(place.path) as (descriptor, found):
            before = os.pread(descriptor, LARGEST + 1, 0)
            old = parse_file(f"/dev/fd/{descriptor}", str(place.path)).sections
        replacing.check(place.path, found, uid)
        _check_values(place, old, expected)
        wanted = {name: dict(section) for name, section in old.items()}
        for key in KEYS:
            wanted[place.profile].pop(key)

        def last_look(temporary: str) -> None:
            if parse_file(temporary, str(place.path)).sections != wanted:
                raise _refused(place, "they cannot be taken out without changing more")
            keep(before, rest, found)

        rest = without_keys(before, place.profile)
        replacing.replace(place.path, found, rest, uid, last_look)
    except (InseparableError, UnreadableError):
        raise _refused(place, "they cannot be taken out without changing more") from None
    except FileNotFoundError:
        raise _refused(place, "it is not there any more") from None
    except OSError as error:
        raise _refused(place, files.reason(error)) from None


def _check_values(place: FilePlace, sections: Mapping[str, Section], expected: Mapping[str, Secret]) -> None:
    section = sections.get(place.profile, {})
    for key, label in KEYS.items():
        if label not in expected or Secret(text(section, key)) != expected[label]:
            raise _refused(place, f"{key} of profile “{printable(place.profile)}” is not what was imported")


def without_keys(content: bytes, profile: str) -> bytes:
    """`content` without the lines of the two keys in section `profile`, their continuation lines included.

    Raises InseparableError, UnreadableError.
    """
    before = text_of(content)
    gone = [
        entry
        for entry in FORMATS["ini"].entries(before)
        if entry.path[0] == profile and entry.path[1].lower() in KEYS
    ]
    return content_of(take_out("ini", before, gone))


def _refused(place: FilePlace, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"the keys were not taken out of {place.path}: {why}", "nothing in it was changed"
    )

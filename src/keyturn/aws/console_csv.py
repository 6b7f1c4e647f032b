"""Access keys in the CSV that the AWS console offers when it shows a new key for the only time.

The console has changed the file over the years: “Access key ID,Secret access key” for a user's new key, the
same with “User name,Password,…,Console login link” for a new user, with several rows for several users, and
for the root user two lines `AWSAccessKeyId=…` and `AWSSecretKey=…`. Spreadsheets save it with a byte order
mark, as UTF-16 or with semicolons.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from keyturn.aws.labels import KEY_ID, SECRET_KEY
from keyturn.ground.errors import UsageError
from keyturn.ground.names import plain_label, printable
from keyturn.ground.secret import Secret

LARGEST = 1024 * 1024
MOST_ROWS = 1000

_USER = "User name"
_ROOT_NAMES = {"awsaccesskeyid": KEY_ID, "awssecretkey": SECRET_KEY}
# IAM user guide, quotas: an access key id has 16 to 128 letters and digits.
_KEY_ID = re.compile(r"[A-Z0-9]{16,128}", re.ASCII)


@dataclass(frozen=True)
class ConsoleKey:
    """`user` is the IAM user's name, or empty; `others` are the row's other values by their headings."""

    key_id: str
    secret: Secret
    user: str = ""
    others: Mapping[str, Secret] = field(default_factory=dict)


def parse(content: bytes) -> list[ConsoleKey]:
    """The keys in a file's content, at least one. Raises UsageError, which holds nothing of it."""
    written = _decoded(content)
    if written is None:
        raise UsageError("the file is not text in UTF-8 or UTF-16")
    rows = [row for row in _rows(written) if any(cell.strip() for cell in row)]
    if not rows:
        raise UsageError("the file is empty")
    if len(rows) > MOST_ROWS:
        raise UsageError(f"the file has more than {MOST_ROWS} rows: that is not the console's")
    root = _root(rows)
    if root is not None:
        return [root]
    headings = [cell.strip() for cell in rows[0]]
    plain = [plain_label(heading) for heading in headings]
    if plain_label(KEY_ID) not in plain or plain_label(SECRET_KEY) not in plain:
        raise UsageError(
            "the file's first line does not have “Access key ID” and “Secret access key”",
            "a file with a user's password and no key is not imported",
        )
    named = [each for each in plain if each]
    if len(set(named)) != len(named):
        raise UsageError("the file's first line has a heading twice")
    if len(rows) == 1:
        raise UsageError("the file has headings and no key below them")
    return [_key(number, headings, row) for number, row in enumerate(rows[1:], 2)]


def _decoded(content: bytes) -> str | None:
    is_wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        return content.decode("utf-16" if is_wide else "utf-8-sig")
    except UnicodeDecodeError:
        return None


def _rows(written: str) -> list[list[str]]:
    first = written.lstrip().partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    try:
        return list(csv.reader(io.StringIO(written, newline=""), delimiter=delimiter, strict=True))
    except csv.Error:
        rows = None
    if rows is None:
        raise UsageError("the file is no CSV that can be read")
    return rows


def _root(rows: list[list[str]]) -> ConsoleKey | None:
    """The root user's key, of the form that has no headings; None if it is another form."""
    values: dict[str, str] = {}
    for row in rows:
        name, equals, value = ",".join(row).partition("=")
        label = _ROOT_NAMES.get(plain_label(name))
        if not equals or label is None:
            return None
        values[label] = value.strip()
    if set(values) != {KEY_ID, SECRET_KEY}:
        return None
    return _checked(2, values[KEY_ID], values[SECRET_KEY], "root", {})


def _key(number: int, headings: list[str], row: list[str]) -> ConsoleKey:
    cells = [cell.strip() for cell in row]
    if any(cells[len(headings) :]):
        raise UsageError(f"row {number} of the file has more cells than there are headings")
    by_label = {plain_label(heading): value for heading, value in zip(headings, cells, strict=False)}
    key_id, secret = by_label.get(plain_label(KEY_ID), ""), by_label.get(plain_label(SECRET_KEY), "")
    told = {plain_label(each) for each in (KEY_ID, SECRET_KEY, _USER)}
    others = {
        printable(heading): Secret(value)
        for heading, value in zip(headings, cells, strict=False)
        if value and plain_label(heading) not in told
    }
    return _checked(number, key_id, secret, by_label.get(plain_label(_USER), ""), others)


def _checked(number: int, key_id: str, secret: str, user: str, others: Mapping[str, Secret]) -> ConsoleKey:
    if not key_id or not secret:
        raise UsageError(f"row {number} of the file has no whole key: its id and its secret are needed")
    if not _KEY_ID.fullmatch(key_id) or not secret.isascii() or not secret.isprintable() or " " in secret:
        raise UsageError(f"row {number} of the file holds no access key of AWS")
    return ConsoleKey(key_id, Secret(secret), printable(user), others)

"""What a value in an INI file says, as the reader of each kind of tool has it.

Each function takes what stands behind the delimiter, without white space around it, and gives the value and
the comment behind it, from its mark on; the empty string where there is none.
"""

from __future__ import annotations

import json
import re

_COMMENTS = ("#", ";")
_INTERPOLATED = re.compile(r"%[%(]")
_GO_COMMENT = re.compile(r"[#;]")
# Option files of MySQL and MariaDB (“Using Option Files”): the escape sequences.
_MYSQL_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "s": " ", '"': '"', "'": "'", "\\": "\\"}
_MYSQL_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_NODE_END = re.compile(r"[;#]")
# White space and line ends of ECMAScript: a byte order mark is one too.
_NODE_SPACE = "\t\n\v\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff"
_NODE_SPACE += "".join(map(chr, range(0x2000, 0x200B)))


def as_written(written: str) -> tuple[str, str]:
    """Python's configparser with its defaults: all of it is the value."""
    return written, ""


def interpolated(written: str) -> tuple[str, str]:
    """Python's configparser with its interpolation: a percent sign is written twice. What refers to another
    value stays as it is written."""
    if any(found == "%(" for found in _INTERPOLATED.findall(written)):
        return written, ""
    return written.replace("%%", "%"), ""


def commented(written: str) -> tuple[str, str]:
    """configobj and its like: a comment after white space, quotes around a value are none of it."""
    value, comment = _parted(written)
    return _unquoted(value), comment


def go(written: str) -> tuple[str, str]:
    """gopkg.in/ini.v1 with its defaults: a comment begins anywhere, within quotes too; only backquotes and
    three double quotes protect from that."""
    for quote in ('"""', "`"):
        if len(written) > len(quote) and written.startswith(quote):
            end = written.rfind(quote, len(quote))
            if end >= 0:
                return written[len(quote) : end], ""
    found = _GO_COMMENT.search(written)
    value, comment = (
        (written, "") if found is None else (written[: found.start()].rstrip(), written[found.start() :])
    )
    if len(value) > 1 and value[0] in "'\"" and value.find(value[0], 1) == len(value) - 1:
        value = value[1:-1]
    return value, comment


def mysql(written: str) -> tuple[str, str]:
    """MySQL's and MariaDB's option files: a `#` begins a comment but within quotes, a backslash escapes."""
    quote, escaped, end = "", False, len(written)
    for at, character in enumerate(written):
        if character in "'\"" and not escaped:
            quote = character if not quote else "" if quote == character else quote
        if not quote and character == "#":
            end = at
            break
        escaped = bool(quote) and character == "\\" and not escaped
    value, comment = written[:end].rstrip(), written[end:]
    if len(value) > 1 and value[0] in "'\"" and value[0] == value[-1]:
        value = value[1:-1]
    return _MYSQL_ESCAPE.sub(lambda found: _MYSQL_ESCAPES.get(found[1], found[0]), value), comment


def node(written: str) -> tuple[str, str]:
    """The `ini` package of npm: JSON in double quotes, a comment anywhere, a backslash before its mark."""
    if written and written[0] == written[-1] and written[0] in "'\"":
        text = written[1:-1] if written[0] == "'" else written
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            value = text
        # npm itself takes away what is white space around it.
        return (value if isinstance(value, str) else text).strip(_NODE_SPACE), ""
    value, at = "", 0
    while at < len(written):
        character = written[at]
        if character == "\\" and written[at + 1 : at + 2]:
            following = written[at + 1]
            value += following if following in "\\;#" else character + following
            at += 2
            continue
        if _NODE_END.match(character):
            break
        value += character
        at += 1
    return value.strip(_NODE_SPACE), written[at:]


def _parted(value: str) -> tuple[str, str]:
    """A value and the comment behind it, quotes heeded; both may be empty."""
    quote = ""
    for at, character in enumerate(value):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"" and not value[:at].strip():
            quote = character
        elif character in _COMMENTS and (not at or value[at - 1].isspace()):
            return value[:at].rstrip(), value[at:]
    return value, ""


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1]
    return value

"""Values as the formats of files want them written, so that the tool reads exactly the value.

Each format has what it cannot carry. Such a value is refused and never changed: half a password in a file is
a wrong password, and a line break in one may be a line of somebody else's choosing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

# What ends a line for some reader, and what shows nothing; a tab may stand within a value.
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
# Read alike by every reader of `key = value` lines that we know of, quotes or not.
_PLAIN = re.compile(r"[A-Za-z0-9_./+:@,~=-]+")
# The longest line that MySQL's reader takes is 4096 bytes (mysys/my_default.c); the key stands in it too.
_MYSQL_LINE = 3900
# White space and line ends of ECMAScript.
_NPM_SPACE = "\t\n\v\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff"
_NPM_SPACE += "".join(map(chr, range(0x2000, 0x200B)))
_MYSQL_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b"}
# What JSON leaves as it is, and YAML takes for a line break or lets stand nowhere (YAML 1.2, 5.1 and 5.4).
_YAML_ESCAPED = re.compile(r"[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_TOML_ESCAPED = re.compile(r"[\x7f]")


class RefusedError(ValueError):
    """A value that a format cannot carry; the text says what of it, never the value."""


def quoted(form: str, value: str) -> str:
    """`value` as it is written in a file of this format, for the formats of one value a line.

    Raises RefusedError.
    """
    return _BY_FORMAT[form](carried(value))


def carried(value: str) -> str:
    """`value`, if it is text that has an encoding. Raises RefusedError."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise RefusedError("characters that no file can carry") from None
    return value


def in_json(value: str | bool | int | float) -> str:
    """A JSON value, in ASCII."""
    return json.dumps(value)


def in_yaml(value: str | bool | int | float) -> str:
    """A YAML scalar: text always in double quotes, so that no `no` becomes a boolean."""
    # As in JSON, but for the pairs of \u by which that writes what is beyond 16 bits: in YAML they are two
    # letters.
    return _YAML_ESCAPED.sub(_escape, json.dumps(value, ensure_ascii=False))


def in_toml(value: str | bool | int | float) -> str:
    """A TOML value: text as a basic string."""
    return _TOML_ESCAPED.sub(_escape, json.dumps(value, ensure_ascii=False))


def plain(value: str) -> str:
    """A value that needs no quotes for any reader of `key = value` lines. Raises RefusedError for another.

    Spaces within it are no harm; everything that means something to one of them is.
    """
    if not value:
        raise RefusedError("no text")
    if value != value.strip():
        raise RefusedError("white space at its beginning or end")
    _refuse_controls(value)
    if any(character in "\"'`\\#;$%" for character in value):
        raise RefusedError("quotes, backslashes, #, ;, $ or %")
    if any(character.isspace() and character not in " \t" for character in value):
        raise RefusedError("white space of another kind than a blank")
    return value


def _ini(value: str) -> str:
    """Python's configparser without interpolation: all of the line behind the delimiter, but space around
    it."""
    _refuse_controls(value)
    if value != value.strip():
        raise RefusedError("white space at its beginning or end")
    return value


def _ini_interpolated(value: str) -> str:
    """Python's configparser as it is by default: %% stands for %."""
    return _ini(value).replace("%", "%%")


def _ini_go(value: str) -> str:
    """Go's gopkg.in/ini.v1: within backquotes everything stands for itself, but for %(name)s."""
    _refuse_controls(value)
    if "%(" in value:
        raise RefusedError("%(, which names another value")
    if _PLAIN.fullmatch(value):
        return value
    if "`" in value:
        raise RefusedError("backquotes")
    return f"`{value}`"


def _ini_mysql(value: str) -> str:
    """MySQL's and MariaDB's option files: within double quotes, with their own escapes
    (mysys/my_default.c)."""
    if _PLAIN.fullmatch(value):
        return _within(value, _MYSQL_LINE)
    text = "".join(_MYSQL_ESCAPES.get(character, character) for character in value)
    _refuse_controls(text)
    return _within(f'"{text}"', _MYSQL_LINE)


def _npmrc(value: str) -> str:
    """npm's `ini` package: JSON within double quotes; npm itself then takes away what is white space to
    JavaScript around it, and replaces ${NAME}."""
    if "${" in value:
        raise RefusedError("${, which names a variable")
    if value != value.strip(_NPM_SPACE):
        raise RefusedError("white space at its beginning or end")
    if value in ("true", "false", "null", "undefined"):
        raise RefusedError("a word that is no text there")
    return value if _PLAIN.fullmatch(value) else json.dumps(value)


def _netrc(value: str) -> str:
    """The words of a netrc file: readers differ in quotes, escapes and comments, so there are none."""
    plain(value)
    if any(character.isspace() for character in value):
        raise RefusedError("white space")
    return value


_BY_FORMAT: Mapping[str, Callable[[str], str]] = {
    "ini": _ini,
    "ini-interpolated": _ini_interpolated,
    "ini-go": _ini_go,
    "ini-mysql": _ini_mysql,
    "npmrc": _npmrc,
    "lines": plain,
    "netrc": _netrc,
}


def _refuse_controls(value: str) -> None:
    if _CONTROLS.search(value):
        raise RefusedError("line breaks or control characters")


def _within(text: str, limit: int) -> str:
    if len(text.encode()) > limit:
        raise RefusedError(f"more than {limit} bytes")
    return text


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"

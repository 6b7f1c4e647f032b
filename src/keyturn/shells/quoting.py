"""One word of a shell's language: each function makes a text that the shell reads back as exactly `word`.

Bytes of a path that are no UTF-8 are kept as Python keeps them (surrogate escapes); whoever writes the text
encodes it so. NUL cannot occur: no path and no argument can hold it.
"""

from __future__ import annotations

import re

_PLAIN = re.compile(r"[A-Za-z0-9_./+@:,-]+\Z")


def is_plain(word: str) -> bool:
    """Whether every shell reads the word as it is, without quotes."""
    return _PLAIN.match(word) is not None


def posix(word: str) -> str:
    r"""For bash, zsh and sh. No quote stands alone in it: between two `'` of fish it does not end the text.

    Between double quotes, where these four keep a meaning; a single quote stands outside, behind a backslash
    (POSIX, Shell Command Language, 2.2). `!` is safe: files that are sourced have no history expansion.
    """
    escaped = re.sub(r'(["$`\\])', r"\\\1", word)
    return '"' + escaped.replace("'", '"\\\'"') + '"'


def fish(word: str) -> str:
    r"""Between single quotes only `\'` and `\\` are escapes (“The fish language”, Quotes)."""
    return "'" + word.replace("\\", "\\\\").replace("'", "\\'") + "'"


def powershell(word: str) -> str:
    """Between single quotes nothing is expanded; a quote is doubled (about_Quoting_Rules).

    PowerShell takes the four typographic single quotes for the same.
    """
    return "'" + re.sub("(['\u2018\u2019\u201a\u201b])", r"\1\1", word) + "'"


def nushell(word: str) -> str:
    r"""Between double quotes, with C's escapes (The Nushell book, Strings)."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t") + '"'

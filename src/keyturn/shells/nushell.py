"""What wraps a command in Nushell, from 0.90 on."""

from __future__ import annotations

import re
from collections.abc import Sequence

from keyturn.shells import quoting, wrappers

# `def --wrapped` takes flags as they come; `^` calls the program and not the command of its name
# (The Nushell book, Custom commands, Running external commands).
_TEXT = """\
{attribute}def --wrapped {name} [...rest] {{
    if ({interpreter} | path exists) and ({launcher} | path exists) {{
        ^{words} {name} ...$rest
    }} else {{
        print --stderr {gone}
        ^{name} ...$rest
    }}
}}
"""
# For a command defined in Nushell the external completer is not asked (0.103): files are offered. This has it
# asked as for the bare command; versions before 0.108 take the word for a mistake.
_COMPLETED = "@complete external\n"
_KNOWS_COMPLETED = (0, 108)
# Names that no command of a person's can have: with one of them Nushell reads nothing of the file (0.115:
# `scope commands | where type == keyword`).
_KEYWORDS = {
    *("alias", "break", "collect", "const", "continue", "def", "export", "export-env", "extern"),
    *("for", "hide", "if", "let", "loop", "match", "module", "mut", "overlay"),
    *("plugin", "return", "run", "source", "source-env", "try", "use", "where", "while"),
}


def functions(names: Sequence[str], command: Sequence[str], version: str = "") -> str:
    """A command for each name but Nushell's own words. `version`: of the Nushell that is to read it; empty:
    not known."""
    quoted = [quoting.nushell(word) for word in command]
    attribute = _COMPLETED if _numbers(version) >= _KNOWS_COMPLETED else ""
    return "".join(
        _TEXT.format(
            attribute=attribute,
            name=quoting.nushell(name),
            words=" ".join(quoted),
            interpreter=quoted[0],
            launcher=quoted[-1],
            gone=quoting.nushell(name.join(wrappers.GONE)),
        )
        for name in names
        if name not in _KEYWORDS
    )


def variable(name: str, value: str) -> str:
    """The line that sets an environment variable."""
    return f"$env.{name} = {quoting.nushell(value)}\n"


def _numbers(version: str) -> tuple[int, ...]:
    """The first two numbers of a version; none if it is written in another way."""
    match = re.match(r"(\d{1,4})\.(\d{1,4})(?!\d)", version, re.ASCII)
    return (int(match[1]), int(match[2])) if match else ()

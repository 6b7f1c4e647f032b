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


def functions(names: Sequence[str], command: Sequence[str], version: str = "") -> str:
    """A command for each name. `version`: of the Nushell that is to read it; empty: not known."""
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
    )


def variable(name: str, value: str) -> str:
    """The line that sets an environment variable."""
    return f"$env.{name} = {quoting.nushell(value)}\n"


def _numbers(version: str) -> tuple[int, ...]:
    """The first two numbers of a version; none if it is written in another way."""
    match = re.match(r"(\d{1,4})\.(\d{1,4})(?!\d)", version, re.ASCII)
    return (int(match[1]), int(match[2])) if match else ()

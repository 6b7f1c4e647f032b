"""What wraps a command in Nushell, from 0.90 on."""

from __future__ import annotations

from collections.abc import Sequence

from keyturn.shells import quoting, wrappers

# `def --wrapped` takes flags as they come; `^` calls the program and not the command of its name
# (The Nushell book, Custom commands, Running external commands).
_TEXT = """\
def --wrapped {name} [...rest] {{
    if ({interpreter} | path exists) and ({launcher} | path exists) {{
        ^{words} {name} ...$rest
    }} else {{
        print --stderr {gone}
        ^{name} ...$rest
    }}
}}
"""


def functions(names: Sequence[str], command: Sequence[str]) -> str:
    """A command for each name."""
    quoted = [quoting.nushell(word) for word in command]
    return "".join(
        _TEXT.format(
            name=name,
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

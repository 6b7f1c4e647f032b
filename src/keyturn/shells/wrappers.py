"""What wraps a command: in bash and zsh a function of the command's name, which runs the launcher.

A function leaves the command's completion alone, and a person's own `alias br=brew` works on it. Each looks
before it runs whether interpreter and launcher are still there: if not, the bare command runs, and the shell
is told once. While a completion is made, the bare command runs too: pressing Tab must never ask.

Texts for bash and zsh stay within the grammar of bash 3.2, which macOS has.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from keyturn.shells import quoting

# What all of these shells take as a function's name.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,63}\Z")


def may_be_wrapped(name: str) -> bool:
    return _NAME.match(name) is not None


# `function` keeps an alias of the same name from being put in its place, a backslash does so in the body.
# KEYTURN_BARE is for a shim, which may be what the bare command's name finds.
# COMP_LINE: bash(1), Programmable Completion. compstate: zshcompwid(1).
_FUNCTION = """\
function {name} {{
    if [ -n "${{COMP_LINE+x}}${{compstate+x}}" ]; then
        KEYTURN_BARE=1 \\command {name} "$@"
    elif [ -x {interpreter} ] && [ -r {launcher} ]; then
        {words} {name} "$@"
    else
        __keyturn_gone {name}
        \\command {name} "$@"
    fi
}}
"""

_GONE = """\
__keyturn_told=
__keyturn_gone() {{
    if [ -z "${{__keyturn_told-}}" ]; then
        __keyturn_told=1
        \\printf "%s\\n" {first}"$1"{last} >&2
    fi
}}
"""

GONE = (
    "keyturn: ",
    " runs without credentials: the launcher or its Python is gone; mend it: keyturn status, and a new shell",
)


def functions(names: Sequence[str], command: Sequence[str]) -> str:
    """For bash and zsh. `command`: the launcher's words, the interpreter first and the launcher last."""
    quoted = [quoting.posix(word) for word in command]
    texts = [
        _FUNCTION.format(name=name, interpreter=quoted[0], launcher=quoted[-1], words=" ".join(quoted))
        for name in names
    ]
    first, last = map(quoting.posix, GONE)
    return "".join([_GONE.format(first=first, last=last), *texts])


# A name with `-` cannot be a function there. Without completion an alias is as good, and takes any name.
_ALIASES = """\
__keyturn_run() {{
    if [ -x {interpreter} ] && [ -r {launcher} ]; then
        {words} "$@"
    else
        __keyturn_gone "$1"
        \\command "$@"
    fi
}}
{aliases}"""


def aliases(names: Sequence[str], command: Sequence[str]) -> str:
    """For sh: dash, ksh, busybox, and bash in its POSIX mode."""
    quoted = [quoting.posix(word) for word in command]
    texts = "".join(f'alias {name}="__keyturn_run {name}"\n' for name in names)
    first, last = map(quoting.posix, GONE)
    return _GONE.format(first=first, last=last) + _ALIASES.format(
        interpreter=quoted[0], launcher=quoted[-1], words=" ".join(quoted), aliases=texts
    )

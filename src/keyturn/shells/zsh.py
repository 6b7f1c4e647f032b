"""What zsh gets besides the functions: plain commands at the prompt, which completion looks through."""

from __future__ import annotations

from collections.abc import Sequence

from keyturn.shells import quoting

# zsh names no job that runs in a function (`suspended` and nothing behind it), reports no time of it, and
# leaves a copy of itself between in pipelines and in the background. So at the prompt an alias stands before
# each function and makes what is typed a plain command. A person's own alias stays, and goes to the function.
_PROMPT = """\
# At the prompt an alias stands before each function: then a job has its name, and `time` something to tell.
function __keyturn_prompt {{
    emulate -L zsh
    local name
    for name in {names}; do
        if (( ${{+functions[$name]}} )) && [ -x {interpreter} ] && [ -r {launcher} ]; then
            (( ${{+aliases[$name]}} )) || aliases[$name]="{words} $name"
        elif [ "${{aliases[$name]-}}" = "{words} $name" ]; then
            unset "aliases[$name]"
        fi
    done
    if (( ${{+_comps}} )); then
        _comps[{interpreter}]=__keyturn_complete
    fi
}}
# Completion sees what the alias stands for. It goes on as if there were none.
function __keyturn_complete {{
    if [ "${{words[1,{count}]}}" = "{words}" ] && (( CURRENT > {count} + 1 )); then
        shift {count} words
        (( CURRENT -= {count} ))
        _normal
    else
        _dispatch "${{words[1]:t}}" "${{words[1]:t}}" -default-
    fi
}}
typeset -ga precmd_functions
if [ "${{precmd_functions[(r)__keyturn_prompt]-}}" != __keyturn_prompt ]; then
    precmd_functions+=(__keyturn_prompt)
fi
"""


def prompt(names: Sequence[str], command: Sequence[str]) -> str:
    """What zsh does besides, at the prompt; nothing where a path needs quotes, which completion would see."""
    if not names or not all(map(quoting.is_plain, command)):
        return ""
    return _PROMPT.format(
        names=" ".join(names),
        words=" ".join(command),
        count=len(command),
        interpreter=command[0],
        launcher=command[-1],
    )

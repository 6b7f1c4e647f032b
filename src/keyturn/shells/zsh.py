"""What zsh gets besides the functions: plain commands at the prompt, which completion looks through.

zsh names no job that runs in a function (it shows `suspended` and nothing behind it), its `time` tells
nothing of one, and in a pipeline and in the background it leaves a copy of itself between. So at the prompt
an alias stands before each function. A person's own alias stays, and goes to the function; so does a path
that needs quotes, which completion would see as they are written.
"""

from __future__ import annotations

from collections.abc import Sequence

from keyturn.shells import quoting

# zshmisc(1), Hook Functions; zshcompwid(1); zshcompsys(1): compprefuncs and comppostfuncs are emptied when a
# completion begins and ends. `_normal` is how completions of commands that run commands go on.
_PROMPT = """\
# At the prompt an alias stands before each function: then a job has its name, and `time` something to tell.
function __keyturn_prompt {{
    emulate -L zsh
    local name
    for name in {names}; do
        if (( ${{+functions[$name]}} )) && [ -x {interpreter} ] && [ -r {launcher} ]; then
            (( ${{+aliases[$name]}} )) || aliases[$name]="{words} $name"
        else
            __keyturn_hide $name
        fi
    done
    if (( ${{+_comps}} )); then
        _comps[{interpreter}]=__keyturn_complete
        typeset -gaU compprefuncs comppostfuncs
        compprefuncs+=(__keyturn_completing)
    fi
}}
function __keyturn_hide {{
    emulate -L zsh
    if [ "${{aliases[$1]-}}" = "{words} $1" ]; then
        unset "aliases[$1]"
    fi
}}
# While a completion is made, what it runs is to find the functions, which let it run the bare command.
function __keyturn_completing {{
    local name
    for name in {names}; do
        __keyturn_hide $name
    done
    comppostfuncs+=(__keyturn_prompt)
}}
# Completion sees what the alias stands for. It goes on as if there were none.
function __keyturn_complete {{
    if [ "${{words[1,{count}]}}" = "{words}" ] && (( CURRENT > {count} + 1 )); then
        shift {count} words
        (( CURRENT -= {count} ))
        _normal
        local found=$?
        # What else is known of the interpreter is not asked.
        _compskip=all
        return $found
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
    """The text; empty where a word needs quotes."""
    if not names or not all(map(quoting.is_plain, command)):
        return ""
    return _PROMPT.format(
        names=" ".join(names),
        words=" ".join(command),
        count=len(command),
        interpreter=command[0],
        launcher=command[-1],
    )

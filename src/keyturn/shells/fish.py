"""What wraps a command in fish: functions, with the command's own completions."""

from __future__ import annotations

from collections.abc import Sequence

from keyturn.shells import quoting, wrappers

# fish runs a function in the foreground even where `&` stands behind it (fish-shell issue 238). So where the
# line that was typed is this one command and `&`, the function puts the command into the background itself.
# No command line: a completion, a prompt or a key's function runs, or a start-up file.
_SHARED = """\
function __keyturn_is_typed --argument-names name
    status is-interactive; or return 0
    test (status current-command) != fish
end
function __keyturn_is_in_background --argument-names name
    status is-interactive; or return 1
    set -l line (status current-commandline 2>/dev/null | string collect 2>/dev/null)
    string match --quiet --regex -- '^\\s*'(string escape --style=regex -- $name){pattern} $line
end
function __keyturn_gone --argument-names name
    set -q __keyturn_told; and return
    set -g __keyturn_told 1
    echo {first}$name{last} >&2
end
"""
# Words, quoted ones too, redirections, and one `&` at the end; nothing that another command could be in.
_ONE_COMMAND = (
    r"""(?s:\s+(?:[^\s;&|()<>'"\\]|\\.|'(?:[^'\\]|\\.)*'|"(?:[^"\\$]|\\.|\$(?!\())*"|[<>]&?)+)*\s*&\s*$"""
)

_FUNCTION = """\
function {name} --wraps {name} --description {description}
    if not __keyturn_is_typed
        env KEYTURN_BARE=1 {name} $argv
    else if not test -x {interpreter} -a -r {launcher}
        __keyturn_gone {name}
        command {name} $argv
    else if __keyturn_is_in_background {name}
        {words} {name} $argv &
    else
        {words} {name} $argv
    end
end
"""


def functions(names: Sequence[str], command: Sequence[str]) -> str:
    quoted = [quoting.fish(word) for word in command]
    first, last = map(quoting.fish, wrappers.GONE)
    return _SHARED.format(pattern=quoting.fish(_ONE_COMMAND), first=first, last=last) + "".join(
        _FUNCTION.format(
            name=name,
            description=quoting.fish(f"{name}, with credentials from keyturn"),
            interpreter=quoted[0],
            launcher=quoted[-1],
            words=" ".join(quoted),
        )
        for name in names
    )

"""What wraps a command in PowerShell. By its documentation: the grammar is checked, it was never run."""

from __future__ import annotations

from collections.abc import Sequence

from keyturn.shells import quoting, wrappers

# about_Functions; about_Automatic_Variables: $args, $input, $MyInvocation. `Get-Command -CommandType
# Application` is the program that a function of the same name hides.
_TEXT = """\
function global:{name} {{
    if ((Test-Path -PathType Leaf -LiteralPath {interpreter}) -and
        (Test-Path -PathType Leaf -LiteralPath {launcher})) {{
        if ($MyInvocation.ExpectingInput) {{
            $input | & {words} {name} @args
        }} else {{
            & {words} {name} @args
        }}
    }} else {{
        [Console]::Error.WriteLine({gone})
        $bare = @(Get-Command -CommandType Application -Name {name})[0]
        if ($MyInvocation.ExpectingInput) {{ $input | & $bare @args }} else {{ & $bare @args }}
    }}
}}
"""


def functions(names: Sequence[str], command: Sequence[str]) -> str:
    """A function for each name."""
    quoted = [quoting.powershell(word) for word in command]
    return "".join(
        _TEXT.format(
            name=name,
            words=" ".join(quoted),
            interpreter=quoted[0],
            launcher=quoted[-1],
            gone=quoting.powershell(name.join(wrappers.GONE)),
        )
        for name in names
    )


def variable(name: str, value: str) -> str:
    """The line that sets an environment variable."""
    return f"$env:{name} = {quoting.powershell(value)}\n"

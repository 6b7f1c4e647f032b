"""What strace wrote of the programs that were started: their words and their variables."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_STRING = r'"(?:[^"\\]|\\.)*"'
_LIST = rf"\[((?:{_STRING}(?:, )?)*)\]"
# Of a call that another process interrupted the line ends after its arguments.
_STARTED = re.compile(rf"(\d+)\s+execve(?:at)?\((?:[^\[\"]*, )?({_STRING}), {_LIST}, {_LIST}")


@dataclass(frozen=True)
class Execution:
    """One program that a process became; strings are as strace writes them."""

    pid: int
    program: str
    words: tuple[str, ...]
    variables: dict[str, str]


def read(trace: Path) -> list[Execution]:
    """The executions of a trace made with `-v -s 100000`, failed ones among them."""
    return list(_parsed(trace.read_text().splitlines()))


def _parsed(lines: list[str]) -> Iterator[Execution]:
    for line in lines:
        found = _STARTED.match(line)
        if found is None:
            # A line on a signal, or the end of a call whose beginning was read.
            assert "execve(" not in line, f"not understood: {line[:300]}"
            continue
        words, pairs = (tuple(_strings(part)) for part in found.group(3, 4))
        variables = {name: value for name, _, value in (pair.partition("=") for pair in pairs)}
        yield Execution(int(found[1]), next(_strings(found[2])), words, variables)


def _strings(text: str) -> Iterator[str]:
    return (each[1:-1] for each in re.findall(_STRING, text))

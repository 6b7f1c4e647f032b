"""Lists to choose from, on the person's own terminal; erased when answered."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from keyturn.cli.output import clean
from keyturn.cli.terminal import TERMINAL, Terminal
from keyturn.ground.errors import CancelledByPersonError

if TYPE_CHECKING:
    from prompt_toolkit.data_structures import Size

T = TypeVar("T")


def choose(terminal: Terminal, question: str, choices: Sequence[tuple[str, T]]) -> T:
    """The value of the line that the person picks. Raises CancelledByPersonError on Ctrl-C."""
    lines = [clean(line) for line, _ in choices]
    index = _by_number(terminal, question, lines) if terminal.is_dumb else _by_arrows(question, lines)
    return choices[index][1]


def _by_number(terminal: Terminal, question: str, lines: Sequence[str]) -> int:
    """For a terminal that cannot move its cursor."""
    terminal.tell(question)
    for number, line in enumerate(lines, 1):
        terminal.tell(f"  {number}  {line}")
    while True:
        answer = terminal.text("number", "1")
        if answer.isascii() and answer.isdigit() and 1 <= int(answer) <= len(lines):
            return int(answer) - 1


def _size(terminal: int) -> Size:
    from prompt_toolkit.data_structures import Size

    found = os.get_terminal_size(terminal)
    return Size(rows=found.lines or 24, columns=found.columns or 80)


def _by_arrows(question: str, lines: Sequence[str]) -> int:
    import questionary
    from prompt_toolkit.input import create_input
    from prompt_toolkit.output.vt100 import Vt100_Output

    with open(TERMINAL, encoding="utf-8") as reading, open(TERMINAL, "w", encoding="utf-8") as writing:
        asked = questionary.select(
            clean(question),
            choices=[questionary.Choice(line, value=index) for index, line in enumerate(lines)],
            instruction="(arrows, Enter)",
            input=create_input(stdin=reading),
            # The cursor's place is not asked for: the terminal's answer may come when nobody reads it.
            output=Vt100_Output(writing, lambda: _size(writing.fileno()), enable_cpr=False),
            erase_when_done=True,
        )
        try:
            return int(asked.unsafe_ask())
        except (KeyboardInterrupt, EOFError):
            raise CancelledByPersonError("cancelled") from None

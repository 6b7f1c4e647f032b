"""Lists to choose from, on the person's own terminal; erased when answered."""

from __future__ import annotations

import contextlib
import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

from keyturn.cli.output import clean
from keyturn.cli.terminal import TERMINAL, Terminal
from keyturn.ground.errors import CancelledByPersonError

if TYPE_CHECKING:
    from prompt_toolkit.data_structures import Size
    from prompt_toolkit.key_binding.key_processor import KeyPressEvent
    from questionary import Question

T = TypeVar("T")


def choose(
    terminal: Terminal, question: str, choices: Sequence[tuple[str, T]], *, filterable: bool = False
) -> T:
    """The value of the line that the person picks. Raises CancelledByPersonError on Ctrl-C.

    `filterable`: letters typed leave only the lines that hold them; for lists that may be long.
    """
    # One spelling of each letter, so that what is typed is found.
    lines = [clean(unicodedata.normalize("NFC", line)) for line, _ in choices]
    if terminal.is_dumb:
        return choices[_by_number(terminal, question, lines, filterable=filterable)][1]
    with _screen() as screen:
        import questionary

        asked = questionary.select(
            clean(question),
            choices=[questionary.Choice(line, value=index) for index, line in enumerate(lines)],
            instruction="(type to filter, arrows, Enter)" if filterable else "(arrows, Enter)",
            use_search_filter=filterable,
            # With a filter, letters are letters.
            use_jk_keys=not filterable,
            **screen,
        )
        if filterable:
            _take_every_letter(asked)
        return choices[int(_answer(asked))][1]


def _take_every_letter(asked: Question) -> None:
    """Let all letters filter: questionary takes those of ASCII alone."""
    from prompt_toolkit.key_binding import KeyBindings
    from prompt_toolkit.keys import Keys
    from questionary.prompts.common import InquirerControl

    bindings, controls = asked.application.key_bindings, asked.application.layout.find_all_controls()
    assert isinstance(bindings, KeyBindings)
    [shown] = [each for each in controls if isinstance(each, InquirerControl)]

    # A key that is bound by its name goes before this one.
    @bindings.add(Keys.Any)
    def take(event: KeyPressEvent) -> None:
        if event.data.isprintable():
            # Its type is too narrow: what it does is to append the character.
            shown.add_search_character(cast("Keys", unicodedata.normalize("NFC", event.data)))


def choose_several(terminal: Terminal, question: str, choices: Sequence[tuple[str, T]]) -> list[T]:
    """The values of the lines that the person marks; none on Enter alone. Raises CancelledByPersonError."""
    lines = [clean(line) for line, _ in choices]
    if terminal.is_dumb:
        return [choices[index][1] for index in _numbers(terminal, question, lines)]
    with _screen() as screen:
        import questionary

        asked = questionary.checkbox(
            clean(question),
            choices=[questionary.Choice(line, value=index) for index, line in enumerate(lines)],
            instruction="(Space marks, Enter)",
            **screen,
        )
        return [choices[int(index)][1] for index in _answer(asked)]


def _answer(asked: Question) -> Any:
    try:
        return asked.unsafe_ask()
    except (KeyboardInterrupt, EOFError):
        raise CancelledByPersonError("cancelled") from None


@contextlib.contextmanager
def _screen() -> Iterator[dict[str, Any]]:
    """The terminal as a question of questionary takes it."""
    from prompt_toolkit.input import create_input
    from prompt_toolkit.output.vt100 import Vt100_Output

    with open(TERMINAL, encoding="utf-8") as reading, open(TERMINAL, "w", encoding="utf-8") as writing:
        yield {
            "input": create_input(stdin=reading),
            # The cursor's place is not asked for: the terminal's answer may come when nobody reads it.
            "output": Vt100_Output(writing, lambda: _size(writing.fileno()), enable_cpr=False),
            "erase_when_done": True,
        }


def _size(terminal: int) -> Size:
    from prompt_toolkit.data_structures import Size

    found = os.get_terminal_size(terminal)
    return Size(rows=found.lines or 24, columns=found.columns or 80)


def _by_number(terminal: Terminal, question: str, lines: Sequence[str], *, filterable: bool) -> int:
    """For a terminal that cannot move its cursor: lines with numbers, and words that leave fewer of them."""
    shown = list(range(len(lines)))
    prompt = "number, or a part of the line" if filterable else "number"
    while True:
        _tell(terminal, question, lines, shown)
        first = str(shown[0] + 1)
        while True:
            answer = terminal.text(prompt, first)
            if answer.isascii() and answer.isdigit() and int(answer) - 1 in shown:
                return int(answer) - 1
            part = unicodedata.normalize("NFC", answer).casefold()
            fitting = [at for at, line in enumerate(lines) if part in line.casefold()]
            if filterable and fitting:
                shown = fitting
                break


def _numbers(terminal: Terminal, question: str, lines: Sequence[str]) -> list[int]:
    _tell(terminal, question, lines, range(len(lines)))
    while True:
        answer = re.split(r"[\s,]+", terminal.text("numbers, Enter for none").strip(", "))
        if answer == [""]:
            return []
        if all(each.isascii() and each.isdigit() and 1 <= int(each) <= len(lines) for each in answer):
            return sorted({int(each) - 1 for each in answer})


def _tell(terminal: Terminal, question: str, lines: Sequence[str], shown: Sequence[int]) -> None:
    terminal.tell(question)
    for at in shown:
        terminal.tell(f"  {at + 1}  {lines[at]}")
